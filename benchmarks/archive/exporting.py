"""The stored runs of a suite, written into an archive that another home can import."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from afnetm.errors import UserError
from afnetm.zipped import run_files, write_archive
from benchmarks.archive.checking import check_suite
from benchmarks.archive.pseudonyms import pseudonymous_record
from benchmarks.records.home import Home, unique
from benchmarks.records.manifest import SPLIT_TEXT, Manifest, pathless, read_manifest
from benchmarks.records.store import Progress, Store, read_file
from reports.data.pseudonyms import unnamed
from reports.formats import in_a_line


@dataclass(frozen=True)
class Exported:
    """Result of an export: `records` and `failures` of the `suite`, in an archive of `size` bytes.

    `pseudonyms` says whether subjects have pseudonyms in it, `studies` of how many studies the trials stayed.
    """

    suite: str
    records: int
    failures: int
    size: int
    pseudonyms: bool
    studies: int


def export_suite(
    home: Home,
    reference: str,
    out: Path,
    *,
    methods: list[str] | None = None,
    with_faces: bool = False,
    weights: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Writes the stored runs of a suite to the archive `out`: whole, or not at all.

    It is a home of this suite alone: manifest, stored runs, why others failed, and what a search chose; a search's own
    trials stay, though the manifest sums them up. Where the dataset is not shareable, subjects have the pseudonyms that
    reports give them, errors are told by their kind alone, and what may show a face stays.

    Args:
        home: where the suite was run.
        reference: the suite's name or file.
        out: the archive; must not be there.
        methods: of which the runs go; all if empty or None. The manifest goes whole, so that a suite whose methods were
            trained on several machines can be put together again.
        with_faces: whether subjects go by their names though their dataset is not shareable. The secret that their
            pseudonyms are made with goes, too: reports have the same ones there.
        weights: whether trained weights go, where they were kept.
        progress: called for every run.

    Raises:
        UserError: the suite was never run or has no finished run, `out` is there or cannot be written, or a stored run
            is damaged.
    """
    manifest, store = read_manifest(home, reference), Store(home)
    done, failed = store.done(), store.failed()
    listed_runs = manifest.only(methods)
    keys = sorted({listed.key for listed in listed_runs} & done)
    if not any(listed.key in done and listed in listed_runs for listed in manifest.runs):
        raise UserError(f"suite '{manifest.suite}' has no finished run in home '{home.path}'; nothing to export")
    chosen = set(keys)
    check_suite(replace(manifest, runs=[listed for listed in manifest.runs if listed.key in chosen]), store)
    secrets = {} if with_faces else _secrets(manifest)
    pseudonymous = bool(secrets)
    of = {listed.key: listed.dataset for listed in listed_runs}
    if not all(secrets[of[key]] or store.result(key).get("pseudonyms") for key in keys if of[key] in secrets):
        raise UserError(
            f"suite '{manifest.suite}' has no secret to make pseudonyms with; run it again, or --with-faces"
        )
    if os.path.lexists(out):
        raise UserError(f"'{out}' already exists; choose another file, or delete it")
    reasons = {listed.key: store.reason(listed.key) for listed in listed_runs if listed.key in failed - done}
    suite = manifest.suite

    def members() -> Iterator[tuple[str, bytes]]:
        for key, reason in sorted(reasons.items()):
            told = unnamed(reason) if pseudonymous else in_a_line(reason, most=1000)
            yield f"failures/{key}.json", _json({"reason": told})
        for number, key in enumerate(keys):
            if progress:
                progress(number, len(keys))
            leaving = (file for file in run_files(store.folder(key)) if weights or file.name != "weights.safetensors")
            files = {file.name: read_file(file) for file in leaving}
            if of[key] in secrets:
                files = pseudonymous_record(files, secret=secrets[of[key]])
            yield from ((f"runs/{key}/{name}", content) for name, content in sorted(files.items()))
        if home.best_parameters(suite).is_file():
            yield f"searches/{suite}.toml", home.best_parameters(suite).read_bytes()
        yield f"suites/{suite}.json", _json(asdict(_leaving(manifest, names=not pseudonymous)))

    beside = out.with_name(f".{out.name}.{unique()}")
    try:
        write_archive(beside, members())
        size = beside.stat().st_size
        if os.path.lexists(out):
            raise UserError(f"'{out}' was created meanwhile; choose another file, or delete it")
        beside.rename(out)
    finally:
        beside.unlink(missing_ok=True)
    return Exported(suite, len(keys), len(reasons), size, pseudonymous, len(manifest.tuning.get("studies", [])))


def _secrets(manifest: Manifest) -> dict[str, str]:
    """Secrets of datasets that are not shareable: of the suite's own by no name, of others by theirs."""
    others = {name: about["secret"] for name, about in manifest.others.items() if not about["shareable"]}
    return others if manifest.dataset["shareable"] else {"": manifest.secret, **others}


def _leaving(manifest: Manifest, *, names: bool) -> Manifest:
    """Manifest as it leaves its home: without paths, and names and their secrets but where they go."""

    def leaving(dataset: dict[str, Any]) -> dict[str, Any]:
        return dataset | {"source": pathless(dataset["source"])}

    others = {
        name: leaving(about) | {"secret": about["secret"] if names else ""} for name, about in manifest.others.items()
    }
    kept = {name: value for name, value in manifest.resolved.items() if names or name != SPLIT_TEXT}
    secret = manifest.secret if names else ""
    own = leaving(manifest.dataset)
    return replace(manifest, path=None, dataset=own, resolved=kept, secret=secret, others=others)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()
