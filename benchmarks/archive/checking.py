"""Whether stored runs can be reported, and whether what is in an archive is what stored runs are."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pyarrow.parquet as pq
from safetensors import safe_open

from afnetm.data.dataset import dataset_directory
from afnetm.errors import UserError
from afnetm.strict import formatted
from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, Manifest, manifest_named
from benchmarks.records.store import Store
from benchmarks.reporting.evaluations import read_evaluation
from benchmarks.reporting.frames import results
from benchmarks.reporting.sound import read_sound
from reports.data.usable import LeftOut
from reports.formats import in_a_line
from reports.schema import ReportError
from studies.best_parameters import read_best_parameters

#: Of a table of predictions, at most: a few bytes of parquet may unpack to very many.
_BYTES, _COLUMNS = 2**28, 1000


def check_suite(manifest: Manifest, store: Store) -> None:
    """Raises `UserError` unless all that is stored of a suite can be reported; names the run and what is wrong."""
    done = store.done()
    for listed in manifest.only(None):
        if listed.key in done:
            read = read_evaluation(listed, store) if listed.evaluated_on else read_sound(listed, store)
            for one in [read] if isinstance(read, LeftOut) else read.left_out:
                raise UserError(f"runs/{listed.key} ({one.place}): {one.what}: {one.reason}")
    try:
        left_out = results(manifest, store, created="").provenance.left_out
    except ReportError as error:
        raise UserError(f"suite '{manifest.suite}' cannot be reported: {error}") from None
    for one in left_out:
        raise UserError(f"suite '{manifest.suite}' ({one.place}): {one.what}: {one.reason}")


def check_home(home: Home) -> None:
    """Raises `UserError` unless an archive that was unpacked as `home` holds what a home of ours would."""
    where = ""
    try:
        for where, check in _checks(home):  # noqa: B007 - where it was when it tripped
            check()
    except UserError:
        raise
    except Exception as error:  # of what is in files that somebody else made, anything may be
        raise UserError(f"{where}: {in_a_line(f'{type(error).__name__}: {error}')}") from None


def _checks(home: Home) -> Iterator[tuple[str, Callable[[], object]]]:
    """All that is looked at, by where it is."""
    store = Store(home)
    found = {file.stem: manifest_named(home, file.stem) for file in sorted(home.suites.glob("*.json"))}
    manifests = list(found.values())
    if not manifests:
        raise UserError("it has no suite: no member suites/NAME.json")
    for name, manifest in found.items():
        if manifest.suite != name:
            raise UserError(f"suites/{name}.json: is the manifest of suite {formatted(manifest.suite)}")
        yield f"suites/{manifest.suite}.json", partial(_check_manifest, manifest, home)
    listed_runs = {listed.key: (listed, manifest) for manifest in manifests for listed in manifest.only(None)}
    for key in sorted(store.done() | store.failed()):
        if key not in listed_runs:
            raise UserError(f"no suite in it has a run {key}")
    for key in sorted(store.done()):
        yield f"runs/{key}/result.json", partial(_check_result, store, key, *listed_runs[key])
        yield f"runs/{key}", partial(_check_files, home, key)
    for key in sorted(store.failed()):
        yield f"failures/{key}.json", partial(_check_reason, store, key)
    for path in home.best_parameters("x").parent.glob("*.toml"):
        yield f"searches/{path.name}", partial(read_best_parameters, path)
    for manifest in manifests:
        yield f"suite '{manifest.suite}'", partial(check_suite, manifest, store)


def _check_manifest(manifest: Manifest, home: Home) -> None:
    for dataset in (manifest.dataset, *manifest.others.values()):
        dataset_directory(home.path, dataset["name"])  # the name leads nowhere
    _check_text(vars(manifest) | {"runs": [], "additional": [], "defaults": [], "evaluations": []})
    if unknown := {listed.method for listed in manifest.only(None)} - manifest.methods.keys():
        raise UserError(f"suite '{manifest.suite}' has a run of method {formatted(min(unknown))}, which it has not")


def _check_result(store: Store, key: str, listed: ListedRun, manifest: Manifest) -> None:
    result = store.result(key)
    _check_text(result)
    evaluation = result.get("evaluation") or {}
    other = manifest.others.get(listed.dataset)  # what it was called when it was evaluated does not matter
    same = listed.corruption == evaluation.get("corruption", "") and bool(listed.dataset) == ("dataset" in evaluation)
    if not same or (listed.dataset and other is None):
        raise UserError(f"runs/{key}/result.json: it is not an evaluation on {formatted(listed.evaluated_on)}")
    if other is not None and other["fingerprint"] != evaluation["fingerprint"]:
        raise UserError(f"runs/{key}/result.json: it is of another dataset '{listed.dataset}' than the suite's")
    planned = {"key": key, "hash of what decides it": key, "repeat": listed.repeat, "fold": listed.fold}
    found = result | {"hash of what decides it": run_key(result)}
    for name, value in (planned | {"dataset": manifest.dataset["fingerprint"]}).items():
        if found[name] != value:
            raise UserError(f"runs/{key}/result.json: {name} = {formatted(found[name])} (allowed: {value})")


def _check_files(home: Home, key: str) -> None:
    folder, result = home.run(key), Store(home).result(key)
    scans = result["n_test"] * len((result.get("evaluation") or {}).get("severities", [1]))
    table = pq.ParquetFile(folder / "predictions.parquet").metadata
    unpacked = sum(table.row_group(k).total_byte_size for k in range(table.num_row_groups))
    if table.num_rows != scans or table.num_columns > _COLUMNS or max(unpacked, 8 * table.num_rows) > _BYTES:
        said = f"{table.num_rows} rows, {table.num_columns} columns, {unpacked} bytes"
        raise UserError(f"runs/{key}: predictions.parquet has {said}; its scans are {scans}")
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "numpy"):  # a header that is none raises
            pass


def _check_reason(store: Store, key: str) -> None:
    _check_text(store.reason(key))


def _check_text(value: Any) -> None:
    """Raises ValueError where a text has what a terminal would obey."""
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for inner in value:
            _check_text(inner)
    elif isinstance(value, str) and not value.translate({9: " ", 10: " ", 13: " "}).isprintable():
        raise ValueError(f"text that cannot be printed: {ascii(value)[:80]}")
