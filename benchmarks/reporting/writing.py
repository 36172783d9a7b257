"""From records to a report on disk and a table on the terminal; neither torch nor MLflow is needed."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from afnetm.data.dataset import dataset_directory
from afnetm.errors import UserError
from afnetm.unwritten import why_unwritten
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from benchmarks.terminal.tables import Blocks, Fitted
from reports.data.outside import read_results
from reports.formats import READING
from reports.leaderboard.entry import Entry, entry
from reports.multi_suite.page import write_multi_suite
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.tables import Tables
from reports.page.leaderboard import LEADERBOARD
from reports.page.page import write_report
from reports.schema import ReportError
from reports.tables.compared import Compared
from reports.tables.comparison import Marks, comparison_table
from reports.tables.pairwise import detection
from reports.tables.summary import left_out


@dataclass(frozen=True)
class Written:
    """Files that were written, and what the terminal shows.

    Attributes:
        pages: the suites' own, or that of two files.
        table: for the terminal.
        notes: what was left out, how files were read, how small a difference could have been found: a sentence each.
        multi: the page over several suites, and leaderboard: that of all their methods; None where there is none.
        problems: suites of which no report can be made, a line each; the others' are written all the same.
    """

    pages: list[Path]
    table: RenderableType
    notes: list[str]
    multi: Path | None = None
    leaderboard: Path | None = None
    problems: Sequence[str] = ()


def write_suite_report(
    home: Home, manifest: Manifest, *, out: Path | None = None, with_faces: bool = False, by: Sequence[str] = ()
) -> Written:
    """Writes the report of a suite.

    Subjects are named if their dataset is shareable, or `with_faces`. `out` is the report's folder, by default the
    home's. `by` are attributes of the scans that accuracy is to be given by, too.

    Raises:
        UserError: nothing of the suite is done or can be used, its records contradict each other, or the report's
            folder holds something else or cannot be written.
    """
    _check_finished(home, [manifest])
    directory = out or home.report(manifest.suite)
    return _alone(
        *_write(home, [manifest], [directory], created=_now(), with_faces=with_faces, linked=out is None, by=by)
    )


def write_joint_report(
    home: Home, manifests: Sequence[Manifest], *, out: Path | None = None, with_faces: bool = False
) -> Written:
    """Writes the report of each of two suites or more, and one over all of which one can be made.

    `out` is the folder that holds them, by default the home's.

    Raises:
        UserError: one has nothing done, one is named twice, or of none a report can be made.
    """
    _check_finished(home, manifests)
    created = _now()
    names = [manifest.suite for manifest in manifests]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"suite '{name}' is named {names.count(name)} times; name each suite once")
    above = out or home.reports
    directories = [above / name for name in names]
    paths, found, problems = _write(
        home, manifests, directories, created=created, with_faces=with_faces, linked=out is None
    )
    if len(found) < 2:
        return _alone(paths, found, problems)
    multi = MultiSuite(found)
    directory = above / home.joint_report(multi.names).name
    links = {name: f"../{name}/index.html" for name in multi.names}
    try:
        with _into(directory):
            path = write_multi_suite(multi, directory, links=links, created=created)
    except ReportError as error:
        raise UserError(str(error)) from None
    return Written(
        paths,
        Blocks(Tables(multi).tables["overview"].text),
        _notes(found, named=True),
        path,
        path.with_name(LEADERBOARD),
        problems,
    )


def public_entry(home: Home, manifest: Manifest) -> Entry:
    """Part of a published leaderboard that a suite has: it leads neither to its report nor to MLflow.

    Raises:
        UserError: there is nothing to show.
    """
    try:
        return entry(_compared(home, manifest, Store(home), created=_now()))
    except ReportError as error:
        raise UserError(f"suite '{manifest.suite}': {error}") from None


def _alone(paths: list[Path], found: list[Compared], problems: list[str]) -> Written:
    """Result of writing where there is one report alone."""
    if not found:
        raise UserError("; ".join(problems))
    (one,) = found
    table = comparison_table(one.results, one.table, Marks(), one.pairs)
    notes = [*_notes(found), *(note for note in table.notes if note.startswith(READING))]
    notes += detection(one.pairs, one.results.control)
    return Written(paths, Fitted(table.text, table.importance), notes, problems=problems)


def _notes(found: Sequence[Compared], *, named: bool = False) -> list[str]:
    notes = []
    for one in found:
        plan = one.results.provenance
        own = [*plan.remarks, *([left_out(plan.left_out)] if plan.left_out else [])]
        notes += [f"{plan.suite}: {note}" for note in own] if named else own
    return notes


def _check_finished(home: Home, manifests: Sequence[Manifest]) -> None:
    """Raises `UserError` where nothing of a suite is done."""
    done = Store(home).done()
    for manifest in manifests:
        if not any(listed.key in done for listed in manifest.runs):
            raise UserError(f"suite '{manifest.suite}' has no finished run in home '{home.path}'; nothing to report")


def _write(
    home: Home,
    manifests: Sequence[Manifest],
    directories: Sequence[Path],
    *,
    created: str,
    with_faces: bool,
    linked: bool,
    by: Sequence[str] = (),
) -> tuple[list[Path], list[Compared], list[str]]:
    """Writes each suite's report; returns the pages' paths, what was compared, and why others have none.

    Those in the home are `linked` with MLflow, of which others need not know, and to which they may have no way.
    """
    store = Store(home)
    paths, found, problems = [], [], []
    for manifest, directory in zip(manifests, directories, strict=True):
        try:
            pages = _pages(home, manifest.suite) if linked else {}
            one = _compared(home, manifest, store, created=created, with_faces=with_faces, by=by, pages=pages)
            with _into(directory):
                paths.append(write_report(one.results, directory, compared=one))
        except ReportError as error:
            problems.append(f"suite '{manifest.suite}': {error}")
        else:
            found.append(one)
    return paths, found, problems


def _compared(home: Home, manifest: Manifest, store: Store, **how: Any) -> Compared:
    """A suite's results, `how` as for `benchmarks.reporting.frames.results`."""
    return Compared(results(manifest, store, dataset=dataset_directory(home.path, manifest.dataset["name"]), **how))


def _pages(home: Home, suite: str) -> dict[str, str]:
    """Addresses of MLflow's pages on a suite's methods; none where they are not known."""
    try:
        pages = json.loads(home.pages(suite).read_bytes())
        return {str(method): page for method, page in pages.items() if re.match("https?://", page)}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


@contextmanager
def _into(directory: Path) -> Iterator[None]:
    """Turns what keeps a report from being written into a `UserError`."""
    try:
        yield
    except OSError as error:
        why = why_unwritten(error) or error.strerror or error
        raise UserError(f"report folder '{directory}' cannot be written: {why}; choose another by --out") from None


def write_file_report(
    folds: Path, predictions: Path, *, control: str | None = None, out: Path | None = None, with_faces: bool = False
) -> Written:
    """Writes the report of results from elsewhere (`reports.data.outside`).

    `out` is its folder, by default one beside `folds` that is named after it. Subjects are named `with_faces` alone.

    Raises:
        UserError: of the files no report can be made, or `out` holds something else or cannot be written.
    """
    directory = out or folds.with_name(f"{folds.stem}-report")
    try:
        found = Compared(read_results(folds, predictions, created=_now(), control=control, with_faces=with_faces))
        with _into(directory):
            path = write_report(found.results, directory, compared=found)
    except ReportError as error:
        raise UserError(str(error)) from None
    return _alone([path], [found], [])


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
