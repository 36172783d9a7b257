"""A suite's results and what takes seconds to compute of them, each once, whoever asks for it."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from reports.data.results import Results
from reports.tables.comparison import comparison
from reports.tables.formatted import Marks, marked
from reports.tables.pairwise import pairwise


@dataclass(frozen=True, eq=False)
class Compared:
    """The methods of a suite compared."""

    results: Results

    @cached_property
    def table(self) -> pd.DataFrame:
        """`reports.tables.comparison.comparison`."""
        return comparison(self.results)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """`reports.tables.pairwise.pairwise`."""
        return pairwise(self.results)

    @cached_property
    def marks(self) -> Marks:
        """What is marked in the comparison."""
        return marked(self.table, self.pairs, control=self.results.control)
