import dataclasses
import json
from typing import Any

import pytest

from afnetm.data.cohort import Cohort
from afnetm.errors import UserError
from benchmarks.plans.keys import DECIDING, unit_key
from benchmarks.plans.suite import CohortSpec, Suite, parse_suite
from benchmarks.plans.units import Unit, plan, rebuild, select
from tests.conftest import learnable_cohort

TABLES: dict[str, Any] = {
    "description": "a test",
    "cohort": {"name": "learnable"},
    "protocol": {"folds": 4, "repeats": 2, "seed": 5},
    "encoder": {"width": 0.25},
    "training": {"epochs": 2, "augmentation": {"flip": 0.0}},
    "methods": {"concat": {"features": 64}, "afnetm": {}},
}


def suite(**changes: Any) -> Suite:
    return parse_suite(TABLES | changes, name="s", text="", file="s.toml")


def keys(of: Suite, cohort: Cohort, device: str = "cpu") -> list[str]:
    return [p.unit.key for p in plan(of, cohort, device=device)]


def test_a_plan_has_every_method_in_every_fold_once(learnable: Cohort) -> None:
    planned = plan(suite(), learnable, device="cpu")
    where = [(p.label, p.unit.repeat, p.unit.fold) for p in planned]
    assert sorted(where) == sorted((m, r, f) for m in ("concat", "afnetm") for r in range(2) for f in range(4))
    assert len({p.unit.key for p in planned}) == len(planned)


def test_a_key_changes_with_whatever_decides_the_result(learnable: Cohort) -> None:
    unit = plan(suite(), learnable, device="cpu")[0].unit
    for field in dataclasses.fields(Unit):
        value = getattr(unit, field.name)
        other = {**value, "x": 1} if isinstance(value, dict) else (9,) if value is None else f"{value}1"
        assert dataclasses.replace(unit, **{field.name: other}).key != unit.key, field.name


def test_what_decides_nothing_leaves_keys_alone(learnable: Cohort) -> None:
    base = keys(suite(), learnable)
    assert keys(suite(description="other words", control="concat", keep_weights=True), learnable) == base
    renamed = suite(methods={"mine": {"method": "concat", "features": 64}, "afnetm": {}})
    assert keys(renamed, learnable) == base
    longer = suite(protocol={"folds": 4, "repeats": 3, "seed": 5})
    assert keys(longer, learnable)[: len(base)] == base


@pytest.mark.parametrize(
    "change",
    [
        {"training": {"epochs": 3, "augmentation": {"flip": 0.0}}},
        {"training": {"epochs": 2, "augmentation": {"flip": 0.5}}},
        {"training": {"epochs": 2, "precision": "bfloat16", "augmentation": {"flip": 0.0}}},
        {"encoder": {"width": 0.5}},
        {"protocol": {"folds": 4, "repeats": 2, "seed": 6}},
        {"protocol": {"folds": 3, "repeats": 2, "seed": 5}},
        {"cohort": {"name": "learnable", "intensities": [3]}},
    ],
)
def test_every_setting_of_a_suite_reaches_every_key(change: dict[str, Any], learnable: Cohort) -> None:
    assert not set(keys(suite(), learnable)) & set(keys(suite(**change), learnable))


def test_another_cohort_and_another_kind_of_device_are_other_units(learnable: Cohort) -> None:
    base = set(keys(suite(), learnable))
    assert not base & set(keys(suite(), learnable_cohort(seed=1)))
    assert not base & set(keys(suite(), learnable, device="cuda"))


def test_a_unit_is_rebuilt_as_the_suite_said(learnable: Cohort) -> None:
    said = suite()
    for planned in plan(said, learnable, device="cpu"):
        assert rebuild(planned) == (said.methods[planned.label], said.encoder, said.training)


def test_seeds_are_shared_by_nothing(learnable: Cohort) -> None:
    seeds = [p.unit.seed for p in plan(suite(), learnable, device="cpu")]
    assert len(set(seeds)) == len(seeds)


def test_only_the_scans_asked_for_are_selected(learnable: Cohort) -> None:
    rows = select(learnable, CohortSpec(name="learnable", intensities=(4,)))
    assert set(learnable.table["intensity"].iloc[rows]) == {4}
    assert len(select(learnable, CohortSpec(name="learnable"))) == len(learnable.table)
    with pytest.raises(UserError, match="cohort.intensities: 2 is not in 'learnable'; it has: 3, 4"):
        select(learnable, CohortSpec(name="learnable", intensities=(2,)))


def test_more_folds_than_subjects_are_refused(learnable: Cohort) -> None:
    with pytest.raises(UserError, match="folds: 9 .*2 to 8"):
        plan(suite(protocol={"folds": 9}), learnable, device="cpu")


def test_a_record_says_enough_to_hash_to_its_key(learnable: Cohort) -> None:
    unit = plan(suite(), learnable, device="cpu")[0].unit
    for one in (unit, dataclasses.replace(unit, intensities=(3, 4), reseed=2, inner={"folds": 3, "fold": 0})):
        recorded = json.loads(json.dumps({**dataclasses.asdict(one), "accuracy": 0.5}))
        assert unit_key(recorded) == one.key
    assert set(DECIDING) == {field.name for field in dataclasses.fields(Unit)}
