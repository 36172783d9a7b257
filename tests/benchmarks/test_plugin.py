"""A strategy and a dataset in a package of their own: built, installed beside the project and used by name alone."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.afnetm.data.conftest import make_scan
from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.others import point

PLUGIN = Path(__file__).parents[1] / "plugin"
CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as an installer leaves it there: its wheel, unpacked. Nothing is downloaded."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(PLUGIN, folder / "source")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=folder / "source", check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder / "site", "zip")
    return folder / "site"


@pytest.mark.slow
def test_it_runs_by_its_name_beside_a_suite_s_own_methods(
    installed: Path, home: Path, suite: Path, afnetm: Afnetm
) -> None:
    names = ["texture", "mine", "taught"]
    assert "taught: passed " in afnetm(home, "check", "taught", PYTHONPATH=str(installed)).stdout
    afnetm(home, "run", str(suite), "--methods", *names, drawn=False, PYTHONPATH=str(installed))
    with (home / "reports/small/tables/comparison.csv").open(newline="") as file:
        assert [row["method"] for row in csv.DictReader(file)] == names
    page = (home / "reports/small/index.html").read_text()
    assert "features weighted by one learnt number" in page
    assert "added to it when it was run, with default hyper-parameters: mine, taught." in page
    status = json.loads(afnetm(home, "status", str(suite), "--json").stdout)  # from the records, without the package
    assert status["runs"] == {"done": 9, "failed": 0, "left": 3}


@pytest.mark.slow
def test_its_dataset_is_prepared_and_run_by_its_name(
    installed: Path, tmp_path: Path, suite: Path, afnetm: Afnetm
) -> None:
    home, files = tmp_path / "home", tmp_path / "files"
    files.mkdir()
    scan = make_scan(step=5.0)
    arrays = {name: getattr(scan, name) for name in ("vertices", "faces", "uv", "uv_faces", "texture", "landmarks")}
    for subject in ("ada", "bob"):
        for expression in ("anger", "fear", "neutral"):
            np.savez(files / f"{subject}_{expression}_0.npz", **arrays)
    (files / "ada_fear_1.npz").write_bytes(b"")
    prepare = ["data", "prepare", "arrays", str(files), "own", "--size", "32", "--workers", "2"]
    done = afnetm(home, *prepare, "--set", "neutral=false", PYTHONPATH=str(installed), code=1)
    assert "left out: ada_fear_1: scan ada_fear_1: EOFError: No data left in file (scans_of_mine.py:" in done.stderr
    info = json.loads(afnetm(home, "data", "check", "own", "--json").stdout)  # without the package
    assert info["classes"] == {"anger": 2, "fear": 2}
    file = home / "datasets/own/dataset.json"
    written = file.read_text()
    file.write_text(json.dumps(json.loads(written) | {"rendering": 0}))
    again = f"afnetm --home {home} data prepare arrays DIR own --size 32 --set neutral=false\n"
    for path in (str(installed), ""):
        assert afnetm(home, "data", "check", "own", PYTHONPATH=path).stderr.endswith(f", then: {again}")
    file.write_text(written)
    text = suite.read_text().replace("folds = 3", "folds = 2")
    text = text.replace('name = "tiny"', 'name = "own"\nsource = "arrays"')
    suite.write_text("\n".join(line for line in text.splitlines() if not line.startswith("synthetic")))
    run = ["run", str(suite), "--methods", "texture"]
    assert "texture               2" in afnetm(home, *run, "--dry-run", PYTHONPATH=str(installed)).stdout
    done = afnetm(home, *run, "--dry-run", code=2)
    assert 'dataset.source = "arrays" is not registered; allowed: bosphorus, bu3dfe' in done.stderr


def test_contributing_shows_these_very_files() -> None:
    strategy, dataset = re.findall(r"```python\n(.*?)```", CONTRIBUTING.read_text(), re.DOTALL)
    assert strategy == (PLUGIN / "fusion_of_mine.py").read_text()
    assert dataset == (PLUGIN / "scans_of_mine.py").read_text()
    assert strategy.count("\n") < 80


@pytest.mark.slow
def test_one_that_cannot_be_imported_stops_who_asks_for_it_and_nobody_else(
    home: Path, suite: Path, afnetm: Afnetm, tmp_path: Path
) -> None:
    path = point(tmp_path, "theirs = theirs:Theirs", "import os\nimport a_package_that_is_not_there")
    done = afnetm(home, "run", str(suite), "--methods", "texture", "--dry-run", PYTHONPATH=path)
    assert "texture" in done.stdout
    done = afnetm(home, "run", str(suite), "--methods", "theirs", "--dry-run", PYTHONPATH=path, code=2)
    said = "method 'theirs' (theirs:Theirs) cannot be loaded: ModuleNotFoundError: No module named "
    assert f"{said}'a_package_that_is_not_there' (theirs.py:2)" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_name_that_is_taken_is_refused(home: Path, suite: Path, afnetm: Afnetm, tmp_path: Path) -> None:
    path = point(tmp_path, "late = theirs:Late", "from baselines.late import Late")
    done = afnetm(home, "run", str(suite), "--dry-run", PYTHONPATH=path, code=2)
    assert "method 'late' is registered twice: baselines.late:Late and theirs:Late" in done.stderr
