"""The leaderboard as a page: one file that lies beside a report, or alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports.leaderboard.curves import Curves, curves
from reports.leaderboard.entry import Entry
from reports.leaderboard.rows import INPUTS
from reports.leaderboard.scatter import Scatter, scatter
from reports.leaderboard.table import leaderboard_table, row_attributes
from reports.page.html import rendered
from reports.schema import ReportError
from reports.tables import summary

#: The page's file, beside a report's.
LEADERBOARD = "leaderboard.html"


@dataclass(frozen=True, kw_only=True)
class Drawings:
    """Drawings of a suite; None where it has nothing to show.

    Attributes:
        points: accuracy against parameters.
        profiles: over subjects.
        control: the title of the method that others are compared with.
    """

    points: Scatter | None
    profiles: Curves | None
    control: str


def write_leaderboard(entries: Sequence[Entry], path: Path, *, created: str, report: str = "") -> None:
    """Writes the leaderboard of suites of different names; the same suites give the same bytes.

    The page names no subject and shows no face.

    Args:
        entries: the suites, in the order of the page.
        path: of the file.
        created: when it is made, as it shall be printed.
        report: where the report is that it lies beside; empty where it lies beside none.

    Raises:
        ReportError: no suite.
    """
    path.write_text(page(entries, created=created, report=report), encoding="utf-8")


def page(entries: Sequence[Entry], *, created: str, report: str = "") -> str:
    """The leaderboard as HTML: nothing of it lies elsewhere, and without its script it is a table and its figures.

    Args and Raises: those of `write_leaderboard`.
    """
    if not entries:
        raise ReportError("suites: none, allowed is 1 or more")
    found = pd.concat([one.rows for one in entries], ignore_index=True)
    profiles = {one.suite: one.profiles for one in entries}
    suites = {
        str(suite): Drawings(
            points=scatter(own),
            profiles=curves(own, profiles[str(suite)]),
            control=next(iter(own.loc[own["control"], "title"]), ""),
        )
        for suite, own in found.groupby("suite", sort=False)
    }
    return rendered(
        "leaderboard.html",
        scripts=("sort.js", "leaderboard.js"),
        sheets=("leaderboard.css",),
        table=leaderboard_table(found, [link for one in entries for link in one.links]),
        attributes=row_attributes(found),
        suites=suites,
        methods=found["method"].nunique(),
        datasets=found["data_set"].tolist(),
        inputs=[name for name in INPUTS if "yes" in set(found[name])],
        times=bool(found["train_seconds"].notna().any()),
        sizes=bool(found["parameters"].notna().any()),
        report=report,
        synthetic=summary.synthetic({one.suite: one.synthetic for one in entries}),
        notices=[notice for one in entries for notice in one.notices],
        created=created,
    )
