"""Datasets by datasets: the accuracy of methods that were trained on one and tested on another, of several suites."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from reports import formats
from reports.multi_suite.suites import MultiSuite
from reports.pictures.cells import tiles
from reports.pictures.figures import label
from reports.pictures.theme import INK, PAGE, THEME, Picture, drawn
from reports.table import NOTHING, Cell, Table, TableColumn

#: Methods in the picture, at most, and panels beside each other.
_PANELS, _ACROSS = 9, 3
_ACCURACY = TableColumn(key="accuracy", title="Accuracy", unit="%", format=formats.percent, ends=("low", "high"))


def cross_dataset(multi: MultiSuite) -> pd.DataFrame:
    """One row a method, suite and tested dataset; empty unless two suites or more were tested on other datasets.

    Columns:
        method, suite, trained_on, tested_on (datasets); accuracy, low, high (shares of 1). Where both are one dataset
        it is the accuracy of the suite's own protocol. A dataset is known by its content: where a suite here has it,
        it is called as there.
    """
    pairs = zip(multi.suites, multi.names, strict=True)
    tested = [(one, name) for one, name in pairs if len(one.results.cross_dataset)]
    known = {one.results.provenance.dataset["fingerprint"]: multi.data_set(name) for one, name in tested}
    rows: list[dict[str, Any]] = []
    for one, suite in tested if len(tested) > 1 else ():
        names = {name: known.get(about["fingerprint"], name) for name, about in one.results.provenance.others.items()}
        said = {"suite": suite, "trained_on": multi.data_set(suite)}
        there = set(one.results.cross_dataset["method"])
        own = one.table[one.table["method"].isin(there)].assign(tested_on=said["trained_on"])
        elsewhere = one.elsewhere.by_dataset
        elsewhere = elsewhere.assign(tested_on=elsewhere["tested_on"].map(names))
        rows += [
            {"method": row["method"], **said, "tested_on": row["tested_on"], **_accuracy(row)}
            for row in [*own.to_dict("records"), *elsewhere.to_dict("records")]
        ]
    found = pd.DataFrame(rows, columns=["method", "suite", "trained_on", "tested_on", "accuracy", "low", "high"])
    return found.sort_values("method", key=lambda names: names.map(multi.methods.index), kind="stable")


def _accuracy(row: Mapping[Hashable, Any]) -> dict[str, float]:
    return {"accuracy": row["accuracy"], "low": row["accuracy_low"], "high": row["accuracy_high"]}


def cross_dataset_table(multi: MultiSuite, found: pd.DataFrame) -> Table:
    """`cross_dataset`, a row a method and suite, a column a tested dataset."""
    columns = [TableColumn(key="method", title="Method"), TableColumn(key="trained_on", title="Trained on")]
    datasets = _datasets(found)
    columns += [replace(_ACCURACY, key=name, title=name, page=name, brackets="95 %") for name in datasets]
    rows = []
    for (method, _), own in found.groupby(["method", "suite"], sort=False):
        cells = {row["tested_on"]: _ACCURACY.cell(row) for row in own.to_dict("records")}
        trained = str(own["trained_on"].iloc[0])
        if trained in cells:
            cells[trained] = replace(cells[trained], mark=formats.ALIKE)
        rows.append([Cell(text=str(method)), Cell(text=trained), *(cells.get(name, NOTHING) for name in datasets)])
    return Table(
        name="cross_dataset",
        title="Trained on one dataset, tested on another",
        columns=columns,
        rows=rows,
        numbers=found,
        notes=[
            f"{formats.ALIKE} In the dataset of training: subjects who were not trained on, by the suite's protocol.",
            "Elsewhere a subject of the same name counts as the same person, and tested where not trained on.",
        ],
        titles=multi.titles,
        label="Table of accuracy by the datasets of training and test",
        look="whole",
    )


@mpl.rc_context(THEME)
def cross_dataset_picture(multi: MultiSuite, found: pd.DataFrame) -> Picture:
    """A panel a method, the control and those with the highest mean elsewhere; a row a dataset of training."""
    shown, datasets = _featured(multi, found), _datasets(found)
    trained = list(dict.fromkeys(found["trained_on"]))
    down, across = -(-len(shown) // _ACROSS), min(_ACROSS, len(shown))
    height = 0.75 + 0.28 * len(trained)
    figure = Figure(figsize=(PAGE, 0.5 + height * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    words = []
    for place, (axes, method) in enumerate(zip(panels.flat, shown, strict=False)):
        own = found[found["method"] == method]
        cells = own.pivot_table(index="trained_on", columns="tested_on", values="accuracy", sort=False)
        cells = cells.reindex(index=trained, columns=datasets)
        texts = [[formats.percent(share, 0) for share in row] for row in cells.to_numpy()]
        tiles(axes, cells, texts, gap=1.0)
        axes.set_title(label(multi.titles.get(method, method)), fontsize=7.5, color=INK, loc="left")
        axes.set(xlabel="", ylabel="")
        axes.xaxis.tick_bottom()
        lowest = place + across >= len(shown)  # of its column
        axes.tick_params(axis="x", labelbottom=lowest, length=0, labelsize=7.0)
        axes.set_xticks(axes.get_xticks(), datasets, rotation=30, ha="right", rotation_mode="anchor")
        axes.tick_params(axis="y", labelcolor=INK, labelsize=7.0)
        lines = (f"{name} {', '.join(row)}" for name, row in zip(trained, texts, strict=True))
        words.append(f"{method}: {'; '.join(lines)}.")
    for axes in panels.flat[len(shown) :]:
        axes.set_axis_off()
    figure.supxlabel("Tested on", color=INK, fontsize=8.0)
    figure.supylabel("Trained on", color=INK, fontsize=8.0)
    return drawn(figure, f"Accuracy in % on {', '.join(datasets)}. " + " ".join(words))


def _datasets(found: pd.DataFrame) -> list[str]:
    """Those of training first, in the order of the suites."""
    return list(dict.fromkeys([*found["trained_on"], *found["tested_on"]]))


def _featured(multi: MultiSuite, found: pd.DataFrame) -> Sequence[str]:
    """The control and the methods with the highest mean over datasets that they were not trained on."""
    elsewhere = found[found["trained_on"] != found["tested_on"]]
    wide = elsewhere.pivot_table(index="method", columns=["trained_on", "tested_on"], values="accuracy")
    means = pd.Series(wide.to_numpy().mean(axis=1), wide.index).dropna().sort_values(ascending=False, kind="stable")
    own = [multi.control] if multi.control in means.index else []
    return [*own, *(str(method) for method in means.index if method != multi.control)][:_PANELS]
