"""Common part of the pages that are opened in a browser: served on this machine alone, announced, opened."""

import os
import socket
import sys
import webbrowser

from rich.console import Console

from afnetm.errors import UserError

#: Where they are served unless another port is asked for.
HERE, MLFLOW_PORT, OPTUNA_PORT = "127.0.0.1", 5000, 8080


def check_port(port: int) -> None:
    """Sees that a port can be served on.

    Raises:
        UserError: it cannot; names one that can.
    """
    try:
        with socket.create_server((HERE, port)):
            pass
    except OSError as error:
        raise port_error(port, error) from None


def port_error(port: int, error: OSError) -> UserError:
    """Error about a port that cannot be served on, with one that can."""
    with socket.create_server((HERE, 0)) as other:
        free = other.getsockname()[1]
    why = error.strerror if error.errno is None else os.strerror(error.errno)  # without what Python adds to it
    return UserError(f"--port: {port} cannot be used on {HERE}: {why}; another is free: --port {free}")


def announce(name: str, url: str, console: Console, *, ends: bool, browser: bool) -> None:
    """Says where a page is that answers by now, and opens it if there is a screen and `browser` says so."""
    console.print(f"{name}: {url}{'  (Ctrl-C ends it)' if ends else ''}", highlight=False, soft_wrap=True)
    if browser:
        open_page(url)


def open_page(url: str) -> None:
    """Opens a page in the user's browser, if there is a screen."""
    # Without one Python would open a browser for terminals, in this one.
    if sys.platform == "darwin" or {"BROWSER", "DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        webbrowser.open(url)
