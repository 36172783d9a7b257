import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from afnetm.workers import core_count
from benchmarks.records import provenance as module
from benchmarks.records.provenance import provenance


def test_it_says_versions_hardware_and_commit() -> None:
    said = provenance()
    assert said["versions"]["torch"] == version("torch")
    assert f"{core_count()} cores" in said["hardware"]
    assert said["commit"]


def test_what_is_not_there_is_left_out_and_nothing_raises(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bare GPU node has torch, and neither MLflow nor git, nor is this project installed there."""

    def installed(name: str) -> str:
        if name in {"mlflow", "optuna", "anny", "afnetm"}:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(module, "version", installed)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = provenance.__wrapped__()
    assert {"python", "torch"} <= set(said["versions"])
    assert not {"mlflow", "afnetm"} & set(said["versions"])
    assert said["commit"] == "unknown"
    assert "cores" in said["hardware"]


def test_importing_it_needs_no_torch() -> None:
    program = "import sys, benchmarks.records.provenance; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
