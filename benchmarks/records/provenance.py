"""Provenance of results: versions, hardware, commit. Recorded with every run, never part of its key."""

import platform
import re
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from afnetm.workers import core_count

_PACKAGES = (
    *("afnetm", "torch", "timm", "numpy", "scikit-learn", "pandas", "mlflow", "optuna", "trimesh", "embreex", "anny"),
)
#: Where NVIDIA's driver says its version, on Linux.
_DRIVER = Path("/proc/driver/nvidia/version")


@cache
def provenance(device: str = "cpu") -> dict[str, Any]:
    """Provenance of what this process computes; what cannot be found out is left out.

    It never raises: what it says is worth less than the training that it goes with.

    Args:
        device: the kind; with ``"cuda"`` the GPU's name and the versions of CUDA, cuDNN and the driver are in it. It is
            the only one for which this takes torch to import, and makes use of the GPU.

    Returns:
        ``{"versions": {name: version}, "hardware": str, "commit": str, "device_name": str}``; the name is ``"cpu"``
        on one.
    """
    gpu = device == "cuda"
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(Exception):  # a training needs few of them
            versions[name] = version(name)
    for name, find in _OF_A_GPU.items() if gpu else ():
        with suppress(Exception):
            versions[name] = find()
    found: dict[str, Any] = {"versions": versions, "hardware": "unknown", "commit": "unknown", "device_name": device}
    for name, find in {"hardware": _hardware, "commit": _commit, "device_name": _gpu_name if gpu else str}.items():
        with suppress(Exception):
            found[name] = find() or found[name]
    return found


def _gpu_name() -> str:
    import torch

    return torch.cuda.get_device_name()


def _cuda() -> str:
    import torch

    return str(torch.version.cuda or torch.version.hip)


def _cudnn() -> str:
    """``"9.10.2"``, of torch's 91002; before version 9 the first number had three digits after it."""
    from torch.backends import cudnn

    number: int = cudnn.version()  # type: ignore[no-untyped-call]
    first = 10_000 if number >= 90_000 else 1_000
    return f"{number // first}.{number % first // 100}.{number % 100}"


def _driver() -> str:
    """``"550.54.15"``, of the module's own line."""
    text = _DRIVER.read_text()
    return re.search(r"^NVRM version:.*?Kernel Module.*?\s(\d+(?:\.\d+)+)\s", text, re.MULTILINE)[1]  # type: ignore[index]


#: Versions that are worth recording where a GPU computes, each with what finds it out or raises.
_OF_A_GPU: dict[str, Callable[[], str]] = {"cuda": _cuda, "cudnn": _cudnn, "driver": _driver}


def _hardware() -> str:
    cores = core_count()
    memory = psutil.virtual_memory().total / 2**30
    return f"{_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def _commit() -> str:
    def git(*arguments: str) -> str:
        here = Path(__file__).parent
        done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return git("rev-parse", "HEAD")[:12] + ("+changes" if git("status", "--porcelain") else "")
