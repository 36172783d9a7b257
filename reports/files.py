"""A report's files: tables in all their forms, a folder that takes its place whole, and links to what is in it."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from reports.latex.table import latex, slug
from reports.markup import markdown, write_csv
from reports.schema import ReportError
from reports.table import Table

#: What is in a report's folder.
_PARTS = {"index.html", "leaderboard.html", "report.md", "tables", "figures"}
#: A file's name without its ending, and a link for each of its endings.
Item = tuple[str, Sequence[tuple[str, str]]]
_TITLES = {".": "The report", "tables": "Tables", "figures": "Pictures"}


def write_tables(tables: Iterable[Table], directory: Path, *, suite: str, notices: Sequence[str]) -> None:
    """Writes each table as CSV for programs, Markdown and LaTeX for people; one without numbers as LaTeX alone.

    What makes the numbers less than they look, `notices`, stands with all of them, and as CSV has no place for it also
    in notices.txt. ``\\ref{tab:SUITE-NAME}`` finds a table.
    """
    if notices:
        (directory / "notices.txt").write_text("".join(f"{line}\n" for line in notices), encoding="utf-8")
    for table in tables:
        path = directory / table.name
        paper = replace(table, paper_notes=[*(table.paper_notes or table.notes), *notices])
        path.with_suffix(".tex").write_text(latex(paper, label=f"tab:{slug(suite)}-{table.name}"), encoding="utf-8")
        if table.numbers is not None:
            write_csv(table.numbers, path.with_suffix(".csv"))
            path.with_suffix(".md").write_text(markdown(table, notices=notices), encoding="utf-8")


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


def listed(paths: Sequence[str]) -> Mapping[str, Sequence[Item]]:
    """Files by their folder's title, those that differ in their ending alone together, all in the order of names.

    Args:
        paths: relative to the page, with slashes.
    """
    found: dict[str, dict[str, list[tuple[str, str]]]] = {title: {} for title in _TITLES.values()}
    for path in sorted(map(PurePosixPath, paths)):
        title = _TITLES.get(str(path.parent), str(path.parent))
        found.setdefault(title, {}).setdefault(path.stem, []).append((path.suffix, quote(str(path))))
    return {title: list(entries.items()) for title, entries in found.items() if entries}
