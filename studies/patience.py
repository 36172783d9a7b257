"""Studies in a database that may go away for a while: what is asked of it meanwhile waits until it is back."""

import abc
import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from optuna.exceptions import DuplicatedStudyError, StorageInternalError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import (
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    ResourceClosedError,
    SQLAlchemyError,
)

from studies.urls import first_line, public_url

#: Seconds that a database is waited for, and from one attempt to the next: the first, twice as many each time, at most.
LIMIT, FIRST, LONGEST = 600.0, 1.0, 10.0

_Answer = TypeVar("_Answer")


class PatientStorage(BaseStorage):  # type: ignore[misc]  # Optuna shows mypy no types
    """Another storage, whose every method is tried again while its database is away.

    An answer may be lost though the database did what it was asked. So what would do harm a second time, making a study
    or a trial, and taking or ending a trial, first looks whether it was done. A study has one writer at a time.

    Args:
        storage: the other one.
        url: of its database.
        tell: is given a line when the database is away, and another when it is back.
        limit: seconds that it is waited for; the last error is raised then.
        pauses: seconds from one attempt to the next, the first and the longest.
    """

    def __init__(
        self,
        storage: BaseStorage,
        url: str,
        tell: Callable[[str], object],
        *,
        limit: float = LIMIT,
        pauses: tuple[float, float] = (FIRST, LONGEST),
    ) -> None:
        self._storage, self._url, self._tell = storage, url, tell
        self._limit, self._pauses = limit, pauses
        self._lock, self._away = Lock(), False

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        """Makes a study, or finds that it was made."""

        def made() -> int:
            try:
                return int(self._storage.create_new_study(directions, study_name))
            except DuplicatedStudyError:
                return int(self._storage.get_study_id_from_name(study_name))

        return int(self._ask(partial(self._storage.create_new_study, directions, study_name), made))

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Makes a trial, or finds that it was made: one that was asked for twice would be tried twice."""
        before = self._ask(partial(self._storage.get_n_trials, study_id))

        def made() -> int:
            if self._storage.get_n_trials(study_id) > before:
                return int(self._storage.get_trial_id_from_study_id_trial_number(study_id, before))
            return int(self._storage.create_new_trial(study_id, template_trial))

        return int(self._ask(partial(self._storage.create_new_trial, study_id, template_trial), made))

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Takes or ends a trial, or finds that it was."""

        def done() -> bool:
            if self._storage.get_trial(trial_id).state == state:
                return True
            return bool(self._storage.set_trial_state_values(trial_id, state, values))

        return bool(self._ask(partial(self._storage.set_trial_state_values, trial_id, state, values), done))

    def _ask(self, first: Callable[[], _Answer], again: Callable[[], _Answer] | None = None) -> _Answer:
        """The answer to `first`, or, where the database went away, to `again`."""
        begun, (pause, longest) = time.monotonic(), self._pauses
        attempt = first
        while True:
            try:
                answer = attempt()
            except (StorageInternalError, SQLAlchemyError) as error:
                cause = error.__cause__ if isinstance(error, StorageInternalError) else error
                if not _is_away(cause) or time.monotonic() - begun + pause > self._limit:
                    raise
                self._say(cause)
                time.sleep(pause)
                pause, attempt = min(2 * pause, longest), again or first
            else:
                self._say(None)
                return answer

    def _say(self, error: BaseException | None) -> None:
        """Says that the database is away, or is back, where the last that was said is something else."""
        with self._lock:  # studies are read by the thread that copies them, too
            if self._away == (error is not None):
                return
            self._away = error is not None
        where = f"storage '{public_url(self._url)}'"
        if error is None:
            self._tell(f"{where} answers again, and the search goes on")
        else:
            limit = f"up to {self._limit / 60:g} minutes"
            self._tell(f"{where} is away: {first_line(self._url, error)}. The search waits for it, {limit}")


def _is_away(error: BaseException | None) -> bool:
    """Whether an error is one of a server that is away, or of a connection that has ended."""
    kinds = OperationalError | InterfaceError | PendingRollbackError | ResourceClosedError
    return isinstance(error, kinds) or getattr(error, "connection_invalidated", False)


def _patient(name: str) -> Callable[..., Any]:
    def method(self: PatientStorage, *arguments: Any, **named: Any) -> Any:
        return self._ask(partial(getattr(self._storage, name), *arguments, **named))

    return method


# Everything else may be asked twice.
for _name in (*PatientStorage.__abstractmethods__, "get_trial_id_from_study_id_trial_number", "get_n_trials"):
    setattr(PatientStorage, _name, _patient(_name))
abc.update_abstractmethods(PatientStorage)
