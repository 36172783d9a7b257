"""Evaluations on other datasets as they are planned: who is tested by which model, and what does not go together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afnetm.data.dataset import FaceDataset
from afnetm.data.dataset_files import LANDMARK_COUNT
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from benchmarks.plans.evaluations import plan_evaluations
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import Suite, parse_suite

TABLES: dict[str, Any] = {
    "description": "a test",
    "dataset": {"name": "own"},
    "protocol": {"folds": 3, "repeats": 2},
    "methods": {"concat": {}, "afnetm": {}},
    "evaluation": {"datasets": [{"name": "far"}, {"name": "near", "intensities": [4]}]},
}


def suite(**changed: Any) -> Suite:
    return parse_suite(TABLES | changed, name="s", text="", file="s.toml")


def dataset(name: str, subjects: list[str], classes: tuple[str, ...] = EXPRESSIONS, **changed: Any) -> FaceDataset:
    """A dataset whose scans have labels alone: no plan looks at the maps."""
    rows = [(s, e, i) for s in subjects for e in classes for i in (3, 4)]
    table = pd.DataFrame(rows, columns=["subject", "expression", "intensity"]).assign(source="", sha256="")
    table.insert(0, "id", [f"{s}_{e}_{i}" for s, e, i in rows])
    found = FaceDataset(
        directory=Path("nowhere"),
        name=name,
        size=64,
        fingerprint=name,
        shareable=True,
        source={"kind": "test"},
        table=table.assign(**{LANDMARK_COUNT: 83}),
        texture=np.zeros((len(rows), 3, 1, 1), np.uint8),
        depth=np.zeros((len(rows), 1, 1, 1), np.uint16),
        planes=np.zeros((len(rows), 1, 1, 1), np.uint8),
        landmarks=np.zeros((len(rows), 83, 3), np.float32),
    )
    return replace(found, **changed)


OWN = dataset("own", [f"s{k}" for k in range(6)])
NEAR = dataset("near", [f"s{k}" for k in range(4)])


def evaluations(of: Suite, **others: FaceDataset) -> tuple[list[PlannedRun], list[str]]:
    return plan_evaluations(of, plan(of, OWN, device="cpu"), OWN, others)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 9), min_size=1), st.integers(0, 99))
def test_nobody_is_tested_by_a_model_that_was_trained_on_one_of_that_name(people: set[int], seed: int) -> None:
    of = suite(protocol={"folds": 3, "repeats": 2, "seed": seed})
    far = dataset("far", [f"s{k}" for k in sorted(people)])
    trained = plan(of, OWN, device="cpu")
    if not all(people - {int(s[1:]) for s in OWN.subjects[one.scans.rows[one.scans.train]]} for one in trained):
        with pytest.raises(UserError, match="all subjects of 'far' are also trained on in 'own'"):
            evaluations(of, far=far)
        return
    found, _ = evaluations(of, far=far)
    assert len(found) == len(trained)
    for one in found:
        (source,) = [planned for planned in trained if planned.run == one.run.training_run]
        seen = set(OWN.subjects[source.scans.rows[source.scans.train]])
        tested = far.subjects[one.scans.rows[one.scans.test]]
        assert sorted(set(tested)) == sorted({f"s{k}" for k in people} - seen)
        assert len(tested) == 12 * len(set(tested))


def test_of_each_dataset_its_selected_scans_are_tested_fold_by_fold() -> None:
    far = dataset("far", ["p0", "p1"])
    found, said = evaluations(suite(), far=far, near=NEAR)
    assert not said
    assert [(one.run.repeat, one.run.fold, one.run.evaluated_on, one.label) for one in found] == [
        (repeat, fold, name, label)
        for repeat in (0, 1)
        for fold in (0, 1, 2)
        for name in ("far", "near")
        for label in ("concat", "afnetm")
    ]
    for one in found:
        rows = one.scans.rows[one.scans.test]
        assert len(one.scans.train) == 0
        if one.run.evaluated_on == "near":
            assert set(NEAR.table["intensity"].iloc[rows]) == {4}
        else:
            assert rows.tolist() == list(range(24))
    assert len({one.run.key for one in found}) == len(found)
    assert {one.dataset_name for one in found} == {"far", "near"}


def test_an_evaluation_is_on_a_dataset_s_content_whatever_it_is_called() -> None:
    far = dataset("far", ["p0", "p1"])

    def keys(of: FaceDataset) -> list[str]:
        named = suite(evaluation={"datasets": [{"name": of.name}]})
        return [one.run.key for one in evaluations(named, **{of.name: of})[0]]

    assert keys(replace(far, name="away")) == keys(far)
    assert not set(keys(replace(far, fingerprint="other"))) & set(keys(far))
    fewer = replace(far, table=far.table.iloc[:12])
    assert not set(keys(fewer)) & set(keys(far))
    assert not set(keys(far)) & {one.run.key for one in plan(suite(), OWN, device="cpu")}


def test_scans_of_classes_that_nobody_learnt_are_left_out_and_said() -> None:
    far = dataset("far", ["p0"], ("fear", "neutral", "anger"))
    found, said = evaluations(suite(), far=far)
    assert said == ["far: scans of neutral are left out: no model was trained on them"]
    assert {far.table["expression"].iloc[row] for one in found for row in one.scans.rows} == {"fear", "anger"}


@pytest.mark.parametrize(
    ("far", "message"),
    [
        (dataset("far", ["p0"], ("fear", "neutral")), "accuracy needs two classes or more that both have"),
        (dataset("far", ["p0"], ("smile", "neutral")), "of these 'own' has none"),
        (dataset("far", ["p0"], size=128), "'far' has scans of 128 px, 'own' of 64 px; prepare one of them again"),
    ],
)
def test_datasets_that_do_not_go_together_are_refused_in_a_line(far: FaceDataset, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        evaluations(suite(), far=far)
    assert str(caught.value).startswith("evaluation.datasets: 'far'")
    assert "\n" not in str(caught.value)


def test_an_intensity_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="^evaluation.datasets: .*4 is not in 'near'; it has: 0$"):
        evaluations(suite(), near=replace(NEAR, table=NEAR.table.assign(intensity=0)))


def test_methods_that_could_not_be_given_what_they_learnt_from_are_left_out() -> None:
    of = suite(
        methods={
            "concat": {},
            "found": {"method": "afnetm", "masks": "detected"},
            "landmarks": {"masks": "annotated"},
        }
    )
    far = dataset("far", ["p0"], detected_planes=NEAR.planes, detector="landmarker 2")
    far = replace(far, table=far.table.assign(**{LANDMARK_COUNT: 22}))
    found, said = evaluations(of, far=far)
    assert {one.label for one in found} == {"concat"}
    detected, annotated, poses = said
    assert detected == (
        "far: left out for found: detected masks are by different landmarkers: 'own' none, 'far' landmarker 2"
    )
    assert annotated == (
        "far: left out for landmarks: 'far': sets of 22 landmarks; 'landmarks' reads landmarks, and was trained on "
        "sets of 83, whose rows are other points"
    )
    assert poses == "far: landmarks are of sets of 22 (in training: 83); accuracy may be below the measured one"


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ([{"name": "own"}], "evaluation.datasets.0.name = 'own': is the dataset of the suite itself"),
        ([{"name": "a"}, {"name": "a"}], "evaluation.datasets.1.name = 'a': named twice"),
        ([{"name": "blur"}], "evaluation.datasets.0.name = 'blur': is the name of a corruption"),
        ([{"name": "../a"}], "dataset name '../a'"),
        ([{"name": "a", "source": "ck"}], 'evaluation.datasets.0.source = "ck" is not registered; allowed: bosphorus'),
        ([{"name": "a", "sauce": "x"}], "evaluation.datasets.0.sauce: unknown key; .*source"),
        ([], "evaluation: neither corruptions nor datasets"),
    ],
)
def test_a_table_that_is_not_right_is_one_line_that_names_it(datasets: list[dict[str, str]], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        suite(evaluation={"datasets": datasets})
    assert str(caught.value).startswith("s.toml: ")
    assert "\n" not in str(caught.value)
