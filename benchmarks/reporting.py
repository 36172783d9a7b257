"""From records to a report on disk and a table on the terminal; neither torch nor MLflow is needed."""

from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from afnetm.errors import UserError
from benchmarks.frames import results
from benchmarks.home import Home
from benchmarks.ledger import read_ledger
from benchmarks.store import Store
from reports.page import write_report
from reports.schema import ReportError
from reports.tables import comparison


def write_suite_report(home: Home, reference: str) -> tuple[Path, Table]:
    """Writes the report of a suite; returns the page's path and the comparison for the terminal.

    Raises:
        UserError: the suite was never run here, nothing of it is done, or its records contradict each other.
    """
    ledger = read_ledger(home, reference)
    if not any(entry.key in Store(home).done() for entry in ledger.units):
        raise UserError(f"suite '{ledger.suite}' has no finished unit in home '{home.path}'; nothing to report")
    try:
        found = results(ledger, home, created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        path = write_report(found, home.report(ledger.suite))
    except ReportError as error:
        raise UserError(f"suite '{ledger.suite}': {error}") from None
    table = Table(title=None, box=None, pad_edge=False, header_style="bold")
    for name in ("method", "accuracy", "95 % interval", "macro F1", "parameters", "MFLOPs", "s a fold"):
        table.add_column(name, justify="left" if name == "method" else "right")
    for row in comparison(found).to_dict("records"):
        table.add_row(
            row["method"],
            f"{row['accuracy_mean']:.3f} ± {row['accuracy_sd']:.3f}",
            f"{row['accuracy_low']:.3f} to {row['accuracy_high']:.3f}",
            f"{row['macro_f1_mean']:.3f}",
            f"{row['parameters'] / 1e6:.2f} M",
            f"{row['flops'] / 1e6:.0f}",
            f"{row['seconds']:.1f}",
        )
    return path, table
