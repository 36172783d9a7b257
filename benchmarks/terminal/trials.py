"""Progress over the trials of a search: a bar a method, or a line a trial."""

import math
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.markup import escape

from benchmarks.terminal.bars import bars
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.words import duration

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from studies.search import Search
    from studies.spec import SearchSpec


class SearchProgress:
    """How far a search is, and how long the rest takes.

    On a terminal there is a bar a method: its finished trials, over all its studies, with the mean of their best values
    so far; where hours are the budget, how many trials there will be is not known. A trial that fails is a line of its
    own at once; elsewhere, or where the console is verbose, so is every other.

    Args:
        searches: the studies by method.
        spec: how all of them are searched.
        workers: how many trainings are under way at once.
        console: where to.
    """

    def __init__(
        self, searches: Mapping[str, Sequence["Search"]], spec: "SearchSpec", *, workers: int, console: Terminal
    ) -> None:
        self._searches, self._spec, self._workers, self._console = searches, spec, workers, console
        self._message = {search.name: {t.number for t in _ended(search)} for own in searches.values() for search in own}
        self._before, self._begun = self._ended, time.monotonic()
        self._bars = None
        if console.live:
            self._bars = bars(console, things="trials")
            self._tasks = {
                label: self._bars.add_task(
                    escape(label), total=None if spec.most is None else spec.most * len(own), note=""
                )
                for label, own in searches.items()
            }
        self.update()

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def update(self, label: str | None = None) -> None:
        """Looks at the studies of a method again, or of all."""
        for name in [label] if label else self._searches:
            own = self._searches[name]
            for search in own:
                for trial in _ended(search):
                    if trial.number not in self._message[search.name]:
                        self._message[search.name].add(trial.number)
                        self._line(search, trial)
            if self._bars:
                best = [best_trial.value for search in own if (best_trial := search.best_trial()) is not None]
                note = f"best {sum(best) / len(best):.3f}" if best else ""
                ended = sum(len(self._message[search.name]) for search in own)
                self._bars.update(self._tasks[name], completed=ended, note=f"{note}  {self._time()}")

    @property
    def left(self) -> float:
        """Seconds that the rest takes, by what it took so far; NaN before anything did."""
        studies = [search for own in self._searches.values() for search in own]
        if self._spec.hours is not None:
            spent: list[float] = [sum(t.user_attrs.get("seconds", 0.0) for t in _ended(search)) for search in studies]
            return sum(max(0.0, 3600 * self._spec.hours - seconds) for seconds in spent) / self._workers
        here = self._ended - self._before
        assert self._spec.most is not None
        rest = self._spec.most * len(studies) - self._ended
        return (time.monotonic() - self._begun) / here * rest if here else math.nan

    @property
    def _ended(self) -> int:
        return sum(len(message) for message in self._message.values())

    def _line(self, search: "Search", trial: "FrozenTrial") -> None:
        failed = trial.state.name == "FAIL"
        if self._bars and not failed and not self._console.verbose:
            return
        how = {"COMPLETE": "", "PRUNED": "stopped early", "FAIL": f"failed: {trial.user_attrs.get('reason', '?')}"}
        said = how[trial.state.name] or f"{trial.value:.3f}"
        best = search.best_trial()
        known = f" (best {best.value:.3f})" if best is not None else ""
        whole = f" of {self._spec.most * len(self._message)}" if self._spec.most is not None else ""
        time = self._time()
        text = f"{self._ended}{whole}: {search.name}, trial {trial.number}: {said}{known}"
        self._console.event(text + (f"; {time}" if time else ""), style="red" if failed else None)

    def _time(self) -> str:
        return "" if math.isnan(self.left) or not self.left else f"about {duration(self.left)} left"


def _ended(search: "Search") -> list["FrozenTrial"]:
    return [trial for trial in search.trials if trial.state.is_finished()]
