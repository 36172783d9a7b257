"""``afnetm export``, ``import``, ``merge``, ``pack`` and ``unpack``: stored runs in archives, and between homes."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.asking import stoppable
from benchmarks.cli.completion import complete_suites
from benchmarks.cli.options import Methods, SuiteName, command_line
from benchmarks.records.home import Home
from benchmarks.terminal.console import console
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
            help="Name subjects of a dataset that is not shareable, and include what may show their faces, "
            "with the key of their pseudonyms. Without it subjects have pseudonyms, and errors are named by type only.",
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
    print(f"{done.suite}: {counted(done.records, 'run')}{failures}; {disk(done.size)}")
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
    from benchmarks.plans.suite_files import suite_names

    home: Home = context.obj
    for suite in _merge(context, [archive], name=name):
        if (best := home.best_parameters(suite)).is_file():
            print("  the trials of its search are not in the archive; with --params it is run with what they chose:")
            reference = suite if suite in suite_names() else f"{suite}.toml"
            print(f"to run:     {command_line(context, 'run', reference, '--params', str(best))}")


def merge(
    context: typer.Context,
    homes: Annotated[list[Path], typer.Argument(metavar="HOME", help="Other homes, or archives of `afnetm export`.")],
) -> None:
    """Takes the results, searches and datasets of other homes into this one (`--home`); they stay as they are.

    A suite whose folds or methods were run in several homes becomes one. A run that two homes have must have the same
    results in both. All is checked before anything is written.

    Example: `afnetm merge runs-a runs-b --home all`
    """
    _merge(context, homes)


def _merge(context: typer.Context, sources: list[Path], *, name: str | None = None) -> list[str]:
    from benchmarks.archive.merging import merge

    home: Home = context.obj
    with stoppable("merge"), progress_bar("merging", console, what="runs") as progress:
        done = merge(sources, home, storage_url=context.meta["storage"], name=name, progress=progress)
    here = f", {done.here} were here already" if done.here else ""
    print(f"{', '.join(done.suites) or 'no suite'}: {counted(done.records, 'run')} new{here}")
    if done.datasets:
        print(f"datasets:   {', '.join(done.datasets)}")
    if done.studies:
        print(f"searches:   {counted(done.studies, 'study')}")
    for suite in done.suites:
        print(f"to report:  {command_line(context, 'report', suite)}")
    return done.suites


def pack(
    context: typer.Context,
    suites: Annotated[
        list[str],
        typer.Argument(metavar="SUITE", help="Suites that were run.", autocompletion=complete_suites),
    ],
) -> None:
    """Moves the finished runs of suites into one file each, `HOME/packed/SUITE.zip`, where all commands find them.

    For file systems that allow few files: a run is a folder of about six. Run it again to add new runs.

    Example: `afnetm pack quick`
    """
    from benchmarks.archive.packing import pack_suite

    home: Home = context.obj
    for suite in suites:
        with stoppable("pack"), progress_bar("packing", console, what="runs") as progress:
            done = pack_suite(home, suite, storage_url=context.meta["storage"], progress=progress)
        if not done.runs:
            print(f"{done.suite}: nothing to pack")
        elif done.path is not None:
            print(f"{done.suite}: {counted(done.runs, 'run')} packed; {disk(done.path.stat().st_size)} in {done.path}")
        if done.left:
            first = f"{done.left[0]}, for one"
            print(f"  {counted(len(done.left), 'run')} left as folders, with other files than a run has: {first}")


def unpack(
    context: typer.Context,
    suites: Annotated[
        list[str],
        typer.Argument(metavar="SUITE", help="Suites that were packed.", autocompletion=complete_suites),
    ],
) -> None:
    """Makes folders of packed runs again, and deletes `HOME/packed/SUITE.zip`.

    Example: `afnetm unpack quick`
    """
    from benchmarks.archive.packing import unpack_suite

    for suite in suites:
        with stoppable("unpack"), progress_bar("unpacking", console, what="runs") as progress:
            count = unpack_suite(context.obj, suite, progress=progress)
        print(f"{suite}: {counted(count, 'run')} unpacked")
