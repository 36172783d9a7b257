"""Tables as pictures: a number in each cell, the darker the larger, legible in grey and in the dark."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from reports.pictures.theme import ACCENT, MUTED

#: As in the file names of BU-3DFE; narrow enough to head a column.
SHORT = ("AN", "DI", "FE", "HA", "SA", "SU")
#: At most so much of the hue, so that ink is legible on it in light and dark alike.
_DARKEST = 0.55


def tiles(
    axes: Axes,
    shades: NDArray[np.float64],
    texts: Sequence[Sequence[str]] | None = None,
    *,
    framed: NDArray[np.bool_] | None = None,
    shift: float = 0.0,
) -> None:
    """Fills `axes` with a cell for each of `shades` ``(rows, columns)``, the first row at the top.

    Args:
        axes: empty.
        shades: -1 to 1; what is below zero has the second colour, NaN none.
        texts: what stands in each cell.
        framed: which cells stand out.
        shift: so far up and to the left of its place each cell is, in cells; what of it is then outside is cut off.
    """
    rows, columns = shades.shape
    axes.grid(visible=False)
    for (row, column), shade in np.ndenumerate(shades):
        left, top = (max(-0.5, place - 0.47 - shift) for place in (column, row))
        right, bottom = (place + 0.47 - shift for place in (column, row))
        if not np.isnan(shade):
            alpha = 0.04 + (_DARKEST - 0.04) * abs(shade)
            colour = MUTED if shade < 0.0 else ACCENT
            place = (left, top), right - left, bottom - top
            axes.add_patch(Rectangle(*place, facecolor=colour, alpha=alpha, linewidth=0))
            if framed is not None and framed[row, column]:
                axes.add_patch(Rectangle(*place, fill=False, edgecolor=ACCENT, linewidth=0.9))
        if texts is not None:
            middle = (left + right) / 2, (top + bottom) / 2
            axes.text(*middle, texts[row][column], ha="center", va="center", fontsize=7.5)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    axes.xaxis.tick_top()
    axes.spines[:].set_visible(False)
