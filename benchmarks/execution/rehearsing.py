"""What is still to do, in an order in which nothing is trained before every method was tried on a few faces."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from benchmarks.plans.runs import PlannedRun


class Queue:
    """Runs to be trained, each method's rehearsal before all of them.

    The rehearsal is the first run of its method on a few faces, by the same workers. A method that fails in it would
    fail in every training: none of its runs comes out.

    Args:
        todo: the runs, in their order.
    """

    def __init__(self, todo: Iterable[PlannedRun]) -> None:
        self._todo = deque(todo)
        first = {planned.label: planned for planned in reversed(self._todo)}
        labels = dict.fromkeys(planned.label for planned in self._todo)
        self._rehearsals = deque(replace(first[label], rehearsal=True) for label in labels)
        self._under_way = 0

    def pull(self) -> PlannedRun | None:
        """The next one, or None where there is none, or none while rehearsals are under way."""
        if self._rehearsals:
            self._under_way += 1
            return self._rehearsals.popleft()
        return self._todo.popleft() if self._todo and not self._under_way else None

    def rehearsed(self, label: str, *, failed: bool) -> list[PlannedRun]:
        """Takes that the rehearsal of `label` has ended, and returns the runs that are not to be trained for it."""
        self._under_way -= 1
        refused = [planned for planned in self._todo if failed and planned.label == label]
        self._todo = deque(planned for planned in self._todo if planned not in refused)
        return refused
