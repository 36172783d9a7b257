"""The runner: what of a plan is still to do is done, recorded and copied to MLflow, with progress on the terminal."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.execution.copies import Report, copies
from benchmarks.execution.local import Outcome, run_local
from benchmarks.execution.rehearsing import Queue
from benchmarks.plans.runs import PlannedRun, Run
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.store import Store
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.runs import RunProgress

if TYPE_CHECKING:
    from benchmarks.execution.tracking import Tracker


@dataclass
class Tally:
    """How a run ended.

    Attributes:
        trained: runs finished in this run.
        failed: runs that failed in it, with the reason.
        untracked: why MLflow has not all of it, in one line; None where it has.
    """

    trained: int = 0
    failed: list[Outcome] = field(default_factory=list)
    untracked: str | None = None

    @property
    def failures(self) -> dict[tuple[str, str], list[Run]]:
        """The runs that failed, by their method's label and by why."""
        found: dict[tuple[str, str], list[Run]] = {}
        for outcome in self.failed:
            found.setdefault((outcome.planned.label, outcome.reason or ""), []).append(outcome.planned.run)
        return found


def run(
    planned: Sequence[PlannedRun],
    manifest: Manifest,
    home: Home,
    *,
    workers: int,
    tracking_uri: str,
    with_faces: bool,
    console: Terminal,
) -> Tally:
    """Runs those of `planned` that have no record yet. The home's lock must be held.

    MLflow is written from a thread of its own, so that workers never wait for it; what it lacks from earlier runs is
    caught up on the way.
    """
    store = Store(home)
    store.sweep()
    done = store.done()
    listed_runs = {
        listed.key: listed for listed in reversed(manifest.only(None))
    }  # the comparison's before additional runs like it
    todo = [p for p in planned if p.run.key not in done]
    queue = Queue(todo)
    tally = Tally()
    tracker = partial(_tracker, uri=tracking_uri, home=home, manifest=manifest, with_faces=with_faces)
    with copies(tracker, tracking_uri, console) as copying:

        def log(listed: ListedRun) -> None:
            copying.do(lambda tracker: tracker.log([listed]))

        for one in planned:
            if one.run.key in done:
                log(listed_runs[one.run.key])
        try:
            if todo:
                copying.do(lambda tracker: None)  # that MLflow is away is heard now, and it takes seconds to begin
                outcomes = run_local(queue.pull, home, workers=workers)
                with _progress(planned, done, workers=workers, console=console) as progress, closing(outcomes):
                    for outcome in outcomes:
                        if outcome.planned.rehearsal:
                            refused = queue.rehearsed(outcome.planned.label, failed=outcome.reason is not None)
                            if outcome.reason is not None:
                                progress.refused(outcome.planned.label, len(refused), reason=outcome.reason)
                                tally.failed += [replace(outcome, planned=one) for one in refused]
                                _fail(refused, outcome, store)
                            continue
                        run, label = outcome.planned.run, outcome.planned.label
                        where = run.repeat, run.fold
                        if outcome.reason is None:
                            tally.trained += 1
                            accuracy = store.result(run.key)["accuracy"]
                            progress.finished(label, where, accuracy=accuracy, seconds=outcome.seconds)
                            log(listed_runs[run.key])
                        else:
                            tally.failed.append(outcome)
                            progress.failed(label, where, reason=outcome.reason)
        finally:
            store.sweep()
    tally.untracked = copying.lacks
    return tally


def _fail(refused: Sequence[PlannedRun], rehearsed: Outcome, store: Store) -> None:
    """Records that runs failed as the rehearsal of their method did, which the first of them already says."""
    text = store.failure_text(rehearsed.planned.run.key).read_text(encoding="utf-8")
    for planned in refused:
        store.write_failure(planned.run.key, str(rehearsed.reason), text)


def _progress(planned: Sequence[PlannedRun], done: set[str], *, workers: int, console: Terminal) -> RunProgress:
    before = Counter(p.label for p in planned if p.run.key in done)
    return RunProgress(Counter(p.label for p in planned), before, workers=workers, console=console)


def _tracker(tell: Report, *, uri: str, home: Home, manifest: Manifest, with_faces: bool) -> "Tracker":
    from benchmarks.execution.tracking import Tracker

    return Tracker(uri, home, manifest, with_faces=with_faces, tell=tell)
