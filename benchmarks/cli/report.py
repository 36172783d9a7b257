"""``afnetm report``, and the same step of ``afnetm run``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afnetm.errors import UserError
from benchmarks.cli.completion import complete_suites
from benchmarks.cli.options import WithFaces
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest, read_manifest
from benchmarks.terminal.console import console, output

if TYPE_CHECKING:
    from benchmarks.reporting.writing import Written


def report(
    context: typer.Context,
    suites: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SUITE", help="TOML files, or names in benchmarks/suites/.", autocompletion=complete_suites
        ),
    ] = None,
    with_faces: WithFaces = False,
    results: Annotated[
        Path | None, typer.Option(help="Instead of a suite: folds from any program, as a text table or Parquet.")
    ] = None,
    predictions: Annotated[Path | None, typer.Option(help="With --results: the predictions of these folds.")] = None,
    control: Annotated[
        str | None,
        typer.Option(help="With --results: the method that the others are compared with; by default the first."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Give accuracy by these columns of the dataset's table, too, for example: --by sex session"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The report's folder; by default HOME/reports/SUITE, with --results a folder beside that file."
        ),
    ] = None,
) -> None:
    """Writes the report of a suite from stored results, or of results from other programs (docs/results.md).

    For several suites it writes one each and a multi-suite report: methods by suites, mean ranks over datasets. Beside
    every report is `leaderboard.html`: all methods in a table that filters and sorts (docs/leaderboard.md).

    Example: `afnetm report quick`, `afnetm report quick fusion`, or
    `afnetm report --results folds.csv --predictions predictions.parquet`
    """
    if suites and (results or predictions or control):
        raise UserError(f"suite '{suites[0]}' cannot be combined with --results, --predictions or --control")
    if by and len(suites or ()) != 1:
        raise UserError(f"--by {by[0]}: of one suite at a time, whose dataset has the column")
    if suites and len(suites) > 1:
        _multi_suite(context.obj, suites, out=out, with_faces=with_faces)
    elif suites:
        show(context.obj, read_manifest(context.obj, suites[0]), out=out, with_faces=with_faces, by=by or ())
    elif results is not None and predictions is not None:
        _from_files(results, predictions, control=control, out=out, with_faces=with_faces)
    else:
        raise UserError("nothing to report: name a suite, or give both --results and --predictions")


def show(home: Home, manifest: Manifest, *, out: Path | None = None, with_faces: bool, by: Sequence[str] = ()) -> None:
    """Writes the report of a suite, prints its comparison and where it is."""
    with console.status("writing the report"):
        from benchmarks.reporting.writing import write_suite_report

        written = write_suite_report(home, manifest, out=out, with_faces=with_faces, by=by)
    _print(written)


def _multi_suite(home: Home, references: list[str], *, out: Path | None, with_faces: bool) -> None:
    with console.status("writing the reports"):
        from benchmarks.reporting.writing import write_joint_report

        manifests = [read_manifest(home, reference) for reference in references]
        written = write_joint_report(home, manifests, out=out, with_faces=with_faces)
    _print(written)


def _from_files(results: Path, predictions: Path, *, control: str | None, out: Path | None, with_faces: bool) -> None:
    with console.status("writing the report"):
        from benchmarks.reporting.writing import write_file_report

        written = write_file_report(results, predictions, control=control, out=out, with_faces=with_faces)
    _print(written)


def _print(written: "Written") -> None:
    """Prints the table, what a reader of it must know, and where the pages are.

    Raises:
        UserError: of some suites there is no report.
    """
    output().print(written.table)
    for note in written.notes:
        print(f"note:        {note}")
    for page in written.pages:
        print(f"report:      {page}")
    if written.multi is not None:
        print(f"together:    {written.multi}")
        print(f"leaderboard: {written.leaderboard}")
    if written.problems:
        raise UserError("; ".join(written.problems))
