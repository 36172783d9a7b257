"""What records show of methods beside their answers: means over scans and trainings, weights along predictions."""

import numpy as np
import pandas as pd
import pytest
import torch

from afnetm.model.encoder import EncoderSpec
from afnetm.model.stream import Stream
from benchmarks.records.home import Home
from benchmarks.records.store import Evidence, Record, Store
from benchmarks.reporting.evidence import importance, maps, mean_maps

SCANS = pd.DataFrame({"scan": ["a", "b", "c"]})


@pytest.fixture
def store(tmp_path):
    return Store(Home(tmp_path))


def record(store, key, *, auxiliary_outputs=None, gradcam=None, encoder="resnet18"):
    result = {"encoder": {"name": encoder}}
    store.write(key, Record(result, SCANS, pd.DataFrame({"epoch": [0]}), auxiliary_outputs or {}, gradcam))
    return maps(store.folder(key), result)


def mean(*trainings):
    return mean_maps(("fused", found) for found in trainings)


def test_maps_are_means_over_scans_and_trainings(store):
    one = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    seen = Evidence(np.array([0, 2]), {"trunk": np.stack([np.eye(2), np.zeros((2, 2))]).astype(np.float32)})
    found = mean(
        record(store, "one", auxiliary_outputs={"attention_texture": one}, gradcam=seen),
        record(
            store, "two", auxiliary_outputs={"attention_texture": one + 1.0, "importance": np.ones((3, 2), np.float32)}
        ),
        record(store, "none"),
    )
    looked = found[found["kind"] == "attention"].set_index(["row", "column"])["value"]
    assert looked.to_dict() == {(0, 0): 4.5, (0, 1): 5.5, (1, 0): 6.5, (1, 1): 7.5}
    trunk = found[found["stream"] == "trunk"]
    assert trunk["value"].tolist() == [0.5, 0.0, 0.0, 0.5]
    assert set(found.groupby("stream")["trainings"].first().items()) == {("texture", 2), ("trunk", 1)}


def test_no_map_is_as_fine_as_a_picture(store):
    fine = np.tile(np.arange(56, dtype=np.float32) // 4, (3, 56, 1))
    found = mean(record(store, "fine", auxiliary_outputs={"attention": fine}))
    assert (found["row"].max(), found["column"].max()) == (13, 13)
    assert (found["value"] == found["column"]).all()


def test_weights_go_along_predictions(store):
    record(store, "one", auxiliary_outputs={"importance": np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]], np.float32)})
    found = importance(store.folder("one"), scans=3)
    assert {name: of.tolist() for name, of in found.items()} == {"texture": [0.25, 0.5, 1.0], "depth": [0.75, 0.5, 0.0]}
    record(store, "none")
    assert importance(store.folder("none"), scans=3) == {}
    with pytest.raises(ValueError, match="not two numbers from 0 to 1 per scan"):
        importance(store.folder("one"), scans=4)


def test_a_map_tells_how_far_from_its_cells_what_they_see_is_where_that_is_known(store):
    fine, coarse = (np.ones((3, side, side), np.float32) for side in (28, 7))
    found = mean(record(store, "one", auxiliary_outputs={"attention": fine, "attention_depth": coarse}))
    assert found.groupby("stream")["shift"].unique().to_dict() == {"both": [0.25], "depth": [0.5]}
    other = mean(record(store, "other", auxiliary_outputs={"attention": fine}, encoder="vit_tiny_patch16_224"))
    assert other["shift"].isna().all()


@pytest.mark.parametrize(
    ("name", "width", "corner"), [("resnet18", 0.25, True), ("resnet50", 1.0, True), ("convnext_atto", 1.0, False)]
)
def test_a_resnet_s_cell_sees_what_is_around_its_upper_left_corner(name, width, corner):
    torch.manual_seed(0)
    faces = torch.randn(1, 3, 64, 64, requires_grad=True)
    seen = Stream(EncoderSpec(name=name, width=width, size=64), 3).eval()(faces)[0, :, 1, 1]
    (gradient,) = torch.autograd.grad(seen.square().sum(), faces)
    reach = gradient.abs().sum((0, 1))
    across, down = ((reach.sum(axis) * torch.arange(64)).sum() / reach.sum() for axis in (0, 1))
    cell = 64 // 2
    expected = cell if corner else 1.5 * cell
    assert abs(across - expected) < 6
    assert abs(down - expected) < 6
