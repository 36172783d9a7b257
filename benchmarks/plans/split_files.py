"""Files of splits: CSV with one row per scan or subject that says where it trains and where it is tested."""

from dataclasses import dataclass
from pathlib import Path

from afnetm.data.formats.csv_rows import csv_rows, table_text
from afnetm.errors import UserError

#: The column by which splits go where a protocol names no other.
SUBJECT = "subject"
#: The two sides of a split, as the column `part` names them.
TRAIN, TEST = "train", "test"
_FORM = f"needed: id or subject, and part ({TRAIN} or {TEST}) or fold (0, 1, ...); allowed too: repeat (0, 1, ...)"


@dataclass(frozen=True)
class SplitFile:
    """A split of one's own, whose form is checked and whose names are not yet looked for.

    Attributes:
        name: of the file, as the suite has it.
        text: of the file.
        column: of a dataset's table, what is assigned: ``"id"`` or ``"subject"``.
        repeats: of each repeat, the part of every name: a fold, in which it is tested and in all others trains, or
            -1 for what trains always.
        folds: how many there are in each repeat.
    """

    name: str
    text: str
    column: str
    repeats: tuple[dict[str, int], ...]
    folds: int


def read_split(path: Path, name: str) -> SplitFile:
    """The split in the file at `path`, which the suite calls `name`.

    Raises:
        UserError: it cannot be read, or is no such table; names the line.
    """
    said = f"protocol.split = '{name}'"
    try:
        text = table_text(path.read_bytes(), said)
    except OSError as error:
        raise UserError(f"{said} cannot be read: {error.strerror}") from None
    rows = csv_rows(text, said)
    columns = [cell.casefold() for cell in rows[0][1]] if rows else []
    keys, sides = set(columns) & {"id", "subject"}, set(columns) & {"part", "fold"}
    known = [*keys, *sides, *(["repeat"] if "repeat" in columns else [])]
    if len(keys) != 1 or len(sides) != 1 or sorted(columns) != sorted(known):
        raise UserError(f"{said}: columns {', '.join(columns)[:80] or 'missing'} ({_FORM})")
    (column,), (side,) = keys, sides
    assigned: dict[int, dict[str, int]] = {}
    for number, cells in rows[1:]:
        where = f"{said}, line {number}"
        if len(cells) != len(columns):
            raise UserError(f"{where}: {len(cells)} cells (allowed: {len(columns)}, as in its first row)")
        of = dict(zip(columns, cells, strict=True))
        part = _part(of[side], where) if side == "part" else _whole(of[side], "fold", where)
        repeat = assigned.setdefault(_whole(of.get("repeat", "0"), "repeat", where), {})
        if repeat.setdefault(of[column], part) != part:
            raise UserError(f"{where}: {column} '{of[column]}' is on both sides (allowed: one part in each repeat)")
    folds = {number: sorted(set(repeat.values()) - {-1}) for number, repeat in assigned.items()}
    count = 1 if side == "part" else max((1 + max(own) for own in folds.values()), default=0)
    for number in range(max(len(assigned), 1)):
        if folds.get(number) != list(range(count)) or (side == "fold" and count < 2):
            need = f"a scan to {TEST}" if side == "part" else "two folds or more, numbered from 0 without a gap"
            raise UserError(f"{said}: repeat {number} needs {need} (repeats are numbered from 0, too)")
    return SplitFile(name, text, column, tuple(assigned[number] for number in sorted(assigned)), count)


def _part(cell: str, where: str) -> int:
    if cell.casefold() not in (TRAIN, TEST):
        raise UserError(f"{where}: part {cell[:60]!r} (allowed: {TRAIN}, {TEST})")
    return 0 if cell.casefold() == TEST else -1


def _whole(cell: str, column: str, where: str) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 4):
        raise UserError(f"{where}: {column} {cell[:60]!r} (allowed: 0 to 9999)")
    return int(cell)
