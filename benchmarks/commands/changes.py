"""Records whose method's code has changed since, under a version that has not."""

from collections.abc import Iterable

from rich.markup import escape

from afnetm.method import Method
from afnetm.sources import changed_files, source_digests
from benchmarks.records.store import Store
from benchmarks.terminal.console import errors
from benchmarks.terminal.words import counted


def tell_changed_sources(used: Iterable[tuple[str, Method, str]], store: Store, *, suite: str) -> None:
    """Warns of finished runs whose numbers are used again though their method's code is another now.

    Records from before sources were recorded say nothing.

    Args:
        used: label, method and key of each finished run.
        store: with their records.
        suite: whose they are.
    """
    changed: dict[str, tuple[Method, set[str], int]] = {}
    for label, method, key in used:
        before = store.result(key).get("sources")
        if before is None:
            continue
        if files := changed_files(before, source_digests(type(method).__module__)):
            _, seen, count = changed.get(label, (method, set(), 0))
            changed[label] = method, seen | set(files), count + 1
    for label, (method, seen, count) in changed.items():
        where, runs = ", ".join(sorted(seen)), counted(count, "finished run")
        said = (
            f"{label}: {runs} came of other code in {where}, and its version is still {method.version}. If what it "
            f"computes has changed, raise the version, or delete them: afnetm forget {suite} --methods {label}"
        )
        errors.say(f"[yellow]warning:[/] {escape(said)}")
