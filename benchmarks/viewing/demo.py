"""The demo: a page on this machine, where a scan is dropped and a trained model says what it sees in it.

It is served on the loopback interface alone, to pages of this origin alone, and keeps nothing: what is sent is checked,
read as any file from outside is, and deleted before the answer goes out.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import uvicorn
from rich.console import Console
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from afnetm.data.sources.units import Unit
from afnetm.errors import UserError
from afnetm.trained.model import TrainedModel
from afnetm.training.loop import DivergedError
from benchmarks.execution.interfaces import HERE, announce, port_error
from benchmarks.viewing.answers import answer_of
from benchmarks.viewing.pages import page
from benchmarks.viewing.uploads import MAX_BYTES, MAX_FILES, SUFFIXES, check_name, read_uploaded

#: Names by which this machine is asked; a page of another site whose name resolves to it asks by that one.
_HOSTS = (HERE, "localhost")
#: Bytes of a request around its files.
_ENVELOPE = 2**16
#: Seconds that what is being answered has once the server is stopped.
_GRACE = 2


def demo_ui(
    model: TrainedModel,
    about: Mapping[str, str],
    *,
    title: str,
    device: str,
    port: int,
    console: Console,
    browser: bool,
) -> int:
    """Serves the demo of a model until Ctrl-C; returns an exit code.

    Args:
        model: that is asked.
        about: what the page says of it, by name.
        title: its name.
        device: where it computes.
        port: on this machine.
        console: is told the address.
        browser: whether the page is opened.

    Raises:
        UserError: the port is taken.
    """
    try:
        listening = socket.create_server((HERE, port))
    except OSError as error:
        raise port_error(port, error) from None
    with TemporaryDirectory(prefix="afnetm-demo-") as folder, listening, suppress(KeyboardInterrupt):
        app = demo_app(model, about, title=title, device=device, folder=Path(folder))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                http="h11",
                loop="asyncio",
                log_config=None,
                log_level="error",  # a fault's traceback; no line for what others send that is no request
                access_log=False,
                server_header=False,
                limit_concurrency=32,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        announce(f"Demo of {title}", f"http://{HERE}:{port}/", console, ends=True, browser=browser)
        server.run(sockets=[listening])
    return 0


def demo_app(model: TrainedModel, about: Mapping[str, str], *, title: str, device: str, folder: Path) -> Starlette:
    """The demo as an ASGI application, which writes what is sent to a folder below `folder` while it reads it."""
    made = page(
        "demo.html",
        ("surface.js", "scene.js", "demo.js"),
        connect="'self'",
        title=title,
        about=about,
        accept=",".join(SUFFIXES),
        units=get_args(Unit),
        megabytes=MAX_BYTES // 2**20,
        max_files=MAX_FILES,
    )
    one_at_a_time = asyncio.Lock()

    async def show(_request: Request) -> Response:
        return HTMLResponse(made.html, headers={"Content-Security-Policy": f"{made.policy}; frame-ancestors 'none'"})

    async def predict(request: Request) -> Response:
        _check_sender(request)
        try:
            files, unit = await _files(request)
            async with one_at_a_time:
                return JSONResponse(await run_in_threadpool(answer, files, unit))
        except (UserError, DivergedError) as error:
            return _refusal(422, str(error))

    def answer(files: Mapping[str, bytes], unit: Unit) -> dict[str, Any]:
        with TemporaryDirectory(dir=folder) as own:
            scan = read_uploaded(Path(own), files, unit)
        return answer_of(model.predict_scan(scan, device=device))

    return Starlette(
        routes=[Route("/", show, methods=["GET"]), Route("/predict", predict, methods=["POST"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS)), Middleware(_Unkept)],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )


def _check_sender(request: Request) -> None:
    """Refuses what the page of another site sends, and what is too large, before any of it is read."""
    if request.headers.get("origin") != f"{request.url.scheme}://{request.headers['host']}":
        raise HTTPException(403, "files are taken from this server's own page alone")
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise HTTPException(411, "the length of the files is not said")
    if int(length) > MAX_BYTES + _ENVELOPE:
        raise HTTPException(413, f"{int(length) / 2**20:.0f} MB of files (allowed: {MAX_BYTES // 2**20})")


async def _files(request: Request) -> tuple[dict[str, bytes], Unit]:
    """The files of a request by name, and the unit of their lengths.

    Raises:
        UserError: a name that no file of a scan has, or twice the same, or an unknown unit.
        HTTPException: there are too many, or none.
    """
    async with request.form(max_files=MAX_FILES, max_fields=1) as form:
        unit = form.get("unit", "mm")
        if unit not in get_args(Unit):
            raise UserError(f"unit {unit!r} is not allowed; one of: {', '.join(get_args(Unit))}")
        files: dict[str, bytes] = {}
        for sent in form.getlist("files"):
            if not isinstance(sent, UploadFile):
                raise HTTPException(400, "files are expected")
            name = check_name(sent.filename or "")
            if name.lower() in {other.lower() for other in files}:
                raise UserError(f"{name}: sent twice")
            files[name] = await sent.read()
        if not files:
            raise HTTPException(400, "no file was sent")
        return files, unit  # type: ignore[return-value]


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _refusal(error.status_code, error.detail)


async def _failed(_request: Request, _error: Exception) -> Response:
    return _refusal(500, "a fault of the program, of which its terminal has the traceback")


def _refusal(status: int, words: str) -> Response:
    return JSONResponse({"error": words}, status_code=status)


class _Unkept:
    """Says with every answer that it is kept nowhere, and is what it says it is."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def said(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = {
                    b"cache-control": b"no-store",
                    b"x-content-type-options": b"nosniff",
                    b"referrer-policy": b"no-referrer",
                    b"cross-origin-resource-policy": b"same-origin",
                }
                message = {**message, "headers": [*message["headers"], *own.items()]}
            await send(message)

        await self._app(scope, receive, said)
