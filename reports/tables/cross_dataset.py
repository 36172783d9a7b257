"""Accuracy of methods in datasets that they were not trained on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.statistics.cross_dataset import CrossDataset, cross_dataset
from reports.statistics.multiple_testing import LEVEL, holm
from reports.table import Table, TableColumn, rows_of
from reports.tables.evaluations import interval_columns, lacking
from reports.tables.scores import INTERVALS

#: Columns of ``cross_dataset.csv``, in order; accuracies in each dataset are in ``tested_on.csv``.
COLUMNS = [
    *("method", "trainings", "own", "own_low", "own_high", "mean", "mean_low", "mean_high"),
    *("difference", "difference_low", "difference_high", "p_two_way", "p_holm"),
]


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """The methods of a suite in other datasets.

    Attributes:
        results: of the suite.
        compared: `reports.tables.comparison.comparison`, with accuracies in the suite's own dataset.
    """

    results: Results
    compared: pd.DataFrame

    @property
    def own(self) -> str:
        """Name of the dataset that the methods were trained on."""
        return str(self.results.provenance.dataset["name"])

    @cached_property
    def datasets(self) -> list[str]:
        """Names of the datasets that any method was tested on, in the suite's order."""
        there = set(self.results.cross_dataset["dataset"])
        return [name for name in self.results.provenance.others if name in there]

    @cached_property
    def whole(self) -> dict[str, CrossDataset]:
        """The methods that were tested on all of `datasets` in some training, in the suite's order."""
        found = {method: self._of(method, self.datasets) for method in self.results.methods}
        return {method: one for method, one in found.items() if len(one.cells)}

    def _of(self, method: str, datasets: list[str]) -> CrossDataset:
        frame = self.results.cross_dataset
        return cross_dataset(frame[frame["method"] == method], datasets, single=self.results.provenance.single)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a method of `whole`, the one with the highest mean first; `COLUMNS`, shares of 1."""
        accuracies = self.compared.set_index("method")
        rows = []
        for method, one in self.whole.items():
            control = self.whole.get(self.results.control)
            gap = None if control is None or method == self.results.control else one.minus(control)
            own = {f"own{end}": accuracies[f"accuracy{end}"][method] for end in ("", "_low", "_high")}
            rows.append(
                {
                    "method": method,
                    "trainings": len(one.cells.index.to_frame()[["repeat", "fold"]].drop_duplicates()),
                    **own,
                    **interval_columns("mean", one.mean),
                    **(interval_columns("difference", gap) | {"p_two_way": gap.p} if gap else {}),
                }
            )
        found = pd.DataFrame(rows, columns=COLUMNS)
        found["p_holm"] = holm(found["p_two_way"].to_numpy(np.float64))
        return found.sort_values("mean", ascending=False, kind="stable", ignore_index=True)

    @cached_property
    def by_dataset(self) -> pd.DataFrame:
        """A row a method and other dataset: trained_on, tested_on, accuracy with its interval; scans and subjects."""
        rows = []
        frame = self.results.cross_dataset
        for method in self.results.methods:
            for name in self.datasets:
                own = frame[(frame["method"] == method) & (frame["dataset"] == name)]
                if len(own):
                    subjects = own.drop_duplicates("subject")
                    said = {"method": method, "trained_on": self.own, "tested_on": name}
                    counts = {"subjects": len(subjects), "trainings": len(own[["repeat", "fold"]].drop_duplicates())}
                    rows.append(said | interval_columns("accuracy", self._of(method, [name]).accuracy(name)) | counts)
        return pd.DataFrame(rows)


def cross_dataset_table(elsewhere: Elsewhere) -> Table:
    """`Elsewhere.table`, a row a method, with its accuracy in each dataset."""
    results, plan = elsewhere.results, elsewhere.results.provenance
    found, single = elsewhere.table, len(elsewhere.datasets) == 1
    accuracies = elsewhere.by_dataset.set_index(["method", "tested_on"])
    for name in elsewhere.datasets:
        own = accuracies.xs(name, level="tested_on")
        for end in ("", "_low", "_high"):
            found = found.assign(**{f"{name}{end}": found["method"].map(own[f"accuracy{end}"])})

    def share(key: str, title: str, importance: int = 5) -> TableColumn:
        ends = (f"{key}_low", f"{key}_high")
        return TableColumn(
            key=key, title=title, unit="%", format=formats.percent, ends=ends, brackets="95 %", importance=importance
        )

    columns = [
        TableColumn(key="method", title="Method", importance=9),
        share("own", elsewhere.own),
        *(share(name, name) for name in elsewhere.datasets),
        *(() if single else (share("mean", "Mean over other datasets", 8),)),
        TableColumn(
            key="difference",
            title=f"Difference to {results.control}",
            unit="points",
            format=formats.points,
            ends=("difference_low", "difference_high"),
            brackets="95 %",
            page="Difference, points",
            note=f"Difference: of the accuracy in {'the other dataset' if single else 'other datasets, their mean,'} "
            f"to that of {results.control}.",
        ),
        TableColumn(
            key="p_holm",
            title="p, adjusted",
            format=formats.p_value,
            better="lower",
            paper="p (Holm)",
            strong=lambda row: row["p_holm"] < LEVEL,
        ),
    ]
    trained = (
        f"Accuracy; all models were trained on {elsewhere.own}, where each subject is tested by models that were not "
        "trained on them. So it is in other datasets, where a subject of the same name counts as the same person."
    )
    notes = [
        trained,
        "p: the primary test on this accuracy, adjusted by Holm over methods; single datasets are not tested.",
        *lacking(results.methods, elsewhere.whole, results.cross_dataset, "tested on all datasets"),
    ]
    return Table(
        name="cross_dataset",
        title="Other datasets",
        columns=columns,
        rows=rows_of(columns, found),
        numbers=elsewhere.table,
        notes=notes,
        caption=f"Accuracy in datasets that no method was trained on ({plan.called}).",
        paper_notes=[INTERVALS, *notes],
        titles=plan.titles,
    )
