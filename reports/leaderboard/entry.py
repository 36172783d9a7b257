"""One suite's part of a leaderboard, which outlives its records: kept as JSON, it stands on later pages as well."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from reports.leaderboard.rows import rows, typed
from reports.leaderboard.table import Links
from reports.schema import ReportError
from reports.statistics.profiles import Profile, profile_of
from reports.tables import summary
from reports.tables.anchors import confusion_anchors, method_anchors
from reports.tables.compared import Compared

_ARRAYS = ("accuracy", "fraction", "low", "high")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A suite on the leaderboard; it names no subject.

    Attributes:
        rows: `reports.leaderboard.rows.rows` of the suite.
        links: of each row.
        profiles: over subjects, by method.
        synthetic: whether its faces are.
        notices: limitations of its results, each beginning with its name.
    """

    rows: pd.DataFrame
    links: Sequence[Links]
    profiles: Mapping[str, Profile]
    synthetic: bool = False
    notices: Sequence[str] = ()

    @property
    def suite(self) -> str:
        """Its name."""
        return str(self.rows["suite"].iloc[0])

    def to_json(self) -> str:
        """Everything of it as text, to the last digit."""
        kept = {
            "rows": self.rows.astype(object).where(self.rows.notna(), None).to_dict("records"),
            "links": [asdict(one) for one in self.links],
            "profiles": {method: _written(one) for method, one in self.profiles.items()},
            "synthetic": self.synthetic,
            "notices": list(self.notices),
        }
        return json.dumps(kept, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Entry":
        """The entry that `to_json` wrote.

        Raises:
            ReportError: it is something else.
        """
        try:
            kept = json.loads(text)
            return cls(
                rows=typed(kept["rows"]),
                links=[Links(**one) for one in kept["links"]],
                profiles={method: _read(one) for method, one in kept["profiles"].items()},
                synthetic=kept["synthetic"],
                notices=kept["notices"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ReportError(f"no part of a leaderboard: {error!r}") from None


def entry(one: Compared, *, data_set: str = "", report: str = "") -> Entry:
    """Part of the leaderboard that a suite has.

    Args:
        one: the suite.
        data_set: the name of its dataset, where it is to be called otherwise.
        report: where its report's page is, as a path relative to the leaderboard; empty where nothing leads to one.
    """
    plan = one.results.provenance
    found = rows(one, data_set)
    return Entry(
        rows=found,
        links=_links(one, found["method"], report),
        profiles={
            str(method): profile_of(own) for method, own in one.results.predictions.groupby("method", observed=True)
        },
        synthetic=plan.synthetic,
        notices=summary.notices_by_suite([one.results]),
    )


def _links(one: Compared, methods: "pd.Series[str]", report: str) -> list[Links]:
    """Of each of a suite's rows: to what its report's page has of the method, and what else is known of it."""
    plan = one.results.provenance
    described, confused = method_anchors(plan), confusion_anchors(plan)

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
        for method in methods
    ]


def _written(one: Profile) -> dict[str, Any]:
    return {name: getattr(one, name).tolist() for name in _ARRAYS} | {"subjects": one.subjects}


def _read(kept: Mapping[str, Any]) -> Profile:
    accuracy, fraction, low, high = (np.asarray(kept[name], dtype=np.float64) for name in _ARRAYS)
    return Profile(accuracy, fraction, low, high, kept["subjects"])
