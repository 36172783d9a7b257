"""``afnetm report``, and the same step of ``afnetm run``."""

import typer
from rich.console import Console

from benchmarks.home import Home
from benchmarks.options import SuiteName, WithFaces, console


def report(context: typer.Context, suite: SuiteName, with_faces: WithFaces = False) -> None:
    """Writes the report of a suite from its records alone.

    Example: `afnetm report quick`
    """
    show(context.obj, suite, with_faces=with_faces)


def show(home: Home, reference: str, *, with_faces: bool) -> None:
    """Writes the report of a suite, prints its comparison and where it is."""
    with console.status("writing the report"):
        from benchmarks.reporting import write_suite_report

        path, table = write_suite_report(home, reference, with_faces=with_faces)
    Console().print(table)
    print(f"report:     {path}")
