"""The table of the source `folder`: CSV with one row per scan, checked before any file is read."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from afnetm.data.formats.csv_rows import read_csv
from afnetm.data.formats.inside import DataFolder
from afnetm.data.scan import ATTRIBUTE_NAME, ATTRIBUTES, CLASS_NAME, EXPRESSIONS, is_attribute
from afnetm.errors import UserError, nearest

#: Columns that a table must have, and those that it may have. Others are attributes of its scans, unless they are
#: nearly one of these: a word that is misspelt must not be missed.
NEEDED = ("subject", "expression", "mesh")
OPTIONAL = ("intensity", "landmarks", "texture")
#: Words that mean an expression, beside the names themselves.
SYNONYMS = {
    **dict.fromkeys(("angry",), "anger"), **dict.fromkeys(("disgusted",), "disgust"),
    **dict.fromkeys(("afraid", "fearful"), "fear"), **dict.fromkeys(("happy", "joy"), "happiness"),
    **dict.fromkeys(("sad",), "sadness"), **dict.fromkeys(("surprised",), "surprise"),
    **dict.fromkeys(("contemptuous",), "contempt"),
}  # fmt: skip
#: Expressions that need no second look; a word that is nearly one of them is taken for a typing error.
_KNOWN = (*EXPRESSIONS, "contempt", "neutral")
_NEARLY = 0.75


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table; names of files are relative to the data folder and not yet looked for.

    Attributes:
        line: its number in the file.
        id: ``SUBJECT_EXPRESSION_INTENSITY``, the subject in letters and digits, with a number where there are several.
        subject: as it stands there.
        expression: its class: one of the six, contempt, neutral or any other word.
        intensity: 1 to 4, 0 where the cell is empty.
        mesh: a file, with ``/`` between the folders on the way to it.
        landmarks: a file; None where the cell is empty, and they are to be found.
        texture: a file; None where the cell is empty, and the mesh names its picture.
        attributes: the cells of all other columns, by their names.
    """

    line: int
    id: str
    subject: str
    expression: str
    intensity: int
    mesh: str
    landmarks: str | None
    texture: str | None
    attributes: dict[str, str] = field(default_factory=dict)


def read_scan_table(path: Path) -> tuple[list[Row], bytes]:
    """The rows of the table at `path`, and its content.

    Raises:
        UserError: no such file, no CSV, a column that is missing or unknown, a cell that cannot be, the same mesh
            twice, or no row; names the line.
    """
    resolved = path.resolve()  # that it is a link, or leads anywhere, is the user's own doing
    if not resolved.is_file():
        raise UserError(f"table {path}: there is no such file")
    content = DataFolder(resolved.parent).read(resolved.name)
    lines = read_csv(content, path.name)
    columns = _columns(lines[0][1] if lines else [], path.name)
    rows: list[Row] = []
    ids: Counter[str] = Counter()
    meshes: dict[PurePosixPath, int] = {}
    for number, cells in lines[1:]:
        where = f"{path.name}, line {number}"
        while len(cells) > len(columns) and not cells[-1]:  # as spreadsheets end rows
            cells.pop()
        if len(cells) != len(columns):
            raise UserError(f"{where}: {len(cells)} cells (allowed: {len(columns)}, as in its first row)")
        row = _row(dict(zip(columns, cells, strict=True)), number, where, ids)
        if (first := meshes.setdefault(PurePosixPath(row.mesh), number)) != number:
            raise UserError(f"{where}: mesh {row.mesh!r} is already in line {first} already (allowed: once)")
        rows.append(row)
    if not rows:
        raise UserError(f"{path.name}: it contains no scans")
    return rows, content


def _columns(cells: list[str], name: str) -> list[str]:
    columns = [re.sub(r"\s+", "_", cell.casefold()) for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    allowed = f"needed: {', '.join(NEEDED)}; allowed too: {', '.join(OPTIONAL)}, and others called otherwise"
    for column in columns:
        where = f"{name}, line 1: column {column[:60]!r}"
        if columns.count(column) > 1:
            raise UserError(f"{where} is twice ({allowed})")
        if column in (*NEEDED, *OPTIONAL):
            continue
        if near := nearest(column, (*NEEDED, *OPTIONAL), alike=_NEARLY):
            raise UserError(f"{where} is not known; did you mean {near[0]}? ({allowed})")
        if not ATTRIBUTE_NAME.fullmatch(column):
            raise UserError(f"{where} is no name (allowed: a letter, then letters, digits, '-', '_')")
    for column in NEEDED:
        if column not in columns:
            raise UserError(f"{name}, line 1: column {column!r} is missing ({allowed})")
    return columns


def _row(cells: dict[str, str], line: int, where: str, ids: Counter[str]) -> Row:
    for column in NEEDED:
        if not cells[column]:
            raise UserError(f"{where}: {column} is empty")
    for column, cell in cells.items():
        if not cell.isprintable():
            raise UserError(f"{where}: {column} {cell[:60]!a} (allowed: printable text)")
        if column not in (*NEEDED, *OPTIONAL) and not is_attribute(cell):
            raise UserError(f"{where}: {column} {cell[:60]!r} (allowed: {ATTRIBUTES})")
    expression = _expression(cells["expression"], where)
    intensity = cells.get("intensity") or "0"
    intensity = re.sub(r"[.,]0+$", "", intensity)  # what programs make of a whole number beside empty cells
    if intensity not in {"0", "1", "2", "3", "4"}:
        raise UserError(f"{where}: intensity {intensity[:60]!r} (allowed: 1 to 4, 0 or empty where unknown)")
    stem = f"{_plain(cells['subject'])}_{expression}_{intensity}"  # no "_" but these two
    ids[stem] += 1
    return Row(
        line=line,
        id=stem if ids[stem] == 1 else f"{stem}_{ids[stem]}",
        subject=cells["subject"],
        expression=expression,
        intensity=int(intensity),
        mesh=cells["mesh"].replace("\\", "/"),
        landmarks=cells.get("landmarks", "").replace("\\", "/") or None,
        texture=cells.get("texture", "").replace("\\", "/") or None,
        attributes={name: cell for name, cell in cells.items() if name not in (*NEEDED, *OPTIONAL)},
    )


def _expression(cell: str, where: str) -> str:
    """The class that a cell names; ``Happily surprised`` is ``happily-surprised``."""
    word = re.sub(r"[\s_]+", "-", cell.casefold())
    word = SYNONYMS.get(word, word)
    if word in _KNOWN:
        return word
    if near := nearest(word, (*_KNOWN, *SYNONYMS), alike=_NEARLY):
        raise UserError(f"{where}: expression {cell[:60]!r} is not known; did you mean {near[0]}?")
    if not CLASS_NAME.fullmatch(word):
        raise UserError(
            f"{where}: expression {cell[:60]!r} (allowed: {', '.join(_KNOWN)}, or another word of letters and digits)"
        )
    return word


def _plain(subject: str) -> str:
    """Letters and digits of a name, accents dropped; what else there is becomes ``-``."""
    plain = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:40] or "subject"
