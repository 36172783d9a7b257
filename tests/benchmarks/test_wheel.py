"""The wheel, as an installer leaves it, in a folder that has packages of the same names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(wheel: Path, folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in `folder`, as a notebook there; it finds the wheel before any other installation."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with packages that must not be taken for ours."""
    for name in ("baselines", "benchmarks", "reports", "studies"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    return tmp_path


@pytest.mark.slow
def test_it_has_the_packages_and_nothing_else(wheel: Path) -> None:
    found = {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")}
    assert found == {"afnetm", "baselines", "benchmarks", "reports", "studies"}
    endings = {path.suffix for path in wheel.rglob("*") if path.is_file() and ".dist-info" not in str(path)}
    assert endings <= {".py", ".toml", ".html", ".css", ".js", ".txt", ".typed"}
    size = sum(path.stat().st_size for path in wheel.rglob("*") if path.is_file())
    assert size < 3 * 2**20


@pytest.mark.slow
def test_a_suite_is_run_and_reported_in_a_folder_with_such_packages(
    wheel: Path, folder: Path, suite: Path, home: Path
) -> None:
    # An installed program has no current folder in its path, as -P says; workers are begun by it.
    code = "import sys; sys.path.remove(''); from benchmarks.cli.start import main; sys.argv[0] = 'afnetm'; main()"
    done = run(wheel, folder, code, "--home", str(home), "run", str(suite), "--methods", "concat")
    assert (done.returncode, "not ours" in done.stderr) == (0, False), done.stderr
    assert (home / "reports" / "small" / "index.html").is_file()
    assert '"name": "fusion"' in run(wheel, folder, code, "suites", "--json").stdout


@pytest.mark.slow
def test_a_notebook_there_has_the_library_s_own_methods(wheel: Path, folder: Path) -> None:
    code = "import afnetm; afnetm.create_model('concat', num_classes=3, width=0.25); print(afnetm.__file__)"
    done = run(wheel, folder, code)
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", str(wheel / "afnetm" / "__init__.py"))
    hidden = "import sys; sys.modules['baselines'] = sys; sys.__file__ = '/x/baselines/__init__.py'; "
    message = "Python has loaded another package 'baselines', /x/baselines; rename it, or start elsewhere"
    assert message in run(wheel, folder, hidden + code).stderr
