"""What to do with the project: ``nox -l`` lists it. Arguments after ``--`` go to what a session runs."""

import os
import re
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv"  # it checks the hashes in the constraints file
nox.options.reuse_venv = "yes"

PINNED = "constraints.txt"
GROUPS = ("build", "tests", "encoder", "lint", "typecheck", "speed", "docs")


def install(session: nox.Session, *groups: str, imported: bool = True) -> None:
    """Installs the whole project, editable, with its landmark models and some dependency groups, all as pinned."""
    named = [argument for group in groups for argument in ("--group", group)]
    pinned = ("--constraint", PINNED, "--build-constraint", PINNED)
    # Compiled once here, or every worker of the first run would compile torch for itself.
    compiled = {"UV_COMPILE_BYTECODE": "1"} if imported else {}
    session.install("-e", ".[bench,demo,landmarks,onnx,ray]", *named, *pinned, env=compiled)
    session.install("--no-deps", "--group", "model", *pinned)  # not what it depends on


def pytest(session: nox.Session, *arguments: str) -> None:
    """Runs tests in the environment of the session ``tests``, which takes most of a minute to make."""
    session.run(sys.executable, "-m", "nox", "-s", "tests", "--install-only", silent=True)
    programs = Path(".nox", "tests", "bin").absolute()
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    session.run(str(programs / "pytest"), *arguments, env={"PATH": path})


@nox.session(default=False)
def benchmark(session: nox.Session) -> None:
    """Run a suite and write its report: ``nox -s benchmark -- --suite NAME ...``; ``quick`` by default."""
    install(session)
    arguments = list(session.posargs)
    suite = "quick"
    if "--suite" in arguments:
        at = arguments.index("--suite")
        suite = arguments[at + 1] if at + 1 < len(arguments) else session.error("--suite needs a name")
        del arguments[at : at + 2]
    session.run("afnetm", "run", suite, *arguments)


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """Write the report of a suite, or of several and over all, from records: ``nox -s report -- SUITE [SUITE ...]``."""
    install(session)
    session.run("afnetm", "report", *(session.posargs or ["quick"]))


@nox.session(default=False)
def ui(session: nox.Session) -> None:
    """Open the MLflow UI on the records, on this machine alone."""
    install(session)
    session.run("afnetm", "ui", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests."""
    install(session, "tests", "encoder")
    session.run("pytest", *(session.posargs or ["-n", "2", "--dist", "worksteal"]))


@nox.session(venv_backend="none")
def contract(session: nox.Session) -> None:
    """Hold every registered method to the contract; minutes."""
    pytest(session, "tests/contract", "-m", "contract", *(session.posargs or ["-n", "2", "--dist", "loadgroup"]))


@nox.session(venv_backend="none", default=False)
def exports(session: nox.Session) -> None:
    """Write every registered method as an ONNX file and hold it to torch's answers, as `contract` does with some."""
    pytest(session, "tests/contract", "-m", "exports", *(session.posargs or ["-n", "2", "--dist", "loadgroup"]))


@nox.session(venv_backend="none", default=False)
def faults(session: nox.Session) -> None:
    """Kill, stop and spoil runs and searches at random moments, and see that it shows nowhere; about 20 minutes."""
    # By file: what the tests of one share takes most of a minute to make.
    pytest(session, "-m", "faults", *(session.posargs or ["-n", "2", "--dist", "loadfile"]))


@nox.session(venv_backend="none", default=False)
def services(session: nox.Session) -> None:
    """Run on PostgreSQL and an MLflow server, which go away meanwhile; skipped where there is no PostgreSQL."""
    pytest(session, "-m", "services", *session.posargs)


@nox.session(venv_backend="none", default=False)
def slow(session: nox.Session) -> None:
    """Run the slow tests: plug-ins, wheels, a pretrained encoder, datasets to reports, searches in MLflow."""
    pytest(session, "-m", "slow and not faults", *(session.posargs or ["-n", "2", "--dist", "worksteal"]))


@nox.session(default=False)
def lowest(session: nox.Session) -> None:
    """Test the library without any extra, on the lowest versions that ``pyproject.toml`` allows; about 4 minutes."""
    lowest = ("-e", ".", "--group", "tests", "psutil>=7.0", "--resolution", "lowest-direct")
    session.install(*lowest, env={"UV_COMPILE_BYTECODE": "1"})
    folders = ("tests/test_base_install.py", "tests/test_library.py", "tests/afnetm", "tests/baselines")
    contract = ("tests/contract/test_costs.py", "tests/contract/test_devices.py")
    workers = session.posargs or ["-n", "2", "--dist", "worksteal"]
    session.run("pytest", *folders, *contract, *workers)
    some = "afnetm or late or mbt or svm"  # stages, streams, tokens, and what is fitted after training
    session.run("pytest", "tests/contract/test_methods.py", "-m", "contract", "-k", some, *workers)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("--group", "lint", "--constraint", PINNED)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "typecheck", "tests", imported=False)
    session.run("mypy")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build docs/_build/html/index.html and check its links; with ``-- --external`` those to other sites, too."""
    install(session, "docs")
    sphinx = ("sphinx-build", "--fail-on-warning", "--keep-going", "--nitpicky", "-d", "docs/_build/doctrees", "docs")
    session.run(*sphinx, "docs/_build/html")
    session.run("python", "docs/extensions/check_site.py", "docs/_build/html")
    if "--external" in session.posargs:  # what the network says today, so no part of the check of a change
        session.run(*sphinx, "-b", "linkcheck", "docs/_build/linkcheck")


@nox.session(default=False)
def speed(session: nox.Session) -> None:
    """Measure speed as ratios within one run and write them to speed.json; about an hour."""
    install(session, "speed")
    session.run("python", "-m", "scripts.speed", *session.posargs)


#: What measuring a GPU needs and a machine that has PyTorch usually has.
THERE = (
    "filelock",
    "pandas",
    "psutil",
    "pyarrow",
    "rich",
    "safetensors",
    "scikit-learn",
    "timm",
    "torch",
    "torchvision",
)
#: What it usually lacks, and is brought.
BROUGHT = ("annotated-types", "colorlog", "optuna", "pydantic", "pydantic-core", "typing-inspection")
#: What nobody brings.
ABSENT = ("mlflow", "optuna_dashboard", "sqlalchemy", "alembic", "trimesh", "embreex", "anny", "tomlkit", "cmaes")


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """Measure a GPU, with as little as such a machine has: ``nox -s gpu -- [--part A] [--out DIR] [--pretend]``."""
    pinned = ("--constraint", PINNED, "--build-constraint", PINNED)
    session.install(*THERE, *pinned, env={"UV_COMPILE_BYTECODE": "1"})
    session.install("--no-deps", "-e", ".", *BROUGHT, *pinned)
    bare = f"from importlib.util import find_spec; there = [*filter(find_spec, {ABSENT})]; assert not there, there"
    session.run("python", "-c", bare)
    session.run("python", "-m", "scripts.speed.gpu", *session.posargs)


@nox.session(default=False)
def wheels(session: nox.Session) -> None:
    """Collect what a GPU machine without network lacks: ``nox -s wheels -- DIR [PYTHON]`` (docs/gpu.md)."""
    folder, python = (*session.posargs, *("carried/wheels", "3.12")[len(session.posargs) :])
    session.install("pip", "--group", "build", "--constraint", PINNED)
    pins = [pin for pin in re.split(r"\n(?=\S)", Path(PINNED).read_text()) if pin.split("==")[0] in BROUGHT]
    wanted = Path(session.create_tmp()) / "brought.txt"
    wanted.write_text("\n".join(pins) + "\n")
    kinds = [f"--platform={kind}_x86_64" for kind in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")]
    pip = ("python", "-m", "pip", "--quiet")
    options = ("--no-deps", "--only-binary=:all:", f"--python-version={python}", *kinds)
    session.run(*pip, "download", *options, "--dest", folder, "--requirement", str(wanted))
    session.run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ".")
    sizes = [wheel.stat().st_size for wheel in Path(folder).glob("*.whl")]
    session.log(f"{len(sizes)} wheels in {folder}, {sum(sizes) / 2**20:.1f} MiB")


@nox.session(default=False)
def calibrate(session: nox.Session) -> None:
    """Simulate how often the report's statistics err and write it into docs/statistics.md; minutes."""
    install(session)
    session.run("python", "-m", "scripts.calibrate", env={"OMP_NUM_THREADS": "1"})


@nox.session(default=False)
def graphs(session: nox.Session) -> None:
    """Report which methods torch.compile sees whole and a CUDA graph could hold; requires nothing of them."""
    install(session)
    session.run("python", "-m", "scripts.graphs")


@nox.session(default=False)
def pin(session: nox.Session) -> None:
    """Renew constraints.txt: the newest releases, pinned with their hashes."""
    groups = ["--all-extras", *(argument for group in GROUPS for argument in ("--group", group))]
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"]
    quiet = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    command = ["uv", "pip", "compile", "pyproject.toml", *groups, *options, *quiet, "-o", PINNED]
    session.run_install(*command, external=True)
    model = Path(session.create_tmp()) / "model.txt"
    alone = ["uv", "pip", "compile", "--no-deps", "--group", "model", *options, *quiet, "-o", str(model)]
    session.run_install(*alone, external=True)
    with Path(PINNED).open("a", encoding="utf-8") as pins:
        pins.write(model.read_text(encoding="utf-8"))
