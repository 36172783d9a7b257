"""Registered sources: found by name, checked, and opened with options of their own."""

import doctest
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import afnetm
from afnetm.data import scan, scan_source
from afnetm.data.registry import OptionError, Sources, open_source, sources
from afnetm.data.sources.bu3dfe import Bu3dfeSource
from afnetm.errors import UserError
from afnetm.installation import DATASETS
from tests.afnetm.data.conftest import make_scan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two faces as the example in `ScanSource`'s docstring reads them."""
    face = make_scan(step=5.0)
    for name in ("ada_anger", "ada_neutral"):
        arrays = {key: getattr(face, key) for key in ("vertices", "faces", "uv", "uv_faces", "texture", "landmarks")}
        np.savez(tmp_path / f"{name}.npz", **arrays)
    return tmp_path


def test_the_examples_in_docstrings_run(folder: Path) -> None:
    for module in (scan, scan_source):
        result = doctest.testmod(module, extraglobs={"folder": folder})
        assert result.attempted
        assert not result.failed


def test_those_of_the_project_are_registered_and_open(folder: Path) -> None:
    assert {"bu3dfe", "bosphorus", "folder"} <= set(sources().names)
    assert open_source("bu3dfe", folder, intensities=[3, 4]) == Bu3dfeSource(folder=folder, intensities=(3, 4))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bu2dfe", {}, r"dataset source 'bu2dfe' is not registered; allowed: .*; did you mean bu[34]dfe\?"),
        ("bosphorus", {"table": "t.csv"}, "table: not for 'bosphorus'; it has no options"),
        ("bu3dfe", {"intensity": 3}, "intensity: not for 'bu3dfe'; its options: intensities"),
        ("bu3dfe", {"intensities": "all"}, 'intensities = "all": input should be a valid'),
        ("bu3dfe", {"intensities": (5,)}, r"intensities: \[5\] \(allowed: one or more of 1, 2, 3, 4"),
        ("folder", {}, "table: needed for 'folder'"),
        ("folder", {"table": "none.csv"}, "table none.csv: there is no such file"),
    ],
)
def test_what_cannot_be_opened_is_one_line(name: str, options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{message}") as caught:
        afnetm.prepare_dataset(name, tmp_path, tmp_path / "out", **options)
    assert isinstance(caught.value, OptionError) == ("for '" in message or "input" in message)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import not_there", r"cannot be loaded: ModuleNotFoundError: No module named 'not_there' \(theirs\.py:6\)"),
        ("Mine = 3", "is not a subclass of afnetm.ScanSource"),
        ("class Mine(ScanSource): ...", "name = None; make it 'mine'"),
        ("@dataclass\nclass Mine(ScanSource):\n name = 'mine'", "does not define ids, load"),
        ("class Mine(Whole):\n 'Faces.'", "has no field 'folder: Path'; decorate it"),
        ("@dataclass\nclass Mine(Whole):\n folder: Path", "has no docstring"),
    ],
)
def test_a_class_that_is_not_declared_right_is_told_what_mends_it(
    code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = "from dataclasses import dataclass\nfrom pathlib import Path\nfrom afnetm import ScanSource\n"
    header += "class Whole(ScanSource):\n name = 'mine'; ids = load = None\n"
    (tmp_path / "theirs.py").write_text(header + code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "theirs", raising=False)
    with pytest.raises(UserError, match=rf"^dataset source 'mine' \(theirs:Mine\):? {message}"):
        Sources([EntryPoint("mine", "theirs:Mine", DATASETS)]).find("mine")
