"""``afnetm track``: MLflow brought up to date."""

from typing import Annotated

import typer

from benchmarks.cli.asking import stoppable
from benchmarks.cli.completion import complete_suites
from benchmarks.cli.options import Artifacts, check_artifacts, command_line, say_untracked
from benchmarks.records.home import Home
from benchmarks.terminal.console import console
from benchmarks.terminal.words import counted


def track(
    context: typer.Context,
    suites: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUITE]",
            help="TOML files, or names of suites; without one, all that were run in this home.",
            autocompletion=complete_suites,
        ),
    ] = None,
    with_faces: Annotated[
        bool,
        typer.Option(
            "--with-faces",
            help="Copy what names or may show subjects, too, though the dataset is not shareable; it stays there.",
        ),
    ] = False,
    artifacts: Artifacts = "auto",
) -> None:
    """Copies to MLflow what it lacks of stored results: finished runs, studies and the report.

    A run copies its results itself; this is for what is left over while a server is away, or for another server. The
    exit code is 1 if something is still missing.

    Example: `afnetm track quick`, `afnetm track --tracking-uri http://127.0.0.1:5000`
    """
    from benchmarks.records.manifest import read_manifest

    check_artifacts(artifacts)
    home: Home = context.obj
    names = suites or sorted(path.stem for path in home.suites.glob("*.json"))
    manifests = [read_manifest(home, name) for name in names]
    if not manifests:
        print(f"home '{home.path}' has no results yet; run a suite first")
        return
    with console.status("loading"):
        from benchmarks.commands.tracking import catch_up
        from benchmarks.execution.troubles import check_tracking_uri

        uri, storage = context.meta["tracking_uri"], context.meta["storage"]
        check_tracking_uri(uri)
    home.make(free=0)
    lacking = False
    with stoppable("track"):
        for manifest in manifests:
            found = catch_up(
                home,
                manifest,
                tracking_uri=uri,
                storage_url=storage,
                with_faces=with_faces,
                artifacts=artifacts,
                console=console,
            )
            if found.lacks:
                lacking = True
                say_untracked(found.lacks, command_line(context, "track", manifest.suite))
            else:
                done = counted(found.finished, "finished run")
                print(f"{manifest.suite}: MLflow has {done}, {found.copied} copied now")
    if lacking:
        raise typer.Exit(1)
