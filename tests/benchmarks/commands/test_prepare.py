"""Datasets through the command line: export, prepare, what is wrong with a folder, killed and resumed."""

import csv
import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import Image

from tests.benchmarks.conftest import command


@pytest.fixture(scope="session")
def exported(shared, afnetm):
    """Gives the folder of twelve synthetic scans in a dataset's layout; to be copied, not written to."""

    def made(layout):
        folder = shared / "exported" / layout
        with FileLock(f"{shared / layout}.lock"):
            if not folder.is_dir():
                options = ["--subjects", "2", "--intensities", "4", "--seed", "1", "--clean"]
                afnetm(shared / "nowhere", "data", "export", layout, str(folder), *options)
        return folder

    return made


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["bu3dfe", "bosphorus"])
def test_a_data_set_is_exported_prepared_checked_and_trained_on(tmp_path, exported, afnetm, suite, layout):
    home, files = tmp_path / "home", exported(layout)
    done = afnetm(home, "data", "prepare", layout, str(files), "faces", "--size", "32", "--workers", "2")
    assert "12 of 2 subjects" in done.stderr
    assert re.search(r"disk +[\d.]+ [kM]B", done.stderr)
    info = json.loads(afnetm(home, "data", "check", "faces", "--json").stdout)
    assert (info["scans"], info["subjects"], info["shareable"]) == (12, 2, False)
    assert info["classes"] == dict.fromkeys(("anger", "disgust", "fear", "happiness", "sadness", "surprise"), 2)
    assert str(files) not in (home / "datasets/faces/dataset.json").read_text()
    with Image.open(home / "datasets/faces/contact-sheet.png") as sheet:
        assert sheet.width > 600
    text = suite.read_text().replace('name = "tiny"', 'name = "faces"').replace("folds = 3", "folds = 2")
    suite.write_text("\n".join(line for line in text.splitlines() if not line.startswith("synthetic")))
    afnetm(home, "run", str(suite), "--methods", "texture", "--workers", "2", drawn=False)


def test_bad_files_are_left_out_and_listed_with_their_reasons(tmp_path, exported, here):
    files = tmp_path / "files"
    shutil.copytree(exported("bu3dfe"), files)
    (files / "F0001/F0001_AN04XX_F3D.bnd").unlink()
    (files / "F0001/F0001_DI04XX_F3D.bmp").unlink()
    mesh = files / "F0002/F0002_HA04XX_F3D.wrl"
    mesh.write_bytes(mesh.read_bytes()[:5000])
    (files / "F0002/F0002_FE04XX_F3D.bnd").write_text("0\t\tnan 0 0\n")
    prepare = ["data", "prepare", "bu3dfe", str(files), "faces", "--size", "32", "--no-detect"]
    done = here(tmp_path, *prepare, "--workers", "1", code=1)
    assert "landmarks of 1 scan (F0001_AN04XX)" in done.stderr
    assert "98 of the dataset's 100 subjects" in done.stderr
    with (tmp_path / "datasets/faces/rejected.csv").open() as file:
        reasons = {row["id"]: row["reason"] for row in csv.DictReader(file)}
    assert sorted(reasons) == ["F0001_AN04XX", "F0001_DI04XX", "F0002_FE04XX", "F0002_HA04XX"]
    assert "F0002_HA04XX_F3D.wrl" in reasons["F0002_HA04XX"]
    for scan, reason in reasons.items():
        assert f"{scan}: " in done.stderr
        assert len(reason.splitlines()) == 1
    info = json.loads(here(tmp_path, "data", "check", "faces", "--json").stdout)
    assert (info["scans"], info["rejected"]) == (8, 4)


@pytest.mark.faults
def test_killed_while_preparing_it_goes_on_to_the_same_dataset(tmp_path, exported, afnetm):
    prepare = ["data", "prepare", "bu3dfe", str(exported("bu3dfe")), "faces", "--size", "224", "--workers", "1"]
    afnetm(tmp_path / "whole", *prepare)
    with subprocess.Popen(command(tmp_path / "cut", *prepare), stderr=subprocess.DEVNULL) as running:
        record = tmp_path / "cut/datasets/.faces.partial/record.jsonl"
        while not (record.exists() and record.read_bytes().count(b"\n") > 1) and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    assert not (tmp_path / "cut/datasets/faces").exists()
    afnetm(tmp_path / "cut", *prepare)
    for name in ("dataset.json", "scans.csv", "rejected.csv", "texture.npy", "depth.npy", "planes.npy"):
        one, other = ((tmp_path / home / "datasets/faces" / name).read_bytes() for home in ("whole", "cut"))
        assert one == other, name


def test_intensities_are_chosen(tmp_path, exported, here):
    prepare = ["data", "prepare", "bu3dfe", str(exported("bu3dfe")), "faces", "--size", "32", "--no-detect"]
    done = here(tmp_path, *prepare, "--intensities", "1", "2", code=2)
    assert "no scan of BU-3DFE at intensities [1, 2]" in done.stderr
    here(tmp_path, *prepare, "--intensities", "3", "4", "--workers", "1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ck+", "{dir}", "x"], "dataset source 'ck+' is not registered; allowed: bosphorus, bu3dfe"),
        (["bu3dfe", "{dir}/none", "x"], "there is no such folder"),
        (["bu3dfe", "{dir}", "x", "--intensities", "7"], "intensities: [7] (allowed: one or more of 1, 2, 3, 4"),
        (["bu3dfe", "{dir}", "x", "--table", "t.csv"], "--table: not for 'bu3dfe'"),
        (["folder", "{dir}", "x"], "--table: needed for 'folder'"),
        (["bosphorus", "{dir}", "x", "--intensities", "3"], "--intensities: not for 'bosphorus'"),
        (["bu3dfe", "{dir}", "x", "--frames", "3"], "--frames: not for 'bu3dfe'"),
        (["bosphorus", "{dir}", "x"], "no expressive scan of Bosphorus"),
        (["bu3dfe", "{dir}", "../x"], "dataset name '../x'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, here, arguments, message):
    (tmp_path / "empty").mkdir()
    given = [one.format(dir=tmp_path / "empty") for one in arguments]
    done = here(tmp_path / "home", "data", "prepare", *given, code=2)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert message in lines[-1]
    assert len(lines) == 1
    assert not list(Path(tmp_path / "home").glob("datasets/*"))


def test_an_export_never_writes_into_a_folder_that_is_there(tmp_path, afnetm):
    (tmp_path / "mine").mkdir()
    done = afnetm(tmp_path, "data", "export", "bu3dfe", str(tmp_path / "mine"), "--subjects", "1", code=2)
    assert "exists already" in done.stderr
    assert not list((tmp_path / "mine").iterdir())
