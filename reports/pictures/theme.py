"""The one look of every picture: colours, lines and type, and how a drawing becomes part of a page."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
from fontTools.subset import Options
from matplotlib.figure import Figure
from numpy.typing import NDArray

#: Colours for paper. On a page each becomes the style sheet's variable of that name, so that it follows light and dark.
COLOURS = {
    "ink": "#1b1f24",
    "muted": "#59636e",
    "context": "#b3bcc5",
    "rule": "#e1e5e9",
    "accent": "#0b65a3",
    "paper": "#ffffff",
}
INK, MUTED, CONTEXT, RULE, ACCENT, PAPER = COLOURS.values()

#: Inches, as papers include pictures at their natural size: a column of two, and a page. Type has 7 to 8 points then.
COLUMN, PAGE = 3.4, 7.0
#: So many dots of one kind show how values lie; thousands would make a page slow and say no more.
DOTS = 60
#: Pixels an inch of photographs, which alone have any: about one of a screen's on the page, and a press's on paper.
_SCREEN, _PRESS = 150, 300
#: Tables of a font on how letters are put beside and in place of each other: a document has each where it is to be.
_LAYOUT = ("GDEF", "GPOS", "GSUB", "kern")

#: One hue, told apart by lightness, shape and place: it reads the same in grey and to colour-blind people.
THEME = {
    **{key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")},
    "svg.hashsalt": "afnetm",  # ids that depend on the drawing alone
    "image.composite_image": False,  # each keeps its own id
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # TrueType, which publishers ask for
    "text.parse_math": False,  # a method's name is not a formula
    "text.color": INK,
    "font.family": "sans-serif",
    "font.size": 8.0,
    "axes.edgecolor": CONTEXT,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": CONTEXT,
    "ytick.color": CONTEXT,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "xtick.minor.size": 0.0,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Picture:
    """A drawing as an SVG and as a PDF document, and what it shows in words."""

    svg: str
    pdf: bytes
    alt: str


def thinned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most `DOTS` of these values; of more, both ends and as many from everywhere between, in rising order."""
    ranks = np.linspace(0, len(values) - 1, DOTS).round().astype(int)
    return np.sort(values)[ranks] if len(values) > DOTS else values


def thinned_by(table: pd.DataFrame, group: str, value: str) -> pd.DataFrame:
    """The values of each group `thinned`: columns `group`, ``number`` (from 0 in each group) and `value`."""
    parts = {name: pd.Series(thinned(own.to_numpy())) for name, own in table.groupby(group, sort=False)[value]}
    return pd.concat(parts, names=[group, "number"]).rename(value).reset_index()


def drawn(figure: Figure, alt: str) -> Picture:
    """`figure`, whose words are `alt`, in both forms, transparent: the same bytes for the same drawing."""
    page, paper = io.StringIO(), io.BytesIO()
    with warnings.catch_warnings():
        # Text stays text: a letter that the measuring font lacks is drawn by the reader's own.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        unstamped = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(page, format="svg", dpi=_SCREEN, transparent=True, metadata=unstamped)
        figure.set_layout_engine("none")  # all is in its place: laid out once, saved twice
        unstamped = dict.fromkeys(("Creator", "Producer", "CreationDate"))
        with _letters_alone():
            figure.savefig(paper, format="pdf", dpi=_PRESS, transparent=True, metadata=unstamped)
    return Picture(page.getvalue(), paper.getvalue(), alt)


def embedded(document: str, *, name: str, alt: str) -> str:
    """An SVG document as an element of an HTML page: it fills its place and takes the page's type and colours.

    Args:
        document: `Picture.svg`.
        name: prefix of its ids, unlike that of any other picture on the page.
        alt: the picture in words.
    """
    root = ElementTree.fromstring(document)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        # Inside HTML the parser knows SVG by its tag; there are no namespaces to declare.
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {
            key.rpartition("}")[2]: _own(key.rpartition("}")[2], value, name) for key, value in element.items()
        }
        if not (element.text or "").strip():
            element.text = None
        element.tail = None
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": alt}
    return ElementTree.tostring(root, encoding="unicode")


def _own(key: str, value: str, name: str) -> str:
    """An attribute of a picture among others: its ids get a prefix, its colours the style sheet's names."""
    if key == "id":
        return f"{name}-{value}"
    if key in ("href", "clip-path"):
        return "".join(value.split()) if value.startswith("data:") else value.replace("#", f"#{name}-")
    if key == "d":
        return " ".join(value.split())
    if key == "style":
        value = re.sub(r"font-family: [^;]*;? *", "", value)
        for variable, colour in COLOURS.items():
            value = value.replace(colour, f"var(--{variable})")
    return value


@contextmanager
def _letters_alone() -> Iterator[None]:
    """Documents that are written within take half the time for their fonts, and are smaller; they look the same."""
    name = "_drop_tables_default"  # matplotlib has no option for it
    before = getattr(Options, name, None)
    if before is None:
        yield
        return
    setattr(Options, name, [*before, *_LAYOUT])
    try:
        yield
    finally:
        setattr(Options, name, before)
