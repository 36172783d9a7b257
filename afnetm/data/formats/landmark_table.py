"""Landmarks as points with or without names, in the spellings of tables, of JSON and of programs that pick points."""

import json
import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.csv_rows import DELIMITERS, csv_rows, table_text
from afnetm.data.formats.text import without_mark
from afnetm.data.landmarks import LANDMARKS_68
from afnetm.errors import UserError

#: Larger files are none of landmarks, bytes: 83 of them take 5 kB, 478 in JSON with a word before every number 60 kB.
MAX_BYTES = 2**18
#: Coordinates further out are of no face, in whichever unit, and no picture: ten metres in micrometres.
MAX_COORDINATE = 1e7
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_AXES, _NAMES = ("x", "y", "z"), ("name", "label", "landmark")
#: Lines of ``.pts`` around its points.
AROUND = re.compile(r"\s*(?:version\s*:.*|n_points\s*:.*|[{}])\s*", re.IGNORECASE)
#: The line of ``.fcsv`` that says which columns it has.
_COLUMNS = re.compile(r"#\s*columns\s*=(.*)")


@dataclass(frozen=True, eq=False)
class LandmarkTable:
    """The points of a file.

    Attributes:
        names: a name a point, no two differ in case only; None where there are no names.
        points: ``(n, 3)`` float64, x, y and z in the file's unit, or ``(n, 2)``, pixels to the right and down in a
            picture; NaN where a point's coordinates are empty.
    """

    names: tuple[str, ...] | None
    points: NDArray[np.float64]


#: The rows of the 68 landmarks that menpo's labels stand for. Which of its sides is which does not matter: it follows
#: from coordinates. That its nose and mouth are in the order of the 68 was seen in a file that its authors publish.
_PARTS = {
    word: tuple(row for row in LANDMARKS_68 if row.startswith(groups))
    for word, groups in (
        ("jaw", "jaw"), ("chin", "jaw"), ("lbrow", "right_brow"), ("rbrow", "left_brow"), ("leye", "right_eye"),
        ("reye", "left_eye"), ("nose", "nose"), ("mouth", ("outer_mouth", "inner_mouth")),
    )
}  # fmt: skip
#: A point as it is read: where it stands, its name, empty where there are none, and its coordinates.
_Row = tuple[str, str, list[str]]
#: The coordinates of a point that has none, however many it should have.
_NULL = [""]


def read_landmark_table(content: bytes, name: str) -> LandmarkTable:
    """The landmarks in a table: ``.csv``, ``.tsv``, ``.txt``, ``.pts``, and ``.fcsv`` of 3D Slicer.

    Between cells are tabs, semicolons, commas, or else spaces; then a name may have spaces too. The first row says
    which columns there are (x, y, z, and name), where it is not a point itself: else they are (name,) x, y, z. Without
    z they are places in a picture.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: other columns, a name that is empty or duplicated, a coordinate that is no number, or no row.
    """
    _check_size(content, name)
    columns: list[str] = []
    lines = table_text(content, name).splitlines()
    for at, line in enumerate(lines):
        if found := _COLUMNS.match(line):
            columns = [cell.strip().casefold() for cell in found[1].split(",")]
        if line.startswith("#") or AROUND.fullmatch(line):
            lines[at] = ""  # so that the others keep their numbers
    first = next((line for line in lines if line.strip()), "")
    if any(mark in first for mark in DELIMITERS):
        rows = csv_rows("\n".join(lines), name)
    else:
        rows = [(number, _between_spaces(line)) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise UserError(f"{name}: it contains no landmarks")
    if not columns:
        columns, headed = _columns(rows[0][1], f"{name}, line {rows[0][0]}")
        rows = rows[headed:]
    for number, row in rows:
        if len(row) != len(columns):
            raise UserError(f"{name}, line {number}: {len(row)} cells (allowed: {', '.join(columns)} in every row)")
    named = next((columns.index(column) for column in _NAMES if column in columns), None)
    axes = [columns.index(axis) for axis in _AXES if axis in columns]
    return _table(
        [
            (f", line {number}", "" if named is None else row[named], [row[axis] for axis in axes])
            for number, row in rows
        ],
        name,
    )


def read_landmark_json(content: bytes, name: str) -> LandmarkTable:
    """The landmarks in JSON: ``{name: [x, y, z]}``, ``[[x, y, z]]``, or as 3D Slicer or menpo write them.

    A point is ``[x, y, z]`` or ``{"x": x, "y": y, "z": z}``, also with a name; without z it is a place in a picture.
    All may be within ``{"landmarks": ...}`` or ``{"points": ...}``. Menpo's (``.ljson``) are named by its labels where
    these are parts of a face or one point each.

    Raises:
        UserError: as of `read_landmark_table`.
    """
    _check_size(content, name)
    try:
        tree = json.loads(without_mark(content))
        if isinstance(tree, dict) and "markups" in tree:
            points = [point for markup in tree["markups"] for point in markup["controlPoints"]]
            found = [(str(point["label"]), point["position"]) for point in points]
        elif isinstance(tree, dict) and ("groups" in tree or {"landmarks", "labels"} <= tree.keys()):
            found = _of_menpo(tree, name)
        else:
            for word in ("landmarks", "points"):
                tree = tree.get(word, tree) if isinstance(tree, dict) else tree
            found = list(tree.items()) if isinstance(tree, dict) else [(_name_of(point), point) for point in tree]
        rows = [(f", point {at}", named, _numbers(point)) for at, (named, point) in enumerate(found, start=1)]
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UserError(f"{name}: no landmarks in it ({type(error).__name__}; allowed: {{name: [x, y, z]}})") from None
    return _table(rows, name)


def _name_of(point: Any) -> str:
    return next((str(point[word]) for word in _NAMES if word in point), "") if isinstance(point, dict) else ""


def _numbers(point: Any) -> list[str]:
    """The coordinates of a point as text, `_NULL` where there are none."""
    if isinstance(point, dict):
        point = [point[axis] for axis in _AXES if axis in point]
    return (
        list(_NULL)
        if point is None or (point and all(number is None for number in point))
        else [str(number) for number in point]
    )


def _of_menpo(tree: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    """Names and points of an LJSON file of version 1, 2 or 3; a place in a picture has its row first there."""
    groups = tree.get("groups", {"": tree})
    if isinstance(groups, list):  # version 1: the points of each label
        points = [point["point"] for group in groups for point in group["landmarks"]]
        labels = {str(group["label"]): len(group["landmarks"]) for group in groups}
        ends = np.cumsum([0, *labels.values()]).tolist()
        masks = {label: list(range(*ends[at : at + 2])) for at, label in enumerate(labels)}
    else:
        if len(groups) != 1:
            raise UserError(f"{name}: {len(groups)} groups of landmarks (allowed: one)")
        (group,) = groups.values()
        points = group["landmarks"]["points"]
        masks = {str(label["label"]): label["mask"] for label in group["labels"]}
    points = [point if point is None or len(point) != 2 else point[::-1] for point in points]
    if len(masks) <= 1:
        return [("", point) for point in points]
    if sorted(place for mask in masks.values() for place in mask) != list(range(len(points))):
        raise UserError(f"{name}: its labels do not share out its {len(points)} points")
    if all(len(mask) == 1 for mask in masks.values()):
        return [(label, points[mask[0]]) for label, mask in masks.items()]
    named: dict[str, Any] = {}
    for label, mask in masks.items():
        part = _PARTS.get(re.sub("[^a-z]|eft|ight", "", label.casefold().replace("eyebrow", "brow")))
        if part is None or len(mask) != len(part):
            raise UserError(
                f"{name}: {len(mask)} points labelled {label[:60]!r} are no part of a face of 68 landmarks "
                f"(known: {', '.join(f'{key} {len(rows)}' for key, rows in _PARTS.items())})"
            )
        named |= {row: points[place] for row, place in zip(part, mask, strict=True)}
    return list(named.items())


def read_picked_points(content: bytes, name: str) -> LandmarkTable:
    """The landmarks in a ``.pp`` file of MeshLab; a point that is not active is missing.

    Raises:
        UserError: as of `read_landmark_table`, or no such file.
    """
    _check_size(content, name)
    try:
        if b"<!ENTITY" in content.replace(b"\0", b""):  # in whichever encoding
            raise ElementTree.ParseError("entities")
        points = list(ElementTree.fromstring(content).iter("point"))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UserError(f"{name}: not a file of picked points ({error})") from None
    return _table(
        [
            (
                f", point {at}",
                point.get("name", ""),
                [point.get(axis, "?") if point.get("active", "1") == "1" else "" for axis in _AXES],
            )
            for at, point in enumerate(points, start=1)
        ],
        name,
    )


def _check_size(content: bytes, name: str) -> None:
    if len(content) > MAX_BYTES:
        raise UserError(f"{name}: {len(content)} bytes (allowed for landmarks: up to {MAX_BYTES})")


def _columns(first: list[str], where: str) -> tuple[list[str], bool]:
    """The columns that a first row names or, as a point, has; and whether it names them."""
    columns = [cell.casefold() for cell in first]
    if not set(_AXES[:2]) <= set(columns):
        named = len(first) > 3 or not (_is_missing(first[0]) or _is_coordinate(first[0].replace(",", ".")))
        numbers = max(2, min(len(first) - named, 3))
        return [*(["name"] if named else []), *_AXES[:numbers]], False
    for column in columns:
        if column not in (*_AXES, *_NAMES) or columns.count(column) > 1:
            raise UserError(f"{where}: column {column[:60]!r} is unknown or duplicated (allowed: name, x, y, z)")
    return columns, True


def _between_spaces(line: str) -> list[str]:
    """The last three words of a line and, before them, the name."""
    words = line.split()
    return [" ".join(words[:-3]), *words[-3:]] if len(words) > 3 else words


def _table(rows: list[_Row], file: str) -> LandmarkTable:
    if not rows:
        raise UserError(f"{file}: it contains no landmarks")
    named = any(name for _, name, _ in rows)
    names: dict[str, str] = {}
    for where, name, _ in rows if named else ():
        if not name or name.casefold() in names:
            raise UserError(f"{file}{where}: the landmark's name {name[:60]!r} is empty or duplicated")
        names[name.casefold()] = name
    # A comma is a decimal mark where there is no other; where there are both, either may be of thousands.
    decimal = "," if not any("." in cell for _, _, cells in rows for cell in cells) else "."
    width = next((len(cells) for _, _, cells in rows if cells != _NULL), 3)
    points = [
        _point(
            [cell.replace(decimal, ".") for cell in (cells if cells != _NULL else [""] * width)], width, file + where
        )
        for where, _, cells in rows
    ]
    return LandmarkTable(tuple(names.values()) if named else None, np.array(points))


def _point(cells: list[str], width: int, where: str) -> list[float]:
    if len(cells) != width or width not in (2, 3):
        allowed = f"{width}, as of the first" if width in (2, 3) else "3, or 2 in a picture"
        raise UserError(f"{where}: {len(cells)} coordinates (allowed: {allowed})")
    if all(map(_is_missing, cells)):
        return [np.nan] * width
    for cell in cells:
        if not _is_coordinate(cell):
            raise UserError(f"{where}: {cell[:40]!r} is not a coordinate (allowed: a number, or all of them empty)")
    return [float(cell) for cell in cells]


def _is_coordinate(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell)) and abs(float(cell)) <= MAX_COORDINATE


def _is_missing(cell: str) -> bool:
    return cell.casefold() in {"", "nan"}
