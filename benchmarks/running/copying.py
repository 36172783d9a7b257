"""Copying in the background: MLflow is written from a thread of its own, so that nobody waits for it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar


class Closes(Protocol):
    """What copies."""

    def close(self) -> None:
        """What is to be done last."""


Copier = TypeVar("Copier", bound=Closes)


class Copying(Generic[Copier]):
    """Hands work to a copier in another thread, one after the other; leaving the context waits for it.

    What goes wrong there stops nothing here: a server may be away.

    Args:
        make: makes the copier once there is something to do, in that thread too: mlflow takes seconds to import.

    Attributes:
        lacks: the first thing that went wrong, in one line, once the context is left; None where nothing did.
    """

    def __init__(self, make: Callable[[], Copier]) -> None:
        self.lacks: str | None = None
        self._make = make
        self._made: Future[Copier] | None = None
        self._jobs: list[Future[object]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="copying")

    def do(self, work: Callable[[Copier], object]) -> None:
        """Has `work` done with the copier, when its turn comes."""
        made = self._made = self._made or self._thread.submit(self._make)
        self._jobs.append(self._thread.submit(lambda: work(made.result())))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._made is not None:
            self.do(lambda copier: copier.close())
        errors = [error for job in self._jobs if (error := job.exception()) is not None]
        self._thread.shutdown()
        self.lacks = f"{type(errors[0]).__name__}: {errors[0]}".split("\n")[0] if errors else None
