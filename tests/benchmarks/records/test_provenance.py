import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import pytest
import torch

from afnetm.workers import core_count
from benchmarks.records import provenance as module
from benchmarks.records.provenance import provenance


def test_it_says_versions_hardware_and_commit() -> None:
    said = provenance()
    assert said["versions"]["torch"] == version("torch")
    assert f"{core_count()} cores" in said["hardware"]
    assert said["commit"]
    assert said["device_name"] == "cpu"
    assert not {"cuda", "cudnn", "driver"} & set(said["versions"]), "they compute nothing there"


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


def test_whatever_fails_in_it_costs_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Damaged metadata, a container without /proc, a driver that does not answer: whatever each of them raises."""

    def fails(*_: object, **__: object) -> str:
        raise RuntimeError("this should not matter")

    for place, name in (
        (module, "version"),
        (psutil, "virtual_memory"),
        (subprocess, "run"),
        (torch.cuda, "is_available"),
    ):
        monkeypatch.setattr(place, name, fails)
    said = provenance.__wrapped__("cuda")
    assert said["versions"]["python"]
    assert said["hardware"] == said["commit"] == "unknown"
    assert said["device_name"] == "cuda"


MODULE = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC: 12.3.0\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86  Release Build  (dvs-builder@U16-I1)\n"


@pytest.mark.parametrize(("text", "driver"), [(MODULE, "550.54.15"), (OPEN, "570.86"), ("something else\n", None)])
@pytest.mark.parametrize(("number", "cudnn"), [(91002, "9.10.2"), (8907, "8.9.7")])
def test_a_gpu_s_name_and_its_libraries_are_recorded(
    text: str, driver: str | None, number: int, cudnn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "version").write_text(text)
    monkeypatch.setattr(module, "_DRIVER", tmp_path / "version")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: number)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 80GB HBM3")
    said = provenance.__wrapped__("cuda")
    assert said["device_name"] == "NVIDIA H100 80GB HBM3"
    assert said["versions"]["cuda"] == torch.version.cuda
    assert said["versions"]["cudnn"] == cudnn
    assert said["versions"].get("driver") == driver


def test_importing_it_needs_no_torch() -> None:
    program = "import sys, benchmarks.records.provenance as p; p.provenance(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
