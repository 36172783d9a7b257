"""Consoles: results to standard output, everything else to standard error."""

import os
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.status import Status

#: Columns of what is no terminal, a file or a pipe: enough for every table, and for most lines.
WIDE = 200


class Terminal(Console):
    """Rich's console, which also knows whether somebody watches, and how much they want to read.

    Attributes:
        verbose: whether every event is a line, beside the bars too.
    """

    verbose = False

    @property
    def live(self) -> bool:
        """Whether bars can be drawn: on a terminal, not in a file, whatever colours are forced upon that."""
        return bool(self.file.isatty()) and not self.is_dumb_terminal

    def status(self, status: RenderableType, *, spinner: str | None = None, **settings: Any) -> Status:
        """Rich's, with a spinner that the terminal has the characters for."""
        known = self.encoding.startswith("utf")
        return super().status(status, spinner=spinner or ("dots" if known else "line"), **settings)

    def widen(self) -> None:
        """Makes what is no terminal `WIDE`, unless COLUMNS says how wide it is."""
        if not self.file.isatty() and not os.environ.get("COLUMNS", "").isdigit():
            self.width = WIDE

    def say(self, markup: str) -> None:
        """Prints a sentence, on one line however long it is: so it can be copied, and searched for in a log."""
        self.print(markup, soft_wrap=True, highlight=False)

    def event(self, text: str, *, style: str | None = None) -> None:
        """Prints what has just happened as a line that begins with the time."""
        marked = f"[{style}]{escape(text)}[/]" if style else escape(text)
        self.say(f"[dim]{datetime.now():%Y-%m-%d %H:%M:%S}[/]  {marked}")


#: Progress and words go to standard error, so that standard output holds results alone.
console = Terminal(stderr=True)
#: What went wrong goes there too, and is said where all else is silenced (`listen`).
errors = Terminal(stderr=True)


def listen(*, quiet: bool, verbose: bool) -> None:
    """Sets how much is printed: errors alone, or every event."""
    console.quiet, console.verbose = quiet, verbose
    for one in (console, errors):
        one.widen()


def output() -> Terminal:
    """Standard output."""
    out = Terminal()
    out.widen()
    return out
