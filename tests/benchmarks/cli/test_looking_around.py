"""What somebody new asks for first: a version, the suites, and what a shell offers when Tab is pressed."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from afnetm.corruptions import corruptions
from benchmarks.cli.app import app
from benchmarks.plans.suite import load_suite
from benchmarks.plans.suite_files import SUITES
from tests.benchmarks.conftest import Afnetm


@pytest.mark.parametrize("words", [["--version"], ["run", "--version"]])
def test_the_version_is_that_of_the_package(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).output == f"afnetm {version('afnetm')}\n"


def test_suites_are_listed_with_their_descriptions(tmp_path: Path, here: Afnetm) -> None:
    listed = json.loads(here(tmp_path, "suites", "--json").stdout)
    assert {one["name"] for one in listed} == {path.stem for path in SUITES.glob("*.toml")}
    for one in listed:
        suite = load_suite(one["name"])
        assert (one["description"], one["methods"]) == (suite.description, list(suite.methods))


def test_corruptions_are_listed_with_their_values(tmp_path: Path, here: Afnetm) -> None:
    listed = {one["name"]: one for one in json.loads(here(tmp_path, "corruptions", "--json").stdout)}
    assert set(listed) == set(corruptions())
    assert listed["yaw"]["severities"] == [10, 20, 30, 45, 60]
    assert (listed["yaw"]["unit"], listed["yaw"]["of"], listed["yaw"]["kind"]) == ("degrees", "both", "scan")
    lines = here(tmp_path, "corruptions", COLUMNS="120").stdout.splitlines()
    (yaw,) = (line for line in lines if line.startswith("yaw "))
    assert yaw.rstrip().split(maxsplit=2)[1:] == ["both", "angle out of the frontal pose: 10, 20, 30, 45, 60 degrees"]


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_at_every_width_suites_keep_their_names_and_fit(
    tmp_path: Path, here: Afnetm, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    lines = here(tmp_path, "suites", COLUMNS=str(columns)).stdout.splitlines()
    assert all(len(line) <= columns for line in lines[:-1])
    for path in SUITES.glob("*.toml"):
        assert any(line.split()[:1] == [path.stem] for line in lines), path.stem


def offered(*words: str, folder: Path) -> set[str]:
    """What bash is told when Tab is pressed after these words."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cli"],
        env=os.environ
        | {"_AFNETM_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(["afnetm", *words])}
        | {"COMP_CWORD": str(len(words)), "PYTHONPATH": str(Path.cwd())},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_a_shell_offers_commands_suites_files_methods_and_options(tmp_path: Path) -> None:
    (tmp_path / "fusion-of-mine.toml").write_text("")
    assert offered("st", folder=tmp_path) == {"status"}
    ours = {path.stem for path in SUITES.glob("fusion*.toml")}
    assert offered("run", "fusion", folder=tmp_path) == ours | {"fusion-of-mine.toml"}
    assert offered("run", "quick", "--methods", "conc", folder=tmp_path) == {"concat"}
    assert offered("run", "quick", "--methods", "late,conc", folder=tmp_path) == {"late,concat"}
    assert "--home" in offered("run", "quick", "--h", folder=tmp_path)


@pytest.mark.parametrize(
    "environment",
    [{"LANG": "C"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, {"PYTHONIOENCODING": "ascii"}],
)
def test_a_terminal_that_knows_ascii_alone_gets_ascii_alone(tmp_path: Path, environment: dict[str, str]) -> None:
    home = tmp_path / "Zoë ± 脸"
    for words in (["run", "--help"], ["status"], ["report", "nothing"]):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.cli", *words, "--home", str(home)],
            env={name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | environment,
            capture_output=True,
            check=False,
        )
        assert (done.stdout + done.stderr).isascii()
        assert b"Traceback" not in done.stderr
        if words != ["run", "--help"]:
            assert b"Zoe +- ?" in done.stdout + done.stderr


def test_a_terminal_that_knows_more_gets_it(tmp_path: Path, afnetm: Afnetm) -> None:
    formatted = afnetm(tmp_path / "Zoë ± 脸", "status", LC_ALL="C.UTF-8", PYTHONIOENCODING="utf-8").stdout
    assert "Zoë ± 脸" in formatted
