"""Methods of other packages, as their installers leave them."""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from afnetm.installation import METHODS
from afnetm.method import Method
from afnetm.registry import Registry, find_method


def point(folder: Path, listed_runs: str, code: str) -> str:
    """A folder to be put on the path: a module ``theirs`` and the entry points, a line each, that name its methods."""
    (folder / "theirs.py").write_text(code)
    about = folder / "theirs-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[afnetm.methods]\n{listed_runs}\n")
    return str(folder)


def register(monkeypatch: pytest.MonkeyPatch, kind: type[Method]) -> None:
    """Makes a class known in this process as if its package were installed, until `monkeypatch` is undone."""
    listed = EntryPoint(kind.name, f"{kind.__module__}:{kind.__qualname__}", METHODS)
    monkeypatch.setattr("afnetm.registry.registry", lambda: Registry([*entry_points(group=METHODS), listed]))
    monkeypatch.setattr("benchmarks.plans.suite.registry", lambda: Registry([*entry_points(group=METHODS), listed]))
    find_method.cache_clear()
