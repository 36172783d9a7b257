"""How far a search is, on the terminal: a bar a method."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from studies.search import Search


class SearchBars:
    """A bar a method: its finished trials, over all its studies, with the mean of their best values so far.

    Where hours are the budget, how many trials there will be is not known.
    """

    def __init__(self, searches: dict[str, list[Search]], trials: int | None, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("trials  {task.fields[note]:<16}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._searches = searches
        self._tasks: dict[str, TaskID] = {}
        for label, own in searches.items():
            total = None if trials is None else trials * len(own)
            self._tasks[label] = self._progress.add_task(label, total=total, note="")
        self.update()

    def __enter__(self) -> "SearchBars":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, label: str | None = None) -> None:
        """Looks at the studies of a method again, or of all."""
        for name in [label] if label else self._searches:
            own = self._searches[name]
            ended = sum(trial.state.is_finished() for search in own for trial in search.trials)
            best = [winner.value for search in own if (winner := search.winner()) is not None]
            note = f"best {sum(best) / len(best):.3f}" if best else ""
            self._progress.update(self._tasks[name], completed=ended, note=note)
