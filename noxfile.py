"""What to do with the project: ``nox -l`` lists it. Arguments after ``--`` go to what a session runs."""

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv"  # it checks the hashes in the constraints file
nox.options.reuse_venv = "yes"

PINNED = "constraints.txt"
GROUPS = ("build", "tests", "lint", "typecheck", "speed")


def install(session: nox.Session, *groups: str) -> None:
    """Installs the project, editable, and some of its dependency groups, all as pinned."""
    named = [argument for group in groups for argument in ("--group", group)]
    # Compiled once here, or every worker of the first run would compile torch for itself.
    pinned = ("--constraint", PINNED, "--build-constraint", PINNED)
    session.install("-e", ".", *named, *pinned, env={"UV_COMPILE_BYTECODE": "1"})


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
    install(session, "tests")
    session.run("pytest", *(session.posargs or ["-n", "2", "--dist", "worksteal"]))


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Kill, stop and spoil runs and searches at random moments, and see that it shows nowhere; about 7 minutes."""
    install(session, "tests")
    session.run("pytest", "-m", "faults", *(session.posargs or ["-n", "2", "--dist", "worksteal"]))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("--group", "lint", "--constraint", PINNED)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "typecheck", "tests")
    session.run("mypy")


@nox.session(default=False)
def speed(session: nox.Session) -> None:
    """Measure speed as ratios within one run and write them to speed.json; about 15 minutes."""
    install(session, "speed")
    session.run("python", "-m", "benchmarks.speed", *session.posargs)


@nox.session(default=False)
def calibrate(session: nox.Session) -> None:
    """Simulate how often the report's statistics err and write it into docs/statistics.md; minutes."""
    install(session)
    session.run("python", "-m", "reports.statistics.calibrate", env={"OMP_NUM_THREADS": "1"})


@nox.session(default=False)
def graphs(session: nox.Session) -> None:
    """Report which methods torch.compile sees whole and a CUDA graph could hold; requires nothing of them."""
    install(session)
    session.run("python", "-m", "benchmarks.speed.graphs")


@nox.session(default=False)
def pin(session: nox.Session) -> None:
    """Renew constraints.txt: the newest releases, pinned with their hashes."""
    groups = [argument for group in GROUPS for argument in ("--group", group)]
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"]
    quiet = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    command = ["uv", "pip", "compile", "pyproject.toml", *groups, *options, *quiet, "-o", PINNED]
    session.run_install(*command, external=True)
