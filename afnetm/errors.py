"""The one exception for what the user can mend, and what any exception came of."""

import difflib
from collections.abc import Iterable, Iterator


class UserError(Exception):
    """Bad input: the message is one line that names the thing, its value and what is allowed.

    The command line prints it and exits with code 2; everything else is a bug and keeps its traceback.
    """

    def __init__(self, message: str) -> None:
        # One line whatever somebody's file or another library put into it.
        super().__init__("".join(letter if letter.isprintable() else " " for letter in message))


#: Of more names than this a line says some.
_MANY = 30


def nearest(name: str, known: Iterable[str], *, count: int = 1, alike: float = 0.6) -> list[str]:
    """Those of `known` that `name` may be a slip of, the nearest first.

    Args:
        name: what was written.
        known: what is allowed.
        count: so many at most.
        alike: from 0, anything, to 1, the same letters.
    """
    return difflib.get_close_matches(name, list(known), n=count, cutoff=alike)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that is none of `known`: all of them, or some of many, and the nearest."""
    names = list(known)
    near = nearest(name, names)
    some = names if len(names) <= _MANY else nearest(name, names, count=5, alike=0.0)
    allowed = f"allowed: {', '.join(some)}"
    if len(some) < len(names):
        allowed += f" and {len(names) - len(some)} others"
    return f"{allowed}; did you mean {near[0]}?" if near else allowed


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it was raised from or while handling, and so on; each once, though they may name each other."""
    seen: list[int] = []
    while error is not None and id(error) not in seen:
        seen.append(id(error))
        yield error
        error = error.__cause__ or error.__context__
