"""Copies made beside the work: a server that is away stops nothing and is caught up."""

from mlflow import MlflowClient
from optuna.storages import InMemoryStorage

from benchmarks.records.home import Home
from benchmarks.running.copying import Copying
from benchmarks.search.tracking import StudyTracker
from tests.benchmarks.tracking.conftest import LEDGER, runs, studied


class _Away:
    """Copies what is even."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def copy(self, number: int) -> None:
        if number % 2:
            raise ConnectionError(f"{number} is odd\nand more")
        self.done.append(number)

    def close(self) -> None:
        self.done.append(-1)


def test_what_cannot_be_copied_is_told_in_a_line_and_stops_nothing() -> None:
    away = _Away()
    with Copying(lambda: away) as copying:
        for number in range(4):
            copying.do(lambda copier, number=number: copier.copy(number))
    assert away.done == [0, 2, -1]
    assert copying.lacks == "ConnectionError: 1 is odd"


def test_where_nothing_is_copied_nothing_is_made() -> None:
    with Copying(_never) as copying:
        pass
    assert copying.lacks is None


def _never() -> _Away:
    raise AssertionError


def test_a_server_that_is_away_is_caught_up_later(home: Home, client: MlflowClient) -> None:
    pair = studied(InMemoryStorage())

    def attempt(uri: str) -> str | None:
        with Copying(lambda: StudyTracker(uri, home, LEDGER, storage_url=None)) as copying:
            copying.do(lambda tracker: tracker.log(*pair))
        return copying.lacks

    assert "127.0.0.1" in (attempt("http://127.0.0.1:9") or "")
    assert attempt(home.tracking_uri) is None
    assert set(runs(client)) == {"m", "m 0-1 search"}
