"""``afnetm export`` and ``afnetm import``: records that go from one home to another, in one file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from benchmarks.cli.options import Methods, SuiteName, command_line
from benchmarks.records.home import Home
from benchmarks.terminal.console import console, errors
from benchmarks.terminal.progress import progress_bar
from benchmarks.terminal.words import counted, disk


def export(
    context: typer.Context,
    suite: SuiteName,
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The archive; must not exist yet.")],
    methods: Methods = None,
    with_faces: Annotated[
        bool,
        typer.Option(
            "--with-faces",
            help="Name subjects of a dataset that is not shareable, and include what may show their faces. "
            "Without it subjects have pseudonyms, and errors are named by type only.",
        ),
    ] = False,
    weights: Annotated[bool, typer.Option("--weights", help="Include trained weights where they were kept.")] = False,
) -> None:
    """Writes the results of a suite into one archive, which another home can import and report.

    The best parameters of a search are included, its trials are not.

    Example: `afnetm export quick quick.zip`
    """
    from benchmarks.archive.exporting import export_suite

    home: Home = context.obj
    with progress_bar("exporting", console, what="steps") as progress:
        done = export_suite(
            home, suite, out, methods=methods, with_faces=with_faces, weights=weights, progress=progress
        )
    failures = f", why {done.failures} failed" if done.failures else ""
    print(f"{done.suite}: {counted(done.records, 'record')}{failures}; {disk(done.size)}")
    if done.pseudonyms:
        print("  subjects have pseudonyms in it: the dataset is not shareable")
    if done.studies:
        print(f"  the trials of {counted(done.studies, 'study')} stay here; what they chose is in it")
    print(f"archive:    {out}")


def import_(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(metavar="IN.zip", help="An archive of `afnetm export`.")],
    name: Annotated[str | None, typer.Option("--as", metavar="NAME", help="The suite's name in this home.")] = None,
) -> None:
    """Imports the results of an archive into this home, once all of it is verified; nothing in the home is replaced.

    A suite that exists already is completed. Results are shared by all suites that contain the run.

    Example: `afnetm import quick.zip`
    """
    from benchmarks.archive.importing import import_suite
    from benchmarks.plans.suite_files import suite_names

    home: Home = context.obj
    try:
        with progress_bar("importing", console, what="steps") as progress:
            done = import_suite(archive, home, name=name, progress=progress)
    except KeyboardInterrupt:
        errors.say("stopped; what was imported is whole and stays: import again to go on")
        raise typer.Exit(130) from None
    here = f", {done.here} were here already" if done.here else ""
    print(f"{done.suite}: {counted(done.records, 'record')} imported{here}")
    if done.differing:
        formatted = ", ".join(done.differing[:3]) + (" ..." if len(done.differing) > 3 else "")
        message = (
            f"{len(done.differing)} of them say something else in the archive; they stay as they were here: {formatted}"
        )
        errors.say(f"[yellow]{message}[/]")
    if done.best_parameters:
        path = home.best_parameters(done.suite)
        errors.say(f"[yellow]what a search chose is something else here, and stays:[/] {escape(str(path))}")
    if done.tuned:
        path = home.best_parameters(done.suite)
        print("  the trials of its search did not come; with --params it is run with what they chose:")
        reference = done.suite if done.suite in suite_names() else f"{done.suite}.toml"
        print(f"to run:     {command_line(home, 'run', reference, '--params', str(path))}")
    print(f"to report:  {command_line(home, 'report', done.suite)}")
