"""Robustness of methods: what is left of their accuracy on corrupted scans, over all corruptions and for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.statistics.clustered import Estimate
from reports.statistics.multiple_testing import LEVEL, holm
from reports.statistics.robustness import Answers, Robustness, answers
from reports.statistics.scores import Grouped, ece
from reports.table import Cell, Table, TableColumn, rows_of
from reports.tables.evaluations import interval_columns, lacking
from reports.tables.scores import INTERVALS, UNRANKED

#: Columns of ``robustness.csv``, in order.
COLUMNS = [
    *("method", "trainings", "corruptions", "clean", "clean_low", "clean_high"),
    *("corrupted", "corrupted_low", "corrupted_high", "relative", "relative_low", "relative_high"),
    *("difference", "difference_low", "difference_high", "p_two_way", "p_holm"),
    *("worst", "worst_accuracy", "worst_group", "group_relative", "group_low", "group_high"),
    *("overconfidence", "ece", "clean_ece"),
]
_RULE = (
    "Relative robustness: accuracy on corrupted scans, the mean over severities and then over corruptions, divided by "
    "accuracy on the same scans when clean."
)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The methods of a suite on corrupted scans."""

    results: Results

    @cached_property
    def corruptions(self) -> pd.DataFrame:
        """A row a corruption, by its name, in the suite's order: title and group."""
        rows = self.results.corruptions.drop_duplicates("corruption")
        return rows.set_index("corruption")[["title", "group"]]

    @cached_property
    def whole(self) -> dict[str, Robustness]:
        """The methods that were evaluated on all corruptions in some training, in the suite's order."""
        found = {method: self.of(method, list(self.corruptions.index)) for method in self.results.methods}
        return {method: one for method, one in found.items() if len(one.cells)}

    def of(self, method: str, corruptions: Sequence[str]) -> Robustness:
        """Robustness of a method to some of the corruptions."""
        return self._answers[method].robustness(corruptions)

    @cached_property
    def _answers(self) -> dict[str, Answers]:
        results = self.results
        tested = dict(list(results.predictions.groupby("method", sort=False)))
        return {
            method: answers(tested[method], own, single=results.provenance.single) for method, own in self._own.items()
        }

    @cached_property
    def _own(self) -> dict[str, pd.DataFrame]:
        """Evaluations of each method; a table without a row of one that was not evaluated."""
        frame = self.results.evaluations
        found = dict(list(frame.groupby("method", sort=False)))
        return {method: found.get(method, frame.iloc[:0]) for method in self.results.methods}

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a method of `whole`, the most robust first; `COLUMNS`, shares of 1."""
        rows = [self._row(method, one) for method, one in self.whole.items()]
        found = pd.DataFrame(rows, columns=COLUMNS)
        found["p_holm"] = holm(found["p_two_way"].to_numpy(np.float64))
        return found.sort_values("relative", ascending=False, kind="stable", ignore_index=True)

    def _row(self, method: str, one: Robustness) -> dict[str, object]:
        control = self.whole.get(self.results.control)
        gap = None if control is None or method == self.results.control else one.minus(control)
        worst = min(one.corruptions, key=lambda name: one.accuracy(name).value)
        own, errors = self._own[method], self._errors.get(method)
        group, kept = min(self._by_group(one), key=lambda found: found[1].value)
        ends = {f"group_{end}": getattr(kept.interval, end) for end in ("low", "high")}
        return {
            "method": method,
            "trainings": len(one.cells.index.to_frame()[["repeat", "fold"]].drop_duplicates()),
            "corruptions": len(one.corruptions),
            **interval_columns("clean", one.clean),
            **interval_columns("corrupted", one.corrupted),
            **interval_columns("relative", one.relative),
            **(interval_columns("difference", gap) | {"p_two_way": gap.p} if gap else {}),
            "worst": worst,
            "worst_accuracy": one.accuracy(worst).value,
            **({"worst_group": group, "group_relative": kept.value} | ends),
            "overconfidence": float((own["confidence"] - own["hits"]).sum(skipna=False) / own["scans"].sum()),
            "ece": np.nan if errors is None else errors.groupby(level="corruption").mean().mean(),
            "clean_ece": self.clean_errors[method],
        }

    def _by_group(self, one: Robustness) -> list[tuple[str, Estimate]]:
        """A method's relative robustness to the corruptions of each group, the mean over them."""
        groups = self.corruptions["group"].groupby(self.corruptions["group"], sort=False).groups
        return [(str(group), one.relative_over(list(names))) for group, names in groups.items()]

    @cached_property
    def clean_errors(self) -> dict[str, float]:
        """Expected calibration error of each method of `whole` on its clean test scans; NaN without probabilities."""
        found = {}
        for method in self.whole:
            tested = self.results.predictions[self.results.predictions["method"] == method]
            subjects = tested["subject"].unique().tolist()
            found[method] = float(ece(Grouped(tested, subjects, self.results.classes).confidences.sum(axis=0)))
        return found

    @cached_property
    def _errors(self) -> dict[str, "pd.Series[float]"]:
        """Expected calibration error of each method whose probabilities are known, by corruption and severity."""
        found: dict[str, pd.Series[float]] = {}
        for method, own in self.results.calibration.groupby("method", sort=False):
            binned = own.groupby(["corruption", "severity"])[["confidence", "hits", "scans"]]
            found[str(method)] = binned.apply(lambda sums: float(ece(sums.to_numpy(np.float64))))
        return found

    @cached_property
    def by_corruption(self) -> pd.DataFrame:
        """A row a method and corruption: accuracy and relative robustness with intervals, shares of 1."""
        return pd.DataFrame(
            [
                {"method": method, "corruption": name, "group": self.corruptions["group"][name]}
                | interval_columns("accuracy", one.accuracy(name))
                | interval_columns("relative", one.relative_to(name))
                for method in self.results.methods
                for name in sorted(self._answers[method].corruptions, key=list(self.corruptions.index).index)
                if len((one := self.of(method, [name])).cells)
            ]
        )

    @cached_property
    def by_severity(self) -> pd.DataFrame:
        """A row a method, corruption, severity: accuracy with its interval, confidence, ECE, the weight of texture."""
        values = self.results.corruptions.set_index(["corruption", "severity"])["value"].to_dict()
        rows = []
        for method, evaluated in self._own.items():
            errors = self._errors.get(method, pd.Series(dtype=np.float64))
            accuracies = self._answers[method].at_severities
            # A mean of what some of the scans lack is none.
            conditions = evaluated.groupby(["corruption", "severity"], sort=False)[["scans", "confidence", "texture"]]
            added = conditions.sum(min_count=1).where(conditions.count().eq(conditions.size(), axis=0))
            for name, severity, scans, confidence, texture in added.reset_index().itertuples(index=False, name=None):
                rows.append(
                    {"method": method, "corruption": name, "severity": severity, "value": values[name, severity]}
                    | interval_columns("accuracy", accuracies[name, severity])
                    | {"confidence": confidence / scans, "texture": texture / scans}
                    | {"ece": errors.get((name, severity), np.nan)}
                )
        return pd.DataFrame(rows)


def robustness_table(evaluated: Evaluated) -> Table:
    """`Evaluated.table`, a row a method."""
    results, plan = evaluated.results, evaluated.results.provenance
    found, titles = evaluated.table, evaluated.corruptions["title"]
    columns = _columns(results.control)
    rows = rows_of(columns, found)
    at = {column.key: place for place, column in enumerate(columns)}
    for row, one in zip(rows, found.to_dict("records"), strict=True):
        accuracy, kept = one["worst_accuracy"], one["group_relative"]
        row[at["worst"]] = Cell(text=titles[one["worst"]], ends=[formats.percent(accuracy)], value=accuracy)
        row[at["worst_group"]] = Cell(text=one["worst_group"], ends=[formats.percent(kept)], value=kept)
    count = int(found["corruptions"].max()) if len(found) else 0
    notes = [
        f"{_RULE} {count} corruptions of up to {int(results.corruptions['severity'].max())} severities.",
        "A method that answers at random keeps all of its accuracy: read it beside the accuracy on clean scans.",
        "p: the primary test on relative robustness, adjusted by Holm over methods; single corruptions are not tested.",
        *([UNRANKED] if found["ece"].notna().any() else []),
        *lacking(results.methods, evaluated.whole, results.evaluations, "evaluated on all corruptions"),
    ]
    return Table(
        name="robustness",
        title="Robustness",
        columns=columns,
        rows=rows,
        numbers=found,
        notes=notes,
        caption=f"Robustness to corrupted scans ({plan.called}).",
        paper_notes=[INTERVALS, *notes],
        titles=plan.titles,
    )


def _columns(control: str) -> list[TableColumn]:
    def share(key: str, title: str) -> TableColumn:
        ends = (f"{key}_low", f"{key}_high")
        return TableColumn(key=key, title=title, unit="%", format=formats.percent, ends=ends, brackets="95 %")

    return [
        TableColumn(key="method", title="Method", importance=9),
        share("relative", "Relative robustness"),
        share("clean", "Clean accuracy"),
        share("corrupted", "Corrupted accuracy"),
        TableColumn(
            key="difference",
            title=f"Difference to {control}",
            unit="points",
            format=formats.points,
            ends=("difference_low", "difference_high"),
            brackets="95 %",
            page="Difference, points",
            note=f"Difference: of relative robustness to that of {control}.",
        ),
        TableColumn(
            key="p_holm",
            title="p, adjusted",
            format=formats.p_value,
            better="lower",
            paper="p (Holm)",
            strong=lambda row: row["p_holm"] < LEVEL,
        ),
        TableColumn(key="worst", title="Hardest corruption", end_words="{} %"),
        TableColumn(
            key="worst_group",
            title="Worst group",
            end_words="{} %",
            note="Worst group: of texture, depth, both, landmarks and modalities, the one to whose corruptions the "
            "method is least robust, and relative robustness to them.",
        ),
        TableColumn(
            key="overconfidence",
            title="Overconfidence",
            unit="points",
            format=formats.points,
            better="lower",
            note="Overconfidence: mean confidence minus accuracy on corrupted scans.",
        ),
        TableColumn(
            key="ece",
            title="ECE",
            format=formats.decimal,
            better="lower",
            ends=("clean_ece",),
            brackets="clean",
            end_words="clean {}",
            note="ECE: expected calibration error (0 to 1) on corrupted scans, the mean over severities and then over "
            "corruptions, in brackets on clean scans; severities.csv has it for each severity.",
        ),
    ]


def corruptions_table(evaluated: Evaluated) -> Table:
    """Relative robustness to each corruption of the methods `featured`; its CSV has it, and accuracy, of all."""
    methods = featured(evaluated)
    found = evaluated.by_corruption.set_index(["method", "corruption"]).to_dict("index")
    heads = [TableColumn(key=key, title=key) for key in ("Corruption", "Changes")]
    columns = [
        *heads,
        *(TableColumn(key=method, title=evaluated.results.provenance.titles[method], unit="%") for method in methods),
    ]
    rows = []
    for name, title, group in evaluated.corruptions.itertuples(name=None):
        cells = [Cell(text=title), Cell(text=group)]
        for method in methods:
            if one := found.get((method, name)):
                ends = [formats.percent(one["relative_low"]), formats.percent(one["relative_high"])]
                shown = () if formats.NOTHING in ends else ends
                cells.append(Cell(text=formats.percent(one["relative"]), ends=shown, value=one["relative"]))
            else:
                cells.append(Cell(text=formats.NOTHING))
        rows.append(cells)
    return Table(
        name="corruptions",
        title="Relative robustness by corruption",
        columns=columns,
        rows=rows,
        numbers=evaluated.by_corruption,
        notes=["Relative robustness, in brackets its 95 % interval; of other methods it is in corruptions.csv."],
        paper_notes=[INTERVALS],
    )


def featured(evaluated: Evaluated) -> list[str]:
    """The control, if it is in the table, and of the others the most accurate on corrupted scans, three in all.

    The most robust ones may be those that had little to lose.
    """
    ordered = evaluated.table.sort_values("corrupted", ascending=False, kind="stable")["method"].tolist()
    control = evaluated.results.control
    own = [control] if control in ordered else []
    return [*own, *(method for method in ordered if method != control)][:3]
