"""The hardest scans as faces: what methods had to go by where most of them went wrong."""

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from reports import formats
from reports.data.faces import Face, shaded, textured
from reports.data.results import Results
from reports.pictures.hardest import hardest, named_as
from reports.pictures.theme import COLUMN, INK, MUTED, THEME, Picture, drawn

#: Scans in a row.
_COLUMNS = 3
#: Between texture and depth, as a share of a face's width.
_GAP = 0.03


@mpl.rc_context(THEME)
def hardest_faces(results: Results) -> Picture | None:
    """Texture and, beside it, depth of the hardest scans in the order of `hardest`; None where no picture is at hand.

    Those whose pictures are not are left out, and keep their number.
    """
    rows = hardest(results).to_dict("records")
    formatted = [(place, row) for place, row in enumerate(rows, start=1) if row["scan"] in results.faces]
    if not formatted:
        return None
    lines = -(-len(formatted) // _COLUMNS)
    tight = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.04, hspace=0.02)
    figure = Figure(figsize=(COLUMN, 0.2 + 0.84 * lines), layout=tight)
    panels = figure.subplots(lines, _COLUMNS, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    figure.supxlabel("Texture and depth (relief) of each scan", fontsize=7.5, color=MUTED)
    names, words = named_as(results, "scan") or {}, []
    for axes, (place, row) in zip(panels.flat, formatted, strict=False):
        _pair(axes, results.faces[row["scan"]], f"{place}")
        expression = f"{row['expression']} {row['intensity'] or ''}".strip()
        share = formats.percent(row["share"], 0)
        axes.text(0.0, 1.05, f"{place}. {expression}", color=INK, fontsize=7.0, va="top")
        axes.text(0.0, 1.25, f"classified as {row['taken']}", color=MUTED, fontsize=7.0, va="top")
        words.append(f"{place}. {names.get(row['scan'], '')}, {expression}: {row['taken']} ({share} %)")
    return drawn(figure, f"The hardest scans, and what their wrong predictions mostly say: {'; '.join(words)}")


def _pair(axes: Axes, face: Face, name: str) -> None:
    """Texture and depth side by side, each one wide and high."""
    for number, picture in enumerate((textured(face), shaded(face))):
        left = number * (1.0 + _GAP)
        axes.imshow(picture, extent=(left, left + 1.0, 1.0, 0.0), interpolation="hanning", gid=f"face{name}-{number}")
    axes.set(xlim=(0.0, 2.0 + _GAP), ylim=(1.42, 0.0))
