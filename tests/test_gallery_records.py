"""Stored runs in the gallery are of today's methods, as today's suite sets them, and say how many they are."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from afnetm.data.making import LANDMARKER
from afnetm.registry import find_method
from benchmarks.plans.runs import hyperparameters
from benchmarks.plans.suite import load_suite

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
ARCHIVES = sorted((GALLERY / "records").glob("*.zip"))


def results(archive: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(archive) as members:
        return [json.loads(members.read(name)) for name in members.namelist() if name.endswith("/result.json")]


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
def test_they_are_of_today_s_methods(archive: Path) -> None:
    suite = load_suite(archive.stem)
    settings = [(method.name, method.version, hyperparameters(method)) for method in suite.methods.values()]
    for result in results(archive):
        assert (result["method"], result["version"], result["hyperparameters"]) in settings
        assert result["version"] == find_method(result["method"]).version
        assert result["training"]["epochs"] == suite.training.epochs
        assert (result.get("detector") or LANDMARKER).partition(",")[0] == LANDMARKER


def test_the_gallery_says_how_many_there_are() -> None:
    text = (GALLERY / "README.md").read_text(encoding="utf-8")
    said = re.search(r"stored runs.*?trained at commits ([\w, ]+): (\d+)\s+of the suite's (\d+)", text, re.DOTALL)
    assert said is not None
    named, count, whole = said.groups()
    commits = re.findall(r"\b[0-9a-f]{7}\b", named)
    found = results(GALLERY / "records" / "fusion.zip")
    suite = load_suite("fusion")
    assert len(found) == int(count)
    assert int(whole) == len(suite.methods) * suite.protocol.runs
    assert {result["commit"].split()[0][:7] for result in found} == set(commits)
