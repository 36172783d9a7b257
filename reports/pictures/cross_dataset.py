"""Accuracy by the dataset that is tested, as a heat map."""

import matplotlib as mpl
from matplotlib.figure import Figure

from reports import formats
from reports.pictures.cells import tiles
from reports.pictures.theme import COLUMN, INK, PAGE, THEME, Picture, drawn
from reports.tables.cross_dataset import Elsewhere


@mpl.rc_context(THEME)
def accuracy_by_dataset(elsewhere: Elsewhere) -> Picture:
    """Accuracy, a row a method and a column a dataset, that of training first; the best in the others at the top."""
    table = elsewhere.table.set_index("method")
    found = elsewhere.by_dataset.pivot(index="method", columns="tested_on", values="accuracy")
    cells = found.reindex(index=table.index, columns=elsewhere.datasets)
    cells.insert(0, elsewhere.own, table["own"])
    titles = elsewhere.results.provenance.titles
    texts = [[formats.percent(share, 0) for share in row] for row in cells.to_numpy()]
    wide = len(cells.columns) > 5
    figure = Figure(figsize=(PAGE if wide else COLUMN, 1.1 + 0.21 * len(cells)), layout="constrained")
    axes = figure.subplots()
    tiles(axes, cells.set_axis([titles[method] for method in cells.index]), texts, gap=1.0)
    for text in axes.texts:
        text.set_fontsize(6.5)
    axes.axvline(1.0, color=INK, linewidth=1.0)  # what stands to its left is no other dataset
    axes.set(xlabel="", ylabel="")
    axes.tick_params(axis="x", rotation=30, labelsize=7.0)
    axes.tick_params(axis="y", labelcolor=INK, labelsize=7.0)
    words = (f"{method}: {', '.join(row)}" for method, row in zip(cells.index, texts, strict=True))
    return drawn(figure, f"Accuracy in % in {', '.join(cells.columns)}: " + "; ".join(words))
