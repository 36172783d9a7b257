"""Performance profiles of a suite's methods as curves over accuracy (`reports.statistics.profiles`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.formats import percent
from reports.leaderboard.axes import Axis, Mark, shares
from reports.leaderboard.table import row_id
from reports.statistics.profiles import Profile


@dataclass(frozen=True, kw_only=True)
class Curve(Mark):
    """A method's profile.

    Attributes:
        line, band: the curve and its 95 % band, as the data of SVG paths.
    """

    line: str
    band: str


@dataclass(frozen=True)
class Curves:
    """A drawing of profiles, the most accurate method last, on top of all others.

    Attributes:
        x, y: its axes.
        curves: on it.
        subjects: how many the methods were tested on, the most of any.
    """

    x: Axis
    y: Axis
    curves: Sequence[Curve]
    subjects: int


def curves(found: pd.DataFrame, profiles: Mapping[str, Profile]) -> Curves | None:
    """Of the rows of one suite, of `reports.leaderboard.rows.rows`, and profiles by method; None where there is none.

    The axis of accuracy begins a little before the first step of any curve.
    """
    known = found[found["method"].isin(list(profiles))]
    if known.empty:
        return None
    first = min(float(profiles[method].accuracy[0]) for method in known["method"])
    x = shares("Accuracy of a subject at least (%)", first, 1.0, upright=False)
    y = Axis(
        title="Fraction of subjects (%)",
        low=0.0,
        high=1.0,
        ticks={value / 100.0: str(value) for value in range(0, 101, 20)},
        upright=True,
    )
    best = known["accuracy"].max()
    ids = [row_id(int(index) + 1) for index in known.index]
    drawn = [
        Curve(
            row=own_id,
            words=_words(row["title"], profiles[row["method"]]),
            strong=row["accuracy"] == best,
            control=row["control"],
            **_paths(x, y, profiles[row["method"]]),
        )
        for own_id, row in zip(ids, known.to_dict("records"), strict=True)
    ]
    return Curves(x, y, drawn[::-1], max(one.subjects for one in profiles.values()))


def _words(title: str, own: Profile) -> str:
    half, most = (f"{percent(own.reached_by(fraction))}\N{NO-BREAK SPACE}%" for fraction in (0.5, 0.9))
    return f"{title}: half of the subjects reach {half}, nine tenths {most}"


def _paths(x: Axis, y: Axis, own: Profile) -> dict[str, str]:
    """The curve from the left of the axis down to 0, and its band: the upper ends from the left, the lower back."""
    edges = x.places(np.concatenate([[x.low], own.accuracy]))
    low, high = (y.places(ends) for ends in (own.low, own.high))
    back = "".join(f"V{up}H{left}" for up, left in zip(low[::-1], edges[-2::-1], strict=True))
    floor = y.places(np.zeros(1))[0]
    return {
        "line": f"{_steps(edges, y.places(own.fraction))}V{floor}",
        "band": f"{_steps(edges, high)}{back}Z",
    }


def _steps(edges: Sequence[float], heights: Sequence[float]) -> str:
    """A step function from the first edge to the last as the data of an SVG path."""
    steps = "V".join(f"{up}H{right}" for up, right in zip(heights, edges[1:], strict=True))
    return f"M{edges[0]} {steps}"
