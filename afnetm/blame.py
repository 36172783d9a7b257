"""One-line messages for errors of a method's own code: type, message, and the line of the method's own file."""

import traceback
from pathlib import Path

from afnetm.errors import UserError


def error_message(error: BaseException, module: str) -> str:
    """``ValueError: width must be even (baselines/mine.py:51)``; a `UserError` alone says all itself.

    Args:
        error: as it was caught, with its traceback.
        module: the method's own, ``baselines.mine``.
    """
    words = str(error).strip().split("\n", maxsplit=1)[0].strip()
    if isinstance(error, SyntaxError):
        words = error.msg
    if isinstance(error, UserError):
        return words
    said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    line = own_line(error, module)
    return f"{said} ({line})" if line else said


def own_line(error: BaseException, module: str) -> str | None:
    """The last line of `module`'s file that `error` came through, else of its package; None if it came by neither."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename, module)}:{error.lineno}"
    frames = [
        (frame.f_globals.get("__name__", ""), frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    package = module.partition(".")[0]
    own = [one for one in frames if one[0] == module] or [one for one in frames if one[0].partition(".")[0] == package]
    return f"{_short(own[-1][1], own[-1][0])}:{own[-1][2]}" if own else None


def _short(file: str, module: str) -> str:
    """A module's file from its package on, wherever that is installed: reports name no folders of a machine."""
    path = Path(file)
    return "/".join(path.parts[-(module.count(".") + 1 + (path.name == "__init__.py")) :])
