"""Options that take several values in a row, ``--levels 3 4``, which the command line's library takes one by one."""

from collections.abc import Sequence


def spread(arguments: Sequence[str], *, options: Sequence[str]) -> list[str]:
    """`arguments` with every value after one of `options`, up to the next option, given an option of its own.

    >>> spread(["run", "quick", "--methods", "a", "b", "--dry-run"], options=["--methods"])
    ['run', 'quick', '--methods', 'a', '--methods', 'b', '--dry-run']
    """
    out: list[str] = []
    current: str | None = None
    values = 0
    for argument in arguments:
        if argument.startswith("-"):
            current, values = (argument if argument in options else None), 0
        elif current is not None:
            values += 1
            if values > 1:
                out.append(current)
        out.append(argument)
    return out
