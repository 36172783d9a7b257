"""Rules for names of suites and methods: tables, pages, files, databases and terminals must be able to show them."""

import os

from afnetm.errors import UserError
from afnetm.strict import formatted

#: Of a label: studies and runs are called after it, in databases whose names are short.
_LETTERS = 100
#: Of the name of a suite's file: other endings come behind it, and a file's name has 255 at most.
_BYTES = 150


def check_label(label: str, *, of: str) -> None:
    """Refuses a label that something could not show.

    Raises:
        UserError: says whose it is, and what is allowed.
    """
    if not label or label != label.strip() or not label.isprintable() or len(label) > _LETTERS:
        raise UserError(
            f"{of} is {formatted(label)}; allowed are 1 to {_LETTERS} printable characters, no spaces at either end"
        )


def check_suite_name(name: str, *, file: str) -> None:
    """Refuses a suite's file whose name could not be that of a folder of reports, or of a study.

    Raises:
        UserError: says what is allowed.
    """
    check_label(name, of=f"{file}: the file's name")
    if name.startswith(".") or len(os.fsencode(name)) > _BYTES:
        raise UserError(
            f"{file}: the file's name is {formatted(name)}; allowed are {_BYTES} bytes, not beginning with a dot"
        )
