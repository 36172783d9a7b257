"""A database that goes away and comes back is waited for, and the search is the one that it would have been."""

import random
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, InMemoryStorage
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    ResourceClosedError,
)

from studies.patience import PatientStorage
from tests.studies.conftest import CHOICES, drive, message, searched

URL = "postgresql+psycopg://me:hush@host/studies"
STORAGE = "storage 'postgresql+psycopg://me:***@host/studies'"
GONE = OperationalError("select 1", {}, Exception("connection to me:hush@host refused"))


class _Restarted:
    """A storage whose `at`-th call, and the `more` after it, find its server away; the first of them `done` or not."""

    def __init__(self, at: int, *, done: bool = False, more: int = 2, error: Exception = GONE) -> None:
        self._storage, self._at, self._done, self._more, self._error = InMemoryStorage(), at, done, more, error
        self.calls = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            away = 0 <= self.calls - self._at <= self._more
            if not away or (self._done and self.calls == self._at):
                answer = getattr(self._storage, name)(*arguments, **named)
            if away:
                raise StorageInternalError("during the commit") from self._error
            return answer

        return call


def _search(storage: _Restarted, lines: list[str], **spec: Any) -> Any:
    patient = PatientStorage(cast(BaseStorage, storage), URL, lines.append, pauses=(0.0, 0.0))
    search = searched(patient, sampler="random", trials=5, space=CHOICES, **spec)
    drive(search, order=random.Random(0))
    return search


@pytest.mark.parametrize("parallel", [1, 3])
def test_away_at_any_moment_nothing_of_a_search_is_lost_or_doubled(parallel: int) -> None:
    calm = _Restarted(0)
    expected = _search(calm, [], parallel=parallel)
    for at in range(1, calm.calls):
        for done in (False, True):
            lines: list[str] = []
            search = _search(_Restarted(at, done=done), lines, parallel=parallel)
            assert message(search) == message(expected), f"away at {at} of {calm.calls}, {done}"
            assert [trial.number for trial in search.study.trials] == [*range(5)]
            away = "is away: connection to me:***@host refused. The search waits for it, up to 10 minutes"
            assert lines == [f"{STORAGE} {away}", f"{STORAGE} answers again, and the search goes on"]


@pytest.mark.parametrize(
    "error",
    [
        InterfaceError("select 1", {}, Exception("connection already closed")),
        PendingRollbackError("Can't reconnect until invalid transaction is rolled back."),
        ResourceClosedError("This Connection is closed"),
        DBAPIError("select 1", {}, Exception("bad file descriptor"), connection_invalidated=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_connection_that_has_ended_is_one_to_a_server_that_is_away(error: Exception) -> None:
    lines: list[str] = []
    search = _search(_Restarted(40, error=error), lines)
    assert len(lines) == 2
    assert len(search.trials) == 5


def test_what_no_waiting_mends_is_raised_at_once_and_what_stays_away_at_the_limit() -> None:
    lines: list[str] = []
    refused = DataError("insert", {}, Exception("value too long"))
    for storage, limit in ((_Restarted(3, error=refused), 600.0), (_Restarted(3, more=10**6), 0.3)):
        patient = PatientStorage(cast(BaseStorage, storage), URL, lines.append, limit=limit, pauses=(0.05, 0.1))
        begun = time.monotonic()
        with pytest.raises(StorageInternalError):
            searched(patient)
        assert time.monotonic() - begun < min(limit, 0.3) + 0.5
        assert storage.calls in range(3, 12)
    assert len(lines) == 1
