"""Homes that share nothing, made into one. An archive is a home, once it is unpacked and checked.

All that can be wrong is looked for before anything is written; every stored run is written whole or not at all, and
manifests last, so that a merge that was killed has done no harm, and goes on when it is begun again.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from afnetm.data.dataset_files import read_info
from afnetm.errors import UserError
from afnetm.zipped import unpack
from benchmarks.archive.checking import check_home
from benchmarks.archive.uniting import united
from benchmarks.plans.naming import check_suite_name
from benchmarks.records.home import Home, write_text
from benchmarks.records.manifest import Manifest, manifest_named
from benchmarks.records.occupancy import exclusive
from benchmarks.records.store import Progress, Store
from benchmarks.reporting.sound import DAMAGED

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

_INCOMING = ".incoming-"
#: What two trainings of one run need not have in common: when, on what machine, how fast.
_SCORES = ("seed", "n_train", "n_test", "accuracy", "macro_f1")


@dataclass
class Merged:
    """Result of a merge: suites by name, how many runs are new and how many were here, what else came."""

    suites: list[str] = field(default_factory=list)
    records: int = 0
    here: int = 0
    datasets: list[str] = field(default_factory=list)
    studies: int = 0


@dataclass(frozen=True)
class _Source:
    """A home that is taken in, and what errors call it."""

    home: Home
    name: str
    manifests: list[Manifest]


def merge(
    sources: Sequence[Path],
    home: Home,
    *,
    storage_url: str | None = None,
    name: str | None = None,
    progress: Progress | None = None,
) -> Merged:
    """Takes what other homes have into `home`: stored runs, failures, suites, studies, best parameters, datasets.

    What both have must be the same; what the home has stays. The other homes may be in use, and stay as they are.

    Args:
        sources: folders, or archives of `benchmarks.archive.exporting`.
        home: where all goes; made if it is not there.
        storage_url: of the database that this home's studies are in; None for its journal.
        name: what the suite of an archive shall be called here; None for its own name.
        progress: called for every stored run.

    Raises:
        UserError: a source is no home or no archive that is right, two of them or one and the home contradict each
            other, or the home is in use or cannot be written to. The home is as it was.
    """
    if name is not None:
        check_suite_name(name.replace("/", "\n").replace("\\", "\n"), file="--as")
    with ExitStack() as stack:
        home.make()
        stack.enter_context(exclusive(home))
        for left in home.path.glob(f"{_INCOMING}*"):  # by one that was killed
            shutil.rmtree(left, ignore_errors=True)
        opened = [stack.enter_context(_opened(path, home, name)) for path in sources]
        manifests = _manifests(home, opened)
        _check_records(home, opened)
        datasets, best_parameters = _datasets(home, opened), _best_parameters(home, opened)
        studies = [found for source in opened if (found := _studies(source.home)) is not None]
        merged = Merged(sorted(manifests), datasets=[folder.name for folder in datasets])
        store = Store(home)
        store.sweep()
        _copy_records(store, opened, merged, progress)
        for folder in datasets:
            _copy_dataset(folder, home)
        if studies:
            from studies.storage import copy_studies, open_storage

            storage = open_storage(home.journal, storage_url)
            merged.studies = sum(copy_studies(found, storage) for found in studies)
        for path, text in best_parameters.items():
            write_text(path, text)
        for manifest in manifests.values():
            manifest.save(home)
        return merged


@contextmanager
def _opened(path: Path, home: Home, name: str | None) -> Iterator[_Source]:
    """A source as a home: itself, or what is in the archive, unpacked beside what is there already and checked."""
    if path.is_dir():
        source = Home(path)
        if path.samefile(home.path):
            raise UserError(f"'{path}' is the home that others are merged into; name other homes")
        manifests = [manifest_named(source, file.stem) for file in sorted(source.suites.glob("*.json"))]
        if not manifests and not source.datasets.is_dir():
            raise UserError(f"'{path}' is not a home: it has neither suites that were run nor datasets")
        yield _Source(source, str(path), manifests)
        return
    if not path.exists():
        raise UserError(f"'{path}': there is no such home or archive")
    with TemporaryDirectory(prefix=_INCOMING, dir=home.path) as folder:
        source = Home(Path(folder))
        unpack(path, source.path)
        try:
            check_home(source)
        except UserError as error:
            raise UserError(f"{path.name}: {str(error).replace(f'{folder}/', '')}") from None
        manifests = [manifest_named(source, file.stem) for file in source.suites.glob("*.json")]
        if name is not None:
            one, *more = manifests
            if more:
                raise UserError(f"{path.name}: --as {name}: the archive has several suites")
            if (best := source.best_parameters(one.suite)).is_file():
                best.rename(source.best_parameters(name))
            manifests = [replace(one, suite=name, resolved=one.resolved | {"name": name})]
        yield _Source(source, path.name, manifests)


def _manifests(home: Home, sources: Sequence[_Source]) -> dict[str, Manifest]:
    """The manifests that the home will have of the sources' suites."""
    found: dict[str, Manifest] = {}
    known: dict[str, Manifest] = {}
    for path in home.suites.glob("*.json"):
        try:
            known[path.stem] = manifest_named(home, path.stem)
        except UserError:
            if any(manifest.suite == path.stem for source in sources for manifest in source.manifests):
                raise
    shareable = {manifest.dataset["fingerprint"]: manifest.dataset["shareable"] for manifest in known.values()}
    for source in sources:
        for manifest in source.manifests:
            about = manifest.dataset
            if shareable.setdefault(about["fingerprint"], about["shareable"]) != about["shareable"]:
                raise UserError(
                    f"{source.name}: suite '{manifest.suite}' says that dataset '{about['name']}' is "
                    f"{'' if about['shareable'] else 'not '}shareable, another suite of it says the opposite"
                )
            before = found.get(manifest.suite, known.get(manifest.suite))
            theirs = replace(manifest, path=None)
            found[manifest.suite] = united(before, theirs, where=source.name) if before else theirs
    return found


def _check_records(home: Home, sources: Sequence[_Source]) -> None:
    """Raises `UserError` where two homes have other results of one run."""
    seen: dict[str, tuple[Store, str]] = dict.fromkeys(Store(home).done(), (Store(home), str(home.path)))
    for source in sources:
        store = Store(source.home)
        for key in sorted(store.done()):
            before, name = seen.setdefault(key, (store, source.name))
            if before is not store and not _same(before, store, key):
                raise UserError(
                    f"run {key} has other results in '{source.name}' than in '{name}'; delete it in one of them "
                    "(afnetm forget) to keep the other's"
                )


def _same(one: Store, other: Store, key: str) -> bool:
    """Whether two stores have the same results of a run, whatever its subjects are called in either."""
    try:
        scores = [[store.result(key)[name] for name in _SCORES] for store in (one, other)]
        tables = [_answers(store.predictions(key).to_pandas()) for store in (one, other)]
    except DAMAGED as error:
        raise UserError(f"run {key} is damaged in one of the homes that have it: {error}") from None
    return scores[0] == scores[1] and tables[0].equals(tables[1])


def _answers(table: pd.DataFrame) -> pd.DataFrame:
    bare = table.drop(columns=["scan", "subject"], errors="ignore")
    return bare.sort_values(list(bare.columns), ignore_index=True)


def _datasets(home: Home, sources: Sequence[_Source]) -> list[Path]:
    """The datasets that the home does not have yet.

    Raises:
        UserError: two homes have different ones of the same name.
    """

    def there(one: Home) -> Iterable[Path]:
        return (path for path in sorted(one.datasets.glob("*")) if path.is_dir() and not path.name.startswith("."))

    known = {path.name: path for path in there(home)}
    new = []
    for source in sources:
        for path in there(source.home):
            mine, fingerprint = known.setdefault(path.name, path), read_info(path)["fingerprint"]
            if mine is path:
                new.append(path)
            elif read_info(mine)["fingerprint"] != fingerprint:
                raise UserError(f"dataset '{path.name}' in '{source.name}' is another one than '{mine}'")
    return new


def _copy_records(store: Store, sources: Sequence[_Source], merged: Merged, progress: Progress | None) -> None:
    total = sum(len(Store(source.home).done()) for source in sources)
    done = store.done()
    for source in sources:
        theirs = Store(source.home)
        for key in sorted(theirs.done()):
            if key in done:
                merged.here += 1
            else:
                store.copy(key, theirs.folder(key))
                done.add(key)
                merged.records += 1
            if progress:
                progress(merged.here + merged.records, total)
        for key in sorted(theirs.failed() - done - store.failed()):
            text = theirs.failure_text(key)
            store.write_failure(key, theirs.reason(key), text.read_text() if text.is_file() else "")


def _copy_dataset(folder: Path, home: Home) -> None:
    beside = home.datasets / f".{folder.name}.incoming"
    shutil.rmtree(beside, ignore_errors=True)  # of one that was killed
    shutil.copytree(folder, beside)
    beside.rename(home.datasets / folder.name)


def _studies(source: Home) -> "BaseStorage | None":
    if not source.journal.exists():
        return None
    from studies.storage import NoStudiesError, view_storage  # Optuna

    with suppress(NoStudiesError):
        return view_storage(source.journal, None)
    return None


def _best_parameters(home: Home, sources: Sequence[_Source]) -> dict[Path, str]:
    """Best parameters for the sources' suites, by file; where several have some, the union, ours first."""
    found: dict[Path, str] = {}
    for suite in {manifest.suite for source in sources for manifest in source.manifests}:
        files = [one.best_parameters(suite) for one in (home, *(source.home for source in sources))]
        texts = {file: file.read_text(encoding="utf-8") for file in files if file.is_file()}
        if len(set(texts.values())) > 1:
            from studies.best_parameters import read_best_parameters, written

            read = {file: read_best_parameters(file) for file in texts}
            every = {(one.label, one.where): one for file in reversed(read) for one in read[file].best_parameters}
            if files[0] not in read or len(every) > len(read[files[0]].best_parameters):
                origins = dict.fromkeys(one.found_by for one in read.values() if one.found_by)
                found[files[0]] = written(every.values(), suite=suite, found_by=" and ".join(origins))
            # or it stays, with its comments
        elif texts and files[0] not in texts:
            (found[files[0]],) = set(texts.values())
    return found
