"""The tables of several suites, and what takes time to compute of them, each once for the page, document and files."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from reports import formats
from reports.multi_suite import words
from reports.multi_suite.cross_dataset import cross_dataset, cross_dataset_table
from reports.multi_suite.facts import facts, facts_table
from reports.multi_suite.overview import overview, overview_table
from reports.multi_suite.ranking import ranking, ranking_table
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.versus_control import versus_control, versus_control_table
from reports.statistics.ranks import Ranks
from reports.table import Table, plain_table


@dataclass(frozen=True, eq=False)
class Tables:
    """Tables and statistics over several suites."""

    multi: MultiSuite

    @cached_property
    def overview(self) -> pd.DataFrame:
        """`reports.multi_suite.overview.overview`."""
        return overview(self.multi)

    @cached_property
    def versus_control(self) -> pd.DataFrame:
        """`reports.multi_suite.versus_control.versus_control`."""
        return versus_control(self.multi)

    @cached_property
    def ranks(self) -> Ranks | None:
        """`reports.multi_suite.ranking.ranking`."""
        return ranking(self.multi)

    @cached_property
    def cross_dataset(self) -> pd.DataFrame:
        """`reports.multi_suite.cross_dataset.cross_dataset`."""
        return cross_dataset(self.multi)

    @cached_property
    def facts(self) -> pd.DataFrame:
        """`reports.multi_suite.facts.facts`."""
        return facts(self.multi)

    @cached_property
    def tables(self) -> dict[str, Table]:
        """All tables by name, in the order of the page; those that would be empty are not there."""
        return {table.name: table for table in self._tables()}

    def _tables(self) -> Iterator[Table]:
        multi = self.multi
        yield overview_table(multi, self.overview, notes=[words.complete(multi), words.averaged(multi)])
        if not self.versus_control.empty:
            yield versus_control_table(multi, self.versus_control)
        if self.ranks is not None:
            yield ranking_table(multi, self.ranks)
        if not self.cross_dataset.empty:
            yield cross_dataset_table(multi, self.cross_dataset)
        yield facts_table(multi, self.facts)
        if multi.method_differences:
            yield _differences(multi)


def _differences(multi: MultiSuite) -> Table:
    """Table of differences in methods that have one label."""
    found = multi.method_differences
    long = [
        (one.method, one.what, suite, value)
        for one in found
        for suite, value in zip(multi.names, one.values, strict=True)
    ]
    return plain_table(
        "unlike",
        f"What {formats.DIFFERS} stands for",
        ["Method", "What", *multi.names],
        [[one.method, one.what, *one.values] for one in found],
        numbers=pd.DataFrame(long, columns=["method", "what", "suite", "value"]),
        titles=multi.titles,
        label="Table of methods that are not the same in all suites",
    )
