"""What an archive brings: a suite's manifest, the records of its runs and why others failed, all of it checked."""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from functools import partial
from typing import Any, TypeVar

from afnetm.errors import UserError
from benchmarks.archive.imported_records import Arrived, Kept, check_consistent
from benchmarks.archive.schemas import FailuresShape, ManifestShape, ResultShape
from benchmarks.archive.strict_json import parsed, shaped
from benchmarks.archive.tables import read_auxiliary_outputs, read_curves, read_gradcam, read_predictions, read_weights
from benchmarks.archive.zipped import BEST_PARAMETERS, FAILURES, MANIFEST, Archive
from benchmarks.plans.keys import run_key
from benchmarks.records.manifest import ListedRun, Manifest, from_json, pathless
from benchmarks.records.store import Record
from reports.data.results import Axis
from reports.formats import in_a_line

#: Called with how many records are done, and of how many.
Progress = Callable[[int, int], None]
Found = TypeVar("Found")
#: What of a manifest stays at home.
AT_HOME = {"secret", "path"}


def travelling(manifest: Manifest) -> dict[str, Any]:
    """What of a manifest leaves its home: all but its secret and its file, and no other path."""
    message = {key: value for key, value in asdict(manifest).items() if key not in AT_HOME}
    return message | {"dataset": message["dataset"] | {"source": pathless(message["dataset"]["source"])}}


def arrived(archive: Archive, *, progress: Progress | None = None) -> Arrived:
    """Reads an archive whole and checks every member's content.

    Raises:
        UserError: names the member that is not right, what of it, and what is allowed.
    """
    manifest = _manifest(archive)
    if archive.contents.suite != manifest.suite:
        message = archive.contents.suite
        raise UserError(f"{archive.where(MANIFEST)}: suite = '{manifest.suite}', its contents.json says '{message}'")
    listed_runs: dict[str, list[ListedRun]] = defaultdict(list)
    for listed in manifest.only(None):
        listed_runs[listed.key].append(listed)
    records: dict[str, Kept] = {}
    for number, key in enumerate(archive.keys, start=1):
        kept = records[key] = _kept(archive, key)
        _check_place(kept.result, listed_runs.get(key, []), manifest, archive.where(f"runs/{key}/result.json"))
        read_record(archive, key, kept)
        if progress:
            progress(number, len(archive.keys))
    found = Arrived(manifest, records, _failures(archive, set(listed_runs)), _best_parameters(archive))
    check_consistent(manifest, found, None, archive.name)
    return found


def read_record(archive: Archive, key: str, kept: Kept) -> Record:
    """The record of a run, of which what is `kept` was read before.

    Raises:
        UserError: a file of it is not what records have.
    """
    scans = kept.result["n_test"]

    def arrays(name: str, read: Callable[[bytes, str], Found]) -> Found | None:
        member = f"runs/{key}/{name}.safetensors"
        return read(archive.read(member), archive.where(member)) if archive.has(member) else None

    return Record(
        result=kept.result,
        predictions=kept.predictions,
        curves=kept.curves,
        auxiliary_outputs=arrays("auxiliary_outputs", partial(read_auxiliary_outputs, scans=scans)) or {},
        gradcam=arrays("gradcam", partial(read_gradcam, scans=scans)),
        weights=arrays("weights", read_weights),
    )


def _kept(archive: Archive, key: str) -> Kept:
    result, curves, predictions = (f"runs/{key}/{name}" for name in ("result.json", "curves.csv", "predictions.csv"))
    where = archive.where(result)
    message = parsed(archive.read(result), where)
    shape = shaped(ResultShape, message, where)
    for value, is_called in ((shape.key, "key"), (run_key(message), "the hash of what decides it")):
        if value != key:
            raise UserError(f"{where}: {is_called} is {value}, allowed is its folder's name")
    table = read_predictions(
        archive.read(predictions),
        archive.where(predictions),
        scans=shape.n_test,
        pseudonyms=shape.pseudonyms is not None,
    )
    accuracy = float((table["expression"] == table["predicted"]).mean())
    if abs(shape.accuracy - accuracy) > 1e-6:
        raise UserError(f"{where}: accuracy = {shape.accuracy}, its predictions give {accuracy}")
    return Kept(message, table, read_curves(archive.read(curves), archive.where(curves)))


def _manifest(archive: Archive) -> Manifest:
    where = archive.where(MANIFEST)
    message = parsed(archive.read(MANIFEST), where)
    shape = shaped(ManifestShape, message, where)
    listed_runs = [*message["runs"], *message.get("additional", [])]
    known = [(message, _fields(Manifest) - AT_HOME), *((listed, _fields(ListedRun)) for listed in listed_runs)]
    known += [(axis, _fields(Axis)) for axis in message.get("axes", {}).values()]
    for found, allowed in known:
        for key in found.keys() - allowed:
            raise UserError(f"{where}: key {key[:80]!a} is not one of this version of afnetm")
    for listed in listed_runs:
        if listed["method"] not in shape.methods:
            raise UserError(f"{where}: a run of method '{listed['method']}', which it does not have")
    return from_json(message)


def _fields(kind: Any) -> set[str]:
    return {field.name for field in fields(kind)}


def _check_place(result: Mapping[str, Any], listed_runs: list[ListedRun], manifest: Manifest, where: str) -> None:
    """Raises `UserError` unless a record is of the dataset, method, repeat and fold that the manifest says."""
    if not listed_runs:
        raise UserError(f"{where}: the manifest of suite '{manifest.suite}' has no run of this key")
    for listed in listed_runs:
        method = manifest.methods[listed.method]
        message = {
            "dataset": manifest.dataset["fingerprint"],
            "method": method["name"],
            "version": method["version"],
            "repeat": listed.repeat,
            "fold": listed.fold,
            "reseed": listed.reseed,
        }
        for name, value in message.items():
            if result.get(name, 0) != value:
                raise UserError(f"{where}: {name} = {result.get(name)!r}, the manifest says {value!r}")
    if manifest.dataset["shareable"] and result.get("pseudonyms"):
        raise UserError(f"{where}: pseudonyms, though the manifest says that the dataset is shareable")


def _failures(archive: Archive, known: set[str]) -> dict[str, str]:
    if not archive.has(FAILURES):
        return {}
    where = archive.where(FAILURES)
    found = shaped(FailuresShape, {"reasons": parsed(archive.read(FAILURES), where)}, where).reasons
    if unknown := found.keys() - known:
        raise UserError(f"{where}: the manifest has no run {min(unknown)}")
    return found


def _best_parameters(archive: Archive) -> str | None:
    """What a search chose, as it was written: TOML, whose settings are checked by whoever gives it to a run."""
    if not archive.has(BEST_PARAMETERS):
        return None
    try:
        text = archive.read(BEST_PARAMETERS).decode()
        tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # what it raises for bytes and for TOML are kinds of these
        raise UserError(f"{archive.where(BEST_PARAMETERS)}: not valid TOML: {in_a_line(str(error))}") from None
    return text
