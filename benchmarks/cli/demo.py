"""``afnetm demo``: a page on this machine where a trained model is asked about a scan."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from afnetm.errors import UserError
from benchmarks.cli.options import ModelDevice, ModelMethodFiles
from benchmarks.terminal.console import console

#: Where it is served unless another port is asked for.
PORT = 8090
#: What serves it, and reads the files that a browser sends.
NEEDED = ("starlette", "uvicorn", "python_multipart")


def demo(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A folder of `afnetm train`, or of a run that kept its weights.")
    ],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = PORT,
    method_files: ModelMethodFiles = None,
    device: ModelDevice = "auto",
    browser: Annotated[bool, typer.Option(help="Open the page in a browser, if there is a display.")] = True,
) -> None:
    """Opens a page where a trained model says what it sees in a scan, and where it looked; Ctrl-C ends it.

    The page is served on this machine only. Files that are dropped on it are read as `afnetm predict` reads them, and
    deleted at once.

    Example: `afnetm demo model`
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(f"{', '.join(missing)} not installed, which the demo needs: pip install 'afnetm[demo]'")
    with console.status("loading"):
        from benchmarks.commands.demonstrating import serve_demo
    raise typer.Exit(
        serve_demo(model, port=port, method_files=method_files or (), device=device, console=console, browser=browser)
    )
