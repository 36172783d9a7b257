"""Several suites side by side: which methods they have, and how many datasets they are.

A dataset is a dataset, known by its fingerprint, and not a suite: suites on one dataset test the same people, so that
what they find is not independent, and counts once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.schema import ReportError
from reports.tables.compared import Compared


@dataclass(frozen=True)
class MethodDifference:
    """Difference between methods of one label.

    Attributes:
        method: the label.
        what: ``"registered as"``, ``"version"``, or a hyper-parameter.
        values: by suite, in their order, as text; a dash where the method or the setting is not there.
    """

    method: str
    what: str
    values: tuple[str, ...]


def method_differences(suites: Sequence[Results]) -> list[MethodDifference]:
    """All that differs between methods of one label, with results in two suites or more.

    What a search chose is not looked at: that is each study's own.
    """
    found = []
    for label in dict.fromkeys(method for results in suites for method in results.methods):
        described = [_about(label, results) for results in suites]
        there = [about for about in described if about]
        for what in dict.fromkeys(key for about in there for key in about):
            values = tuple(about.get(what, formats.NOTHING) for about in described)
            if len({about.get(what) for about in there}) > 1:
                found.append(MethodDifference(label, what, values))
    return found


def _about(label: str, results: Results) -> Mapping[str, str]:
    """Settings and version of a method, an item each; empty where the suite has no result of it."""
    if label not in results.methods:
        return {}
    about = results.provenance.methods[label]
    parts: dict[str, Any] = {"registered as": about.get("name", label), "version": about["version"]}
    return {name: formats.setting(value) for name, value in (parts | dict(about["hyperparameters"])).items()}


#: Decimals of a mean of shares that are not rounding: equal scores stay equal.
_DECIMALS = 12


@dataclass(frozen=True, eq=False)
class MultiSuite:
    """Two or more suites.

    Attributes:
        suites: in the order of every table. The first one's control is the one that methods are compared with.

    Raises:
        ReportError: fewer than two, or two of one name.
    """

    suites: Sequence[Compared]

    def __post_init__(self) -> None:
        if len(self.suites) < 2:
            raise ReportError(f"suites: {len(self.suites)}, allowed is 2 or more")
        for name in self.names:
            if self.names.count(name) > 1:
                raise ReportError(f"suites: {name!r} is there {self.names.count(name)} times, allowed is once")

    @property
    def names(self) -> list[str]:
        """The suites' names."""
        return [one.results.provenance.suite for one in self.suites]

    @cached_property
    def methods(self) -> list[str]:
        """The methods with a finished run in any suite, in the order of the suites."""
        return list(dict.fromkeys(method for one in self.suites for method in one.results.methods))

    @property
    def control(self) -> str:
        """The method that the others are compared with."""
        return self.suites[0].results.control

    @cached_property
    def titles(self) -> dict[str, str]:
        """Titles of methods in papers: from the first suite that has one."""
        return {name: title for one in reversed(self.suites) for name, title in one.results.provenance.titles.items()}

    @cached_property
    def everywhere(self) -> list[str]:
        """The methods that every suite has."""
        return [method for method in self.methods if all(method in one.results.methods for one in self.suites)]

    @cached_property
    def method_differences(self) -> list[MethodDifference]:
        """Differences between suites in methods that have one label."""
        return method_differences([one.results for one in self.suites])

    @cached_property
    def varying(self) -> set[str]:
        """The methods that are not the same in all suites."""
        return {one.method for one in self.method_differences}

    @property
    def look(self) -> str:
        """Style of tables with a column per suite on the page."""
        return "several whole dense" if len(self.names) > 4 else "several whole"

    @cached_property
    def data_sets(self) -> dict[str, list[str]]:
        """The suites on each dataset, by its name; where two have one name, by more."""
        datasets = [one.results.provenance.dataset for one in self.suites]
        found: dict[str, list[str]] = {}
        for suite, dataset in zip(self.names, datasets, strict=True):
            found.setdefault(dataset["fingerprint"], []).append(suite)
        named = {mark: next(c["name"] for c in datasets if c["fingerprint"] == mark) for mark in found}
        names = list(named.values())
        return {name if names.count(name) == 1 else f"{name} ({mark[:8]})": found[mark] for mark, name in named.items()}

    def data_set(self, suite: str) -> str:
        """Name of the dataset of a suite."""
        return next(name for name, suites in self.data_sets.items() if suite in suites)

    @property
    def suite_data_sets(self) -> dict[str, str]:
        """Names of the datasets by suite."""
        return {suite: self.data_set(suite) for suite in self.names}

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Accuracies (shares of 1): a row a dataset, a column a method; NaN where it has none.

        Of several suites on one dataset, the mean over those that have the method.
        """
        rows = {}
        for name, suites in self.data_sets.items():
            tables = [one.table for one in self.suites if one.results.provenance.suite in suites]
            rows[name] = pd.concat(tables).groupby("method")["accuracy"].mean().round(_DECIMALS)
        return pd.DataFrame(rows, index=self.methods).T

    @cached_property
    def shared(self) -> list[str]:
        """The methods with a mean and ranks: those that all datasets have, and that are the same in all suites."""
        whole = self.scores.notna().all()
        return [method for method in self.methods if whole[method] and method not in self.varying]

    @cached_property
    def means(self) -> "pd.Series[float]":
        """The mean accuracy of each of `shared` over datasets; empty where there is one dataset alone."""
        return self.scores[self.shared if len(self.data_sets) > 1 else []].mean().round(_DECIMALS)
