"""Provenance of results: versions, hardware, commit. Recorded with every run, never part of its key."""

import platform
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from afnetm.workers import core_count

_PACKAGES = (
    *("afnetm", "torch", "timm", "numpy", "scikit-learn", "pandas", "mlflow", "optuna", "trimesh", "embreex", "anny"),
)


@cache
def provenance() -> dict[str, Any]:
    """``{"versions": {name: version}, "hardware": str, "commit": str}`` of this process; what is not there is left out.

    It never raises: what it says is worth less than the training that it goes with.
    """
    return {"versions": _versions(), "hardware": _hardware(), "commit": _commit()}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):  # a training needs few of them
            found[name] = version(name)
    return found


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

    try:
        return git("rev-parse", "HEAD")[:12] + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
