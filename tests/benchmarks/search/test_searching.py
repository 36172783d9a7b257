"""The search of a suite by an executor that trains nothing: studies become runs, each made once, and scores go back.

What real workers do is in test_search_faults.py.
"""

import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState

import benchmarks.search.searching
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from baselines.late import Late
from benchmarks.execution.slots import Slot
from benchmarks.execution.workers import Worker
from benchmarks.execution.workload import Outcome, Workload
from benchmarks.plans.runs import PlannedRun, Run, plan
from benchmarks.plans.suite import Suite, parse_suite
from benchmarks.records.claims import Claims
from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving
from benchmarks.search.searching import StudySpec, finished, search, study_specs
from benchmarks.terminal.console import Terminal
from studies.search import Search
from studies.storage import open_storage
from tests.benchmarks.commands.test_protocols import dataset
from tests.benchmarks.others import register

PEOPLE = dataset([(f"s{s:02d}", name, 3) for s in range(12) for name in EXPRESSIONS])
COMPLETE, FAIL = TrialState.COMPLETE, TrialState.FAIL


class Stopped(BaseException):
    """Ctrl-C, or worse."""


def suite(*, protocol: dict[str, Any] | None = None, fitting: Any = ("concat", "late"), **spec: Any) -> Suite:
    tables: dict[str, Any] = {
        "description": "a test",
        "dataset": {"name": "labels"},
        "protocol": {"folds": 2, "subjects": 8} | (protocol or {}),
        "methods": {label: {} for label in fitting} if isinstance(fitting, tuple) else fitting,
        "search": {"trials": 4, "folds": 2, "sampler": "random", "pruner": "none"} | spec,
    }
    return parse_suite(tables, name="s", text="", file="s.toml")


def asked(of: Suite) -> list[StudySpec]:
    assert of.search is not None
    return study_specs(of, of.search, plan(of, PEOPLE, device="cpu"), list(of.methods), PEOPLE)


def score(run: Run) -> float:
    """Between 0 and 1; by what is tried, and by fold."""
    assert run.inner is not None
    return float((7 * run.hyperparameters["dropout"] + 91 * run.training["weight_decay"] + run.inner["fold"] / 3) % 1)


@dataclass
class Executor:
    """Workers that finish in any order; what they are given leaves a record at once.

    Attributes:
        order: decides who finishes.
        fails: why a run fails; None where it does not.
        scores: a run's accuracy.
        patience: runs until the driver is stopped.
        tried: all that was trained, in order.
    """

    order: random.Random = field(default_factory=lambda: random.Random(0))
    fails: Callable[[Run], str | None] = lambda run: None
    scores: Callable[[Run], float] = score
    patience: int = 10**9
    tried: list[Run] = field(default_factory=list)

    def __call__(self, workload: Workload, home: Home, claims: Claims, *, workers: Sequence[Worker]) -> None:
        flying: list[PlannedRun] = []
        while True:
            while len(flying) < len(workers) and (planned := workload.pull()) is not None:
                flying.append(planned)
            if not flying:
                return
            one = flying.pop(self.order.randrange(len(flying)))
            if len(self.tried) >= self.patience:
                raise Stopped
            self.tried.append(one.run)
            if (reason := self.fails(one.run)) is not None:
                workload.take(Outcome(one, reason=reason))
            else:
                folder = home.run(one.run.key)
                folder.mkdir(parents=True)  # it is an error to train what was trained before
                found = {"accuracy": self.scores(one.run), "macro_f1": 1 - self.scores(one.run)}
                (folder / "result.json").write_text(json.dumps(found | {"seconds": 2, "test_seconds": 1}))
                workload.take(Outcome(one, 3.0))


QUIET = Terminal(quiet=True)


def run(
    of: Suite,
    home: Path,
    storage: BaseStorage,
    executor: Executor,
    *,
    workers: int = 2,
    console: Terminal = QUIET,
) -> dict[StudySpec, Search]:
    with pytest.MonkeyPatch.context() as patch, driving(Home(home)) as claims:
        patch.setattr(benchmarks.search.searching, "drive", executor)
        slots = [Worker(Slot())] * workers
        return search(asked(of), of, Home(home), storage, claims, workers=slots, console=console)


def found(searches: dict[StudySpec, Search]) -> dict[str, list[tuple[object, ...]]]:
    """All that is known of all trials, but their times."""
    return {
        study_spec.name: [(t.state, t.value, t.params, t.intermediate_values, t.user_attrs) for t in search.trials]
        for study_spec, search in searches.items()
    }


@cache
def undisturbed(**spec: Any) -> dict[str, list[tuple[object, ...]]]:
    with TemporaryDirectory() as folder:
        return found(run(suite(**spec), Path(folder), InMemoryStorage(), Executor(), workers=1))


def test_every_method_has_a_study_a_fold_fold_by_fold_and_repeated_searches_come_last() -> None:
    nested = asked(suite(protocol={"repeats": 2}, selection_repeats=2))
    first = [f"s/{label}/{repeat}-{fold}" for repeat in (0, 1) for fold in (0, 1) for label in ("concat", "late")]
    assert [study_spec.name for study_spec in nested] == first + [f"{name} #2" for name in first]
    assert [(q.label, q.where, q.search) for q in nested[:3]] == [
        ("concat", (0, 0), 0),
        ("late", (0, 0), 0),
        ("concat", (0, 1), 0),
    ]
    development = asked(suite(protocol={"repeats": 2}, selection="development"))
    assert [(q.name, q.where) for q in development] == [("s/concat", None), ("s/late", None)]
    assert {(q.base.run.repeat, q.base.run.fold) for q in development} == {(0, 0)}


def test_a_label_that_names_another_s_study_is_refused() -> None:
    labels = {"concat": {}, "concat #2": {"method": "concat", "features": 64}}
    with pytest.raises(
        UserError, match=r"^methods.concat: its study would have another's name, 's/concat #2'; choose another"
    ):
        asked(suite(fitting=labels, selection="development", selection_repeats=2))
    assert len(asked(suite(fitting=labels, selection="development"))) == 2


def test_every_study_spends_its_budget_on_runs_of_its_own_fold(tmp_path: Path) -> None:
    of, executor = suite(trials=5, metric="macro_f1"), Executor()
    searches = run(of, tmp_path, InMemoryStorage(), executor)
    runs = {each.key: each for each in executor.tried}
    assert len(executor.tried) == len(runs) == 4 * 5 * 2
    for study_spec, one in searches.items():
        assert one.finished
        assert len(one.trials) == 5
        for trial in one.trials:
            own = [runs[key] for key in trial.user_attrs["runs"]]
            assert [each.inner for each in own] == [
                {"selection": "nested", "folds": 2, "fold": fold} for fold in range(2)
            ]
            assert {(each.method, each.repeat, each.fold) for each in own} == {(study_spec.label, *study_spec.where)}
            for each in own:
                tried = each.hyperparameters | {f"training.{name}": value for name, value in each.training.items()}
                assert trial.params == {name: tried[name] for name in trial.params}
            assert trial.value == pytest.approx(sum(1 - score(each) for each in own) / 2)
            assert trial.user_attrs["seconds"] == 6
        assert one.trials[0].params["training.learning_rate"] == of.training.learning_rate


@settings(max_examples=10)
@given(
    workers=st.integers(1, 5),
    parallel=st.integers(1, 3),
    sampler=st.sampled_from(["tpe", "cmaes"]),
    order=st.randoms(use_true_random=False),
)
def test_workers_and_the_order_in_which_they_end_decide_nothing(
    workers: int, parallel: int, sampler: str, order: random.Random
) -> None:
    spec = {"parallel": parallel, "sampler": sampler, "pruner": "median", "trials": 7}
    with TemporaryDirectory() as folder:
        searches = run(suite(**spec), Path(folder), InMemoryStorage(), Executor(order), workers=workers)
    assert found(searches) == undisturbed(**spec)


@settings(max_examples=10)
@given(patiences=st.lists(st.integers(0, 20), max_size=4), workers=st.integers(1, 3), parallel=st.integers(1, 3))
def test_stopped_and_taken_up_nothing_is_made_twice(patiences: list[int], workers: int, parallel: int) -> None:
    of, storage, keys = suite(parallel=parallel, trials=5), InMemoryStorage(), Counter[str]()
    with TemporaryDirectory() as folder:
        for patience in patiences:
            executor = Executor(patience=patience)
            with suppress(Stopped):
                run(of, Path(folder), storage, executor, workers=workers)
            keys.update(run.key for run in executor.tried)
        executor = Executor()
        searches = run(of, Path(folder), storage, executor, workers=workers)
        keys.update(run.key for run in executor.tried)
        assert run(of, Path(folder), storage, Executor(patience=0)).keys()  # there is nothing left to train
    assert set(keys.values()) == {1}
    assert found(searches) == undisturbed(parallel=parallel, trials=5)


def test_two_studies_that_try_the_same_at_once_have_it_trained_once(tmp_path: Path) -> None:
    """The first trial of a repeated search is the suite's own setting, too."""
    of, executor = suite(selection_repeats=2, trials=3), Executor()
    searches = run(of, tmp_path, InMemoryStorage(), executor, workers=8)
    keys = [run.key for run in executor.tried]
    assert len(keys) == len(set(keys)) == 2 * 2 * 2 * (3 + 3 - 1)
    firsts = {study_spec.name: search.trials[0].user_attrs["runs"] for study_spec, search in searches.items()}
    others = {study_spec.name: search.trials[1].params for study_spec, search in searches.items()}
    for name in ("s/concat/0-0", "s/late/0-1"):
        assert firsts[name] == firsts[f"{name} #2"]
        assert others[name] != others[f"{name} #2"]


def test_a_run_that_fails_fails_its_trial_and_no_other(tmp_path: Path) -> None:
    def fails(run: Run) -> str | None:
        late = run.inner is not None and run.inner["fold"] == 1
        return "OSError: no" if run.method == "late" and late and run.hyperparameters["dropout"] > 0.2 else None

    of = suite(trials=6)
    words = Terminal(file=io.StringIO(), width=200)
    searches = run(of, tmp_path, InMemoryStorage(), Executor(fails=fails), workers=3, console=words)
    plain = undisturbed(trials=6)
    failed = 0
    for name, trials in found(searches).items():
        for trial, expected in zip(trials, plain[name], strict=True):
            if name.startswith("s/late") and expected[2]["dropout"] > 0.2:
                assert trial[0] == FAIL
                assert trial[4]["reason"] == "OSError: no"
                assert trial[4]["runs"] == expected[4]["runs"][:1]
                failed += 1
            else:
                assert trial == expected
    assert failed > 3
    lines = words.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == sum(len(study.trials) for study in searches.values())
    assert sum(": failed: OSError: no" in line for line in lines) == failed
    for study in searches.values():
        for trial in study.trials:
            (line,) = (line for line in lines if f" {study.name}, trial {trial.number}: " in line)
            if trial.state == COMPLETE:
                assert f": {trial.value:.3f} (best " in line
    assert "left" in lines[0]
    assert "left" not in lines[-1]


class Picky(Late):
    name = "picky"
    space = {"dropout": FloatDistribution(0.0, 0.9)}

    def __post_init__(self) -> None:
        if self.dropout > 0.3:
            raise UserError(f"dropout = {self.dropout}: at most 0.3, for some reason")


@dataclass(frozen=True, kw_only=True)
class Blunt(Late):
    name = "blunt"
    space = {"dropout": FloatDistribution(0.0, 0.5)}

    def __post_init__(self) -> None:
        if self.dropout > 0.3:
            raise ValueError("at most 0.3\nfor some reason")


@pytest.mark.parametrize("kind", [Picky, Blunt])
def test_a_setting_that_a_method_refuses_is_a_failed_trial(
    kind: type[Late], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, kind)
    of = suite(fitting=("concat", kind.name), trials=12)
    searches = run(of, tmp_path, InMemoryStorage(), Executor())
    for study_spec, one in searches.items():
        assert len(one.trials) == 12
        for trial in one.trials:
            refused = study_spec.label == kind.name and trial.params["dropout"] > 0.3
            assert trial.state == (FAIL if refused else COMPLETE)
            if refused:
                value = trial.params["dropout"]
                said = {
                    Picky: rf"dropout = {value}: at most 0\.3.*",
                    Blunt: r"ValueError: at most 0\.3 \(.*\.py:\d+\)",
                }
                assert re.fullmatch(said[kind], trial.user_attrs["reason"])
        assert one.best_trial() is not None
        assert study_spec.label == "concat" or FAIL in {trial.state for trial in one.trials}


def test_what_cannot_be_split_is_told_before_anything_is_trained() -> None:
    few = suite(protocol={"folds": 2, "subjects": 4}, folds=3)
    with pytest.raises(UserError, match=r"^folds: 3 \(allowed: 2 to 2, the number of subjects\)$"):
        asked(few)
    nobody = suite(protocol={"folds": 2, "subjects": 12}, selection="development")
    with pytest.raises(UserError, match=r"^folds: 2 \(allowed: 2 to 0, the number of subjects\)$"):
        asked(nobody)


def test_only_what_an_earlier_search_finished_is_found_and_nothing_is_written(tmp_path: Path) -> None:
    journal = tmp_path / "optuna.journal"
    of = suite()
    with pytest.raises(Stopped):
        run(of, tmp_path, open_storage(journal, None), Executor(patience=19), workers=1)
    written = journal.read_bytes()
    there = finished(asked(of), open_storage(journal, None))
    complete = [q.name for q, one in there.items()]
    assert complete == ["s/concat/0-0", "s/late/0-0"]  # each of four trials of two folds, one after the other
    assert all(search.best_trial() is not None for search in there.values())
    assert [q.name for q in finished(asked(suite(trials=2)), open_storage(journal, None))][:2] == complete
    assert not finished(asked(suite(trials=9)), open_storage(journal, None))
    assert not finished(asked(suite(sampler="tpe")), open_storage(journal, None))
    assert journal.read_bytes() == written


def test_each_study_is_told_of_once_when_it_has_ended(tmp_path: Path) -> None:
    of, storage, message = suite(), InMemoryStorage(), []
    for _ in range(2):
        message.clear()
        with pytest.MonkeyPatch.context() as patch, driving(Home(tmp_path)) as claims:
            patch.setattr(benchmarks.search.searching, "drive", Executor())
            search(
                asked(of),
                of,
                Home(tmp_path),
                storage,
                claims,
                workers=[Worker(Slot())] * 3,
                console=QUIET,
                ended=lambda study_spec, search: message.append((study_spec.name, search.finished)),
            )
        assert sorted(message) == sorted((study_spec.name, True) for study_spec in asked(of))
