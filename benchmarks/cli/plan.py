"""``afnetm plan``: how much of a suite is left, and how long that takes on how many GPUs."""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from afnetm.errors import UserError
from benchmarks.cli.options import Changes, Json, MethodFiles, Methods, SuiteName, Workers, command_line
from benchmarks.terminal.console import console, output
from benchmarks.terminal.tables import Fitted
from benchmarks.terminal.words import counted, duration

if TYPE_CHECKING:
    from benchmarks.commands.planning import Plan, Row, Time

#: Numbers of GPUs where none are asked for, on a machine that has one.
_GPUS = (1, 8, 64)


def plan(
    context: typer.Context,
    suite: SuiteName,
    methods: Methods = None,
    changes: Changes = None,
    method_files: MethodFiles = None,
    workers: Workers = None,
    gpus: Annotated[
        list[int] | None,
        typer.Option(help="Plan for so many GPUs, for example: --gpus 1 8 64; this machine need not have any."),
    ] = None,
    params: Annotated[Path | None, typer.Option(help="Plan for these parameters instead of a search.")] = None,
    as_json: Json = False,
) -> None:
    """Prints how many runs of a suite are left, and how long they take by recorded times, with 95 % intervals.

    Without --gpus it is for this machine: its workers, or 1, 8 and 64 GPUs like its own. Times that were recorded on
        other devices are not used. Nothing is trained; where no times are recorded, `afnetm run SUITE --dry-run`
        measures a few steps.

    Example: `afnetm plan fusion-paper --gpus 1 8 64`
    """
    for count in gpus or ():
        if count < 1:
            raise UserError(f"--gpus: {count} is not allowed; 1 or more")
    from benchmarks.commands.request import Options, ask

    options = Options(
        home=context.obj,
        changes=changes or (),
        methods=methods or (),
        method_files=method_files or (),
        workers=workers,
        dry=True,
        params=params,
    )
    request = ask(suite, options)
    with console.status("reading records"):
        from benchmarks.commands.job import prepare
        from benchmarks.commands.planning import make_plan

        job = prepare(request, console)
        gpu = bool(gpus) or job.device == "cuda"
        found = make_plan(job, request, gpu=gpu, storage_url=context.meta["storage"])
    places = (gpus or _GPUS) if gpu else [job.workers]
    if as_json:
        print(json.dumps(_plain(found, places)))
        return
    out = output()
    out.print(_work(found))
    out.print()
    out.print(_times(found, places))
    again = [suite, *(["--set", *changes] if changes else []), "--dry-run"]
    for note in _notes(found, command_line(context, "run", *again)):
        out.print(f"[dim]{escape(note)}[/]")


def _work(plan: "Plan") -> Fitted:
    """A row a method."""
    import pandas as pd

    hours = "GPU hours (95 %)" if plan.gpu else "Core hours (95 %)"
    rows = [_cells(row, hours) for row in plan.rows]
    runs, left = sum(row.runs for row in plan.rows), sum(row.left for row in plan.rows)
    total = {"Method": "all", "Runs": f"{runs:,}", "Done": f"{runs - left:,}", "Left": f"{left:,}"}
    rows.append(total | {"Times": f"{sum(len(row.times) for row in plan.rows):,}", hours: _hours(plan.total)})
    return Fitted(pd.DataFrame(rows).fillna(""), (hours, "Left", "Per run", "Times", "Runs"))


def _cells(row: "Row", hours: str) -> dict[str, str]:
    times = row.times
    spread = f" ± {_brief(statistics.stdev(times))}" if len(times) > 1 else ""
    return {
        "Method": row.label if row.what == "runs" else f"{row.label}, {row.what}",
        "Runs": f"{row.runs:,}" if row.fixed is None else "",
        "Done": f"{row.runs - row.left:,}" if row.fixed is None else "",
        "Left": f"{row.left:,}" if row.fixed is None else "",
        "Times": f"{len(times):,}",
        "Per run, s": f"{_brief(statistics.fmean(times))}{spread}" if times else "",
        hours: _hours(row.time),
    }


def _times(plan: "Plan", places: Sequence[int]) -> Fitted:
    """A row a number of GPUs, or of workers."""
    import pandas as pd

    rows = []
    for count in places:
        where = counted(count, "GPU") if plan.gpu else f"this machine, {counted(count, 'worker')}"
        time = plan.time_on(count)
        rows.append({"On": where, "Time (95 %)": _interval(time, duration) if plan.known else "?"})
    return Fitted(pd.DataFrame(rows), ("Time",))


def _plain(plan: "Plan", places: Sequence[int]) -> dict[str, object]:
    """The same for programs: times in seconds, None where nothing tells them."""

    def seconds(time: "Time") -> dict[str, float | None]:
        values = dict(zip(("seconds", "low", "high"), (time.seconds, *time.interval), strict=True))
        return {name: None if math.isnan(value) else value for name, value in values.items()}

    rows = [
        {"method": row.label, "what": row.what, "runs": row.runs, "left": row.left, "times": len(row.times)}
        | seconds(row.time)
        for row in plan.rows
    ]
    where = "gpus" if plan.gpu else "workers"
    times = [{where: count, **seconds(plan.time_on(count))} for count in places]
    others = {"device": plan.device or None, "other_devices": dict(plan.others), "unknown": plan.unknown}
    return {"suite": plan.suite, "methods": rows, "all": seconds(plan.total), "on": times, **others}


def _notes(plan: "Plan", measuring: str) -> list[str]:
    """Lines below the tables: how it was computed, and what is not in it."""
    used = sum(len(row.times) for row in plan.rows)
    notes = [f"by {counted(used, 'recorded time')} on {plan.device}" if plan.device else ""]
    if plan.gpu and plan.device:
        notes[0] += "; for GPUs of that kind"
    if plan.others:
        listed = ", ".join(f"{name} ({count:,})" for name, count in plan.others.items())
        notes.append(f"recorded on other devices, and not used: {listed}")
    if plan.unknown:
        where = "on a machine with such a GPU" if plan.gpu else "on this machine"
        notes.append(
            f"no recorded times of {', '.join(plan.unknown)}, which no hours include; to measure a few steps {where}: "
            f"{measuring}"
        )
    if any(row.what == "search" for row in plan.rows):
        notes.append("trainings of a search are at most so many: pruning reduces their number")
    return [note for note in notes if note]


def _hours(time: "Time") -> str:
    return _interval(time, lambda seconds: _brief(seconds / 3600))


def _interval(time: "Time", said: Callable[[float], str]) -> str:
    if math.isnan(time.seconds):
        return "?"
    low, high = time.interval
    return said(time.seconds) if low == high or math.isnan(low) else f"{said(time.seconds)} ({said(low)}, {said(high)})"


def _brief(number: float) -> str:
    """Three digits: ``0.0123``, ``1.23``, ``12.3``, ``1,234``."""
    if number == 0:
        return "0"
    return f"{number:,.0f}" if number >= 100 else f"{number:.{max(0, 2 - math.floor(math.log10(number)))}f}"
