"""A dataset of another rendering version is noticed where it is used, in one line with what mends it."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from afnetm.data.dataset_files import TABLE, fingerprint_by_digests, read_table
from afnetm.data.maps import RENDERING_VERSION
from tests.benchmarks.conftest import Afnetm

DRY = ["run", "{suite}", "--methods", "texture", "--dry-run"]


def made_earlier(info: Path, **changes: Any) -> dict[str, Any]:
    """Makes a dataset one of an earlier program, which knew generated ones by their digests; returns what it said."""
    before: dict[str, Any] = json.loads(info.read_text())
    mark = fingerprint_by_digests(read_table(info.parent / TABLE), size=before["size"])
    info.write_text(json.dumps(before | changes | {"fingerprint": mark}))
    return before


@pytest.mark.parametrize("command", [["data", "check", "tiny"], ["data", "check", "tiny", "--summary"], DRY])
@pytest.mark.parametrize("by", [-1, 1])
def test_maps_of_another_version_are_told_with_the_command_that_makes_them_again(
    home: Path, suite: Path, here: Afnetm, command: list[str], by: int
) -> None:
    words = [word.format(suite=suite) for word in command]
    if command != DRY:
        assert "rendering version" not in here(home, *words).stderr
    info = home / "datasets/tiny/dataset.json"
    made_earlier(info, rendering=RENDERING_VERSION + by)
    (line,) = [line for line in here(home, *words).stderr.splitlines() if "rendering version" in line]
    assert f"dataset tiny was made by {'an older' if by < 0 else 'a newer'} program" in line
    assert f"of rendering version {RENDERING_VERSION + by}, this program's of {RENDERING_VERSION}" in line
    assert f"delete {home / 'datasets/tiny'}, then: " in line
    assert line.endswith(
        f"afnetm --home {home} data make tiny --size 32 --subjects 6 --seed 0 --intensities 4",
    )


def test_the_command_names_every_option_that_the_dataset_was_made_with(home: Path, here: Afnetm) -> None:
    info = home / "datasets/tiny/dataset.json"
    source = json.loads(info.read_text())["source"] | {"clean": True, "neutral": True, "variant": "light"}
    made_earlier(info, rendering=0, source=source)
    assert here(home, "data", "check", "tiny").stderr.rstrip().endswith("4 --clean --neutral --variant light")


def test_the_command_that_is_told_makes_the_same_data_set_again(home: Path, here: Afnetm) -> None:
    info = home / "datasets/tiny/dataset.json"
    before = made_earlier(info, rendering=0)
    message = here(home, "data", "check", "tiny").stderr
    shutil.rmtree(home / "datasets/tiny")
    here(home, *shlex.split(message.partition("then: ")[2])[3:])
    assert json.loads(info.read_text()) == before
    assert "rendering version" not in here(home, "data", "check", "tiny").stderr
