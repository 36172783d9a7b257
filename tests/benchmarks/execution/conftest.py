import subprocess
from pathlib import Path

import pytest

from tests.benchmarks.conftest import SUITE, Afnetm


@pytest.fixture(scope="session")
def finished(
    prepared: Path, afnetm: Afnetm, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, subprocess.CompletedProcess[str]]:
    """A home in which the suite ran uninterrupted, the suite's file, and what the run printed.

    Of a process's whole session: copy it to write to its runs.
    """
    folder = tmp_path_factory.mktemp("finished")
    subprocess.run(["cp", "-r", prepared, folder / "home"], check=True)
    (folder / "small.toml").write_text(
        "rope = 2.5\n" + SUITE.replace("[methods.concat]", 'title = "2D alone"\n[methods.concat]')
    )
    return folder / "home", folder / "small.toml", afnetm(folder / "home", "run", str(folder / "small.toml"))
