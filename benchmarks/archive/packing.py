"""The finished runs of a suite, of which each is a folder of half a dozen files, in one archive of the home, and back.

The store reads them there. A folder is deleted only once the archive that has its run was read back, so that what was
killed has lost nothing: a run that is both is the same run, and the next packing or unpacking goes on.
"""

from dataclasses import dataclass
from pathlib import Path

from afnetm.errors import UserError, suggestion
from afnetm.zipped import RUN_FILES, Folder, runs_in
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.occupancy import exclusive
from benchmarks.records.store import Progress, Store, same_files, to_disk


@dataclass(frozen=True)
class Packed:
    """Outcome of packing `suite`: so many `runs` now, and `left` as folders, since their files are not those of a run.

    `path` is the archive, None where there is none.
    """

    suite: str
    runs: int
    left: list[Folder]
    path: Path | None


def pack_suite(
    home: Home, reference: str, *, storage_url: str | None = None, progress: Progress | None = None
) -> Packed:
    """Moves all finished runs of a suite that are folders into the suite's archive, its trials' and weights with them.

    Runs that other suites have, too, are found by them all the same. What is in the archive of another suite stays.

    Args:
        home: where the suite was run.
        reference: the suite's name or file.
        storage_url: of the database that this home's studies are in; None for its journal.
        progress: called for every run that is written.

    Raises:
        UserError: the suite was never run, the home is in use, the archive cannot be read or written.
    """
    suite = read_manifest(home, reference).suite
    home.make(free=0)
    with exclusive(home):
        manifest, store = read_manifest(home, suite), Store(home)
        store.sweep()
        path = home.packed / f"{suite}.zip"
        packed = runs_in(path) if path.is_file() else {}
        own = {listed.key for listed in manifest.only(None)} | _trials(home, storage_url, suite)
        there = {key: store.folder(key) for key in sorted(store.unpacked() & own)}
        names = {key: {file.name for file in folder.iterdir()} for key, folder in there.items()}
        folders = {key: one for key, one in there.items() if names[key] and not names[key] - RUN_FILES.keys()}
        new = {key: one for key, one in folders.items() if key not in packed or not same_files(one, packed[key])}
        if new:
            store.write_packed(suite, packed | new, progress)
        for key in folders:
            store.delete_folder(key)
        left = [folder for key, folder in there.items() if key not in folders]
        return Packed(suite, len(folders), left, path if path.is_file() else None)


def _trials(home: Home, storage_url: str | None, suite: str) -> set[str]:
    """Keys of the runs of a suite's search."""
    if storage_url is None and not home.journal.exists():
        return set()
    from benchmarks.search.found_studies import found_studies  # Optuna

    return found_studies(home, storage_url, suite).runs


def unpack_suite(home: Home, reference: str, *, progress: Progress | None = None) -> int:
    """Makes folders of the runs in a suite's archive, deletes it, and returns how many runs were in it.

    Raises:
        UserError: the suite is not packed, the home is in use, the archive cannot be read.
    """
    suite, packed = Path(reference).name.removesuffix(".toml"), [path.stem for path in home.packed.glob("[!.]*.zip")]
    if suite not in packed:
        raise UserError(f"suite '{suite}' is not packed in home '{home.path}'; {suggestion(suite, sorted(packed))}")
    home.make(free=0)
    with exclusive(home):
        store = Store(home)
        store.sweep()
        path = home.packed / f"{suite}.zip"
        runs, there = runs_in(path), store.unpacked()
        for number, (key, folder) in enumerate(runs.items()):
            if key not in there:
                store.copy(key, folder)
            if progress:
                progress(number + 1, len(runs))
        for folder in (*{home.run(key).parent for key in runs}, home.runs):
            to_disk(folder)
        path.unlink()
        return len(runs)
