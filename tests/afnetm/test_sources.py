"""Digests of a method's source: what changes code changes them, and what does not does not."""

import sys
from pathlib import Path

import pytest

from afnetm.sources import changed_files, source_digests

FILES = {
    "__init__.py": '"""A package."""',
    "mine.py": """
from __future__ import annotations

import torch

from . import helpers
from .deep.parts import width


def build(x):
    from PACKAGE.late import scale

    return helpers.run(x) * width * scale
""",
    "helpers.py": "def run(x):\n    return x + 1\n",
    "late.py": "scale = 2.0\n",
    "deep/__init__.py": "",
    "deep/parts.py": "from PACKAGE import mine\nwidth = 3\n",
    "other.py": "unrelated = True\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def digests(folder: Path, **changed: str) -> dict[str, str]:
    """Of a package that has these files, by their names in it."""
    package = "sourced_package"
    for name, code in (FILES | {f"{name}.py": code for name, code in changed.items()}).items():
        path = folder / package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code.replace("PACKAGE", package))
    source_digests.cache_clear()
    found = source_digests(f"{package}.mine")
    assert package not in sys.modules, "nothing is imported"
    return {name.removeprefix(f"{package}/"): digest for name, digest in found.items()}


def test_its_own_file_and_what_it_imports_of_its_own_package(folder: Path) -> None:
    assert sorted(digests(folder)) == ["deep/parts.py", "helpers.py", "late.py", "mine.py"]


@pytest.mark.parametrize(
    "code",
    [
        "# why\ndef run(x):\n    return x + 1  # one more\n",
        '"""About."""\n\n\ndef run(x):\n    """Adds."""\n    return (x\n            + 1)\n',
    ],
)
def test_comments_docstrings_and_layout_change_nothing(code: str, folder: Path) -> None:
    assert changed_files(digests(folder), digests(folder, helpers=code)) == []


@pytest.mark.parametrize(
    "code",
    [
        "def run(x):\n    return x + 2\n",
        "def run(x):\n    return x + 1.0\n",
        "def run(x):\n    return x - 1\n",
        "def run(y):\n    return y + 1\n",
        "def run(x):\n    x\n    return x + 1\n",
        'def run(x):\n    return x + 1\n\n\nrun.doc = "text"\n',
    ],
)
def test_any_other_code_changes_the_digest_of_its_file(code: str, folder: Path) -> None:
    assert changed_files(digests(folder), digests(folder, helpers=code)) == ["helpers.py"]


def test_a_file_that_came_or_went_is_named(folder: Path) -> None:
    more = digests(folder, late="from PACKAGE.other import unrelated\nscale = 2.0\n")
    assert changed_files(digests(folder), more) == ["late.py", "other.py"]


def test_a_single_module_and_what_is_not_there(folder: Path) -> None:
    (folder / "lone_method.py").write_text("import os\nx = 1\n")
    assert list(source_digests("lone_method")) == ["lone_method.py"]
    assert source_digests("not_there_at_all.mine") == {}
    (folder / "half.py").write_text("def (:\n")
    assert source_digests("half") == {}
