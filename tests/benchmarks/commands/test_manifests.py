"""What manifests tell of methods: whether their scores are probabilities, and where their settings come from."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from afnetm.data.dataset import FaceDataset
from afnetm.registry import methods
from baselines.texture import Texture
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


def test_a_comparison_of_defaults_says_that_a_search_elsewhere_found_them(dataset: FaceDataset) -> None:
    assert message(load_suite("quick"), dataset) == (
        "No method was tuned on this dataset. Every method's default hyper-parameters come from one search by the "
        "same rules on synthetic development subjects (docs/tuning.md). Tuned on this dataset, methods may rank "
        "otherwise."
    )
    changed = "depth-only, concat-joint, mean-at-3, cma-detected and afnetm-detected"
    assert f"The suite sets hyper-parameters of {changed}, which were" in message(load_suite("fusion"), dataset)


def test_an_ablation_says_that_its_variants_were_not_tuned(dataset: FaceDataset) -> None:
    words = message(load_suite("ablation"), dataset)
    changed = len(load_suite("ablation").methods) - 1
    assert (
        f"The suite sets hyper-parameters of {changed} methods, which were not tuned again. In an ablation this"
        in words
    )


@dataclass(frozen=True, kw_only=True)
class Heir(Texture):
    """A method that nobody searched for, whatever was found for its parent."""

    name = "heir"


def test_a_method_of_one_s_own_is_named_as_not_searched_for(dataset: FaceDataset) -> None:
    suite = load_suite("quick")
    mine = suite.model_copy(update={"methods": suite.methods | {"heir": Heir(), "large": Texture(dropout=0.5)}})
    words = message(mine, dataset)
    assert (
        "The defaults of heir were not searched for; all others' default hyper-parameters come from one search" in words
    )
    assert "The suite sets hyper-parameters of large, which" in words
    alone = message(mine.model_copy(update={"methods": {"heir": Heir()}, "control": None}), dataset)
    assert "hyper-parameters are defaults that no search found" in alone


def test_an_older_manifest_does_not_say_where_defaults_come_from() -> None:
    plan = provenance(["late", "afnetm"], done=0, subjects=8, intensities=1)
    assert "of which these records do not say where they come from" in " ".join(tuned(plan))


def test_defaults_come_from_the_suite_of_that_name_whose_subjects_are_in_no_other() -> None:
    defaults = load_suite("defaults")
    for name, method in defaults.methods.items():
        assert re.fullmatch(rf"study defaults/{name}, trial \d+", type(method).tuned), name
    shipped = {name for name, kind in methods().items() if kind.__module__.partition(".")[0] in {"afnetm", "baselines"}}
    assert set(defaults.methods) == shipped - {"masks", "landmarks"}  # controls, which are not tuned
    seeds = {name: load_suite(name).dataset.synthetic for name in suite_names() if name != "defaults"}
    assert defaults.dataset.synthetic is not None
    assert defaults.dataset.synthetic.seed not in {spec.seed for spec in seeds.values() if spec}


@pytest.mark.parametrize("name", ["svm", "late"])
def test_margins_are_no_probabilities(name: str, dataset: FaceDataset) -> None:
    assert make_manifest(load_suite("fusion"), dataset, []).methods[name]["probabilities"] == (name != "svm")
