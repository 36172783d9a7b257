"""Accuracy against parameters: a point a method, and the front of those that nothing as small surpasses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from reports import formats
from reports.leaderboard.axes import HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Mark, cost, shares
from reports.leaderboard.table import row_id
from reports.pictures.figures import MANY, label
from reports.pictures.pareto import pareto_front

#: Pixels: from a point to its name, of a letter's width and a line's height, roughly, as only the browser knows them.
_GAP, _LETTER, _LINE = 8.0, 6.3, 13.0
#: Where a name may stand beside its point: first to its right, then left, above and below.
_PLACES = (("start", _GAP, 4.0), ("end", -_GAP, 4.0), ("middle", 0.0, -_GAP), ("middle", 0.0, _GAP + 10.0))
#: Left, top, right and bottom.
_Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Point(Mark):
    """A method at its number of parameters and its accuracy.

    Attributes:
        x, y: where it is.
        top, bottom: the ends of its interval; both `y` where there is none.
        name: what stands beside it; empty where there is no room.
        name_x, name_y, anchor: where that is, and which of its ends.
    """

    x: float
    y: float
    top: float
    bottom: float
    name: str = ""
    name_x: float = 0.0
    name_y: float = 0.0
    anchor: str = "start"


@dataclass(frozen=True)
class Scatter:
    """A drawing of points, those with the fewest parameters first.

    Attributes:
        x, y: its axes.
        points: on it.
        front: the steps of the Pareto front, as the data of an SVG path.
    """

    x: Axis
    y: Axis
    points: Sequence[Point]
    front: str


def scatter(found: pd.DataFrame) -> Scatter | None:
    """Of the rows of one suite, of `reports.leaderboard.rows.rows`; None where fewer than two have both numbers."""
    known = found[found["accuracy"].notna() & (found["parameters"] > 0)].sort_values("parameters", kind="stable")
    if len(known) < 2:
        return None
    low, high = known["accuracy_low"].fillna(known["accuracy"]), known["accuracy_high"].fillna(known["accuracy"])
    y = shares("Accuracy (%)", float(low.min()), float(high.max()))
    x = cost("Parameters", float(known["parameters"].min()), float(known["parameters"].max()))
    front = pareto_front(known, "parameters")
    records = known.assign(front=known.index.isin(front.index), id=known.index + 1).to_dict("records")
    places = zip(
        x.places(known["parameters"].to_numpy()),
        *(y.places(values.to_numpy()) for values in (known["accuracy"], high, low)),
        strict=True,
    )
    points = [
        Point(
            row=row_id(row["id"]),
            words=_words(row),
            strong=row["front"],
            control=row["control"],
            **dict(zip(("x", "y", "top", "bottom"), own, strict=True)),
        )
        for row, own in zip(records, places, strict=True)
    ]
    named = list(_named(points, known["title"].tolist()))
    return Scatter(x, y, named, _front(points))


def _front(points: Sequence[Point]) -> str:
    """The steps from each point of the front to the next, and on to the right end."""
    first, *others = [one for one in points if one.strong]
    return f"M{first.x} {first.y}{''.join(f'H{one.x}V{one.y}' for one in others)}H{WIDTH - RIGHT}"


def _words(row: Mapping[Any, Any]) -> str:
    score = formats.score(*(row[f"accuracy{end}"] for end in ("", "_low", "_high")))
    text = f"{row['title']}: {score}, {formats.number(row['parameters'])} parameters"
    return f"{text}, on the Pareto front" if row["front"] else text


def _named(points: Sequence[Point], titles: Sequence[str]) -> Iterator[Point]:
    """The points with names where these cover no point and no other name; of many, the front's and the control's."""
    taken: list[_Box] = [(one.x - 5, one.y - 5, one.x + 5, one.y + 5) for one in points]
    for point, title in zip(points, titles, strict=True):
        name = label(title)
        if len(points) > MANY and not (point.strong or point.control):
            yield point
            continue
        for anchor, right, down in _PLACES:
            x, y, width = point.x + right, point.y + down, _LETTER * len(name)
            left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
            box = (left, y - _LINE + 3, left + width, y + 3)
            inside = box[0] >= LEFT and box[2] <= WIDTH and box[1] >= TOP - 8 and box[3] <= HEIGHT
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                yield replace(point, name=name, name_x=x, name_y=y, anchor=anchor)
                break
        else:
            yield point


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
