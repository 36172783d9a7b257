import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afnetm.data.dataset import check_dataset, dataset_directory, dataset_info, open_dataset
from afnetm.data.dataset_files import file_sha256
from afnetm.data.maps import PLANES
from afnetm.data.pose import fit_pose
from afnetm.data.preparing import prepare_dataset
from afnetm.data.rendering import render
from afnetm.errors import UserError

SIZE = 32
SPOILT = {"subjects": 3, "broken": ("s001_fear",), "browless": ("s002_anger",), "bare": ("s002_surprise",)}


@pytest.fixture(scope="module")
def original(analytic_source, tmp_path_factory):
    directory = tmp_path_factory.mktemp("home") / "datasets" / "faces"
    prepare_dataset(directory, analytic_source(**SPOILT), size=SIZE, workers=1)
    return directory


@pytest.fixture
def directory(original, tmp_path):
    """A copy to spoil."""
    return Path(shutil.copytree(original, tmp_path / "faces"))


def test_it_holds_what_was_rendered(original, analytic_source):
    dataset = open_dataset(original)
    source = analytic_source(**SPOILT)
    assert dataset.table["id"].tolist() == [name for name in source.ids() if name != "s001_fear"]
    for row in (0, 5, 16):
        scan = source.load(dataset.table["id"][row])
        maps = render(scan, size=SIZE)
        for name in ("texture", "depth", "planes"):
            np.testing.assert_array_equal(getattr(dataset, name)[row], getattr(maps, name))
        assert dataset.table.loc[row, "subject"] == scan.subject
        assert dataset.table.loc[row, "intensity"] == scan.intensity
        assert dataset.table.loc[row, "nuisance_noise_mm"] == scan.nuisance["noise_mm"]
        assert dataset.table.loc[row, "misfit_mm"] == pytest.approx(fit_pose(scan).misfit, abs=5e-4)
        sizes = dataset.table.loc[row, ["vertices", "triangles", "texture_width", "texture_height"]]
        assert sizes.tolist() == [len(scan.vertices), len(scan.faces), 64, 64]


def test_the_card_says_what_is_there(original):
    dataset = open_dataset(original)
    assert dataset_info(dataset) == {
        "name": "faces",
        "scans": 17,
        "subjects": 3,
        "classes": {"anger": 3, "disgust": 3, "fear": 2, "happiness": 3, "sadness": 3, "surprise": 3},
        "regions": {"brows": 15, "eyes": 17, "nose": 17, "mouth": 16},
        "rejected": 1,
        "size": SIZE,
        "fingerprint": dataset.fingerprint,
        "shareable": True,
        "pose": "annotated",
        "detector": "",
        "misfit_mm": {
            "median": round(float(dataset.table["misfit_mm"].median()), 2),
            "largest": round(float(dataset.table["misfit_mm"].max()), 2),
        },
    }
    assert json.loads(json.dumps(dataset_info(dataset))) == dataset_info(dataset)


def test_a_region_without_landmarks_is_left_out_and_the_table_says_so(original):
    dataset = open_dataset(original)
    regions = dict(zip(dataset.table["id"], dataset.table["regions"], strict=True))
    assert regions.pop("s002_anger") == "eyes nose mouth"
    assert regions.pop("s002_surprise") == "eyes nose"
    assert set(regions.values()) == {"brows eyes nose mouth"}
    row = dataset.table["id"].tolist().index("s002_anger")
    assert not (dataset.planes[row] & PLANES["brows"]).any()


def test_opening_reads_no_maps(original):
    dataset = open_dataset(original)
    assert all(isinstance(maps, np.memmap) for maps in (dataset.texture, dataset.depth, dataset.planes))
    with pytest.raises(ValueError, match="read-only"):
        dataset.texture[0] = 0


def test_opening_needs_no_torch(original):
    code = "import sys; from pathlib import Path; from afnetm.data.dataset import open_dataset; "
    code += f"open_dataset(Path({str(original)!r})); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_whole_dataset_checks_out_and_tells_its_progress(original):
    seen = []
    assert check_dataset(original, lambda done, total: seen.append((done, total))).name == "faces"
    assert seen == [(done, 17) for done in range(1, 18)]


def _edit_info(directory, **changes):
    path = directory / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _flip(directory, name, row):
    array = np.load(directory / f"{name}.npy", mmap_mode="r+")
    array[row].flat[7] ^= 1


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shutil.rmtree, "there is no such folder"),
        (lambda d: (d / "dataset.json").unlink(), r"not a dataset, it has no dataset\.json"),
        (lambda d: _truncate(d / "dataset.json") or _truncate(d / "dataset.json"), r"dataset\.json is damaged"),
        (lambda d: (d / "dataset.json").write_text("[]"), r"dataset\.json is damaged"),
        (lambda d: _edit_info(d, format_version=1), r"format version is 1 \(this program reads 4\); remake it"),
        (lambda d: _edit_info(d, shareable="yes"), r"shareable in dataset\.json is 'yes' \(allowed: bool\)"),
        (
            lambda d: _edit_info(d, window_mm=180.0),
            r"window_mm in dataset\.json is 180\.0 \(this program reads 200\.0\)",
        ),
        (lambda d: _edit_info(d, scans=18), r"scans\.csv has 17 scans \(dataset\.json says 18\)"),
        (
            lambda d: _edit_info(d, size=64),
            r"texture\.npy holds uint8 \(17, 3, 32, 32\) \(by its table and info: \|u1 \(17, 3, 64, 64\)\)",
        ),
        (lambda d: (d / "depth.npy").unlink(), r"depth\.npy is missing or incomplete"),
        (lambda d: _truncate(d / "planes.npy"), r"planes\.npy is missing or incomplete"),
        (lambda d: np.save(d / "depth.npy", np.array([{}]), allow_pickle=True), r"depth\.npy is missing or incomplete"),
        (lambda d: np.save(d / "depth.npy", np.load(d / "depth.npy").astype(">u2")), r"depth\.npy holds >u2"),
        (lambda d: (d / "scans.csv").unlink(), r"scans\.csv cannot be read"),
        (lambda d: (d / "scans.csv").write_text(""), r"scans\.csv cannot be read"),
        (lambda d: (d / "scans.csv").write_text("id,subject\na,b\n"), "scans.csv has no column 'expression'"),
    ],
)
def test_what_cannot_be_opened_is_named(directory, spoil, message):
    spoil(directory)
    with pytest.raises(UserError, match=f"^dataset .*faces: .*{message}") as caught:
        open_dataset(directory)
    assert "\n" not in str(caught.value)


def _relabel(directory):
    table = pd.read_csv(directory / "scans.csv")
    table.loc[3, "expression"] = "anger"
    table.to_csv(directory / "scans.csv", index=False)


def _edit_table(directory, row, **changes):
    """Changes a row and the digest in the dataset info of the table."""
    table = pd.read_csv(directory / "scans.csv", dtype=str, keep_default_na=False)
    for name, value in changes.items():
        table.loc[row, name] = value
    table.to_csv(directory / "scans.csv", index=False, lineterminator="\n")
    files = json.loads((directory / "dataset.json").read_text())["files"]
    _edit_info(directory, files=files | {"scans.csv": file_sha256(directory / "scans.csv")})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: _flip(d, "texture", 4), "maps of scan s000_sadness"),
        (lambda d: _flip(d, "depth", 0), "maps of scan s000_anger"),
        (lambda d: _flip(d, "planes", 16), "maps of scan s002_surprise"),
        (_relabel, r"scans\.csv was altered"),
        (lambda d: (d / "rejected.csv").unlink(), r"rejected\.csv was altered"),
        (lambda d: _edit_info(d, fingerprint="0" * 64), r"fingerprint in dataset\.json is '000"),
        (lambda d: _edit_info(d, subjects=4), r"subjects in dataset\.json is 4, but its scans give 3"),
        (lambda d: _edit_info(d, rejected=0), r"rejected in dataset\.json is 0, but its scans give 1"),
        (lambda d: _edit_info(d, regions={}), r"regions in dataset\.json is {}, but its scans give {'brows': 15, "),
        (lambda d: _edit_info(d, files={}), r"scans\.csv was altered"),
        (
            lambda d: _edit_table(d, 0, regions="brows"),
            r"regions of scan s000_anger in scans\.csv are 'brows', but its maps have 'brows eyes nose mouth'",
        ),
    ],
)
def test_what_was_altered_is_found(directory, spoil, message):
    spoil(directory)
    open_dataset(directory)
    with pytest.raises(UserError, match=message):
        check_dataset(directory)


def test_a_subject_called_na_stays_text(directory):
    table = pd.read_csv(directory / "scans.csv", dtype=str)
    table.loc[0, "subject"], table.loc[1, "subject"] = "NA", "007"
    table.to_csv(directory / "scans.csv", index=False)
    assert open_dataset(directory).table["subject"][:2].tolist() == ["NA", "007"]


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../a", "/a", "a\\b", "a b", "ä", "a\n", "a" * 101])
def test_a_name_that_is_no_plain_name_is_refused(name, tmp_path):
    with pytest.raises(UserError, match="dataset name"):
        dataset_directory(tmp_path, name)


def test_a_plain_name_is_a_folder_of_its_own(tmp_path):
    assert dataset_directory(tmp_path, "Quick-2.1_b") == tmp_path / "datasets" / "Quick-2.1_b"
