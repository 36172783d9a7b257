"""Attention and Grad-CAM maps: the mean over scans and trainings, so that nobody is seen in it."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reports.pictures.cells import tiles
from reports.pictures.theme import COLUMN, PAGE, THEME, Picture, drawn

#: Maps with at most so many cells have their values written in them, unless a face is behind, which is to be seen.
_WRITTEN = 16
#: How much of a face shows: enough to be one, and so little that maps stand out from it on a dark page, too.
_FAINT = 0.55
_TITLES = {"attention": "Attention", "gradcam": "Grad-CAM"}
#: Inches of a panel, where there is room.
_PANEL = 1.5
#: So many panels fit into a column.
_FEW = 3


@mpl.rc_context(THEME)
def attention(maps: pd.DataFrame, method: str, behind: NDArray[np.uint8] | None = None) -> Picture:
    """The mean maps of one method (`reports.data.results.Results.maps`): a row a kind, a column a stream.

    The face is upright and seen from the front; the darkest cell of each map is its largest value. It is drawn itself,
    faintly, where there is one `behind` the maps (`reports.data.faces.mean_face`), of the same window; a cell is then
    where what it sees is centred, if that is known.
    """
    own = maps[maps["method"] == method]
    kinds = [kind for kind in _TITLES if kind in set(own["kind"])]
    counts = [own.loc[own["kind"] == kind, "stream"].nunique() for kind in kinds]
    width = COLUMN if max(counts) <= _FEW else PAGE
    panel = min(_PANEL, (width - 0.3) / max(counts))
    figure = Figure(figsize=(width, (panel + 0.25) * len(kinds)), layout="constrained")
    panels = figure.subplots(len(kinds), max(counts), squeeze=False)
    words = []
    for axes in panels.flat:
        axes.set_axis_off()
    for line, kind in zip(panels, kinds, strict=True):
        streams = own[own["kind"] == kind].groupby("stream", sort=True)
        # Texture stands on the left, as everywhere.
        for axes, (stream, cells) in zip(line, sorted(streams, key=lambda one: one[0] != "texture"), strict=False):
            values = cells.pivot_table(index="row", columns="column", values="value").to_numpy()
            largest = np.abs(values).max()
            few = values.size <= _WRITTEN and behind is None
            texts = [[f"{value:.2f}" for value in row] for row in values] if few else None
            axes.set_axis_on()
            shift = 0.0
            if behind is not None:
                shift = cells["shift"].fillna(0.0).iloc[0]
                _under(axes, behind, shape=values.shape, shift=shift, name=f"{kind}-{stream}")
            gap = 1.5 if behind is None else 0.0
            tiles(axes, values / largest if largest > 0.0 else values, texts, gap=gap, shift=shift)
            axes.set(aspect="equal", xlabel=f"{_TITLES[kind]}, {stream}")
            row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
            place = f"row {row + 1} of {len(values)}, column {column + 1} of {values.shape[1]}"
            words.append(f"{_TITLES[kind]} in {stream} is largest ({values[row, column]:.2f}) in {place}")
    over = " over a mean face" if behind is not None else ""
    return drawn(figure, f"Mean maps of {method}{over}, from the top and the left: " + "; ".join(words))


def _under(axes: Axes, face: NDArray[np.uint8], *, shape: tuple[int, ...], shift: float, name: str) -> None:
    """Draws `face` so that cells of `shape` (rows, columns), each one wide and high, cover it as `tiles` has them."""
    rows, columns = shape
    edges = (shift, columns + shift, rows + shift, shift)
    axes.imshow(face, extent=edges, alpha=_FAINT, interpolation="hanning", aspect="auto", gid=f"face-{name}")
