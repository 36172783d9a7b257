"""MLflow's page on a suite's runs: that of a server, or of one that is started here for a database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import urlsplit

from rich.console import Console
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from afnetm.errors import UserError
from benchmarks.execution.database import bring_home, experiments_in
from benchmarks.execution.interfaces import HERE, MLFLOW_PORT, announce, check_port
from benchmarks.execution.troubles import check_tracking_uri, is_database, of_mlflow, reach, trouble
from benchmarks.records.home import Home
from studies.urls import public_url

_NAME = "MLflow UI"
#: By this its page shows training and not traces of language models, whatever it showed last.
_KIND = "workflowType=machine_learning"
#: Seconds that a server may take to end by itself.
_GRACE = 5.0


def mlflow_ui(
    home: Home, uri: str, suite: str | None, *, port: int | None, console: Console, browser: bool = False
) -> int:
    """Shows the runs of a suite in MLflow, and their charts; returns an exit code.

    Of a database it is served here, on `port`, until Ctrl-C. A server has its own page, which is opened.

    Args:
        home: whose records they are.
        uri: where MLflow is.
        suite: a suite's name; None for the one that was run last.
        port: on this machine; None for the usual one.
        console: is told the address, once it answers.
        browser: whether the page is opened.

    Raises:
        UserError: there is nothing to show, MLflow cannot be reached, or the port is taken.
    """
    check_tracking_uri(uri)
    if not is_database(uri):
        server = _server(uri)
        with console.status("asking the server"):
            page = suite_page(server, _experiment(_experiments_of(uri), home, suite))
        announce(_NAME, page, console, ends=False, browser=browser)
        return 0
    url = make_url(uri)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise UserError(f"home '{home.path}' has no records in MLflow yet ({url.database}); run a suite first")
    port = port or MLFLOW_PORT
    check_port(port)
    try:
        reach(uri)
        with suppress(SQLAlchemyError):  # of a home that may only be read, what can be shown is shown
            bring_home(uri, home)
        page = suite_page(f"http://{HERE}:{port}", _experiment(experiments_in(uri), home, suite))
    except SQLAlchemyError as error:
        raise UserError(str(trouble(error, uri))) from None
    with TemporaryFile() as log, _serving(home, uri, port, log) as process:
        with console.status("starting MLflow"):
            while not answers(port):
                if process.poll() is not None:
                    raise UserError(of_mlflow(_last_words(log), uri))
                time.sleep(0.1)
        announce(_NAME, page, console, ends=True, browser=browser)
        if process.wait():
            raise UserError(f"MLflow's server ended: {_last_words(log)}")
    return 0


def suite_page(server: str, experiment: str | None) -> str:
    """The address of a suite's runs with their charts; of all suites where there is no `experiment`."""
    if experiment is None:
        return f"{server}/#/experiments?{_KIND}"
    return f"{server}/#/experiments/{experiment}/runs?{_KIND}&compareRunsMode=CHART"


def run_page(uri: str, experiment: str, run: str) -> str:
    """The address of a run's page: a server's own, or for a database where `afnetm ui` serves it by default.

    No password in `uri` is part of it.
    """
    server = f"http://{HERE}:{MLFLOW_PORT}" if is_database(uri) else _server(uri)
    return f"{server}/#/experiments/{experiment}/runs/{run}?{_KIND}"


def _server(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"}:
        raise UserError(f"tracking URI '{public_url(uri)}' has no page of MLflow's own; its service shows the runs")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _experiments_of(uri: str) -> dict[str, str]:
    """Identifiers by name, from a server."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        return {one.name: str(one.experiment_id) for one in MlflowClient(uri).search_experiments()}
    except MlflowException as error:
        raise UserError(str(trouble(error, uri))) from None


def _experiment(known: dict[str, str], home: Home, suite: str | None) -> str | None:
    """Experiment of `suite`, or else of the one that was run last; None where there is none."""
    if suite is not None and suite not in known:
        raise UserError(f"suite '{suite}' is not in MLflow; it has: {', '.join(sorted(known)) or 'none'}")
    if suite is not None:
        return known[suite]
    ran = sorted(home.suites.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return next((known[path.stem] for path in ran if path.stem in known), None)


@contextmanager
def _serving(home: Home, uri: str, port: int, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A server on the database, which ends with the context, as Ctrl-C and SIGTERM do."""
    environment = {
        "MLFLOW_BACKEND_STORE_URI": uri,  # not on its command line, which all may read: it may have a password
        "MLFLOW_REGISTRY_STORE_URI": uri,
        "MLFLOW_ARTIFACTS_DESTINATION": home.artifacts.resolve().as_uri(),  # of what is begun on its page
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # evaluations by language models, in seven processes
    }
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", HERE, "--port", str(port), "--workers", "1"]
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.default_int_handler)
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,  # it has a process below it, which is to end as well
    )
    try:
        with suppress(KeyboardInterrupt):
            yield process
    finally:
        for ending in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, ending)
                process.wait(_GRACE)


def answers(port: int) -> bool:
    """Whether a server of MLflow answers on a port of this machine."""
    connection = HTTPConnection(HERE, port, timeout=2)  # by no proxy that the environment names
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it printed nothing"
