"""Searches without any training: an objective that is a formula, and who asks, is answered late, and is cut off."""

import hashlib
import json
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState

from studies.search import Search, Task
from studies.space import Space
from studies.spec import SearchSpec

NUMBERS: dict[str, BaseDistribution] = {
    "features": IntDistribution(32, 512, log=True),
    "dropout": FloatDistribution(0.0, 0.5),
    "training.learning_rate": FloatDistribution(3e-4, 1e-2, log=True),
}
START = {"features": 128, "dropout": 0.0, "training.learning_rate": 1e-3}
SPACE = Space(NUMBERS, START)
CHOICES = Space(NUMBERS | {"reduction": CategoricalDistribution([4, 8, 16])}, START | {"reduction": 8})
IDENTITY = {"method": "concat", "version": 1, "training": {"epochs": 3}, "intensities": (3, 4), "dataset": "abc"}

SAMPLERS = ("tpe", "random", "gp", "cmaes")
MANY = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
COMPLETE, PRUNED, FAIL, RUNNING = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING

#: The score of a parameter setting in a fold, or why it has none.
Objective = Callable[[Mapping[str, Any], int], float | str]


class Lines(BaseJournalBackend):
    """A journal in memory: what a process that is killed after any of its operations leaves is the lines up to it."""

    def __init__(self, lines: Sequence[dict[str, Any]] = ()) -> None:
        self.lines = list(lines)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        return iter(self.lines[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self.lines += json.loads(json.dumps(logs))


def objective(params: Mapping[str, Any], fold: int) -> float | str:
    """Smooth in what matters, different in each fold; about one setting in five fails, half of these late."""
    message = json.dumps({name: float(value) for name, value in sorted(params.items())})
    noise = hashlib.sha256(message.encode()).digest()
    if noise[0] < 48 and fold == noise[1] % 2:
        return f"RuntimeError: {message}"
    rate = math.log10(params["training.learning_rate"] / 2e-3)
    return 0.8 - 0.3 * rate**2 - params["dropout"] ** 2 + 0.05 * math.sin(3 * fold + noise[2])


def constant(params: Mapping[str, Any], fold: int) -> float | str:
    """No setting is better than another: nothing is pruned, and all ends tie."""
    return 0.5


def searched(
    storage: BaseStorage,
    name: str = "quick/concat/0-0",
    *,
    space: Space = SPACE,
    identity: Mapping[str, Any] = IDENTITY,
    **spec: Any,
) -> Search:
    return Search(storage, name, space=space, spec=SearchSpec(**spec), identity=identity)


def answer(search: Search, task: Task, of: Objective = objective) -> None:
    score = of(task.params, task.fold)
    if isinstance(score, str):
        search.fail(task, score)
    else:
        search.learn(task, score, run=f"{task.fold}-{sorted(task.params.items())}", seconds=60.0 + task.fold)


def drive(search: Search, *, order: random.Random | None = None, of: Objective = objective, tasks: int = 10**9) -> int:
    """Trains until nothing is left, or so many tasks; they end in any `order`. Returns how many were trained."""
    flying: list[Task] = []
    trained = 0
    while trained < tasks:
        flying += search.tasks()
        if not flying:
            assert search.finished
            break
        answer(search, flying.pop(order.randrange(len(flying)) if order else 0), of)
        trained += 1
    return trained


def message(search: Search) -> list[tuple[object, ...]]:
    """All that is known of the trials that count, but their numbers and times."""
    return [_message(trial) for trial in search.trials]


def _message(trial: FrozenTrial) -> tuple[object, ...]:
    return trial.state, trial.value, trial.params, trial.intermediate_values, trial.user_attrs


def states(search: Search) -> list[TrialState]:
    return [trial.state for trial in search.trials]


def whole(**spec: Any) -> Search:
    """A search that nothing disturbs."""
    search = searched(InMemoryStorage(), **spec)
    drive(search)
    return search


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samplers and pruners go by what they have learned from the fourth trial on."""
    monkeypatch.setattr("studies.samplers.START_UP", 3)
    monkeypatch.setattr("studies.samplers.PRUNE_AFTER", 3)
