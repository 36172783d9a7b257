import dataclasses
import json
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from afnetm.training.config import Augmentation, TrainingConfig
from benchmarks.plans import keys as keys_module
from benchmarks.plans.folds import select
from benchmarks.plans.keys import DECIDING, UNSAID, run_key
from benchmarks.plans.runs import Run, plan, rebuild
from benchmarks.plans.suite import Suite, parse_suite, suite_of
from benchmarks.plans.suite_files import read_suite_file

TABLES: dict[str, Any] = {
    "description": "a test",
    "dataset": {"name": "learnable"},
    "protocol": {"folds": 4, "repeats": 2, "seed": 5},
    "encoder": {"width": 0.25},
    "training": {"epochs": 2, "augmentation": {"flip": 0.0}},
    "methods": {"concat": {"features": 64}, "afnetm": {}},
}


def suite(**changes: Any) -> Suite:
    return parse_suite(TABLES | changes, name="s", text="", file="s.toml")


def keys(of: Suite, dataset: FaceDataset, device: str = "cpu") -> list[str]:
    return [p.run.key for p in plan(of, dataset, device=device)]


#: Keys of runs that were recorded, of three suites on this dataset's fingerprint: (label, repeat, fold).
RECORDED = {
    ("quick", "texture", 0, 0): "88a92111485c30c726d6",
    ("quick", "concat", 0, 0): "13f877f7e1115918d537",
    ("quick", "afnetm", 0, 0): "2ab8fe70a37174886bb4",
    ("fusion", "concat", 0, 0): "6387352d10d082c13791",
    ("fusion", "afnetm", 0, 0): "019abc9ae341352f580b",
    ("masks", "concat", 0, 0): "6387352d10d082c13791",
    ("masks", "afnetm", 0, 1): "61853a854f899df7205b",
}


@pytest.mark.parametrize("name", sorted({suite for suite, *_ in RECORDED}))
def test_recorded_runs_keep_their_keys(name: str) -> None:
    """Renewed where a method's `version` is raised, by which its records are trained again, and for nothing else."""
    rows = list(product([f"s{number:03d}" for number in range(100)], EXPRESSIONS, [3, 4]))
    table = pd.DataFrame(rows, columns=["subject", "expression", "intensity"])
    table.insert(0, "id", [f"{subject}_{expression}_{intensity}" for subject, expression, intensity in rows])
    people = dataclasses.replace(learnable_dataset(), fingerprint="recorded", table=table)
    of = suite_of(read_suite_file(name))
    found = {(name, p.label, p.run.repeat, p.run.fold): p.run.key for p in plan(of, people, device="cpu")}
    expected = {place: key for place, key in RECORDED.items() if place[0] == name}
    assert {place: found[place] for place in expected} == expected


def test_a_plan_has_every_method_in_every_fold_once(learnable: FaceDataset) -> None:
    planned = plan(suite(), learnable, device="cpu")
    where = [(p.label, p.run.repeat, p.run.fold) for p in planned]
    assert sorted(where) == sorted((m, r, f) for m in ("concat", "afnetm") for r in range(2) for f in range(4))
    assert len({p.run.key for p in planned}) == len(planned)


def test_a_key_changes_with_whatever_decides_the_result(learnable: FaceDataset) -> None:
    run = plan(suite(), learnable, device="cpu")[0].run
    for field in dataclasses.fields(Run):
        value = getattr(run, field.name)
        table = isinstance(value, dict) or field.name == "evaluation"
        other = {**(value or {}), "x": 1} if table else (9,) if value is None else f"{value}1"
        assert dataclasses.replace(run, **{field.name: other}).key != run.key, field.name


def test_what_decides_nothing_leaves_keys_alone(learnable: FaceDataset) -> None:
    base = keys(suite(), learnable)
    assert keys(suite(description="other words", control="concat", keep_weights=True), learnable) == base
    renamed = suite(methods={"mine": {"method": "concat", "features": 64, "title": "Mine"}, "afnetm": {}})
    assert keys(renamed, learnable) == base
    assert keys(suite(encoder={"width": 0.25, "output_stride": 32}), learnable) == base
    longer = suite(protocol={"folds": 4, "repeats": 3, "seed": 5})
    assert keys(longer, learnable)[: len(base)] == base


@pytest.mark.parametrize(
    "change",
    [
        {"training": {"epochs": 3, "augmentation": {"flip": 0.0}}},
        {"training": {"epochs": 2, "augmentation": {"flip": 0.5}}},
        {"training": {"epochs": 2, "precision": "bfloat16", "augmentation": {"flip": 0.0}}},
        {"training": {"epochs": 2, "precision": "tf32", "augmentation": {"flip": 0.0}}},
        {"encoder": {"width": 0.5}},
        {"encoder": {"width": 0.25, "output_stride": 16}},
        {"protocol": {"folds": 4, "repeats": 2, "seed": 6}},
        {"protocol": {"folds": 3, "repeats": 2, "seed": 5}},
        {"dataset": {"name": "learnable", "intensities": [3]}},
    ],
)
def test_every_setting_of_a_suite_reaches_every_key(change: dict[str, Any], learnable: FaceDataset) -> None:
    assert not set(keys(suite(), learnable)) & set(keys(suite(**change), learnable))


def test_how_given_weights_are_trained_is_in_the_key_where_it_is_said(learnable: FaceDataset, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"of an encoder")
    encoder, training = {"width": 0.25, "weights": str(tmp_path / "w.safetensors")}, TABLES["training"]
    base = suite(encoder=encoder)
    others = [
        *(suite(encoder={**encoder, "frozen_stages": frozen}) for frozen in (1, 3, "all")),
        suite(encoder=encoder, training={**training, "pretrained_factor": 0.1}),
    ]
    found = [key for one in (base, *others) for key in keys(one, learnable)]
    assert len(set(found)) == len(found)
    said = suite(encoder={**encoder, "frozen_stages": 0}, training={**training, "pretrained_factor": 1.0})
    assert keys(said, learnable) == keys(base, learnable)
    for one in others:
        for planned in plan(one, learnable, device="cpu"):
            assert rebuild(planned) == (one.methods[planned.label], one.encoder, one.training)


@pytest.mark.parametrize("frozen", [0, "all"])
def test_a_rate_for_given_weights_where_none_are_trained_is_refused(frozen: object) -> None:
    encoder = {"frozen_stages": frozen, "weights": "w.safetensors" if frozen else None}
    with pytest.raises(UserError, match="training.pretrained_factor = 0.1: no given weights are trained; give"):
        suite(encoder=encoder, training={"pretrained_factor": 0.1})
    with pytest.raises(UserError, match="search.training = 'pretrained_factor': no given weights are trained"):
        suite(encoder=encoder, search={"training": ["pretrained_factor"]})
    with pytest.raises(UserError, match=r"encoder.frozen_stages = 1: random weights would stay random"):
        suite(encoder={"frozen_stages": 1})


def test_another_dataset_and_another_kind_of_device_are_other_runs(learnable: FaceDataset) -> None:
    base = set(keys(suite(), learnable))
    assert not base & set(keys(suite(), learnable_dataset(seed=1)))
    assert not base & set(keys(suite(), learnable, device="cuda"))


def test_a_run_is_rebuilt_as_the_suite_said(learnable: FaceDataset) -> None:
    for said in (suite(), suite(encoder={"width": 0.25, "output_stride": 16})):
        for planned in plan(said, learnable, device="cpu"):
            assert rebuild(planned) == (said.methods[planned.label], said.encoder, said.training)


def test_weights_have_seeds_of_their_own_and_methods_share_those_of_order_and_augmentation(
    learnable: FaceDataset,
) -> None:
    runs = [planned.run for planned in plan(suite(), learnable, device="cpu")]
    assert len({run.seed for run in runs}) == len(runs)
    by_place: dict[tuple[int, int], set[int]] = {}
    for run in runs:
        by_place.setdefault((run.repeat, run.fold), set()).add(run.data_seed)
    assert {len(seeds) for seeds in by_place.values()} == {1}
    assert len(set.union(*by_place.values())) == len(by_place)
    again = dataclasses.replace(runs[0], reseed=1)
    assert {again.seed, again.data_seed}.isdisjoint({runs[0].seed, runs[0].data_seed})


def test_only_the_scans_asked_for_are_selected(learnable: FaceDataset) -> None:
    rows = select(learnable, (4,))
    assert set(learnable.table["intensity"].iloc[rows]) == {4}
    assert len(select(learnable, None)) == len(learnable.table)
    with pytest.raises(UserError, match="dataset.intensities: 2 is not in 'learnable'; it has: 3, 4"):
        select(learnable, (2,))


def test_more_folds_than_subjects_are_refused(learnable: FaceDataset) -> None:
    with pytest.raises(UserError, match="folds: 9 .*2 to 8"):
        plan(suite(protocol={"folds": 9}), learnable, device="cpu")


def test_a_record_says_enough_to_hash_to_its_key(learnable: FaceDataset) -> None:
    run = plan(suite(), learnable, device="cpu")[0].run
    evaluated = dataclasses.replace(run, evaluation={"dataset": "other", "fingerprint": "f" * 64})
    for one in (
        run,
        evaluated,
        dataclasses.replace(run, intensities=(3, 4), reseed=2, inner={"folds": 3, "fold": 0}),
        dataclasses.replace(run, training=run.training | {"epochs": 7}, hyperparameters={"ä": "ö", "a": None}),
    ):
        recorded = json.loads(json.dumps({**dataclasses.asdict(one), "accuracy": 0.5}))
        assert run_key(recorded) == one.key
    assert set(DECIDING) == {field.name for field in dataclasses.fields(Run)}


def test_a_new_setting_of_the_recipe_loses_no_record(learnable: FaceDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    before = json.loads(json.dumps(dataclasses.asdict(plan(suite(), learnable, device="cpu")[0].run)))
    augmentation = before["training"]["augmentation"] | {"blur": 0.0}
    after = before | {"training": before["training"] | {"clip": None, "augmentation": augmentation}}
    assert run_key(after) != run_key(before), "nobody has said yet what the new settings are where keys are silent"
    unsaid = {**UNSAID, "clip": None, "augmentation": {**UNSAID["augmentation"], "blur": 0.0}}
    monkeypatch.setattr(keys_module, "UNSAID", unsaid)
    assert run_key(after) == run_key(before)
    assert run_key(after | {"training": after["training"] | {"clip": 1.0}}) != run_key(before)


def test_keys_say_what_each_setting_of_the_recipe_is_where_they_are_silent() -> None:
    """With the training defaults of today; should one change, `UNSAID` stays and this test names what differs."""
    assert dataclasses.asdict(TrainingConfig()) == UNSAID
    assert dataclasses.asdict(Augmentation()) == UNSAID["augmentation"]


def test_a_changed_default_does_not_change_what_a_key_means(learnable: FaceDataset) -> None:
    run = plan(suite(), learnable, device="cpu")[0].run
    said = {"learning_rate": UNSAID["learning_rate"]}
    other = dataclasses.replace(run, training={**run.training, "learning_rate": 2e-3})
    silent = {k: v for k, v in run.training.items() if k != "learning_rate"}
    assert dataclasses.replace(run, training=silent).key == dataclasses.replace(run, training=silent | said).key
    assert other.key != run.key
