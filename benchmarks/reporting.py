"""From records to a report on disk and a table on the terminal; neither torch nor MLflow is needed."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from afnetm.data.cohort import cohort_directory
from afnetm.errors import UserError
from benchmarks.frames import results
from benchmarks.home import Home
from benchmarks.ledger import read_ledger
from benchmarks.store import Store
from reports.comparison import comparison
from reports.outside import read_results
from reports.page import write_report
from reports.schema import ReportError
from reports.shown import displayed


def write_suite_report(home: Home, reference: str, *, with_faces: bool = False) -> tuple[Path, Table]:
    """Writes the report of a suite; returns the page's path and the comparison for the terminal.

    Subjects are named if their cohort is shareable, or `with_faces`.

    Raises:
        UserError: the suite was never run here, nothing of it is done, or its records contradict each other.
    """
    ledger = read_ledger(home, reference)
    store = Store(home)
    done = store.done()
    if not any(entry.key in done for entry in ledger.units):
        raise UserError(f"suite '{ledger.suite}' has no finished unit in home '{home.path}'; nothing to report")
    try:
        cohort = cohort_directory(home.path, ledger.cohort["name"])
        found = results(ledger, store, created=_now(), with_faces=with_faces, cohort=cohort)
        path = write_report(found, home.report(ledger.suite))
    except ReportError as error:
        raise UserError(f"suite '{ledger.suite}': {error}") from None
    return path, _table(displayed(comparison(found), control=found.control).text)


def write_file_report(
    folds: Path, predictions: Path, *, control: str | None = None, out: Path | None = None, with_faces: bool = False
) -> tuple[Path, Table]:
    """Writes the report of results from elsewhere (`reports.outside`); returns the same as `write_suite_report`.

    `out` is its folder, by default one beside `folds` that is named after it. Subjects are named `with_faces` alone.

    Raises:
        UserError: of the files no report can be made, or `out` holds something else or cannot be written.
    """
    directory = out or folds.with_name(f"{folds.stem}-report")
    try:
        found = read_results(folds, predictions, created=_now(), control=control, with_faces=with_faces)
        path = write_report(found, directory)
    except ReportError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"report folder '{directory}' cannot be written: {error.strerror or error}") from None
    return path, _table(displayed(comparison(found), control=found.control).text)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _table(shown: pd.DataFrame) -> Table:
    """For the terminal: what a narrow one has no room for is on the page."""
    if Console().width < 130:
        shown = shown.drop(columns=["Folds, %", "FLOPs"])
    if Console().width < 100:
        shown = shown.drop(columns=[name for name in shown.columns if name.startswith(("Macro-F1", "Test, ms"))])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, name in enumerate(shown.columns):
        table.add_column(name, justify="right" if position else "left", no_wrap=bool(position) and len(name) < 20)
    for row in shown.itertuples(index=False):
        table.add_row(*map(escape, row))
    return table
