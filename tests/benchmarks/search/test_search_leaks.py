"""Nothing that a search sees is of anyone who is tested with what it finds: by its folds, and by their pictures."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from benchmarks.plans.folds import Scans, select
from benchmarks.plans.runs import PlannedRun, plan, protocol_folds
from benchmarks.plans.suite import Suite, load_suite, parse_suite
from benchmarks.search.searching import run_of, study_specs
from studies.search import Task
from tests.benchmarks.commands.test_protocols import dataset
from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.found import findings
from tests.benchmarks.search.test_search_faults import message, trials


def suite(selection: str, folds: int, protocol: dict[str, Any]) -> Suite:
    tables: dict[str, Any] = {
        "description": "a test",
        "dataset": {"name": "labels"},
        "protocol": protocol,
        "methods": {"late": {}},
        "search": {"selection": selection, "folds": folds},
    }
    return parse_suite(tables, name="s", text="", file="s.toml")


def people(rng: np.random.Generator, *, whole: int, others: int) -> FaceDataset:
    """Some with all expressions at two intensities, the others with most."""
    labels = [(f"s{s:02d}", name, level) for s in range(whole + others) for name in EXPRESSIONS for level in (3, 4)]
    chosen = [label for label in labels if int(label[0][1:]) < whole or rng.random() > 0.1]
    return dataset([chosen[index] for index in rng.permutation(len(chosen))])


def runs(of: Suite, there: FaceDataset) -> list[PlannedRun]:
    """Every run that any trial of any study can have, but for its settings."""
    assert of.search is not None
    asked = study_specs(of, of.search, plan(of, there, device="cpu"), ["late"], there)
    return [run_of(study_spec, of, Task(0, fold, {})) for study_spec, fold in product(asked, range(of.search.folds))]


def subjects(there: FaceDataset, rows: np.ndarray[Any, np.dtype[np.int64]]) -> set[str]:
    return set(there.table["subject"].iloc[rows])


def outer_folds(of: Suite, there: FaceDataset) -> dict[tuple[int, int], tuple[set[int], set[int]]]:
    """By outer repeat and fold, the scans that are trained on and those that are tested."""
    rows = select(there, of.dataset.intensities)
    whole = protocol_folds(there, rows, of.protocol, None)
    return {where: (set(rows[one.train].tolist()), set(rows[one.test].tolist())) for where, one in whole.items()}


def check_inner_folds(there: FaceDataset, own: list[PlannedRun]) -> set[int]:
    """That the runs of one study see the same scans, and test each of them once, by others; returns those scans."""
    parts: list[Scans] = [one.scans for one in own]
    seen = [fold.rows for fold in parts]
    assert all(np.array_equal(rows, seen[0]) for rows in seen)
    for fold in parts:
        assert not set(fold.train) & set(fold.test)
        assert not subjects(there, seen[0][fold.train]) & subjects(there, seen[0][fold.test])
        assert len(fold.train) + len(fold.test) == len(seen[0])
    assert sorted(np.concatenate([fold.test for fold in parts])) == list(range(len(seen[0])))
    return set(seen[0].tolist())


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    drawn=st.sampled_from([None, 6, 8]),
    redraw=st.booleans(),
    complete=st.booleans(),
    folds=st.integers(2, 3),
)
def test_nested_folds_are_of_the_outer_training_alone(
    seed: int, drawn: int | None, redraw: bool, complete: bool, folds: int
) -> None:
    there = people(np.random.default_rng(seed), whole=9, others=4)
    protocol = {"folds": 2, "repeats": 3, "seed": seed % 1000, "complete": complete}
    protocol |= {} if drawn is None else {"subjects": drawn, "redraw": redraw}
    of = suite("nested", folds, protocol)
    found = runs(of, there)
    outer = outer_folds(of, there)
    assert len(found) == 6 * folds
    for where, (train, test) in outer.items():
        own = [one for one in found if (one.run.repeat, one.run.fold) == where]
        assert len(own) == folds
        seen = check_inner_folds(there, own)
        assert seen == train
        assert not subjects(there, np.array(sorted(seen))) & subjects(there, np.array(sorted(test)))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), drawn=st.integers(2, 7), complete=st.booleans(), folds=st.integers(2, 3))
def test_development_is_on_subjects_whom_no_repeat_tests(seed: int, drawn: int, complete: bool, folds: int) -> None:
    there = people(np.random.default_rng(seed), whole=11, others=3)
    of = suite(
        "development",
        folds,
        {"folds": 2, "repeats": 5, "seed": seed % 1000, "subjects": drawn, "complete": complete},
    )
    found = runs(of, there)
    assert len(found) == folds, "one study is for all repeats and folds"
    seen = subjects(there, np.array(sorted(check_inner_folds(there, found))))
    taking_part = set[str]()
    for train, test in outer_folds(of, there).values():
        taking_part |= subjects(there, np.array(sorted(train | test)))
    assert len(taking_part) == drawn
    scans = there.table.groupby("subject").size()
    able = set(scans[scans == 12].index) if complete else set(scans.index)
    assert seen == able - taking_part


@pytest.mark.parametrize("protocol", [{"folds": 2}, {"folds": 2, "subjects": 6, "redraw": True, "repeats": 2}])
def test_development_is_refused_where_everybody_may_be_tested(protocol: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"^s.toml: search.selection = 'development': .* use 'nested'$"):
        suite("development", 2, protocol)


def poison(home: Path, rows: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    """Makes the maps of these scans as bright, far and full of masks as can be, and leaves all else as it is."""
    for name in ("texture", "depth", "planes"):
        array = np.load(home / "datasets" / "tiny" / f"{name}.npy", mmap_mode="r+")
        array[rows] = np.iinfo(array.dtype).max
        array.flush()


@pytest.mark.faults  # `searched` is made there
def test_poisoned_pictures_of_those_who_are_tested_change_no_trial(
    searched: Path, searched_suite: Path, home: Path, here: Afnetm
) -> None:
    """Those who are tested in fold 0 are trained on in fold 1, where the same poison changes every training."""
    there = open_dataset(home / "datasets" / "tiny")
    of = load_suite(str(searched_suite))
    rows = select(there, of.dataset.intensities)
    first = protocol_folds(there, rows, of.protocol, None)[0, 0]
    poison(home, rows[first.test])
    here(home, "search", str(searched_suite), "--workers", "1")
    clean, poisoned = trials(searched), trials(home)
    assert clean.keys() == poisoned.keys()
    before, after = findings(searched), findings(home)
    for name, own in clean.items():
        runs = {key for trial in own for key in trial.user_attrs["runs"]}
        if name.endswith("/0-0"):
            assert message(poisoned[name]) == message(own)
            for key in runs:
                assert before[key][0] == after[key][0]  # what was measured
                assert before[key][1].equals(after[key][1])  # every probability
        else:
            assert message(poisoned[name]) != message(own)
            both = runs & after.keys()  # the first trial's at least: it is the suite's own setting
            assert len(both) >= 2
            assert not any(before[key][1].equals(after[key][1]) for key in both)
