"""``afnetm status``: what was run."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from benchmarks.cli import search as cli_search
from benchmarks.cli.completion import complete_suites
from benchmarks.cli.options import Json
from benchmarks.records.home import Home
from benchmarks.terminal.console import console, output
from benchmarks.terminal.tables import table
from benchmarks.terminal.words import counted, disk

if TYPE_CHECKING:
    from benchmarks.commands.state import Contents, State


def status(
    context: typer.Context,
    suite: Annotated[
        str | None,
        typer.Argument(
            metavar="[SUITE]",
            help="A TOML file, or a name in benchmarks/suites/; without one, everything in this home.",
            autocompletion=complete_suites,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Prints how many runs of a suite are done, failed (and why) and left, and the disk space used.

    Without a suite it lists the suites that were run in this home and its datasets.

    Example: `afnetm status quick`, or `afnetm status`
    """
    with console.status("reading records"):
        from benchmarks.commands.state import contents, suite_state

        if suite is None:
            found = contents(context.obj)
        else:
            state = suite_state(suite, context.obj)
            search = cli_search.counts(context, state.suite)
    if suite is None:
        _home(context.obj, found, as_json=as_json)
    else:
        _suite(state, search, as_json=as_json)


def _suite(state: "State", search: dict[str, int], *, as_json: bool) -> None:
    counts = {k: state.counts[k] for k in ("done", "failed", "left")}
    evaluations = {k: state.evaluations[k] for k in counts if state.evaluations}
    if as_json:
        beside = {"evaluations": evaluations} if evaluations else {}
        print(json.dumps({"suite": state.suite, "runs": counts, "search": search, **beside}))
        return
    print(f"{state.suite}: {_numbers(counts)}; {disk(state.bytes)}")
    if evaluations:
        print(f"  evaluations: {_numbers(evaluations)}")
    if search["studies"]:
        trials = ", ".join(f"{search[k]} {k}" for k in ("complete", "pruned", "failed", "running"))
        planned = f" of {search['planned']} planned" if search["planned"] else ""
        print(f"  search: {counted(search['studies'], 'study')}; trials: {trials}{planned}")
    if state.changed:
        print("  the suite's file has changed since; the next run follows it")
    for where, reason in state.failures.items():
        print(f"  failed: {where}: {reason}")


def _numbers(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def _home(home: Home, found: "Contents", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(found)))
        return
    if not home.path.is_dir():
        print(f"home '{home.path}' does not exist yet; afnetm run creates it")
        return
    out = output()
    print(f"home '{home.path}': {disk(found.bytes)}, {disk(found.free)} free on its disk")
    if found.suites:
        print()
        formatted = table("suite", "done>", "failed>", "left>", "disk>")
        for state in found.suites:
            counts = [str(state.counts[k]) for k in ("done", "failed", "left")]
            formatted.add_row(escape(state.suite), *counts, disk(state.bytes))
        out.print(formatted)
    if found.datasets:
        print()
        formatted = table("dataset", "scans>", "subjects>", "pixels>", "disk>")
        for one in found.datasets:
            numbers = (f"{one[name]:,}" for name in ("scans", "subjects", "size"))
            formatted.add_row(escape(one["name"]), *numbers, disk(one["bytes"]))
        out.print(formatted)
    if not found.suites and not found.datasets:
        print("it is empty; to begin: afnetm run quick")
    if found.unused:
        print(f"{counted(found.unused, 'record')} of no suite in this home, for example trials of searches")
    for what, reason in found.unreadable.items():
        out.say(f"[yellow]cannot be read:[/] {escape(what)}: {escape(reason)}")
