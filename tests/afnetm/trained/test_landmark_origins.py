"""A model that is asked about scans whose landmarks are of another origin than in training says so, or refuses."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import afnetm
from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset_files import FOUND, LANDMARK_COUNT
from afnetm.data.synthetic import SyntheticSource
from afnetm.trained.landmark_origins import LandmarkOrigins, origins_of
from tests.afnetm.trained.test_folders import trained

END = "; accuracy may be below the measured one"


def asked(*, found=0, pose="annotated", rows=83, scans=12):
    """Scans of two subjects, the first of them with landmarks that were found."""
    data = learnable_dataset(subjects=2, seed=1)
    table = data.table.assign(**{LANDMARK_COUNT: rows, FOUND: np.arange(len(data)) < found})
    return replace(data, table=table, pose=pose).subset(range(scans))


def said(model, data):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(data)
    return [str(one.message) for one in caught]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Models by method: trained on scans that came with 83 landmarks, and read from their folders."""

    def loaded(method, **options):
        directory = tmp_path_factory.mktemp("models") / "model"
        trained(method, directory, **options)
        return afnetm.load_model(directory)

    return {
        "texture": loaded("texture"),
        "mean": loaded("afnetm", masks="mean"),
        "annotated": loaded("afnetm", masks="annotated"),
        "landmarks": loaded("landmarks", masks="annotated"),
    }


def test_scans_like_those_in_training_are_not_warned_about(models):
    for model in models.values():
        assert model.landmarks == LandmarkOrigins(given=24, found=0, sets=(83,))
        assert said(model, asked()) == []


POSES = "poses are fitted to detected landmarks{} (in training: annotated)"
MASKS = "masks are of found landmarks{} (in training: given)"


@pytest.mark.parametrize(
    ("name", "data", "parts"),
    [
        ("texture", {"found": 12, "pose": "detected"}, [POSES.format("")]),
        ("texture", {"found": 0, "pose": "detected"}, [POSES.format("")]),
        ("mean", {"found": 3}, [POSES.format(" in 3 of 12 scans")]),
        ("mean", {"found": 3, "scans": 3}, [POSES.format("")]),
        ("annotated", {"found": 3}, [POSES.format(" in 3 of 12 scans"), MASKS.format(" in 3 of 12 scans")]),
        ("annotated", {"found": 0, "pose": "detected"}, [POSES.format("")]),
        ("landmarks", {"found": 12, "pose": "detected"}, [POSES.format(""), MASKS.format("")]),
        ("annotated", {"rows": 68}, ["landmarks are of sets of 68 (in training: 83)"]),
    ],
)
def test_other_landmarks_are_one_warning_that_names_the_difference(models, name, data, parts):
    assert said(models[name], asked(**data)) == [f"dataset 'learnable': {', '.join(parts)}{END}"]


def test_a_method_that_reads_landmarks_refuses_those_of_another_set(models):
    with pytest.raises(afnetm.UserError, match=r"sets of 22 landmarks; 'landmarks' reads landmarks, and was"):
        models["landmarks"].predict(asked(rows=22))


def test_the_reverse_is_said_as_well(models):
    model = models["annotated"]
    found = replace(
        model, making=replace(model.making, pose="detected"), landmarks=LandmarkOrigins(given=0, found=24, sets=(83,))
    )
    assert said(found, asked(found=12, pose="detected")) == []
    poses = "poses are fitted to annotated landmarks in 3 of 12 scans (in training: detected)"
    masks = "masks are of given landmarks in 3 of 12 scans (in training: found)"
    assert said(found, asked(found=9)) == [f"dataset 'learnable': {poses}, {masks}{END}"]
    mixed = replace(model, landmarks=LandmarkOrigins(given=20, found=4, sets=(83,)))
    assert said(mixed, asked(found=3)) == []


def test_a_model_that_does_not_know_its_landmarks_goes_by_its_poses(models):
    model = replace(models["annotated"], landmarks=None)
    assert said(model, asked()) == said(model, asked(rows=68)) == []
    assert POSES.format("") in said(model, asked(found=12, pose="detected"))[0]


def test_a_scan_s_prediction_carries_the_warning_and_raises_none(models):
    source = SyntheticSource(seed=0, subjects=1, intensities=(4,), clean=True)
    scan = source.load(source.ids()[0])
    model = replace(models["mean"], rendering=afnetm.data.maps.RENDERING_VERSION)
    assert model.predict_scan(scan).warning == ""
    assert model.predict_scan(replace(scan, landmarks_found=True)).warning == POSES.format("") + END


def test_origins_are_read_from_the_table_of_any_dataset():
    assert origins_of(pd.DataFrame({"id": ["a", "b"]})) == LandmarkOrigins(given=2, found=0)
    table = pd.DataFrame({"id": ["a", "b", "c"], LANDMARK_COUNT: [83.0, np.nan, 22.0], FOUND: [0.0, 1.0, 0.0]})
    assert origins_of(table) == LandmarkOrigins(given=2, found=1, sets=(22, 83))
