"""Progress over the trials of a search: a bar a method, or a line a trial."""

import math
import time
from collections.abc import Mapping, Sequence

from optuna.trial import FrozenTrial

from benchmarks.terminal.console import Terminal
from benchmarks.terminal.progress import MethodProgress
from studies.search import Search
from studies.spec import SearchSpec


class SearchProgress:
    """Tells how far a search is: the finished trials of every method, over all its studies.

    A bar's note is the mean of its studies' best values so far; where hours are the budget, how many trials there will
    be is not known.

    Args:
        searches: the studies by method.
        spec: how all of them are searched.
        workers: how many trainings are under way at once.
        console: where to.

    Attributes:
        bars: to be entered while trials are driven.
    """

    def __init__(
        self, searches: Mapping[str, Sequence[Search]], spec: SearchSpec, *, workers: int, console: Terminal
    ) -> None:
        self._searches, self._spec, self._workers = searches, spec, workers
        self._told = {search.name: {t.number for t in _ended(search)} for own in searches.values() for search in own}
        self._before, self._begun = self._ended, time.monotonic()
        totals = {label: None if spec.hours is not None else _most(own) for label, own in searches.items()}
        done = {label: sum(len(self._told[search.name]) for search in own) for label, own in searches.items()}
        self.bars = MethodProgress(totals, done, left=lambda: self.left, console=console, things="trials")

    def update(self, label: str | None = None) -> None:
        """Looks at the studies of a method again, or of all, and tells of the trials that have ended since."""
        for name in [label] if label else self._searches:
            for search in self._searches[name]:
                for trial in _ended(search):
                    if trial.number not in self._told[search.name]:
                        self._told[search.name].add(trial.number)
                        self._tell(name, search, trial)

    @property
    def left(self) -> float:
        """Seconds that the rest takes, by what it took so far; NaN before anything did."""
        studies = [search for own in self._searches.values() for search in own]
        if self._spec.hours is not None:
            spent: list[float] = [sum(t.user_attrs.get("seconds", 0.0) for t in _ended(search)) for search in studies]
            return sum(max(0.0, 3600 * self._spec.hours - seconds) for seconds in spent) / self._workers
        here = self._ended - self._before
        rest = _most(studies) - self._ended
        return (time.monotonic() - self._begun) / here * rest if here else math.nan

    @property
    def _ended(self) -> int:
        return sum(len(numbers) for numbers in self._told.values())

    def _tell(self, label: str, search: Search, trial: FrozenTrial) -> None:
        own = [best.value for one in self._searches[label] if (best := one.best_trial()) is not None]
        note = f"best {sum(own) / len(own):.3f}" if own else ""
        best = search.best_trial()
        known = f" (best {best.value:.3f})" if best is not None else ""
        which = f"{search.name}, trial {trial.number}"
        if trial.state.name == "FAIL":
            why = f"failed: {trial.user_attrs.get('reason', '?')}"
            self.bars.failed(label, f"{which}: {why}{known}", note=note)
        else:
            how = "stopped early" if trial.state.name == "PRUNED" else f"{trial.value:.3f}"
            self.bars.finished(label, f"{which}: {how}{known}", note=note)


def _most(searches: Sequence[Search]) -> int:
    """Trials that the budget of these gives, where it is not in hours."""
    return sum(search.most or 0 for search in searches)


def _ended(search: Search) -> list[FrozenTrial]:
    return [trial for trial in search.trials if trial.state.is_finished()]
