"""The library without an extra: README's lines run, and the program says what it needs (``nox -s lowest``)."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.cli.start import missing_packages

BASE = find_spec("mlflow") is None


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.skipif(not BASE, reason="the extra bench is installed")
def test_the_program_says_what_it_needs_and_how_to_get_it(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("afnetm"))
    for arguments in ((), ("run", "quick"), ("methods",)):
        done = run(program, *arguments, folder=tmp_path)
        assert done.returncode == 2
        assert "error: the program needs packages that are not installed: cmaes, " in done.stderr
        assert "-m pip install 'afnetm[bench]'" in done.stderr
        assert done.stderr.count("\n") == 2
    assert not list(tmp_path.iterdir())


def test_only_what_an_extra_needs_is_missing_without_it() -> None:
    found = missing_packages("bench")
    assert set(found) <= {*re.findall(r'^    "([\w-]+)>=', _extras(), re.MULTILINE)}
    assert bool(found) == BASE


def _extras() -> str:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    return text[text.index("[project.optional-dependencies]") : text.index("[project.scripts]")]
