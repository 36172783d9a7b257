"""What a result was made with: versions, hardware, commit. Recorded with every unit, never part of its key."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("torch", "timm", "numpy", "scikit-learn", "pandas", "mlflow", "optuna", "trimesh", "embreex", "anny")


@cache
def provenance() -> dict[str, Any]:
    """``{"versions": {name: version}, "hardware": str, "commit": str}`` of this process."""
    versions = {"python": platform.python_version(), "afnetm": version("afnetm")}
    versions |= {name: version(name) for name in _PACKAGES}
    return {"versions": versions, "hardware": _hardware(), "commit": _commit()}


def _hardware() -> str:
    cores = len(os.sched_getaffinity(0))
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
