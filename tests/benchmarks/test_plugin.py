"""A strategy in a package of its own: built, installed beside the project and run by its name alone."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Afnetm

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


def test_it_runs_by_its_name_beside_a_suite_s_own_methods(
    installed: Path, home: Path, suite: Path, afnetm: Afnetm
) -> None:
    afnetm(home, "run", str(suite), "--methods", "texture", "mine", PYTHONPATH=str(installed))
    with (home / "reports/small/tables/comparison.csv").open(newline="") as file:
        assert [row["method"] for row in csv.DictReader(file)] == ["texture", "mine"]
    page = (home / "reports/small/index.html").read_text()
    assert "features weighted by one learnt number" in page
    assert "added to it when it was run, with default hyper-parameters: mine." in page
    status = json.loads(afnetm(home, "status", str(suite), "--json").stdout)  # from the records, without the package
    assert status["units"] == {"done": 6, "failed": 0, "left": 3}


def test_the_contract_holds_it_too(installed: Path) -> None:
    pytest_on_it = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract", "-k", "mine"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        pytest_on_it, cwd=CONTRIBUTING.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d\d passed", done.stdout), done.stdout


def test_contributing_shows_this_very_file() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", CONTRIBUTING.read_text(), re.DOTALL)
    assert code == (PLUGIN / "fusion_of_mine.py").read_text()
    assert code.count("\n") < 80


def point(folder: Path, entry: str, code: str) -> str:
    """A folder to be put on the path: a module ``theirs`` and the entry point that names it."""
    (folder / "theirs.py").write_text(code)
    about = folder / "theirs-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[afnetm.methods]\n{entry}\n")
    return str(folder)


def test_one_that_cannot_be_imported_is_named_and_the_others_run(
    home: Path, suite: Path, afnetm: Afnetm, tmp_path: Path
) -> None:
    path = point(tmp_path, "theirs = theirs:Theirs", "import a_package_that_is_not_there")
    done = afnetm(home, "run", str(suite), "--methods", "texture", "--dry-run", PYTHONPATH=path)
    assert "method 'theirs' (theirs:Theirs) left out: ModuleNotFoundError" in done.stderr
    assert "texture" in done.stdout
    done = afnetm(home, "run", str(suite), "--methods", "theirs", "--dry-run", PYTHONPATH=path, code=2)
    assert "method 'theirs' is neither in suite 'small' nor registered" in done.stderr


def test_a_name_that_is_taken_is_refused(home: Path, suite: Path, afnetm: Afnetm, tmp_path: Path) -> None:
    path = point(tmp_path, "late = theirs:Late", "from baselines.late import Late")
    done = afnetm(home, "run", str(suite), "--dry-run", PYTHONPATH=path, code=2)
    assert "method 'late' is registered twice: baselines.late:Late and theirs:Late" in done.stderr
