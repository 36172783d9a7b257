"""A folder that takes its place whole or not at all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reports.schema import ReportError

#: What is in a report's folder.
_PARTS = {"index.html", "report.md", "tables", "figures"}


@contextmanager
def placed(directory: Path) -> Iterator[Path]:
    """A new, empty folder to make a report in; it is renamed to `directory` once it is filled.

    A report that was there is replaced whole, or, should anything fail, stays as it was.

    Raises:
        ReportError: `directory` holds something that is no report.
    """
    directory = directory.absolute()
    if directory.exists() and not _replaceable(directory):
        raise ReportError(f"report folder: {str(directory)!r} holds no report, allowed is a new, empty or old report's")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        yield fresh
        if directory.exists():
            directory.rename(Path(scratch) / "old")
        fresh.rename(directory)


def _replaceable(directory: Path) -> bool:
    """Whether nothing but a report is lost with it."""
    names = {path.name for path in directory.iterdir()} if directory.is_dir() else {directory.name}
    return not names or ("index.html" in names and names <= _PARTS)
