"""The run of a job that is ready, on the command line: failures, report, where to look."""

from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from benchmarks.cli import archive, report, search
from benchmarks.cli.options import command_line, say_untracked
from benchmarks.records.occupancy import driving
from benchmarks.terminal.console import console, errors

if TYPE_CHECKING:
    from benchmarks.commands.job import Job


def carry_out(
    context: typer.Context, job: "Job", *, with_faces: bool, artifacts: str, reported: bool, packed: bool
) -> None:
    """Does what is not done yet, writes the report, packs, and exits with 1 if something failed.

    Other drivers may be at work on the same suite: the last of them writes the report, and packs.
    """
    with console.status("loading"):
        from benchmarks.commands import comparing
        from benchmarks.commands.manifests import make_manifest
        from benchmarks.commands.publishing import publish
    home, name, uri = job.home, job.suite.name, context.meta["tracking_uri"]
    with driving(home, device=job.device) as claims:
        claims.join(name)
        if job.search is not None:
            job = search.tune(context, job, claims)
        assert job.dataset is not None
        manifest = make_manifest(
            job.suite, job.dataset, job.planned, job.tuned, evaluations=job.all_evaluations, others=job.others
        )
        tally = comparing.train(
            job, manifest, claims, tracking_uri=uri, with_faces=with_faces, artifacts=artifacts, console=console
        )
        for (label, reason), alike in tally.failures.items():  # first: of nothing but failures there is no report
            first = alike[0]
            where = f"{label} {first.repeat}-{first.fold}"
            more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
            said = f"{escape(where)}{more}: {escape(reason)}; traceback: {escape(str(home.failures / first.key))}.txt"
            errors.say(f"[red]failed:[/] {said}")
        untracked = tally.untracked or job.untracked
        try:
            last = claims.last(name)
            if reported and last:
                report.show(home, manifest, with_faces=with_faces)
                untracked = untracked or publish(home, manifest, claims, tracking_uri=uri, console=console)
            elif reported:
                print(f"{name}: other drivers are still at work; the last of them writes the report")
        finally:
            if untracked:
                named = ["--with-faces"] if with_faces else []
                say_untracked(untracked, command_line(context, "track", name, *named))
    lacking = sorted({reason for reason in job.tuned.lacking.values() if reason}) if job.tuned else []
    for reason in lacking:
        where = command_line(context, "ui", "--optuna")
        errors.say(f"[red]not trained:[/] {escape(reason)}; see its trials: {where}")
    if packed and last:
        archive.pack(context, [name])
    print(f"MLflow UI:  {command_line(context, 'ui', name)}")
    if tally.failed or lacking:
        raise typer.Exit(1)
