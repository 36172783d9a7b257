"""Optuna's dashboard on a home's studies, to be looked at, without a word to anyone else."""

from collections.abc import Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from rich.console import Console

from benchmarks.execution.interfaces import HERE, announce, port_error
from benchmarks.records.home import Home

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def optuna_ui(home: Home, storage: str | None, *, port: int, console: Console, browser: bool = False) -> int:
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
        raise port_error(port, error) from None
    with server, suppress(KeyboardInterrupt):
        announce("Optuna dashboard", f"http://{HERE}:{port}/dashboard", console, ends=True, browser=browser)
        server.serve_forever()
    return 0


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
        """Suppresses the access log."""
