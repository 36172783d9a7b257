"""Catching up of MLflow: what it lacks of a suite is copied, finished studies, finished runs and the report."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.markup import escape

from benchmarks.execution.copying import PATIENCE, Copying, Report, copies, run_copies
from benchmarks.execution.one_copier import copier_claim
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.occupancy import driving
from benchmarks.records.store import Store
from benchmarks.search.searching import SuiteStudy
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.progress import progress_bar
from benchmarks.terminal.words import counted
from studies.search import Search
from studies.spec import SearchSpec
from studies.storage import open_storage, public_storage, storage_errors

if TYPE_CHECKING:
    from benchmarks.execution.tracking import Tracker
    from benchmarks.search.tracking import StudyTracker


@dataclass(frozen=True)
class CaughtUp:
    """Outcome of catching up a suite.

    Attributes:
        copied: runs that were copied now.
        finished: runs that are finished.
        lacks: why MLflow still lacks something, in one line; None where it has all of it.
    """

    copied: int
    finished: int
    lacks: str | None


def catch_up(
    home: Home,
    manifest: Manifest,
    *,
    tracking_uri: str,
    storage_url: str | None,
    with_faces: bool,
    artifacts: str,
    console: Terminal,
) -> CaughtUp:
    """Copies what MLflow lacks of a suite as it was last run.

    Raises:
        UserError: a process has the home for itself, or the storage is not there.
    """
    from benchmarks.commands.publishing import publish

    with driving(home) as claims:
        if not claims.wait(copier_claim(manifest.suite), seconds=PATIENCE):
            return CaughtUp(0, 0, "another process is copying the suite's results; wait for it")
        lacks = _studies(home, manifest, tracking_uri=tracking_uri, storage_url=storage_url, console=console)
        if lacks:
            return CaughtUp(0, 0, lacks)
        found = _runs(
            home, manifest, tracking_uri=tracking_uri, with_faces=with_faces, artifacts=artifacts, console=console
        )
        return replace(
            found, lacks=found.lacks or publish(home, manifest, claims, tracking_uri=tracking_uri, console=console)
        )


def study_copies(
    uri: str, home: Home, manifest: Manifest, console: Terminal, *, storage_url: str | None, bar: bool = False
) -> Copying["StudyTracker"]:
    """Copying of a suite's studies to MLflow at `uri` (`benchmarks.search.tracking.StudyTracker`)."""

    def make(tell: Report) -> "StudyTracker":
        from benchmarks.search.tracking import StudyTracker

        return StudyTracker(uri, home, manifest, storage_url=storage_url, tell=tell)

    return copies(make, uri, console, what="study", bar=bar)


def _runs(
    home: Home, manifest: Manifest, *, tracking_uri: str, with_faces: bool, artifacts: str, console: Terminal
) -> CaughtUp:
    done = Store(home).done()
    # The comparison's before additional runs like it.
    listed = {one.key: one for one in reversed(manifest.only(None)) if one.key in done}
    copied = seen = 0
    with (
        progress_bar(f"{manifest.suite}: copying", console, what="runs") as progress,
        run_copies(
            tracking_uri, home, manifest, console, with_faces=with_faces, artifacts=artifacts, bar=True
        ) as copying,
    ):
        progress(0, len(listed))
        for one in reversed(listed.values()):

            def log(tracker: "Tracker", one: ListedRun = one) -> None:
                nonlocal copied, seen
                copied += tracker.log([one])
                progress(seen := seen + 1, len(listed))

            copying.do(log)
    return CaughtUp(copied, len(listed), copying.incomplete)


def _studies(
    home: Home, manifest: Manifest, *, tracking_uri: str, storage_url: str | None, console: Terminal
) -> str | None:
    if not manifest.tuning.get("studies"):
        return None
    with (
        storage_errors(storage_url),
        progress_bar(f"{manifest.suite}: copying", console, what="studies") as progress,
        study_copies(tracking_uri, home, manifest, console, storage_url=storage_url, bar=True) as copying,
    ):
        found = list(_found(home, manifest, storage_url))
        seen = 0
        progress(0, len(found))
        for pair in found:

            def log(tracker: "StudyTracker", pair: tuple[SuiteStudy, Search] = pair) -> None:
                nonlocal seen
                tracker.log(*pair)
                progress(seen := seen + 1, len(found))

            copying.do(log)
    if len(found) < len(manifest.tuning["studies"]):
        where = escape(public_storage(home.journal, storage_url))
        missing = counted(len(manifest.tuning["studies"]) - len(found), "study")
        console.say(f"{escape(manifest.suite)}: {missing} of its search not in {where}, and left out")
    return copying.incomplete


def _found(home: Home, manifest: Manifest, storage_url: str | None) -> Iterator[tuple[SuiteStudy, Search]]:
    """The suite's finished studies that the storage has, as they were when it was run."""
    if storage_url is None and not home.journal.exists():
        return
    storage = open_storage(home.journal, storage_url)
    spec = SearchSpec.model_validate_json(json.dumps(manifest.tuning["spec"]))
    for one in manifest.tuning["studies"]:
        search = Search.kept(storage, one["study"], spec)
        if search is not None and search.finished:
            where = None if one["repeat"] < 0 else (one["repeat"], one["fold"])
            yield SuiteStudy(one["study"], one["method"], where, one["search"], search.space, spec), search
