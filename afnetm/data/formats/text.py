"""Text of a file and the lines that errors name."""

from dataclasses import dataclass

from afnetm.errors import UserError

_SHOWN = 40


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


def shown(token: bytes) -> str:
    """`token` in quotes for an error message: ASCII, on one line, its beginning only where it is long."""
    return repr(token[:_SHOWN])[1:] + ("..." if len(token) > _SHOWN else "")
