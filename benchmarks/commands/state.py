"""The state of a suite, and of a whole home: what is done, failed and left, and the disk that it takes."""

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afnetm.data.dataset_files import read_info
from afnetm.errors import UserError
from benchmarks.plans.suite_files import read_suite_file
from benchmarks.records.home import Home
from benchmarks.records.index import Summary
from benchmarks.records.manifest import Manifest, NoManifestError, read_manifest
from benchmarks.records.store import Store


@dataclass(frozen=True)
class State:
    """The state of a suite.

    Attributes:
        suite: its name.
        counts: runs ``done``, ``failed`` and ``left``.
        evaluations: the same of evaluations of trained models; empty where the suite has none.
        failures: reasons by run, or evaluation.
        bytes: what the records take on disk.
        changed: whether the suite's file is not what was run last; the counts are of what was run.
    """

    suite: str
    counts: dict[str, int]
    failures: dict[str, str]
    bytes: int
    changed: bool = False
    evaluations: dict[str, int] = field(default_factory=dict)


def suite_state(reference: str, home: Home) -> State:
    """The state of the suite called `reference`: as it was last run, or as its file says if it never was."""
    try:
        manifest = read_manifest(home, reference)
    except NoManifestError:
        from benchmarks.plans.suite import load_suite  # torch

        suite = load_suite(reference)
        total = suite.protocol.runs * len(suite.methods)
        return State(suite.name, {"done": 0, "failed": 0, "left": total}, {}, 0)
    return _state(reference, manifest, Store(home), Store(home).summaries())


def _state(reference: str, manifest: Manifest, store: Store, done: Mapping[str, Summary]) -> State:
    failed = store.failed()
    found, reasons, size = [], dict[str, str](), 0
    for listed_runs in (manifest.runs, manifest.evaluations):
        runs = {one.key: f"{one.method} {one.repeat}-{one.fold} {one.evaluated_on}".strip() for one in listed_runs}
        bad = [key for key in runs if key in failed and key not in done]
        good = [key for key in runs if key in done]
        found.append({"done": len(good), "failed": len(bad), "left": len(runs) - len(good) - len(bad)})
        reasons |= {runs[key]: store.reason(key) for key in bad}
        size += sum(done[key].size for key in good)
    counts, evaluations = found[0], found[1] if manifest.evaluations else {}
    return State(manifest.suite, counts, reasons, size, _changed(reference, manifest.text), evaluations)


@dataclass(frozen=True)
class Contents:
    """An overview of a home.

    Attributes:
        suites: the state of each that was run, by name.
        datasets: of each prepared dataset: name, scans, subjects, size in pixels, bytes.
        unreadable: what stands among them and cannot be read, and why.
        unused: records that no suite has any more, or that only searches have.
        bytes: what the whole home takes on disk.
        free: bytes left there.
    """

    suites: list[State] = field(default_factory=list)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    unused: int = 0
    bytes: int = 0
    free: int = 0


def contents(home: Home) -> Contents:
    """Contents of a home; empty if it is not there yet."""
    if not home.path.is_dir():
        return Contents()
    suites, datasets, unreadable = [], [], {}
    keys: set[str] = set()
    store = Store(home)
    done = store.summaries()
    for path in sorted(home.suites.glob("*.json")):
        try:
            manifest = read_manifest(home, path.stem)
            suites.append(_state(path.stem, manifest, store, done))
            keys |= {listed.key for listed in manifest.only(None)}
        except UserError as error:
            unreadable[f"suite {path.stem}"] = str(error)
    for folder in sorted(path for path in home.datasets.glob("*") if path.is_dir() and not path.name.startswith(".")):
        try:
            info = read_info(folder)
            about = {"name": folder.name, **{name: info[name] for name in ("scans", "subjects", "size")}}
            datasets.append(about | {"bytes": _bytes(folder)})
        except UserError as error:
            unreadable[f"dataset {folder.name}"] = str(error)
    size = _bytes(home.path, besides={home.runs}) + sum(done[key].size for key in store.unpacked() & done.keys())
    return Contents(suites, datasets, unreadable, len(done.keys() - keys), size, shutil.disk_usage(home.path).free)


def _bytes(folder: Path, *, besides: Collection[Path] = ()) -> int:
    """Bytes of all files below a folder; what is deleted meanwhile has none."""
    total, folders = 0, [str(folder)]
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders += [] if Path(entry.path) in besides else [entry.path]
                elif entry.is_file():
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def _changed(reference: str, text: str) -> bool:
    try:
        return read_suite_file(reference).text != text
    except UserError:  # the file is gone, or was named from another folder; its records are still there
        return False
