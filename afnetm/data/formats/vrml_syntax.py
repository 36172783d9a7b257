"""The syntax of VRML 2.0 (ISO/IEC 14772-1, annex A): a file's nodes and fields, one after another.

Nothing is kept of what is walked over: memory does not grow with the number of nodes.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from afnetm.data.formats.text import Text, formatted, without_mark
from afnetm.errors import UserError

#: Nodes lie at most this deep in one another; a face needs three.
MAX_DEPTH = 32
_HEADER = re.compile(rb"#VRML V2\.0 utf8(?![^ \t\r\n])[^\r\n]*+")
_TO_COMMENT = re.compile(rb'(?:[^"#]++|"(?:[^"\\]++|\\.)*+"?)*+(#[^\r\n]*+)?', re.DOTALL)
_TOKEN = re.compile(rb'[{}\[\]]|"(?:[^"\\]++|\\.)*+"|[^ \t\r\n,{}\[\]"]++', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n,]++")
#: The names of fields and nodes; the standard allows stranger and longer ones, which no node of its own has.
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{0,63}+")
#: Some numbers: an atomic group and no possessive one, which before Python 3.11.5 keeps what the repetition that failed
#: had taken (python/cpython#106052; those above never fail half-way); not all at once: it remembers each repetition.
_NUMBERS = re.compile(
    rb"(?>(?:[ \t\r\n,]*+[+-]?(?:0[xX][0-9a-fA-F]++|(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)"
    rb'(?![^ \t\r\n,{}\[\]"])){1,1024})'
)
#: The characters of numbers and between them: a list of nothing else is one step. Whoever needs it looks closely.
_NUMERIC = b"0123456789abcdefABCDEFxX+-. \t\r\n,"
_PUNCTUATION = (b"{", b"}", b"[", b"]")
_CONSTANTS = (b"TRUE", b"FALSE", b"NULL")
#: What would bring nodes that are not written here, or change those that are.
_REFUSED = (b"PROTO", b"EXTERNPROTO", b"Inline", b"Script")


class Entry(NamedTuple):
    """The opening of a node, or one of its fields with its value.

    Attributes:
        path: the types of the nodes around it, the outermost first; ends with the node itself.
        field: the name of the field; empty where a node opens.
        start: offset at which the value (or the node's type) begins; a list's value lies between its brackets.
        end: offset after it.
    """

    path: tuple[str, ...]
    field: str
    start: int
    end: int

    def within(self, text: Text) -> bytes:
        """The content between two brackets."""
        return text.content[self.start : self.end]


def without_comments(content: bytes, name: str) -> Text:
    """The file with spaces for its comments; what a string holds is none.

    Raises:
        UserError: it does not begin as a VRML 2.0 file does.
    """
    content = without_mark(content)
    header = _HEADER.match(content)
    if not header:
        raise Text(content, name).error(0, f"begins with {formatted(content[:16])} (allowed: '#VRML V2.0 utf8')")
    start = header.end()
    if content.find(b"#", start) < 0:
        return Text(b" " * start + content[start:], name)
    blank = bytearray(content)
    blank[:start] = b" " * start
    for found in _TO_COMMENT.finditer(content, start):
        if found[1]:
            blank[slice(*found.span(1))] = b" " * len(found[1])
    return Text(bytes(blank), name)


def entries(text: Text) -> Iterator[Entry]:
    """Every node and field of `text`, in the order of the file. Nodes that are used again (USE) are fields' values.

    Raises:
        UserError: it is not well-formed, nested deeper than `MAX_DEPTH`, or holds a PROTO, EXTERNPROTO,
            Inline or Script.
    """
    return _Walk(text).scene()


class _Walk:
    """One pass over a text, token by token; arrays of numbers are one step."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.start = self.end = 0  # of the token taken last

    def scene(self) -> Iterator[Entry]:
        while token := self.take():
            yield from self.statement(token, (), "")

    def take(self) -> bytes:
        """The next token; empty at the end of the text."""
        self.skip()
        found = _TOKEN.match(self.text.content, self.end)
        if found:
            self.start, self.end = found.span()
            return found[0]
        if self.end < len(self.text.content):
            raise self.text.error(self.end, "a string is not terminated")
        return b""

    def skip(self) -> None:
        """Goes on to where the next token begins."""
        space = _SPACE.match(self.text.content, self.end)
        self.end = space.end() if space else self.end

    def numbers(self) -> bool:
        """Goes past all numbers that come next; whether there were any."""
        first = self.end
        while found := _NUMBERS.match(self.text.content, self.end):
            self.end = found.end()
        return self.end > first

    def statement(self, token: bytes, path: tuple[str, ...], field: str) -> Iterator[Entry]:
        """A node, written here or used again, or a route; `token` is its first."""
        start = self.start
        if token == b"ROUTE":  # ROUTE a.b TO c.d: moves things later, not as they stand
            for _ in range(3):
                self.word()
        elif token == b"USE":
            self.word()
            yield Entry(path, field, start, self.end)
        else:
            if token == b"DEF":
                self.word()
                token = self.take()
            yield from self.node(token, path)

    def node(self, kind: bytes, path: tuple[str, ...]) -> Iterator[Entry]:
        start = self.start
        if kind in _REFUSED:
            raise self.text.error(start, f"{kind.decode()} (allowed: nodes that are written out)")
        if not _NAME.fullmatch(kind):
            raise self.unexpected(kind, "a node, number or string")
        if self.take() != b"{":
            raise self.text.error(start, f"{formatted(kind)} is not a node, number or string")
        if len(path) == MAX_DEPTH:
            raise self.text.error(start, f"nodes are nested too deeply (allowed: {MAX_DEPTH} levels)")
        path = (*path, kind.decode())
        yield Entry(path, "", start, self.end)
        while (token := self.take()) != b"}":
            if token == b"ROUTE":
                yield from self.statement(token, path, "")
            elif _NAME.fullmatch(token):
                yield from self.value(path, token.decode())
            else:
                raise self.unexpected(token, f"a field of {path[-1]}")

    def value(self, path: tuple[str, ...], field: str) -> Iterator[Entry]:
        self.skip()
        content, start = self.text.content, self.end
        if content.startswith(b"[", start):
            start, closing = start + 1, content.find(b"]", start)
            if closing >= 0 and not content[start:closing].translate(None, _NUMERIC):
                self.end = closing + 1
                yield Entry(path, field, start, closing)
                return
        elif self.numbers():
            yield Entry(path, field, start, self.end)
            return
        token = self.take()
        if token in _CONSTANTS or token.startswith(b'"'):
            yield Entry(path, field, self.start, self.end)
        elif token == b"[":
            yield from self.several(path, field)
        else:
            yield from self.statement(token, path, field)

    def several(self, path: tuple[str, ...], field: str) -> Iterator[Entry]:
        """A list that holds more than numbers: strings or nodes."""
        if self.numbers():
            raise self.unexpected(self.take(), f"a number of {field}")
        first = self.end
        while (token := self.take()) != b"]":
            if not token:
                raise self.unexpected(token, f"the end of {field}")
            if not token.startswith(b'"') and token not in _CONSTANTS:
                yield from self.statement(token, path, field)
        yield Entry(path, field, first, self.start)

    def word(self) -> bytes:
        token = self.take()
        if not token or token in _PUNCTUATION or token.startswith(b'"'):
            raise self.unexpected(token, "a name")
        return token

    def unexpected(self, token: bytes, wanted: str) -> UserError:
        found, offset = (formatted(token), self.start) if token else ("the end of the file", len(self.text.content))
        return self.text.error(offset, f"{found} in place of {wanted}")
