"""A search that several drivers share: each study is searched by one at a time, and what comes of it is the same."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

import benchmarks.search.searching
from benchmarks.execution import workload as module
from benchmarks.execution.slots import Slot
from benchmarks.execution.workers import Worker
from benchmarks.execution.workload import Outcome, Shared, Workload
from benchmarks.plans.runs import PlannedRun, Run
from benchmarks.records.claims import Claims
from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving
from benchmarks.records.store import Store
from benchmarks.search.searching import search
from studies.storage import open_storage
from tests.benchmarks.search.test_searching import QUIET, asked, found, score, suite, undisturbed


@dataclass
class Sharing:
    """Workers that take a moment over each run, of drivers that are threads of this process.

    Attributes:
        pause: is called with a driver's claims, and how many runs it has ended, before one is told.
        tried: all that was trained, whoever did it.
    """

    pause: Callable[[Claims, int], object] = lambda claims, ended: None
    tried: list[Run] = field(default_factory=list)

    def __call__(self, workload: Workload, home: Home, claims: Claims, *, workers: Sequence[Worker]) -> None:
        shared, flying, ended = Shared(workload, claims, Store(home)), list[PlannedRun](), 0
        while True:
            while len(flying) < len(workers) and (planned := shared.pull()) is not None:
                flying.append(planned)
            if not flying:
                if shared.again is None:
                    return
                time.sleep(0.02)
                continue
            one = flying.pop()
            self.tried.append(one.run)
            time.sleep(0.005)
            self.pause(claims, ended)
            numbers = {"accuracy": score(one.run), "macro_f1": 0.5, "seconds": 2, "test_seconds": 1}
            Store(home).write_files(one.run.key, {"result.json": json.dumps(numbers).encode()})
            shared.take(Outcome(one, 3.0))
            ended += 1


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sharing], list[dict[str, list[object]]]]:
    """What each of two drivers found in the end that search one suite at the same time."""
    monkeypatch.setattr(benchmarks.search.searching, "_LOOK", 0.05)
    monkeypatch.setattr(module, "IDLE", (0.01, 0.05))

    def both(sharing: Sharing) -> list[dict[str, list[object]]]:
        monkeypatch.setattr(benchmarks.search.searching, "drive", sharing)
        of, home, workers = suite(trials=5, parallel=2), Home(tmp_path), [Worker(Slot())] * 2

        def one() -> dict[str, list[object]]:
            with driving(home) as claims:
                storage = open_storage(home.journal, None)
                return found(search(asked(of), of, home, storage, claims, workers=workers, console=QUIET))

        with ThreadPoolExecutor(2) as threads:
            return [future.result() for future in [threads.submit(one) for _ in range(2)]]

    return both


def test_each_run_is_trained_once_and_each_study_is_as_one_driver_leaves_it(
    two: Callable[[Sharing], list[dict[str, list[object]]]], tmp_path: Path
) -> None:
    sharing = Sharing()
    assert two(sharing) == [undisturbed(trials=5, parallel=2)] * 2
    assert set(Counter(run.key for run in sharing.tried).values()) == {1}
    assert not list((tmp_path / "claims").iterdir())


def test_a_driver_that_sleeps_and_wakes_writes_nothing_to_studies_that_another_took_up(
    two: Callable[[Sharing], list[dict[str, list[object]]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Claims, "_beat", lambda claims: None)  # each touches its lease only when it looks
    slept, others = Event(), Counter[str]()

    def pause(claims: Claims, ended: int) -> None:
        others[claims.holder.token] += slept.is_set()
        if ended == 3 and not slept.is_set():
            slept.set()
            then = time.time() - 100
            os.utime(claims._lease, (then, then))
            while len(others) < 1 or sum(others.values()) < 12:  # until the other is well on
                time.sleep(0.01)

    sharing = Sharing(pause)
    assert two(sharing) == [undisturbed(trials=5, parallel=2)] * 2
    assert slept.is_set()
    twice = [key for key, times in Counter(run.key for run in sharing.tried).items() if times > 1]
    assert len(twice) <= 2, "what the sleeper had in hand"
