"""``afnetm search``, and the same step of ``afnetm run``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.cli.asking import begin, stoppable
from benchmarks.cli.options import (
    Changes,
    Device,
    DryRun,
    ExecutorName,
    MethodFiles,
    MethodsToRun,
    RayAddress,
    SuiteName,
    Workers,
    WorkersPerGpu,
    as_typed,
    command_line,
    say_untracked,
)
from benchmarks.records.claims import Claims
from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving, exclusive
from benchmarks.terminal.console import console, output
from benchmarks.terminal.tables import Fitted
from benchmarks.terminal.words import counted, disk, duration

if TYPE_CHECKING:
    from benchmarks.commands.job import Job
    from benchmarks.search.tuning import Tuned


def search(
    context: typer.Context,
    suite: SuiteName,
    methods: MethodsToRun = None,
    changes: Changes = None,
    method_files: MethodFiles = None,
    trials: Annotated[
        int | None, typer.Option(help="Trials of every study, instead of a number per dimension searched.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="Hours of every study, summed over workers, instead of trials.")
    ] = None,
    workers: Workers = None,
    workers_per_gpu: WorkersPerGpu = 1,
    device: Device = "auto",
    executor: ExecutorName = "local",
    ray_address: RayAddress = None,
    dry_run: DryRun = False,
) -> None:
    """Tunes every method of a suite by the same rules, and writes the best parameters to a file.

    Defaults: 10 trials per dimension of a method's search space, TPE, median pruning, nested selection. Run again, it
        resumes; with more trials, it continues.

    Example: `afnetm search quick --methods concat afnetm --trials 10`
    """
    home: Home = context.obj
    budget = {key: value for key, value in (("trials", trials), ("hours", hours)) if value is not None}
    from benchmarks.commands.request import Options, ask

    options = Options(
        home=home,
        changes=changes or (),
        methods=methods or (),
        method_files=method_files or (),
        workers=workers,
        workers_per_gpu=workers_per_gpu,
        device=device,
        executor=executor,
        ray_address=ray_address,
        dry=dry_run,
    )
    request = ask(suite, options, search=budget)
    with console.status("loading"):
        begin(context, request)
        from benchmarks.commands.job import prepare
        from benchmarks.commands.machines import machines
    with stoppable("search"), machines(options, console) as found:
        job = prepare(request, console, found)
        if dry_run:
            with console.status("timing a few training steps"):
                from benchmarks.commands.forecast import search_forecast

                message = search_forecast(job, storage_url=context.meta["storage"], measure=True)
            output().print(message)
            return
        with driving(home, device=job.device) as claims:
            job = tune(context, job, claims)
    if job.untracked:
        say_untracked(job.untracked, as_typed())
    path = home.best_parameters(job.suite.name)
    print(f"best parameters: {path}")
    again = ["--set", *options.changes] if options.changes else []
    again += [word for file in options.method_files for word in ("--method-file", str(file))]
    again += [] if request.searched else ["--params", str(path)]
    print(f"to compare: {command_line(context, 'run', suite, *again)}")
    print(f"dashboard:  {command_line(context, 'ui', '--optuna')}")
    print(f"MLflow UI:  {command_line(context, 'ui', job.suite.name)}")
    assert job.tuned is not None
    if any(job.tuned.lacking.values()):
        raise typer.Exit(1)


def tune(context: typer.Context, job: "Job", claims: Claims) -> "Job":
    """Says what is to be done, does it, and prints what was found."""
    from benchmarks.commands import comparing
    from benchmarks.commands.forecast import search_forecast

    with console.status("reading finished runs"):
        message = search_forecast(job, storage_url=context.meta["storage"], measure=False)
    console.print(message)
    uris = {"storage_url": context.meta.get("storage"), "tracking_uri": context.meta["tracking_uri"]}
    job = comparing.tune(job, claims, console=console, **uris)
    assert job.tuned is not None
    output().print(_table(job.tuned, job.labels))
    return job


def counts(context: typer.Context, suite: str) -> dict[str, int]:
    """Progress of the search of a suite (`benchmarks.search.found_studies.Studied.counts`)."""
    home, url = context.obj, context.meta.get("storage")
    if url is None and not home.journal.exists():  # nothing was searched, and Optuna takes seconds to import
        return dict.fromkeys(("studies", "complete", "pruned", "failed", "running", "planned"), 0)
    from benchmarks.search.found_studies import found_studies

    return found_studies(home, url, suite).counts


def forget(context: typer.Context, reference: str, methods: list[str] | None, *, yes: bool) -> None:
    """Deletes the studies of a suite and the records of their trainings, after asking."""
    from benchmarks.records.store import Store
    from benchmarks.search.found_studies import forget_studies, found_studies

    home, url, suite = context.obj, context.meta.get("storage"), Path(reference).name.removesuffix(".toml")
    home.make(free=0)
    with exclusive(home):
        found, store = found_studies(home, url, suite, methods), Store(home)
        keys = found.runs & store.done()
        if not found.trials:
            print("nothing to delete")
            return
        if not yes:
            what = f"{counted(len(found.trials), 'study')} and the records of {counted(len(keys), 'training run')}"
            typer.confirm(f"delete {what} ({disk(store.size(keys))})?", abort=True)
        store.forget(keys)  # first: whoever is stopped here still has the studies that say what is left
        forget_studies(home, url, suite, methods)
    print(f"{counted(len(found.trials), 'study')} and {counted(len(keys), 'record')} deleted")


def _table(tuned: "Tuned", labels: list[str]) -> Fitted:
    """A row a method: its trials over all studies, how long they took, and its best trials' mean score."""
    import pandas as pd

    rows = []
    for label in labels:
        own = [study for study in tuned.record["studies"] if study["method"] == label]
        kinds = {name: name for name in ("complete", "pruned", "failed")} | {"runs": "trainings"}
        counts = {title: str(sum(study[kind] for study in own)) for kind, title in kinds.items()}
        dimensions = str(len(tuned.record["spaces"].get(label, {})))
        best = [study["best_value"] for study in own if study["best_value"] is not None]
        score = f"{100 * sum(best) / len(best):.1f}" if best else "none"
        time = duration(sum(study["seconds"] for study in own))
        about = {"method": label, "dimensions": dimensions, "studies": str(len(own))}
        rows.append(about | {**counts, "time": time, "inner score, %": score})
    return Fitted(pd.DataFrame(rows), ("inner score", "complete", "failed", "time", "studies"))
