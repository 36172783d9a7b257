"""The steps that ``afnetm run`` and ``afnetm search`` have in common: how they begin, and how Ctrl-C ends them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from benchmarks.terminal.console import errors

if TYPE_CHECKING:
    from benchmarks.commands.request import Request


def begin(context: typer.Context, request: "Request") -> None:
    """Begins what workers need, and refuses a tracking URI that is none."""
    request.begin()
    from benchmarks.execution.troubles import check_tracking_uri

    check_tracking_uri(context.meta["tracking_uri"])


@contextmanager
def stoppable(command: str) -> Iterator[None]:
    """Exits with 130 where Ctrl-C stops what is done within; `command` resumes it."""
    try:
        yield
    except KeyboardInterrupt:
        errors.say(f"stopped; finished runs are kept. To resume, {command} again")
        raise typer.Exit(130) from None
