"""Notices on earlier runs of a job, before the rest is trained: their number, and what to know of their numbers."""

import json
from collections.abc import Iterable, Sequence

from rich.markup import escape

from afnetm.method import Method
from afnetm.sources import changed_files, source_digests
from benchmarks.commands.job import Job
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.store import Store
from benchmarks.terminal.console import Terminal, errors
from benchmarks.terminal.words import counted


def tell_earlier(job: Job, done: Sequence[PlannedRun], store: Store, console: Terminal) -> None:
    """Says how much of a job is left to train, and what is not as it would be made now: records stay as written."""
    name, count = escape(job.suite.name), len(job.chosen)
    runs = counted(count, "run")
    if left := count - len(done):
        console.say(f"{name}: {left} of {runs} to train, {counted(job.workers, 'worker')}")
    else:
        console.say(f"{name}: {runs} done; nothing to train")
    known = store.summaries() if done else {}
    bare = [one for one in done if one.keep_weights and one.run.key in known and not known[one.run.key].weights]
    if bare:
        console.say(
            f"keep_weights = true: {counted(len(bare), 'finished run')} without weights, which were not kept then; "
            f"after `afnetm forget {name}` the next run trains them again"
        )
    for why in store.unreadable():
        errors.say(f"[yellow]warning:[/] packed runs of another suite cannot be read, and none is used: {escape(why)}")
    used = [(one.label, job.suite.methods[one.label], one.run.key) for one in done]
    tell_changed_sources(used, store, suite=job.suite.name)


def tell_changed_sources(used: Iterable[tuple[str, Method, str]], store: Store, *, suite: str) -> None:
    """Warns of finished runs whose numbers are used again though their method's code is another now.

    Records from before sources were recorded say nothing.

    Args:
        used: label, method and key of each finished run.
        store: with their records.
        suite: whose they are.
    """
    changed: dict[str, tuple[Method, set[str], int]] = {}
    known, changes = store.summaries(), dict[tuple[str, str], Sequence[str]]()
    for label, method, key in used:
        if key not in known or not (before := known[key].sources):
            continue
        if (label, before) not in changes:
            changes[label, before] = changed_files(json.loads(before), source_digests(type(method).__module__))
        if files := changes[label, before]:
            _, seen, count = changed.get(label, (method, set(), 0))
            changed[label] = method, seen | set(files), count + 1
    for label, (method, seen, count) in changed.items():
        where, runs = ", ".join(sorted(seen)), counted(count, "finished run")
        said = (
            f"{label}: {runs} came of other code in {where}, and its version is still {method.version}. If what it "
            f"computes has changed, raise the version, or delete them: afnetm forget {suite} --methods {label}"
        )
        errors.say(f"[yellow]warning:[/] {escape(said)}")
