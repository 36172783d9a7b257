"""Parts that tables of evaluations share: intervals as columns, and who is not in a table."""

from collections.abc import Container, Sequence

import pandas as pd

from reports import formats
from reports.statistics.clustered import Estimate


def interval_columns(name: str, found: Estimate) -> dict[str, float]:
    """A value and the ends of its interval: ``NAME``, ``NAME_low``, ``NAME_high``."""
    interval = found.interval
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def lacking(methods: Sequence[str], whole: Container[str], evaluations: pd.DataFrame, done: str) -> list[str]:
    """A sentence on methods that were evaluated, but not on everything; `done` says what the others were."""
    tried = set(evaluations["method"])
    found = [method for method in methods if method in tried and method not in whole]
    return [f"Not {done}, and not in the table: {formats.names(found)}."] if found else []
