"""Records from an archive, taken into a home: all of it is checked before anything is written."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from afnetm.errors import UserError
from benchmarks.archive.imported_records import Arrived, Kept, check_consistent
from benchmarks.archive.records import Progress, arrived, read_record, travelling
from benchmarks.archive.schemas import Called
from benchmarks.archive.strict_json import shaped
from benchmarks.archive.zipped import Archive, open_archive
from benchmarks.records.home import MIN_FREE, Home, write_text
from benchmarks.records.manifest import Manifest, manifest_named
from benchmarks.records.store import Store
from reports.data.pseudonyms import identity

#: What manifests tell of methods, by label.
Descriptions = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Imported:
    """What was imported.

    Attributes:
        suite: what it is called here.
        records: how many are new here.
        here: how many were here already.
        differing: keys of those that were here and say something else; they stayed as they were.
        best_parameters: whether what a search chose was here already, and is something else; it stayed as it was.
        tuned: whether there is what a search chose.
    """

    suite: str
    records: int
    here: int
    differing: list[str]
    best_parameters: bool
    tuned: bool


def import_suite(path: Path, home: Home, *, name: str | None = None, progress: Progress | None = None) -> Imported:
    """Takes the records of the archive at `path` into `home`.

    What the home has stays: a record of the same run, a suite of the same name if it is the same suite, which is then
    completed. Every record is written whole or not at all and the suite's manifest last, so that an import which was
    killed has done no harm, and goes on when it is begun again.

    Args:
        path: an archive of `benchmarks.archive.exporting`.
        home: where it goes.
        name: what the suite shall be called here; None for its own name.
        progress: called for every record, first as it is checked, then as it is written.

    Raises:
        UserError: the archive is not right (names member, value and what is allowed), it does not go with what the home
            has, or the home is in use or cannot be written to.
    """
    if name is not None:
        shaped(Called, {"--as": name}, "import")
    steps = progress or (lambda done, total: None)
    with open_archive(path) as archive:
        found = arrived(archive, progress=lambda done, total: steps(done, 2 * total))
        if name is not None:
            found = replace(
                found, manifest=replace(found.manifest, suite=name, resolved=found.manifest.resolved | {"name": name})
            )
        home.make(free=archive.size + MIN_FREE)
        with home.lock():
            store = Store(home)
            _check_shareable(home, found.manifest, path.name)
            own = _own(home, found.manifest, path.name)
            manifest = _with_secret(own or found.manifest, found, home)
            done = store.done()
            if done & {listed.key for listed in manifest.only(None)}:
                check_consistent(manifest, found, home, path.name)
            store.sweep()
            message = _write(archive, found, manifest, home, done, steps)
        steps(2 * len(found.records), 2 * len(found.records))
        return message


def _own(home: Home, manifest: Manifest, archive: str) -> Manifest | None:
    """The home's manifest of that name; None where it has none.

    Raises:
        UserError: it is of another suite, or of the same one run otherwise.
    """
    if not (home.suites / f"{manifest.suite}.json").exists():
        return None
    own = manifest_named(home, manifest.suite)
    here, there = travelling(own), travelling(manifest)
    here["methods"], there["methods"] = _common(here["methods"], there["methods"])
    other = [key for key in here if here[key] != there[key]]
    if other:
        raise UserError(
            f"{archive}: suite '{manifest.suite}' is in home '{home.path}' already and is another one: its "
            f"{', '.join(other)} differ; import it under another name: --as NAME"
        )
    return own


def _common(here: Descriptions, there: Descriptions) -> tuple[Descriptions, Descriptions]:
    """Two manifests' methods with what both tell of each, as later versions tell more."""

    def message(described: Descriptions, others: Descriptions) -> Descriptions:
        return {
            label: {k: v for k, v in about.items() if k in others.get(label, about)}
            for label, about in described.items()
        }

    return message(here, there), message(there, here)


def _with_secret(manifest: Manifest, found: Arrived, home: Home) -> Manifest:
    """The manifest with what reports here make pseudonyms with, where they need it.

    It is the same for one dataset: another suite of this home may know it, or, later, a run with the dataset. Where all
    records came under pseudonyms none is needed; where they came with names and nobody here knows it, one is made up.
    """
    if manifest.dataset["shareable"] or manifest.secret:
        return manifest
    known = [one.secret for one in _alike(home, manifest) if one.secret]
    came = {record.result.get("pseudonyms") for record in found.records.values()}
    fitting = [secret for secret in known if identity(secret) in came] or known
    if fitting:
        return replace(manifest, secret=fitting[0])
    return manifest if None not in came else replace(manifest, secret=secrets.token_hex(32))


def _alike(home: Home, manifest: Manifest) -> list[Manifest]:
    """The home's manifests of suites on the same dataset."""
    found = []
    for path in sorted(home.suites.glob("*.json")):
        with suppress(UserError):  # of another version, which is not for an import to mend
            found.append(manifest_named(home, path.stem))
    return [one for one in found if one.dataset["fingerprint"] == manifest.dataset["fingerprint"]]


def _check_shareable(home: Home, manifest: Manifest, archive: str) -> None:
    """Raises `UserError` where suites would not agree on whether the subjects of their shared records may be named."""
    for other in _alike(home, manifest):
        if other.dataset["shareable"] != manifest.dataset["shareable"]:
            says, here = ("is" if one.dataset["shareable"] else "is not" for one in (manifest, other))
            raise UserError(
                f"{archive}: it says that dataset '{manifest.dataset['name']}' {says} shareable; in home '{home.path}' "
                f"it {here} (suite '{other.suite}'); import it into another --home"
            )


def _write(
    archive: Archive, found: Arrived, manifest: Manifest, home: Home, done: set[str], steps: Progress
) -> Imported:
    store, total = Store(home), len(found.records)
    new = [key for key in found.records if key not in done]
    here = [key for key in found.records if key in done]
    for number, key in enumerate(new):
        store.write(key, read_record(archive, key, found.records[key]))
        steps(total + number + 1, 2 * total)
    for key in found.failures.keys() - store.done() - store.failed():
        store.write_failure(key, found.failures[key])
    best_parameters, other = home.best_parameters(manifest.suite), False
    if found.best_parameters is not None:
        other = best_parameters.is_file() and best_parameters.read_bytes() != found.best_parameters.encode()
        if not best_parameters.exists():
            write_text(best_parameters, found.best_parameters)
    manifest.save(home)
    differing = [key for key in here if not _same(store, key, found.records[key])]
    return Imported(manifest.suite, len(new), len(here), differing, other, found.best_parameters is not None)


def _same(store: Store, key: str, record: Kept) -> bool:
    """Whether a home's record says what one that arrived says, whatever its subjects are called in either."""
    own, other = ({**message, "pseudonyms": None} for message in (store.result(key), record.result))
    tables = (store.predictions(key), record.predictions), (store.curves(key), record.curves)
    return own == other and all(_numbers(mine.to_pandas()).equals(_numbers(theirs)) for mine, theirs in tables)


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    bare = table.drop(columns=["scan", "subject"], errors="ignore")
    return bare.sort_values(list(bare.columns), ignore_index=True)
