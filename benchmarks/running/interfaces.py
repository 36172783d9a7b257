"""Two pages to look at what is recorded, MLflow's and Optuna's, on 127.0.0.1 alone, without a word to anyone else."""

import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from rich.console import Console

from afnetm.errors import UserError
from benchmarks.records.home import Home

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: Where both are served unless another port is asked for.
HERE, MLFLOW_PORT, OPTUNA_PORT = "127.0.0.1", 5000, 8080


def mlflow_ui(home: Home, uri: str, *, port: int, console: Console) -> int:
    """Serves MLflow's page on `uri` until Ctrl-C; returns its exit code.

    Raises:
        UserError: there is nothing to show.
    """
    if uri == home.tracking_uri and not (home.path / "mlflow.db").is_file():
        raise UserError(f"home '{home.path}' has no records in MLflow yet; run a suite first")
    _say(console, "MLflow UI", port)
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HERE, "--port", str(port)]
    command += ["--backend-store-uri", uri, "--default-artifact-root", home.artifacts.resolve().as_uri()]
    try:
        done = subprocess.run(command, env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}, check=False)
    except KeyboardInterrupt:
        return 0
    return done.returncode


def optuna_ui(home: Home, storage: str | None, *, port: int, console: Console) -> int:
    """Serves Optuna's dashboard on the home's journal, or on the database `storage`, until Ctrl-C; returns 0.

    A search may go on meanwhile. Its page asks no other server for anything, and no language model is given to it.

    Raises:
        UserError: there are no studies, they cannot be read, or the port is taken.
    """
    from optuna_dashboard import wsgi

    from studies.storage import view_storage

    page = _to_look_at(wsgi(view_storage(home.journal, storage)))
    try:
        server = make_server(HERE, port, page, server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        raise UserError(f"--port: {port} cannot be used on {HERE}: {error.strerror}") from None
    with server, suppress(KeyboardInterrupt):
        _say(console, "Optuna dashboard", port)
        server.serve_forever()
    return 0


def _say(console: Console, name: str, port: int) -> None:
    console.print(f"{name}: http://{HERE}:{port}  (Ctrl-C ends it)", highlight=False)


def _to_look_at(page: "WSGIApplication") -> "WSGIApplication":
    """Lets through what reads: the dashboard's buttons delete and rename studies, under a search that is going on.

    Nor is a page of another site let through that has its name resolve to this machine.
    """

    def gate(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "").partition(":")[0]
        if environ["REQUEST_METHOD"] in {"GET", "HEAD"} and host in {HERE, "localhost"}:
            return page(environ, start)
        start("403 Forbidden", [("Content-Type", "application/json")])
        return [b'{"reason": "studies are to be looked at here, not to be changed"}']

    return gate


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a connection: browsers open some ahead and say nothing on them."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """Requests are not told on the terminal."""

    def log_message(self, format: str, *args: object) -> None:
        """Tells nothing."""
