"""The picture of a prediction: the maps of a scan, where the network looked, and the probabilities as bars."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from afnetm.data.contact_sheet import pictures_of
from afnetm.trained.prediction import Prediction
from reports.formats import percent
from reports.pictures.theme import ACCENT, CONTEXT, INK, MUTED, THEME

#: Inches of a panel, of the bars, and of the title above.
_PANEL, _BARS, _TITLE = 1.9, 3.0, 0.65
#: How much of a map lies over the face, where it is largest.
_OVER = 0.75
_PIXELS_PER_INCH = 110
#: Most probable expressions that are drawn, of more classes than fit.
_MOST = 8


@mpl.rc_context(THEME)
def draw_prediction(prediction: Prediction, path: Path, *, name: str) -> None:
    """Writes the picture, PNG.

    Above are the maps: texture, depth and, where the network was given any, the regions. Below, over the texture or the
    depth, are Grad-CAM for the expression that is named, by stream, and the method's own attention; lighter is more.

    Args:
        prediction: to be drawn.
        path: the file to write.
        name: of the scan, in the title.
    """
    seen = pictures_of(prediction.maps.texture, prediction.maps.depth, prediction.maps.planes | prediction.masks)
    given = pictures_of(prediction.maps.texture, prediction.maps.depth, prediction.masks)["regions"]
    above = {"Texture": seen["texture"], "Depth": seen["depth"]}
    if prediction.masks.any():
        above["Masks given"] = given
    maps = {f"Grad-CAM, {stream}": (stream, of) for stream, of in prediction.evidence.items()}
    maps |= {" in ".join(["Attention", *kind.split("_")[1:]]): (kind, of) for kind, of in prediction.attention.items()}
    maps = {title: (stream, of) for title, (stream, of) in maps.items() if of.size > 1}  # a single cell shows nothing
    columns = max(len(above), len(maps))
    figure = Figure(figsize=(_PANEL * columns + _BARS, 2 * _PANEL + _TITLE), layout="constrained")
    grid = figure.add_gridspec(2, columns + 1, width_ratios=[1.0] * columns + [_BARS / _PANEL])
    for column, (title, picture) in enumerate(above.items()):
        _panel(figure.add_subplot(grid[0, column]), picture, title)
    for column, (title, (stream, of)) in enumerate(maps.items()):
        axes = figure.add_subplot(grid[1, column])
        _panel(axes, seen["depth" if "depth" in stream else "texture"], title)
        _lay_over(axes, of)
    _bars(figure.add_subplot(grid[:, columns]), prediction)
    weights = "".join(f", {of} weighs {percent(share, 0)} %" for of, share in prediction.weights.items())
    margin = f"{percent(prediction.margin)} percentage points ahead of {prediction.ranking[1][0]}"
    said = f"{prediction.expression}: {percent(prediction.probability)} %, {margin}"
    figure.suptitle(f"{name}\n{said}{weights}", x=0.01, ha="left", color=INK, fontsize=9)
    figure.savefig(path, dpi=_PIXELS_PER_INCH, metadata={"Software": None})


def _panel(axes: Axes, picture: NDArray[np.uint8], title: str) -> None:
    side = len(picture)
    axes.imshow(picture, extent=(0, side, side, 0), interpolation="bilinear")
    axes.set_title(title, color=MUTED, fontsize=8)
    axes.set_axis_off()


def _lay_over(axes: Axes, values: NDArray[np.float32]) -> None:
    """Lays a map ``(h, w)`` of 0 or more over the picture in `axes`, its largest value at full strength."""
    largest = float(values.max())
    shares = values / largest if largest > 0 else values
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    axes.imshow(
        shares,
        extent=(left, right, bottom, top),
        alpha=_OVER * shares,
        cmap="inferno",
        vmin=0,
        vmax=1,
        interpolation="bilinear",
    )


def _bars(axes: Axes, prediction: Prediction) -> None:
    first = prediction.expression
    shown = {name for name, _ in prediction.ranking[:_MOST]}
    pairs = [
        (name, float(share))
        for name, share in zip(prediction.classes, prediction.probabilities, strict=True)
        if name in shown
    ]
    names, shares = [name for name, _ in pairs], [100 * share for _, share in pairs]
    drawn = axes.barh(names, shares, height=0.6, color=[ACCENT if name == first else CONTEXT for name in names])
    axes.bar_label(drawn, [f"{share:.1f}" for share in shares], padding=3, color=MUTED)
    axes.set(xlim=(0, 112), xticks=[0, 50, 100], xlabel="probability, %")
    axes.grid(axis="y", visible=False)
    axes.invert_yaxis()
