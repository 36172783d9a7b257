"""A home that is copied, with another method and more folds run in the copy: the original does not notice."""

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.records.home import Home
from tests.benchmarks.conftest import SUITE, Afnetm
from tests.benchmarks.found import runs_done
from tests.benchmarks.tracking.test_homes import formatted, tree

pytestmark = pytest.mark.faults


def test_a_copy_of_a_home_goes_its_own_way(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], afnetm: Afnetm, tmp_path: Path
) -> None:
    before, file, _ = finished
    original, copied = tree(before), tmp_path / "50% of a?b#c ü"
    shutil.copytree(before, copied)
    suite = tmp_path / "small.toml"
    shutil.copy(file, suite)
    afnetm(copied, "run", str(suite), "--methods", "late")
    other = tmp_path / "other.toml"
    other.write_text(
        SUITE.replace("folds = 3", "folds = 4").replace("[methods.concat]", "").replace("concat", "texture")
    )
    afnetm(copied, "run", str(other))
    assert runs_done(copied) == 6 + 3 + 4
    assert tree(before) == original
    runs = formatted(Home(copied).tracking_uri, tmp_path / "downloads", "small")
    assert runs.keys() >= {"late", "late 0-2", "texture 0-0", "report"}
    assert all("result.json" in files for name, files in runs.items() if "0-" in name)
    assert b"late" in runs["report"]["tables/comparison.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [copied.name, "downloads", "other.toml", "small.toml"]
