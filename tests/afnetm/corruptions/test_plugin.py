"""Corruptions of other packages, found by their entry point, held to the contract, and what is wrong with a bad one."""

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afnetm.corruptions import MapCorruption, find_corruption
from afnetm.corruptions.contract import findings
from afnetm.corruptions.declared import faults
from afnetm.corruptions.registry import Corruptions, corruptions, registry
from afnetm.data.dataset import FaceDataset
from afnetm.data.maps import RenderedMaps
from afnetm.errors import UserError
from afnetm.installation import CORRUPTIONS

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "tests" / "plugin"


class Good(MapCorruption):
    """Nothing is wrong with its declarations."""

    name, title, of, meaning = "good", "Good", "texture", "how strong"
    severities = (1.0, 2.0, 3.0, 4.0, 5.0)

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        return maps


def test_one_of_another_package_is_found_and_keeps_the_contract(
    faces: FaceDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "fusion_of_mine-1.0.dist-info"  # as an installation leaves it
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: fusion-of-mine\nVersion: 1.0\n")
    points = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]["entry-points"][CORRUPTIONS]
    lines = [f"{name} = {value}\n" for name, value in points.items()]
    (folder / "entry_points.txt").write_text("".join([f"[{CORRUPTIONS}]\n", *lines]))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(PLUGIN)
    cached = (registry, find_corruption, corruptions)
    for one in cached:
        one.cache_clear()
    try:
        assert list(findings(find_corruption("curtain"), faces, faces.rows)) == []
        assert "curtain" in corruptions()
    finally:
        for one in cached:
            one.cache_clear()


def test_the_documentation_shows_this_very_file() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "corruptions.md").read_text(), re.DOTALL)
    assert code == (PLUGIN / "corruption_of_mine.py").read_text()


def test_an_unknown_one_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"corruption 'blurr' is not registered; allowed: .*; did you mean blur\?"):
        find_corruption("blurr")


def test_two_of_one_name_are_refused() -> None:
    points = [EntryPoint("blur", f"{package}.blur:Blur", CORRUPTIONS) for package in ("theirs", "others")]
    with pytest.raises(UserError, match=r"corruption 'blur' is registered twice: others\.blur:Blur and theirs"):
        Corruptions(points)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "other"}, "name = 'other'; make it 'good', or register it so"),
        ({"version": 0}, "version = 0; make it an integer, counted from 1"),
        ({"of": "colour"}, "of = 'colour'; make it one of 'texture', 'depth', 'both', 'landmarks', 'modality'"),
        ({"title": ""}, "title = ''; make it a text of one line"),
        ({"severities": (1.0, 2.0)}, "severities = (1.0, 2.0); make it a tuple of five numbers, or of one"),
        ({"severities": (1, 2, 3, 4, 5)}, "severities = (1, 2, 3, 4, 5); make each a finite float"),
        ({"severities": (1.0, 2.0, 2.0, 4.0, 5.0)}, "order them from mild to strong"),
    ],
)
def test_what_is_declared_wrongly_is_said(changed: dict[str, Any], said: str) -> None:
    assert list(faults("good", Good)) == []
    assert said in next(faults("good", type("Bad", (Good,), changed)))


def test_what_is_no_corruption_is_said() -> None:
    assert "is not a subclass of afnetm.corruptions.MapCorruption" in next(faults("good", dict))
    assert "does not define apply" in next(faults("good", type("Half", (MapCorruption,), {"name": "good"})))


def test_the_contract_finds_what_breaks_it(faces: FaceDataset) -> None:
    def broken(change: Any) -> list[str]:
        kind = type("Broken", (Good,), {"apply": lambda _, maps, value, rng, partner=None: change(maps, value, rng)})
        return list(findings(kind(), faces, faces.rows[:2]))

    unseeded = np.random.default_rng(0)
    cases = {
        "should grow with the severity": lambda maps, value, rng: maps,
        "it changes depth": lambda maps, value, rng: _with(maps, depth=maps.depth + np.uint16(value)),
        "not black beside the face": lambda maps, value, rng: _with(maps, texture=maps.texture | np.uint8(value)),
        "draw from rng alone": lambda maps, value, rng: _with(
            maps, texture=np.where(maps.texture > 0, unseeded.integers(1, 255, maps.texture.shape, np.uint8), 0)
        ),
        "make it uint8": lambda maps, value, rng: _with(maps, texture=maps.texture.astype(np.int64)),
    }
    for said, change in cases.items():
        assert any(said in found for found in broken(change)), said


def _with(maps: RenderedMaps, **arrays: Any) -> RenderedMaps:
    return RenderedMaps(**{**vars(maps), **{name: np.asarray(array) for name, array in arrays.items()}})
