"""Text of a file, however it is encoded, its lines, and what errors show of it."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from afnetm.errors import UserError

_MOST_SHOWN = 40
_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")


@dataclass(frozen=True, eq=False)
class Text:
    """The `content` of a text file and the `name` that its errors begin with."""

    content: bytes
    name: str

    def error(self, offset: int, reason: str) -> UserError:
        """A one-line error about the line in which `offset` lies; lines end with CR, LF or both."""
        before = self.content[:offset]
        line = 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
        return UserError(f"{self.name}, line {line}: {reason}")


def formatted(token: bytes | str) -> str:
    """`token` in quotes for an error message: ASCII, on one line, its beginning only where it is long."""
    quoted = repr(token[:_MOST_SHOWN])[1:] if isinstance(token, bytes) else ascii(token[:_MOST_SHOWN])
    return quoted + ("..." if len(token) > _MOST_SHOWN else "")


def without_mark(content: bytes) -> bytes:
    """The content of a text file without its byte-order mark; where the mark is UTF-16's, turned into UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace").encode()
    return content.removeprefix(codecs.BOM_UTF8)


def decoded(content: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 with a byte-order mark, or else Windows' code page for Western Europe (1252).

    What is no character in any of them is U+FFFD.
    """
    content = without_mark(content)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of `text` that say something, each with its number; comments (``#``) are left out.

    Lines end with CR, LF or both. One that goes on after a backslash counts as its last.
    """
    begun: list[str] = []
    for number, found in enumerate(_LINE.finditer(text), start=1):
        line = found[1].strip()
        if line.startswith("#"):
            continue
        if line.endswith("\\"):
            begun.append(line[:-1])
            continue
        if begun:
            line, begun = " ".join([*begun, line]).strip(), []
        if line:
            yield number, line
