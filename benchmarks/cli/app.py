"""The command line: ``afnetm``. What a command does is elsewhere; here are its words, its tables and its exit codes."""

import re
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from afnetm.errors import UserError
from afnetm.unwritten import why_unwritten
from benchmarks.cli import archive, check, data, demo, listing, model, plan, report, status, track
from benchmarks.cli import search as cli_search
from benchmarks.cli.arguments import Command, Program
from benchmarks.cli.asking import begin, stoppable
from benchmarks.cli.carrying import carry_out
from benchmarks.cli.options import (
    Artifacts,
    Changes,
    Device,
    DryRun,
    ExecutorName,
    MethodFiles,
    Methods,
    MethodsToRun,
    RayAddress,
    SuiteName,
    WithFaces,
    Workers,
    WorkersPerGpu,
    check_artifacts,
)
from benchmarks.records.home import Home
from benchmarks.records.occupancy import exclusive
from benchmarks.terminal.console import console, errors, listen, output
from benchmarks.terminal.encoding import fit_to_terminal
from benchmarks.terminal.words import counted, disk

app = typer.Typer(
    cls=Program,
    help="A benchmark of 2D+3D facial expression recognition: AFNet-M and rival fusion strategies in one fair harness.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")


def main() -> None:
    """The entry point: a user's error is one line on standard error and exit code 2."""
    before = {stop: signal.signal(stop, _stop) for stop in (signal.SIGTERM, signal.SIGUSR1)}
    fit_to_terminal()
    try:
        app(sys.argv[1:], prog_name="afnetm")
    except UserError as error:
        _fail(str(error))
    except Exception as error:  # a disk's fault comes as any of many
        why = why_unwritten(error)
        if why is None:
            raise
        file = getattr(error, "filename", None)
        what = f"'{file}'" if file else "a file"
        _fail(f"{what} cannot be written: {why}; finished runs are kept: resolve this and run the command again")
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)


def _fail(message: str) -> NoReturn:
    errors.say(f"[red]error:[/] {escape(message)}")
    sys.exit(2)


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Treats what a cluster's scheduler sends when a job's time is over, or soon will be, as Ctrl-C."""
    raise KeyboardInterrupt


def _version(asked: bool) -> None:
    if asked:
        print(f"afnetm {version('afnetm')}")
        raise typer.Exit


@app.callback()
def _program(
    context: typer.Context,
    home: Annotated[Path, typer.Option(envvar="AFNETM_HOME", help="The folder that everything is written to.")] = Path(
        "runs"
    ),
    tracking_uri: Annotated[
        str | None,
        typer.Option(envvar="AFNETM_TRACKING_URI", help="An MLflow server or database; HOME/mlflow.db by default."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(envvar="AFNETM_STORAGE", help="A database's URL, for studies; HOME/optuna.journal by default."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="One line per run on a terminal too, and tracebacks of failures.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Results and errors only, no progress.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")
    ] = False,
) -> None:
    if quiet and verbose:
        raise UserError("--quiet and --verbose cannot be combined")
    listen(quiet=quiet, verbose=verbose)
    context.obj = Home(home)
    context.meta["tracking_uri"] = tracking_uri or Home(home).tracking_uri
    context.meta["storage"] = storage or None
    for name, url in (("tracking-uri", tracking_uri), ("storage", storage)):
        if url and url in "\n".join(sys.argv) and re.search(r"://[^/@]*:[^@]+@", url):
            errors.say(
                f"[yellow]--{name}:[/] every user of this machine can read its password in the list of processes; "
                f"AFNETM_{name.upper().replace('-', '_')} keeps it out (docs/servers.md)"
            )


app.command(cls=Command)(listing.suites)
app.command(cls=Command)(listing.methods)
app.command(cls=Command)(listing.corruptions)


@app.command(cls=Command)
def run(
    context: typer.Context,
    suite: SuiteName,
    methods: MethodsToRun = None,
    changes: Changes = None,
    method_files: MethodFiles = None,
    workers: Workers = None,
    workers_per_gpu: WorkersPerGpu = 1,
    device: Device = "auto",
    executor: ExecutorName = "local",
    ray_address: RayAddress = None,
    params: Annotated[
        Path | None,
        typer.Option(help="Train with the parameters in this TOML file, as a search writes it, instead of searching."),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Only every N-th fold, from the I-th on, with all methods: for homes that share nothing, which "
            "`afnetm merge` then makes into one.",
        ),
    ] = None,
    dry_run: DryRun = False,
    with_faces: WithFaces = False,
    artifacts: Artifacts = "auto",
    reported: Annotated[
        bool, typer.Option("--report/--no-report", help="Write the report; of many runs `afnetm report` can, once.")
    ] = True,
    packed: Annotated[bool, typer.Option("--pack", help="In the end pack the suite, as `afnetm pack` does.")] = False,
) -> None:
    """Trains and tests what is not done yet, stores the results, and writes the report.

    A suite with a [search] table is searched first, and then trained with the best parameters.

    Example: `afnetm run quick --methods concat afnetm --workers 2`
    """
    from benchmarks.commands.request import Options, ask
    from benchmarks.plans.shards import parse_shard

    check_artifacts(artifacts)
    options = Options(
        home=context.obj,
        changes=changes or (),
        methods=methods or (),
        method_files=method_files or (),
        workers=workers,
        workers_per_gpu=workers_per_gpu,
        device=device,
        executor=executor,
        ray_address=ray_address,
        dry=dry_run,
        shard=parse_shard(shard) if shard is not None else None,
        params=params,
    )
    request = ask(suite, options)
    with console.status("loading"):
        begin(context, request)
        from benchmarks.commands.job import prepare
        from benchmarks.commands.machines import machines
    with stoppable("run"), machines(options, console) as found:
        job = prepare(request, console, found)
        if not dry_run:
            carry_out(context, job, with_faces=with_faces, artifacts=artifacts, reported=reported, packed=packed)
            return
        with console.status("timing a few training steps"):
            from benchmarks.commands.forecast import dry_forecast

            message = dry_forecast(job, storage_url=context.meta["storage"])
        output().print(message)


app.command(cls=Command)(cli_search.search)
app.command(cls=Command)(model.train)
app.command(cls=Command)(model.predict)
app.command(cls=Command)(demo.demo)


app.command(cls=Command)(plan.plan)
app.command(cls=Command)(status.status)
app.command(cls=Command)(track.track)


@app.command(cls=Command)
def forget(
    context: typer.Context,
    suite: SuiteName,
    methods: Methods = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only failed runs.")] = False,
    search: Annotated[bool, typer.Option("--search", help="The search instead: its studies and their runs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Deletes stored results of a suite, after confirmation; copies in MLflow stay, and searches unless named.

    Example: `afnetm forget quick --methods afnetm`
    """
    from benchmarks.records.manifest import read_manifest
    from benchmarks.records.store import Store

    home: Home = context.obj
    if search:
        cli_search.forget(context, suite, methods, yes=yes)
        return
    listed_runs = read_manifest(home, suite).only(methods)
    home.make(free=0)
    with exclusive(home):
        store = Store(home)
        known = store.failed() - store.done() if failed else store.failed() | store.done()
        keys = [listed.key for listed in listed_runs if listed.key in known]
        if not keys:
            print("nothing to delete")
            return
        if not yes:
            typer.confirm(f"delete {counted(len(keys), 'record')} ({disk(store.size(keys))})?", abort=True)
        store.forget(keys)
    print(f"{counted(len(keys), 'record')} deleted")


app.command(cls=Command)(check.check)
app.command(cls=Command)(report.report)
app.command(cls=Command)(archive.export)
app.command("import", cls=Command)(archive.import_)
app.command(cls=Command)(archive.merge)
app.command(cls=Command)(archive.pack)
app.command(cls=Command)(archive.unpack)


@app.command(cls=Command)
def ui(
    context: typer.Context,
    suite: Annotated[
        str | None, typer.Argument(metavar="SUITE", help="The suite to show; by default the one run last.")
    ] = None,
    optuna: Annotated[bool, typer.Option("--optuna", help="Optuna's dashboard on the studies of searches.")] = False,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port on 127.0.0.1; by default 5000, for Optuna 8080."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser, if there is a display.")] = True,
) -> None:
    """Opens MLflow on a suite's runs and charts, or Optuna's dashboard on its studies; Ctrl-C ends it.

    Opens a tracking server's own page; for a database, serves it on this machine only.

    Example: `afnetm ui quick`, `afnetm ui --optuna --port 8081`
    """
    from benchmarks.execution.interfaces import OPTUNA_PORT

    if optuna:
        from benchmarks.execution.optuna_page import optuna_ui

        storage = context.meta["storage"]
        raise typer.Exit(optuna_ui(context.obj, storage, port=port or OPTUNA_PORT, console=console, browser=browser))
    from benchmarks.execution.mlflow_page import mlflow_ui

    name = Path(suite).name.removesuffix(".toml") if suite else None
    uri = context.meta["tracking_uri"]
    raise typer.Exit(mlflow_ui(context.obj, uri, name, port=port, console=console, browser=browser))
