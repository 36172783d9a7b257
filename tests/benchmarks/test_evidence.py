"""What records show of methods beside their answers: means over scans and trainings, weights along predictions."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.evidence import mean_maps, with_importance
from benchmarks.home import Home
from benchmarks.ledger import Entry
from benchmarks.store import Evidence, Record, Store

SCANS = pd.DataFrame({"scan": ["a", "b", "c"]})


@pytest.fixture
def store(tmp_path):
    return Store(Home(tmp_path))


def record(store, key, *, extras=None, gradcam=None):
    store.write(key, Record({}, SCANS, pd.DataFrame({"epoch": [0]}), extras or {}, gradcam))
    return Entry(key, "fused", 0, 0)


def test_maps_are_means_over_scans_and_trainings(store):
    one = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    seen = Evidence(np.array([0, 2]), {"trunk": np.stack([np.eye(2), np.zeros((2, 2))]).astype(np.float32)})
    entries = [
        record(store, "one", extras={"attention_texture": one}, gradcam=seen),
        record(store, "two", extras={"attention_texture": one + 1.0, "importance": np.ones((3, 2), np.float32)}),
        record(store, "none"),
    ]
    found = mean_maps(entries, store)
    looked = found[found["kind"] == "attention"].set_index(["row", "column"])["value"]
    assert looked.to_dict() == {(0, 0): 4.5, (0, 1): 5.5, (1, 0): 6.5, (1, 1): 7.5}
    trunk = found[found["stream"] == "trunk"]
    assert trunk["value"].tolist() == [0.5, 0.0, 0.0, 0.5]
    assert set(found.groupby("stream")["trainings"].first().items()) == {("texture", 2), ("trunk", 1)}


def test_no_map_is_as_fine_as_a_picture(store):
    fine = np.tile(np.arange(56, dtype=np.float32) // 4, (3, 56, 1))
    found = mean_maps([record(store, "fine", extras={"attention": fine})], store)
    assert (found["row"].max(), found["column"].max()) == (13, 13)
    assert (found["value"] == found["column"]).all()


def test_weights_go_along_predictions(store):
    record(store, "one", extras={"importance": np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]], np.float32)})
    found = with_importance(SCANS, store.folder("one"))
    assert found.to_dict("list") == {"scan": ["a", "b", "c"], "texture": [0.25, 0.5, 1.0], "depth": [0.75, 0.5, 0.0]}
    record(store, "none")
    assert with_importance(SCANS, store.folder("none")).equals(SCANS)
