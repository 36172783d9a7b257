"""Reports without the drawing of their pictures, which takes most of their time: for tests of words and tables.

``python -m tests.sketching`` is the command line with such reports.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest
from matplotlib.figure import Figure


@contextmanager
def sketching() -> Iterator[None]:
    """Pictures are composed, with their words, and not drawn."""

    def save(_: Figure, to: IO[Any], *, format: str, **__: object) -> None:
        to.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>' if format == "svg" else b"%PDF-")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", save)
        yield


if __name__ == "__main__":
    from benchmarks.cli.app import main

    with sketching():
        main()
