"""Clusters that are not there, and Ray that is not installed, each in one line; execution/test_ray.py has real ones."""

import sys
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Afnetm


@pytest.mark.parametrize("command", ["run", "search"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--executor dask", "--executor: 'dask' is not allowed; one of: local, ray"),
        ("--ray-address host:6379", "--ray-address: 'host:6379' is for --executor ray alone"),
        (
            "--executor ray --ray-address ray://host:10001",
            "--ray-address: 'ray://host:10001' is not allowed; HOST:PORT of",
        ),
        ("--executor ray --ray-address host", "--ray-address: 'host' is not allowed; HOST:PORT of"),
        ("--executor ray --ray-address 127.0.0.1:1", "--ray-address: '127.0.0.1:1': nothing answers there: Connection"),
        ("--executor ray --workers 0", "--workers: 0 is not allowed; 1 or more"),
    ],
)
def test_what_no_cluster_is_has_one_line(command: str, words: str, message: str, here: Afnetm, tmp_path: Path) -> None:
    done = here(tmp_path / "home", command, "quick", *words.split(), code=2)
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
    assert not done.stdout
    assert not (tmp_path / "home").exists()


def test_without_ray_the_extra_is_named(here: Afnetm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as Python finds it where it is not installed
    done = here(tmp_path / "home", "run", "quick", "--executor", "ray", code=2)
    assert done.stderr == "error: --executor ray: Ray is not installed; to install it: pip install 'afnetm[ray]'\n"
