"""Type in PDF documents: of a font no more than its letters."""

from collections.abc import Iterator
from contextlib import contextmanager

from fontTools.subset import Options

#: How letters are put beside and in place of each other: a document has every letter where it is to be.
_LAYOUT = ("GDEF", "GPOS", "GSUB", "kern")


@contextmanager
def letters_alone() -> Iterator[None]:
    """Documents that are written within take half the time for their fonts, and are smaller; they look the same."""
    name = "_drop_tables_default"  # matplotlib has no option for it
    before = getattr(Options, name, None)
    if before is None:
        yield
        return
    setattr(Options, name, [*before, *_LAYOUT])
    try:
        yield
    finally:
        setattr(Options, name, before)
