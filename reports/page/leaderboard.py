"""The leaderboard as a page: one file that lies beside a report, or alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from reports.leaderboard.curves import Curves, curves
from reports.leaderboard.rows import INPUTS, rows
from reports.leaderboard.scatter import Scatter, scatter
from reports.leaderboard.table import Links, leaderboard_table, row_attributes
from reports.page.html import rendered
from reports.statistics.profiles import Profile, profile_of
from reports.tables import summary
from reports.tables.anchors import confusion_anchors, method_anchors
from reports.tables.compared import Compared

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


def write_leaderboard(
    suites: Sequence[Compared],
    path: Path,
    *,
    created: str,
    reports: Mapping[str, str] = {},
    report: str = "",
    data_sets: Mapping[str, str] = {},
) -> None:
    """Writes the leaderboard of suites of different names; the same suites give the same bytes.

    The page names no subject and shows no face.

    Args:
        suites: in the order of the page.
        path: of the file.
        created: when it is made, as it shall be printed.
        reports: by suite, where its report's page is, as a path relative to the file; of suites that are not in it
            nothing leads to one.
        report: where the report is that it lies beside; empty where it lies beside none.
        data_sets: names of their datasets by suite, where they are to be called otherwise.
    """
    found = rows(suites, data_sets)
    links = [link for one in suites for link in _links(one, found, reports)]
    profiles = {
        one.results.provenance.suite: {
            str(method): profile_of(own) for method, own in one.results.predictions.groupby("method")
        }
        for one in suites
    }
    plans = [one.results.provenance for one in suites]
    path.write_text(
        page(
            found,
            links,
            profiles,
            created=created,
            report=report,
            synthetic=summary.synthetic(plans),
            notices=summary.notices_by_suite([one.results for one in suites]),
        ),
        encoding="utf-8",
    )


def page(
    found: pd.DataFrame,
    links: Sequence[Links],
    profiles: Mapping[str, Mapping[str, Profile]],
    *,
    created: str,
    report: str = "",
    synthetic: tuple[str, str] | None = None,
    notices: Sequence[str] = (),
) -> str:
    """The leaderboard as HTML: nothing of it lies elsewhere, and without its script it is a table and its figures.

    Args:
        found: `reports.leaderboard.rows.rows`.
        links: of each row.
        profiles: by suite, by method.
        created: when it is made, as it shall be printed.
        report: where the report is that it lies beside; empty where it lies beside none.
        synthetic: that faces are, and what this means, if any are.
        notices: limitations of the suites' results, each beginning with its suite.
    """
    suites = {
        str(suite): Drawings(
            points=scatter(own),
            profiles=curves(own, profiles.get(str(suite), {})),
            control=next(iter(own.loc[own["control"], "title"]), ""),
        )
        for suite, own in found.groupby("suite", sort=False)
    }
    table = leaderboard_table(found, links)
    return rendered(
        "leaderboard.html",
        scripts=("sort.js", "leaderboard.js"),
        sheets=("leaderboard.css",),
        table=table,
        attributes=row_attributes(found),
        suites=suites,
        datasets=found["data_set"].tolist(),
        inputs=[name for name in INPUTS if "yes" in set(found[name])],
        times=bool(found["train_seconds"].notna().any()),
        sizes=bool(found["parameters"].notna().any()),
        report=report,
        synthetic=synthetic,
        notices=notices,
        created=created,
    )


def _links(one: Compared, found: pd.DataFrame, reports: Mapping[str, str]) -> list[Links]:
    """Of each of a suite's rows: to what its report's page has of the method, and what else is known of it."""
    plan = one.results.provenance
    described, confused = method_anchors(plan), confusion_anchors(plan)
    report = reports.get(plan.suite)

    def to(anchors: Mapping[str, str], method: str) -> str:
        return f"{quote(report)}#{anchors[method]}" if report and method in anchors else ""

    return [
        Links(
            method=to(described, method),
            confusion=to(confused, method) if method in one.results.methods else "",
            mlflow=plan.methods[method].get("page", ""),
            source=plan.methods[method].get("repository", ""),
            module=plan.methods[method].get("module", ""),
        )
        for method in found.loc[found["suite"] == plan.suite, "method"]
    ]
