"""Tables as pictures: a number in each cell, the darker the larger, legible in grey and in the dark."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from numpy.typing import NDArray

from reports.pictures.theme import ACCENT, INK, MUTED, PAPER

#: From -1 to 1: two hues, told apart by more than lightness, and at most so much of them that ink is legible on it.
_HUES = [(shade, MUTED if shade < 0.0 else ACCENT) for shade in np.linspace(-1.0, 1.0, 101)]
_SHADES = ListedColormap([(*to_rgb(hue), round(0.04 + 0.51 * abs(shade), 3)) for shade, hue in _HUES])


def codes(classes: Sequence[str]) -> dict[str, str]:
    """Abbreviations of classes, by their names: ``AN`` for anger, as BU-3DFE's files do.

    Their first two letters, of those that begin alike as many as tell them apart.
    """

    def code(name: str) -> str:
        others = [other.upper() for other in classes if other != name]
        starts = (name[:size].upper() for size in range(2, len(name)))
        return next((start for start in starts if not any(other.startswith(start) for other in others)), name.upper())

    return {name: code(name) for name in classes}


def tiles(
    axes: Axes,
    shades: NDArray[np.float64] | pd.DataFrame,
    texts: Sequence[Sequence[str]] | None = None,
    *,
    gap: float = 1.5,
    shift: float = 0.0,
) -> None:
    """Fills `axes` with a cell for each of `shades` ``(rows, columns)``, the first row at the top.

    Args:
        axes: empty.
        shades: -1 to 1; what is below zero has the second colour, NaN none. A frame's names stand beside and above.
        texts: what stands in each cell.
        gap: points between cells.
        shift: so far up and to the left of its place each cell is, in cells; what of it is then outside is cut off.
    """
    import seaborn as sns  # slow to import, and only reports need it

    rows, columns = shades.shape
    look = {"cmap": _SHADES, "vmin": -1.0, "vmax": 1.0, "cbar": False, "linewidths": gap, "linecolor": PAPER}
    words = {
        "annot": None if texts is None else np.array(texts),
        "fmt": "",
        "annot_kws": {"color": INK, "fontsize": 7.5},
    }
    sns.heatmap(shades, xticklabels=False, yticklabels=False, ax=axes, **look, **words)
    axes.grid(visible=False)
    if isinstance(shades, pd.DataFrame):
        axes.set_xticks(np.arange(columns) + 0.5, [str(name) for name in shades.columns])
        axes.set_yticks(np.arange(rows) + 0.5, [str(name) for name in shades.index])
    axes.set(xlim=(shift, columns + shift), ylim=(rows + shift, shift))
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
