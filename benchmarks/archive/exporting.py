"""Records of a suite, written into an archive that another home can import."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from afnetm.errors import UserError
from benchmarks.archive.pseudonyms import veiled
from benchmarks.archive.records import Progress, arrived, travelling
from benchmarks.archive.strict_json import dumps
from benchmarks.archive.tables import written
from benchmarks.archive.zipped import BEST_PARAMETERS, FAILURES, MANIFEST, RECORD, open_archive, write_archive
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, Manifest, read_manifest
from benchmarks.records.provenance import provenance
from benchmarks.records.store import Store
from reports.data.pseudonyms import unnamed
from reports.formats import in_a_line


@dataclass(frozen=True)
class Exported:
    """What was exported.

    Attributes:
        suite: its name.
        records: how many.
        failures: of how many runs why they failed.
        size: bytes of the archive.
        pseudonyms: whether subjects have pseudonyms in it.
        studies: of how many studies the trials stayed.
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
    """Writes the records of a suite's finished runs to the archive `out`: whole, or not at all.

    With them go the suite's manifest without its secret, why runs failed, and what a search chose; a search's own
    trials stay, though the manifest sums them up. Subjects of a dataset that is not shareable have the pseudonyms that
    reports give them, errors are told by their kind alone, and what may show a face stays. The archive is read again as
    whoever imports it will, before it takes its name.

    Args:
        home: where the suite was run.
        reference: the suite's name or file.
        out: the archive; must not be there.
        methods: of which the records go; all if empty or None. The manifest goes whole, so that a suite whose methods
            were trained on several machines can be put together again.
        with_faces: whether subjects go by their names though their dataset is not shareable.
        weights: whether trained weights go, where records have them.
        progress: called for every record.

    Raises:
        UserError: the suite was never run or has no finished run, `out` is there or cannot be written, or a record is
            damaged.
    """
    manifest, store = read_manifest(home, reference), Store(home)
    listed_runs, done = manifest.only(methods), store.done()
    keys = sorted({listed.key for listed in listed_runs} & done)
    if not any(listed.key in done and listed in listed_runs for listed in manifest.runs):
        raise UserError(f"suite '{manifest.suite}' has no finished run in home '{home.path}'; nothing to export")
    pseudonymous = not (manifest.dataset["shareable"] or with_faces)
    if pseudonymous and not manifest.secret and not all(store.result(key).get("pseudonyms") for key in keys):
        raise UserError(
            f"suite '{manifest.suite}' has no secret to make pseudonyms with; run it again, or --with-faces"
        )
    if os.path.lexists(out):
        raise UserError(f"'{out}' is there already; name another file, or delete it")
    failures = _failures(manifest, listed_runs, store, pseudonymous=pseudonymous)
    beside = out.with_name(f".{out.name}.{os.getpid()}")

    steps = progress or (lambda done, total: None)

    def members() -> Iterator[tuple[str, bytes]]:
        if failures:
            yield FAILURES, dumps(failures)
        yield MANIFEST, dumps(travelling(manifest))
        for number, key in enumerate(keys):
            steps(number, 2 * len(keys))
            files = _files(store, key, secret=manifest.secret if pseudonymous else None, weights=weights)
            for name, content in sorted(files.items()):
                yield f"runs/{key}/{name}", content
        if home.best_parameters(manifest.suite).is_file():
            yield BEST_PARAMETERS, home.best_parameters(manifest.suite).read_bytes()

    made = {key: value for key, value in provenance().items() if key != "hardware"}
    try:
        write_archive(beside, members(), {"suite": manifest.suite, "made_with": made})
        with open_archive(beside, name=str(out)) as archive:
            arrived(archive, progress=lambda done, total: steps(total + done, 2 * total))
        size = beside.stat().st_size
        if os.path.lexists(out):
            raise UserError(f"'{out}' is there meanwhile; name another file, or delete it")
        beside.rename(out)
    finally:
        beside.unlink(missing_ok=True)
    studies = len(manifest.tuning.get("studies", []))
    return Exported(manifest.suite, len(keys), len(failures), size, pseudonymous, studies)


def _files(store: Store, key: str, *, secret: str | None, weights: bool) -> dict[str, bytes]:
    """The files of a record as they travel, by name, with pseudonyms if there is a secret; no others that are there."""
    folder = store.folder(key)
    wanted = [name for name in RECORD if weights or name != "weights.safetensors"]
    try:
        found = {name: (folder / name).read_bytes() for name in wanted if (folder / name).is_file()}
        predictions = store.predictions(key).to_pandas()
        if secret is not None:
            predictions, found = veiled(predictions, found, secret=secret)
        return found | {"predictions.csv": written(predictions)}
    except (KeyError, IndexError, ValueError, OSError, SafetensorError) as error:
        raise UserError(f"record {folder} is damaged: {in_a_line(f'{type(error).__name__}: {error}')}") from None


def _failures(manifest: Manifest, listed_runs: list[ListedRun], store: Store, *, pseudonymous: bool) -> dict[str, str]:
    """Why runs failed, in one line each; the tracebacks, which name folders of this machine, stay."""
    failed = store.failed() - store.done()
    found = {}
    for key in sorted({listed.key for listed in listed_runs} & failed):
        reason = in_a_line(store.reason(key), most=1000)
        found[key] = unnamed(reason) if pseudonymous else reason
    return found
