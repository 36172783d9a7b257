"""The index of a home: what is asked of many stored runs at once, in one file, so that nobody opens each of 100,000.

``HOME/index.parquet`` is a cache. Whoever reads completes it, and it is never trusted over the records: a row counts
while the folder or the archive that it was read from is the one that it was, by inode and time of change. So a run is
seen whoever wrote it, one that was deleted is gone, and a file that is missing, damaged or of another form is made
anew. Nothing locks it, as locks do not hold on every network file system: it is written beside and renamed into place,
and of two who write at once the rows of one stay, and the other's are read again.
"""

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet

from afnetm.errors import UserError
from afnetm.zipped import BROKEN, RUN_FILES, Folder, run_files, runs_in
from benchmarks.records.home import Home, replace, unique

#: More records than this are to be read before the index is written: fewer are read again in the time that this takes.
WORTH = 100
#: Inode and time of change, in nanoseconds, of a record's folder or of an archive.
Stamp = tuple[int, int]
_SCHEMA = pa.schema(
    {
        **{"archive": pa.string(), "inode": pa.uint64(), "changed": pa.int64(), "key": pa.string()},
        **{"size": pa.int64(), "weights": pa.bool_(), "seconds": pa.float64(), "test_seconds": pa.float64()},
        **{"finished": pa.string(), "sources": pa.string(), "device": pa.string(), "sharing": pa.int64()},
    }
)


class Summary(NamedTuple):
    """Summary of a stored run, for which it need not be opened; of a damaged result not more than the first two.

    Attributes:
        size: bytes on disk.
        weights: whether it kept the trained weights.
        seconds: of training; None where the record does not say.
        test_seconds: of testing; likewise.
        finished: when, seconds since 1970 as the record has them; empty where it does not say.
        sources: digests of the method's files, in JSON; empty where it has none.
        device: name of the GPU, or of the processor, that its seconds are of; empty where it does not say.
        sharing: runs that were trained on that GPU at once.
    """

    size: int
    weights: bool
    seconds: float | None = None
    test_seconds: float | None = None
    finished: str = ""
    sources: str = ""
    device: str = ""
    sharing: int = 1

    @property
    def times(self) -> dict[str, float] | None:
        """`seconds`, `test_seconds` and `finished` as ``result.json`` has them; None where it does not say them all."""
        if self.seconds is None or self.test_seconds is None or not self.finished:
            return None
        return {"seconds": self.seconds, "test_seconds": self.test_seconds, "finished": json.loads(self.finished)}


#: By archive's name, "" for folders, and by key.
_Rows = dict[str, dict[str, tuple[Stamp, Summary]]]


def summaries(home: Home, folders: Iterable[os.DirEntry[str]]) -> dict[str, Summary]:
    """Summaries of all finished runs of a home by key; `folders` are those that are not packed."""
    known, rows = _read(home), _Rows()
    new = 0
    for path in _archives(home):
        with suppress(FileNotFoundError, UserError):  # meanwhile, or it cannot be read, and none of it is done
            if (own := _known(known, path)) is None:
                stamp = _stamp(path.stat())  # from before it is read: what changes meanwhile is read again
                own = {key: (stamp, _summary(folder)) for key, folder in runs_in(path).items()}
                new += len(own)
            rows[path.name] = own
    before, now = known.get("", {}), rows.setdefault("", {})
    for entry in folders:
        with suppress(FileNotFoundError):
            stamp = _stamp(entry.stat(follow_symlinks=False))
            row = before.get(entry.name)
            if row is None or row[0] != stamp:
                row = stamp, _summary(Path(entry.path))
                new += 1
            now[entry.name] = row
    if new > WORTH:
        _write(home, rows)
    found = {key: summary for own in rows.values() for key, (_, summary) in own.items()}
    return found | {key: summary for key, (_, summary) in now.items()}  # of a run that is both, the folder counts


def packed_keys(home: Home, unreadable: Callable[[str], object] = lambda why: None) -> set[str]:
    """Keys of all runs in archives that can be read; says of the others why not."""
    found: set[str] = set()
    for path in _archives(home):
        try:
            found.update(keys_in(home, path))
        except FileNotFoundError:  # meanwhile
            pass
        except UserError as error:
            unreadable(str(error))
    return found


def keys_in(home: Home, archive: Path) -> Collection[str]:
    """Keys of the runs in an archive of a home, which is opened if the index does not know it as it is.

    Raises:
        FileNotFoundError: it is not there.
        UserError: it cannot be read.
    """
    own = _known(_read(home), archive)
    return runs_in(archive).keys() if own is None else own.keys()


def forget(home: Home, keys: Collection[str]) -> None:
    """Drops rows: what is written under these keys next may have the stamp of what they had."""
    known = _read(home)
    if any(not own.keys().isdisjoint(keys) for own in known.values()):
        _write(home, {name: {k: row for k, row in own.items() if k not in keys} for name, own in known.items()})


def _archives(home: Home) -> Iterator[Path]:
    return iter(sorted(home.packed.glob("[!.]*.zip")))


def _known(known: Mapping[str, dict[str, tuple[Stamp, Summary]]], archive: Path) -> dict[str, Any] | None:
    """The rows of an archive; None where there are none of it as it is."""
    own = known.get(archive.name)
    return own if own and next(iter(own.values()))[0] == _stamp(archive.stat()) else None


def _stamp(about: os.stat_result) -> Stamp:
    return about.st_ino, about.st_mtime_ns


def _summary(folder: Folder) -> Summary:
    sizes = (
        {file.name: file_size(file) for file in run_files(folder)} if not isinstance(folder, Path) else _sizes(folder)
    )
    bare = Summary(sum(sizes.values()), "weights.safetensors" in sizes)
    try:
        result = json.loads((folder / "result.json").read_bytes())
        sources, finished = result.get("sources"), result["finished"]
        device, processor = str(result.get("device_name", "")), str(result.get("hardware", "")).partition(",")[0]
        return bare._replace(
            seconds=float(result["seconds"]),
            test_seconds=float(result["test_seconds"]),
            finished=str(finished) if type(finished) in {int, float} and isfinite(finished) else "",
            sources="" if sources is None else json.dumps(sources),
            device=processor if device == "cpu" else device,
            sharing=int(result.get("gpu_workers", 1)),
        )
    except (OSError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, *BROKEN):
        return bare


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file of a stored run: so it takes a third of the time of asking for each by its name."""
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat().st_size for entry in entries if entry.name in RUN_FILES and entry.is_file()}


def file_size(file: Folder) -> int:
    """Bytes that a file of a stored run takes on disk."""
    return file.stat().st_size if isinstance(file, Path) else file.root.getinfo(file.at).compress_size


def _path(home: Home) -> Path:
    return home.path / "index.parquet"


def _read(home: Home) -> _Rows:
    """The rows there are; none where the file is missing, damaged or of another form. Not to be changed."""
    try:
        about = _path(home).stat()
        return _read_file(_path(home), about.st_ino, about.st_size, about.st_mtime_ns)
    except (OSError, ValueError, pa.ArrowException):
        return {}


@lru_cache(maxsize=1)
def _read_file(path: Path, _inode: int, _size: int, _changed: int) -> _Rows:
    table = pa.parquet.read_table(path, use_threads=False, page_checksum_verification=True)
    if table.schema.remove_metadata() != _SCHEMA:
        raise ValueError("of another form")
    archives, inodes, changes, keys, *columns = (_values(table[name]) for name in _SCHEMA.names)
    rows = _Rows()
    stamped = zip(inodes, changes, strict=True)
    for archive, key, stamp, summary in zip(archives, keys, stamped, map(Summary, *columns), strict=True):
        rows.setdefault(archive, {})[key] = stamp, summary
    return rows


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Values of a column, equal texts as one."""
    if not pa.types.is_string(column.type):
        return list(column.to_pylist())
    coded = column.combine_chunks().dictionary_encode()
    texts = coded.dictionary.to_pylist()
    return [texts[number] for number in coded.indices.to_pylist()]


def _write(home: Home, rows: Mapping[str, Mapping[str, tuple[Stamp, Summary]]]) -> None:
    """Writes the index; where that cannot be, there is none, and records are read again."""
    lines = [(name, *stamp, key, *summary) for name, own in rows.items() for key, (stamp, summary) in own.items()]
    columns = zip(*lines, strict=True) if lines else [()] * len(_SCHEMA)
    table = pa.table([pa.array(column, of) for column, of in zip(columns, _SCHEMA.types, strict=True)], schema=_SCHEMA)
    beside = home.unfinished / f"index.{unique()}"
    try:
        beside.parent.mkdir(exist_ok=True)
        pa.parquet.write_table(table, beside, write_page_checksum=True)
        replace(beside, _path(home))
    except OSError:
        pass
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
