"""Copies made beside the work: a place that is away stops nothing, is asked once for all, and is caught up."""

import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from mlflow import MlflowClient
from optuna.storages import InMemoryStorage

from benchmarks.execution import copying as copying_module
from benchmarks.execution.copying import ENOUGH, Copying
from benchmarks.execution.tracking import Tracker
from benchmarks.execution.troubles import trouble
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from benchmarks.search.tracking import StudyTracker
from tests.benchmarks.tracking.conftest import MANIFEST, found_studies, runs
from tests.benchmarks.tracking.test_runs import record
from tests.waiting import until


class _Place:
    """Where numbers are copied to: it refuses odd ones, breaks off at 13, and is away while `away` says so."""

    def __init__(self, away: Callable[[int], bool] = lambda attempt: False) -> None:
        self.away, self.attempts = away, 0
        self.done: list[int] = []

    def ask(self) -> "_Place":
        self.attempts += 1
        if self.away(self.attempts):
            raise TimeoutError("nobody answers")
        return self

    def copy(self, number: int) -> None:
        self.ask()
        if number == 13:
            raise TimeoutError("too much of it")
        if number % 2:
            raise ValueError(f"{number} is odd\nand more")
        self.done.append(number)

    def close(self) -> None:
        self.done.append(-1)


def _copying(
    place: _Place, *, message: list[str] | None = None, pauses: tuple[float, float] = (0.01, 0.02)
) -> Copying[_Place]:
    def away(error: BaseException) -> str | None:
        return "the place is away" if isinstance(error, TimeoutError) else None

    return Copying(place.ask, trouble=away, tell=[].append if message is None else message.append, pauses=pauses)


AWAY = "the place is away. Nothing is lost: work goes on, and copying is tried again"
BACK = "it answers again, and copying goes on"


def test_what_cannot_be_copied_is_told_in_a_line_and_stops_nothing() -> None:
    place = _Place()
    with _copying(place) as copying:
        for number in range(4):
            copying.do(lambda one, number=number: one.copy(number))
    assert place.done == [0, 2, -1]
    assert copying.lacks == "ValueError: 1 is odd"
    assert copying.incomplete == "ValueError: 1 is odd; not copied: up to 2 runs"


def test_what_cannot_be_copied_though_the_place_answers_holds_up_nothing() -> None:
    place, message = _Place(), []
    with _copying(place, message=message) as copying:
        for number in (2, 13, 4):
            copying.do(lambda one, number=number: one.copy(number))
    assert place.done == [2, 4, -1]
    assert (copying.lacks, copying.left, message) == ("the place is away", 1, [])


def test_where_nothing_is_copied_nothing_is_made() -> None:
    with Copying(_never) as copying:
        pass
    assert copying.lacks is copying.incomplete is None


def _never() -> _Place:
    raise AssertionError


def test_a_hiccup_is_not_heard_of() -> None:
    place, message = _Place(away=lambda attempt: attempt in {1, 2, 5, 6}), []
    with _copying(place, message=message) as copying:
        for number in range(0, 12, 2):
            copying.do(lambda one, number=number: one.copy(number))
    assert sorted(place.done) == [-1, *range(0, 12, 2)]
    assert place.done[-1] == -1
    assert (copying.lacks, message) == (None, [])


def test_all_give_up_together_after_growing_pauses_and_say_so() -> None:
    place, message, attempts = _Place(away=lambda attempt: bool(attempts.append(time.monotonic())) or True), [], []
    with _copying(place, message=message, pauses=(0.3, 60)) as copying:
        for number in range(0, 200, 2):
            copying.do(lambda one, number=number: one.copy(number))
        until(lambda: message, "a line", seconds=10)
        assert message == [AWAY]
        assert len(attempts) == ENOUGH
        gaps = [b - a for a, b in pairwise(attempts)]
        assert gaps[0] >= 0.3
        assert gaps[1] >= 0.6
        started = time.monotonic()
    assert time.monotonic() - started < 1, "the next attempt would have been in 1.2 s; one is made at once, the last"
    assert len(attempts) == ENOUGH + 1
    assert (copying.lacks, copying.left, message) == ("the place is away", 100, [AWAY])


def test_a_place_that_comes_back_meanwhile_gets_everything() -> None:
    away = [True]
    place, message = _Place(away=lambda attempt: away[0]), []
    with _copying(place, message=message) as copying:
        for number in range(0, 12, 2):
            copying.do(lambda one, number=number: one.copy(number))
        for outage in range(2):
            until(lambda: len(message) == 2 * outage + 1, "a line", seconds=10)  # noqa: B023
            away[0] = False
            until(lambda: len(place.done) == 6 * (outage + 1), "all copied", seconds=10)  # noqa: B023
            away[0] = outage == 0
            for number in range(0, 12, 2):
                copying.do(lambda one, number=number: one.copy(number))
    assert sorted(place.done) == sorted([*range(0, 12, 2)] * 3 + [-1])
    assert copying.lacks is None
    assert message == [AWAY, BACK] * 2


def test_one_more_attempt_is_made_at_the_end() -> None:
    away = [True]
    place, message = _Place(away=lambda attempt: away[0]), []
    with _copying(place, message=message, pauses=(0.01, 60)) as copying:
        copying.do(lambda one: one.copy(0))
        until(lambda: message, "a line", seconds=10)
        away[0] = False
    assert (place.done, copying.lacks, message) == ([0, -1], None, [AWAY])


def test_all_of_it_is_waited_for_no_longer_than_is_said() -> None:
    place, begun = _Place(), time.monotonic()

    def slow(one: _Place) -> None:
        time.sleep(0.1)
        one.copy(0)

    with Copying(place.ask, limit=0.5) as copying:
        for _ in range(100):
            copying.do(slow)
    assert time.monotonic() - begun < 2
    assert copying.lacks == "it takes too long"
    assert 90 < copying.left < 100
    time.sleep(0.3)
    assert len(place.done) + copying.left in {100, 101}, "the one under way"


@pytest.mark.parametrize("leave", [KeyboardInterrupt, None])
def test_nobody_waits_for_a_copy_that_hangs(leave: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying_module, "PATIENCE", 0.4)
    monkeypatch.setattr(copying_module, "HURRY", 0.1)
    place, end, begun = _Place(), threading.Event(), threading.Event()

    def hang(_: _Place) -> None:
        begun.set()
        end.wait(20)

    started = time.monotonic()
    try:
        with _copying(place) as copying:
            copying.do(hang)
            copying.do(lambda one: one.copy(0))
            begun.wait(5)
            if leave is not None:
                raise leave
    except KeyboardInterrupt:
        pass
    finally:
        end.set()
    assert time.monotonic() - started < 3
    assert copying.lacks == ("it takes too long" if leave is None else "it was stopped")


def test_ctrl_c_leaves_undone_what_is_not_begun() -> None:
    place, begun = _Place(), threading.Event()

    def slow(one: _Place) -> None:
        begun.set()
        time.sleep(0.2)
        one.copy(0)

    try:
        with _copying(place) as copying:
            copying.do(slow)
            for _ in range(100):
                copying.do(lambda one: one.copy(2))
            begun.wait(5)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert place.done == [0]


def test_a_server_that_accepts_and_never_answers_is_not_waited_for_by_every_run(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        make = partial(Tracker, uri, home, MANIFEST)
        with Copying(make, trouble=partial(trouble, uri=uri), pauses=(0.01, 0.01)) as copying:
            for listed in MANIFEST.runs * 20:
                copying.do(lambda tracker, listed=listed: tracker.log([listed]))
    assert copying.left == 40
    assert copying.lacks == f"MLflow server {uri} does not answer in time"
    assert time.monotonic() - started < 6


def test_what_was_deleted_meanwhile_is_restored_and_gets_the_rest(home: Home, client: MlflowClient) -> None:
    for key in ("k0", "k1"):
        Store(home).write(key, record(0.5))
    uri, message = home.tracking_uri, []
    make = partial(Tracker, uri, home, MANIFEST, tell=message.append)
    with Copying(make, trouble=partial(trouble, uri=uri), tell=message.append) as copying:
        copying.do(lambda tracker: tracker.log(MANIFEST.runs[:1]))
        copying.do(lambda tracker: client.delete_experiment(tracker.experiment))
        copying.do(lambda tracker: tracker.log(MANIFEST.runs[1:]))
    assert copying.lacks is None
    assert message == ["the suite's experiment 's' had been deleted there, and is restored"]
    assert set(runs(client)) == {"m", "m 0-0", "m 0-1"}
    assert {run.info.status for run in runs(client).values()} == {"FINISHED"}


def test_a_server_that_is_away_is_caught_up_later(home: Home, client: MlflowClient) -> None:
    pair = found_studies(InMemoryStorage())

    def attempt(uri: str) -> str | None:
        make = partial(StudyTracker, uri, home, MANIFEST, storage_url=None)
        with Copying(make, trouble=partial(trouble, uri=uri), pauses=(0.01, 0.01)) as copying:
            copying.do(lambda tracker: tracker.log(*pair))
        return copying.lacks

    assert attempt("http://127.0.0.1:9") == "MLflow server http://127.0.0.1:9 cannot be reached (Connection refused)"
    assert attempt(home.tracking_uri) is None
    assert set(runs(client)) == {"m", "m 0-1 search"}
