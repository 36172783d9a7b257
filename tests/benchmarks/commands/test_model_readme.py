"""What the README.md of a trained model says of the data that it was trained on, and of its accuracy."""

from typing import Any

import pytest

from afnetm.data.making import Making
from afnetm.data.maps import RENDERING_VERSION
from afnetm.registry import find_method
from afnetm.trained.folders import Settings
from benchmarks.commands.model_readme import readme


def text(source: dict[str, Any], **changes: Any) -> str:
    """The text on a model of late fusion, trained on a dataset of that source."""
    method = find_method("late")()
    settings = Settings(
        method="late",
        version=method.version,
        hyperparameters={"dropout": 0.5},
        encoder={"name": "resnet18", "width": 0.25},
        training={"epochs": 3},
        classes=("anger", "calm"),
        maps={**vars(Making(size=64)), "rendering": RENDERING_VERSION},
    )
    dataset = {
        "name": "ours",
        "source": source,
        "shareable": False,
        "scans": 12,
        "subjects": 2,
        "detector": None,
    }
    about = {
        "title": "Late fusion",
        "suite": "own",
        "measured": None,
        "dataset": dataset | changes,
        "encoder_weights": {"weights": None},
        "seed": 0,
        "device": "cpu",
        "hardware": "a processor",
        "seconds": 2.0,
        "versions": {},
        "commit": "",
    }
    return readme(settings, about, method)


@pytest.mark.parametrize("source", ["bu3dfe", "bosphorus", "folder"])
def test_a_model_of_people_s_scans_says_whose_licence_counts(source: str) -> None:
    written = text({"kind": source})
    assert (
        f"**Trained on scans of people**: dataset `ours`, source `{source}`, which is not marked as shareable"
        in written
    )
    assert "for the licence of the dataset to say" in " ".join(written.split())
    assert "It knows faces, sensors and poses as `ours` has them; others are guesses." in written
    assert "which is marked as shareable" in text({"kind": source}, shareable=True)


@pytest.mark.parametrize("source", [{"kind": "synthetic"}, {"kind": "bu3dfe", "synthetic": True}])
def test_a_model_of_synthetic_scans_says_so_whatever_their_layout(source: dict[str, Any]) -> None:
    written = text(source)
    assert "no scan of a person went into this model" in written
    assert "nothing is known of how it answers for real faces" in written
    assert "scans of people" not in written


def test_without_a_finished_run_no_accuracy_is_claimed() -> None:
    assert "None was measured with these settings: the suite `own` has no finished run" in text({"kind": "folder"})
