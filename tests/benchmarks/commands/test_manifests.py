"""What manifests tell of methods: whether their scores are probabilities, and where their settings come from."""

from dataclasses import replace
from pathlib import Path

import pytest

from afnetm.data.dataset import FaceDataset
from afnetm.registry import methods
from benchmarks.commands.manifests import make_manifest
from benchmarks.plans.suite import Suite, load_suite
from benchmarks.plans.suite_files import suite_names
from benchmarks.records.home import Home
from benchmarks.records.manifest import manifest_named
from reports.data.results import Axis
from reports.tables.summary import tuned
from tests.reports.conftest import provenance


@pytest.fixture(scope="module")
def dataset(learnable: FaceDataset) -> FaceDataset:
    return replace(learnable, table=learnable.table.assign(regions=""))


def message(suite: Suite, dataset: FaceDataset) -> str:
    """What a report of the suite says of how its methods were tuned."""
    manifest = make_manifest(suite, dataset, [])
    plan = provenance(list(manifest.methods), done=0, subjects=8, intensities=1)
    axes = {name: Axis(**axis) for name, axis in manifest.axes.items()}
    return " ".join(tuned(replace(plan, methods=manifest.methods, control=manifest.control, axes=axes)))


@pytest.mark.parametrize("name", suite_names())
def test_what_is_planned_is_what_is_read_again(name: str, dataset: FaceDataset, tmp_path: Path) -> None:
    """Or MLflow, which is told once by the one and once by the other, would see settings change from run to run."""
    manifest = make_manifest(load_suite(name), dataset, [])
    manifest.save(Home(tmp_path))
    assert manifest_named(Home(tmp_path), name) == manifest


def test_a_comparison_of_defaults_says_so_and_whose_settings_are_the_suite_s(dataset: FaceDataset) -> None:
    own = "methods run with their own defaults, which are those of their papers or, where these say nothing, customary"
    assert message(load_suite("quick"), dataset) == (
        f"No method was tuned on this dataset: {own} values. Tuned on this dataset, methods may rank otherwise."
    )
    changed = "depth-only, concat-joint, mean-at-3, cma-detected and afnetm-detected"
    assert f" The suite sets hyper-parameters of {changed}. " in message(load_suite("fusion"), dataset)
    ablation = load_suite("ablation")
    assert f"of {len(ablation.methods) - 1} methods." in message(ablation, dataset)


def test_the_suite_defaults_searches_every_method_on_subjects_of_no_other_suite() -> None:
    defaults = load_suite("defaults")
    shipped = {name for name, kind in methods().items() if kind.__module__.partition(".")[0] in {"afnetm", "baselines"}}
    assert set(defaults.methods) == shipped - {"masks", "landmarks"}  # controls, which are not tuned
    seeds = {name: load_suite(name).dataset.synthetic for name in suite_names() if name != "defaults"}
    assert defaults.dataset.synthetic is not None
    assert defaults.dataset.synthetic.seed not in {spec.seed for spec in seeds.values() if spec}


@pytest.mark.parametrize("name", ["svm", "late"])
def test_margins_are_no_probabilities(name: str, dataset: FaceDataset) -> None:
    assert make_manifest(load_suite("fusion"), dataset, []).methods[name]["probabilities"] == (name != "svm")
