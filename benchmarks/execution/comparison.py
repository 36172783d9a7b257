"""A comparison as a workload: its runs in order, every method tried before one is trained, and what came of them.

Evaluations of trained models are such a workload, too, without a trial.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.execution.workload import Outcome
from benchmarks.plans.runs import PlannedRun, Run
from benchmarks.records.store import Store
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.progress import MethodProgress
from benchmarks.terminal.words import counted, duration


@dataclass
class Tally:
    """The outcome of a comparison.

    Attributes:
        trained: runs finished now, here or by other drivers.
        failed: runs that failed now, with the reason.
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


class Comparison:
    """The runs of a comparison that are still to be trained, each method's rehearsal before all of them.

    The rehearsal is the first run of its method on a few faces, by the same workers. A method that fails in it would
    fail in every training: none of its runs is begun.

    Args:
        planned: all the runs, in their order.
        done: keys of those that are finished.
        store: where records are.
        workers: how many runs are under way at once.
        console: for the progress.
        begin: at which share of them it begins, so that several drivers do not meet at each run.
        rehearsed: whether each method is tried first.
        finished: is given the key of each run that was trained, here or elsewhere.

    Attributes:
        tally: what became of them.
        progress: how far they are, to be entered while they are driven.
    """

    def __init__(
        self,
        planned: Sequence[PlannedRun],
        done: set[str],
        store: Store,
        *,
        workers: int,
        console: Terminal,
        begin: float = 0.0,
        rehearsed: bool = True,
        finished: Callable[[str], object] = lambda key: None,
    ) -> None:
        self.tally = Tally()
        self._store, self._finished = store, finished
        self._todo = deque(one for one in planned if one.run.key not in done)
        self._todo.rotate(-int(begin * len(self._todo)))
        first = {one.label: one for one in reversed(self._todo)}
        tried = _counted(self._todo) if rehearsed else ()
        self._rehearsals = deque(replace(first[one], rehearsal=True) for one in tried)
        self._rehearsing = 0
        self._left = Remaining(_counted(self._todo), workers=workers)
        self._accuracies: dict[str, list[float]] = {one.label: [] for one in planned}
        before = _counted(one for one in planned if one.run.key in done)
        self.progress = MethodProgress(_counted(planned), before, left=lambda: self._left.seconds, console=console)

    @property
    def waits(self) -> bool:
        """Never: what it has not given, it gives after a rehearsal at the latest."""
        return False

    @property
    def ended(self) -> bool:
        """Whether there is nothing to train."""
        return not self._todo

    def pull(self) -> PlannedRun | None:
        """The next one, or None where there is none, or none while rehearsals are under way."""
        if self._rehearsals:
            self._rehearsing += 1
            return self._rehearsals.popleft()
        return self._todo.popleft() if self._todo and not self._rehearsing else None

    def take(self, outcome: Outcome) -> None:
        """Takes how a run or a rehearsal ended."""
        run, label, reason = outcome.planned.run, outcome.planned.label, outcome.reason
        if outcome.planned.rehearsal:
            self._rehearsing -= 1
            if reason is not None:
                self._refuse(outcome, reason)
            return
        where = f"{label}, {run.place}"
        if outcome.elsewhere:
            where = f"{where}, by another driver"
        self._left.take(label, None if reason is not None or outcome.elsewhere else outcome.seconds)
        if reason is not None:
            self.tally.failed.append(outcome)
            self.progress.failed(label, f"{where}: failed: {reason}")
            return
        self.tally.trained += 1
        accuracy, seen = self._store.result(run.key)["accuracy"], self._accuracies[label]
        seen.append(accuracy)
        took = f" in {outcome.seconds:.1f} s" if outcome.seconds < 10 else f" in {duration(outcome.seconds)}"
        if outcome.elsewhere:
            took = ""
        note = f"accuracy {sum(seen) / len(seen):.3f}"
        again = f"; retried alone after: {outcome.planned.alone}" if outcome.planned.alone else ""
        self.progress.finished(label, f"{where}: accuracy {accuracy:.3f}{took}{again}", note=note)
        self._finished(run.key)

    def _refuse(self, rehearsed: Outcome, reason: str) -> None:
        """Records that a method's runs failed as its rehearsal did, which the record of the first already says."""
        label = rehearsed.planned.label
        refused = [one for one in self._todo if one.label == label]
        self._todo = deque(one for one in self._todo if one.label != label)
        text = self._store.failure_text(rehearsed.planned.run.key).read_text(encoding="utf-8")
        for one in refused:
            self._left.take(label, None)
            self._store.write_failure(one.run.key, reason, text)
        self.tally.failed += [replace(rehearsed, planned=one) for one in refused]
        said = f"{label}: {counted(len(refused), 'run')} failed before training: {reason}"
        self.progress.failed(label, said, count=len(refused))


class Remaining:
    """Estimate of the remaining time, by what runs of each method took so far.

    Args:
        left: runs to train, by method.
        workers: how many are under way at once.
    """

    def __init__(self, left: Mapping[str, int], *, workers: int) -> None:
        self._left, self._workers = dict(left), workers
        self._taken: dict[str, list[float]] = {label: [] for label in left}

    def take(self, label: str, seconds: float | None) -> None:
        """Takes that a run ended, after some seconds, or failed."""
        self._left[label] -= 1
        if seconds is not None:
            self._taken[label].append(seconds)

    @property
    def seconds(self) -> float:
        """0 where nothing is left; NaN before anything is known."""
        left, everything = sum(self._left.values()), [one for own in self._taken.values() for one in own]
        if not left or not everything:
            return math.nan if left else 0.0
        rest = sum(count * _mean(self._taken[label] or everything) for label, count in self._left.items())
        return rest / min(self._workers, left)


def _counted(runs: Iterable[PlannedRun]) -> Counter[str]:
    """Number of runs of each method, in their order."""
    return Counter(one.label for one in runs)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
