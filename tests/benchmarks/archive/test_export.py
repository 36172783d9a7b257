"""Archives: the same report elsewhere, nobody's name on the way, whole or not there."""

import dataclasses
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load

from afnetm.errors import UserError
from benchmarks.archive.exporting import export_suite
from benchmarks.archive.merging import merge
from benchmarks.commands.state import suite_state
from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from reports.data.pseudonyms import unnamed
from tests.benchmarks.archive.examples import PLACES, SECRET, fabricate, members, record, run, tells, tree
from tests.benchmarks.conftest import Afnetm

KEYS = {place: run_key(run(*place)) for place in PLACES}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return fabricate(tmp_path / "home")


@pytest.fixture
def private(tmp_path: Path) -> Home:
    return fabricate(tmp_path / "private", shareable=False)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.zip"


def test_an_imported_suite_has_the_report_that_it_has_at_home(private: Home, tmp_path: Path, out: Path) -> None:
    there = Home(tmp_path / "there")
    assert export_suite(private, "people", out).records == len(PLACES)
    assert merge([out], there).records == len(PLACES)
    one, other = (results(read_manifest(home, "people"), Store(home), created="") for home in (private, there))
    for name in ("folds", "curves", "studies", "selection", "importances", "maps"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), obj=name)
    rows = ["method", "repeat", "fold", "scan"]  # which come in the order of pseudonyms, as a report writes them
    pd.testing.assert_frame_equal(*(of.predictions.sort_values(rows, ignore_index=True) for of in (one, other)))
    assert other.provenance == dataclasses.replace(one.provenance, failed=other.provenance.failed)
    assert [unnamed(reason) for *_, reason in one.provenance.failed] == [
        reason for *_, reason in other.provenance.failed
    ]
    assert suite_state("people", there).counts == {"done": 5, "failed": 1, "left": 0}


@pytest.mark.parametrize("shareable", [True, False])
def test_the_same_results_are_the_same_bytes_wherever_they_are(shareable: bool, tmp_path: Path) -> None:
    home, there = fabricate(tmp_path / "home", shareable=shareable), Home(tmp_path / "there")
    copy = Home(shutil.copytree(home.path, tmp_path / "copy", copy_function=shutil.copy))
    first, again, back = (tmp_path / f"{name}.zip" for name in ("first", "again", "back"))
    export_suite(home, "people", first, weights=True)
    export_suite(copy, "people", again, weights=True)
    merge([first], there)
    export_suite(there, "people", back, weights=True)
    assert first.read_bytes() == again.read_bytes() == back.read_bytes()


def test_an_archive_is_the_home_of_one_suite(home: Home, tmp_path: Path, out: Path) -> None:
    (home.run(KEYS["concat", 0]) / "notes.txt").write_text("mine")
    trial = run("concat", 0, inner={"selection": "nested", "folds": 2, "fold": 0})
    Store(home).write(run_key(trial), record(trial))
    export_suite(home, "people", out)
    assert not [name for name in members(out) if name.endswith("weights.safetensors")]
    out.unlink()
    export_suite(home, "people", out, weights=True)
    merge([out], there := Home(tmp_path / "there"))
    before, after = tree(home.path), tree(there.path)
    assert after.items() < before.items()
    left = {name for name in before.keys() - after if run_key(trial) not in name}
    assert left == {
        f"failures/{KEYS[PLACES[-1]]}.txt",
        str(home.run(KEYS["concat", 0]).relative_to(home.path) / "notes.txt"),
    }
    assert Store(there).reason(KEYS[PLACES[-1]]) == "RuntimeError: no nose in TELLTALE_Ada_fear"


def test_nobody_is_named_in_an_archive_of_a_private_dataset(private: Home, tmp_path: Path, out: Path) -> None:
    manifest = read_manifest(private, "people")
    manifest.dataset["source"]["folder"] = "/data/TELLTALE/scans"
    manifest.save(private)
    assert export_suite(private, "people", out).pseudonyms
    assert tells(out, "TELLTALE", SECRET, str(tmp_path), "Traceback") == []
    (failure,) = (content for name, content in members(out).items() if name.startswith("failures/"))
    assert json.loads(failure)["reason"] == "RuntimeError (message withheld: the dataset is not shareable)"
    faces = tmp_path / "faces.zip"
    assert not export_suite(private, "people", faces, with_faces=True).pseudonyms
    assert tells(faces, str(tmp_path), "Traceback", "/data/") == []
    assert sum(name.endswith("predictions.parquet") for name in tells(faces, "TELLTALE")) == len(PLACES)


def test_no_order_tells_who_is_who_and_what_belongs_together_stays_together(private: Home, out: Path) -> None:
    export_suite(private, "people", out)
    content = members(out)
    for key in Store(private).done():
        own = Store(private).predictions(key).to_pandas()
        other = pd.read_parquet(io.BytesIO(content[f"runs/{key}/predictions.parquet"]))
        numbers = list(own.columns[2:])
        pd.testing.assert_frame_equal(
            *(table[numbers].sort_values(numbers, ignore_index=True) for table in (own, other))
        )
        assert other["scan"].is_monotonic_increasing
        assert other["scan"].str.fullmatch("s[0-9a-f]{12}").all()
        assert other["subject"].str.fullmatch("p[0-9a-f]{12}").all()
        auxiliary_outputs = load(content[f"runs/{key}/auxiliary_outputs.safetensors"])
        assert set(auxiliary_outputs) == {"importance", "attention"}  # the third may be a picture
        np.testing.assert_array_equal(auxiliary_outputs["importance"][:, 0], other["p_anger"])
        np.testing.assert_array_equal(auxiliary_outputs["attention"][:, 0, 0], other["p_disgust"])
        gradcam = load(content[f"runs/{key}/gradcam.safetensors"])
        assert (np.diff(gradcam["rows"]) > 0).all()
        np.testing.assert_array_equal(gradcam["texture"][:, 0, 0], other["p_fear"].to_numpy()[gradcam["rows"]])


def test_an_archive_is_whole_or_not_there_and_replaces_nothing(home: Home, out: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_suite(home, "people", out, progress=stop)
    assert [path.name for path in out.parent.iterdir()] == ["home"]
    out.write_text("mine")
    with pytest.raises(UserError, match="already exists; choose another file, or delete it"):
        export_suite(home, "people", out)
    assert out.read_text() == "mine"
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        export_suite(home, "people", out.parent / "nowhere" / "out.zip")


def test_what_cannot_be_reported_is_not_exported(home: Home, out: Path) -> None:
    with pytest.raises(UserError, match="method 'x' is not in suite 'people'; it has: concat, late"):
        export_suite(home, "people", out, methods=["x"])
    (home.run(KEYS["late", 1]) / "curves.csv").unlink()
    with pytest.raises(UserError, match=rf"runs/{KEYS['late', 1]} .late, repeat 0, fold 1.: learning curve: .*missing"):
        export_suite(home, "people", out)
    Store(home).forget(Store(home).done())
    with pytest.raises(UserError, match="has no finished run"):
        export_suite(home, "people", out)
    assert not out.exists()


def test_the_command_line_says_what_it_did(home: Home, tmp_path: Path, out: Path, here: Afnetm) -> None:
    done = here(home.path, "export", "people", str(out), "--methods", "late")
    assert "people: 2 runs, why 1 failed; " in done.stdout
    assert "the trials of 6 studies stay here; what they chose is in it" in done.stdout
    there = tmp_path / "there"
    done = here(there, "import", str(out), "--as", "theirs")
    assert "theirs: 2 runs new\n" in done.stdout
    assert "report theirs" in done.stdout
    done = here(there, "merge", str(home.path))
    assert "people: 4 runs new, 2 were here already\n" in done.stdout
    out.write_bytes(out.read_bytes()[:-1000])
    done = here(there, "import", str(out), code=2)
    assert done.stdout == ""
    assert "error: archive" in done.stderr
    assert "is not a zip archive, or a damaged one" in done.stderr
