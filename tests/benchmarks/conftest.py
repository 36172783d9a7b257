"""A home with a small synthetic dataset, made once, and the command line as a user has it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

SUITE = """
description = "a small comparison"
control = "concat"
[dataset]
name = "tiny"
synthetic = { subjects = 6, intensities = [4], size = 32, seed = 0 }
[protocol]
folds = 3
[encoder]
width = 0.25
[training]
epochs = 3
batch_size = 8
[methods.texture]
[methods.concat]
"""

#: Two studies of eight trials, of two inner folds each: 32 trainings at most, which learn enough to differ.
SEARCHED = """
description = "a small search"
control = "texture"
[dataset]
name = "tiny"
synthetic = { subjects = 6, intensities = [4], size = 32, seed = 0 }
[protocol]
folds = 2
[encoder]
width = 0.125
[training]
epochs = 6
batch_size = 8
learning_rate = 4e-3
[search]
trials = 8
folds = 2
seed = 2
parallel = 2
[methods.texture]
"""

Afnetm = Callable[..., subprocess.CompletedProcess[str]]


def command(home: Path, *arguments: str, drawn: bool = True) -> list[str]:
    return [sys.executable, "-m", "benchmarks.cli" if drawn else "tests.sketching", "--home", str(home), *arguments]


@pytest.fixture(scope="session")
def afnetm() -> Afnetm:
    """Runs the command line, as if from a notebook; fails the test if its exit code is not `code`.

    Unless `drawn`, nobody looks at the pictures of its reports.
    """
    usual = {"COLUMNS": "150", "PYTHONWARNINGS": "error::ResourceWarning"}
    notebook = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}

    def run(
        home: Path, *arguments: str, code: int = 0, drawn: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command(home, *arguments, drawn=drawn),
            env=os.environ | usual | (notebook if drawn else {}) | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what all processes of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def prepared(shared: Path, afnetm: Afnetm, empty_mlflow: Path) -> Path:
    """A home in which the suite's dataset and an empty MLflow are ready; to be copied, not written to."""
    home = shared / "prepared"
    with FileLock(f"{home}.lock"):
        if not (home / "datasets" / "tiny").is_dir():
            make = ["data", "make", "tiny", "--subjects", "6", "--intensities", "4", "--size", "32", "--seed", "0"]
            afnetm(home, *make, "--workers", "2")
            shutil.copy(empty_mlflow, home)
    return home


@pytest.fixture(scope="session")
def empty_mlflow(shared: Path) -> Path:
    """MLflow's database without runs, to be copied: to make one takes longer than most that is done with it."""
    from mlflow import MlflowClient

    database = shared / "mlflow.db"
    with FileLock(f"{database}.lock"):
        if not database.exists():
            making = shared / "making.db"
            MlflowClient(f"sqlite:///{making}").search_experiments()
            making.rename(database)
    return database


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as an installer leaves it: its wheel, unpacked. Nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=Path(__file__).parents[2], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    shutil.unpack_archive(built, folder / "site", "zip")
    return folder / "site"


@pytest.fixture
def home(tmp_path: Path, prepared: Path) -> Path:
    """A home of one's own, with the dataset."""
    shutil.copytree(prepared, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The suite's file; it is called ``small``."""
    (tmp_path / "small.toml").write_text(SUITE)
    return tmp_path / "small.toml"


@pytest.fixture
def searched_suite(tmp_path: Path) -> Path:
    """A suite's file whose methods are searched; it is called ``tuned``."""
    (tmp_path / "tuned.toml").write_text(SEARCHED)
    return tmp_path / "tuned.toml"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Afnetm:
    """The same in this process, which saves it importing torch; workers are processes of their own all the same."""

    def run(home: Path, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        from benchmarks.cli.app import main

        monkeypatch.setattr("sys.argv", ["afnetm", "--home", str(home), *arguments])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        out, words = capfd.readouterr()
        assert caught.value.code == code, f"exit code {caught.value.code}\n{out}\n{words}"
        return subprocess.CompletedProcess(arguments, code, out, words)

    return run


@pytest.fixture(scope="session")
def searched(shared: Path, prepared: Path, afnetm: Afnetm) -> Path:
    """A home in which that suite ran, uninterrupted; to be copied, not written to."""
    home = shared / "searched"
    with FileLock(f"{home}.lock"):
        if not home.is_dir():
            suite = shared / "tuned.toml"
            suite.write_text(SEARCHED)
            shutil.copytree(prepared, shared / "searching")
            afnetm(shared / "searching", "run", str(suite), "--workers", "1")
            (shared / "searching").rename(home)
    return home
