"""A home, or the part of it that a suite needs, in one zip file, its files as they are in a home.

Written, it is the same bytes for the same content. Read, it is believed in nothing: members have names that files of a
home have, and so lead nowhere, are plain files of bounded sizes, and are written under those names and no others.
Stored runs can be read where they are, in the archive, as if each had a folder.
"""

import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from afnetm.errors import UserError
from afnetm.strict import formatted

#: What has the files of a stored run: a folder on disk, or one in an archive.
Folder = Path | zipfile.Path
#: The files of a stored run, and how many bytes each has at most.
RUN_FILES = {
    "result.json": 2**20,
    "predictions.parquet": 2**26,
    "curves.csv": 2**26,
    "auxiliary_outputs.safetensors": 2**30,
    "gradcam.safetensors": 2**30,
    "weights.safetensors": 2**32,
}
#: In ``result.json``, and in a trained model's settings: SHA-256 of the weights beside it.
WEIGHTS_SHA256 = "weights_sha256"
_KEY = "[0-9a-f]{20}"
#: What a home has, and how many bytes of it are taken at most.
_FILES = {
    r"suites/[^/\\.][^/\\]*\.json": 2**26,
    r"searches/[^/\\.][^/\\]*\.toml": 2**24,
    rf"failures/{_KEY}\.json": 2**16,
    **{rf"runs/{_KEY}/{re.escape(name)}": limit for name, limit in RUN_FILES.items()},
}
#: Unpacked bytes per byte of the archive, of which text takes about a tenth; and so many in any case.
_RATIO, _SMALL = 100, 2**24
#: What reading an archive raises that is not what it says, or a member of it.
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that zip knows


def write_archive(out: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Writes an archive at `out`, of `members` by name.

    Raises:
        UserError: it cannot be written.
    """
    try:
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in members:
                info = zipfile.ZipInfo(name, _EPOCH)
                info.create_system = 3  # Unix, on whatever system
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                text = name.endswith((".json", ".csv", ".toml"))
                info.compress_type = zipfile.ZIP_DEFLATED if text else zipfile.ZIP_STORED
                archive.writestr(info, content)
        with out.open("rb") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(f"archive '{out}' cannot be written: {error.strerror}") from None


def unpack(path: Path, folder: Path) -> None:
    """Writes the files of the archive at `path` to `folder`, which then is a home.

    Raises:
        UserError: it cannot be read, or is no such archive; names the member, what is wrong and what is allowed.
    """
    with _opened(path) as archive:
        total, free = sum(info.file_size for info in archive.infolist()), shutil.disk_usage(folder).free
        if 2 * total > free:  # once unpacked, once in the home
            raise UserError(
                f"{path.name}: takes {2e-6 * total:.0f} MB while it is imported; {free / 1e6:.0f} MB are free"
            )
        for info in archive.infolist():
            top, *between, name = info.filename.split("/")
            target = (run_path(folder / top, *between) if top == "runs" else folder / top) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with archive.open(info) as member, target.open("xb") as file:
                    shutil.copyfileobj(member, file)  # no more than the size that it says, which was checked
            except BROKEN as error:
                raise UserError(f"{path.name}: {info.filename}: damaged: {str(error)[:300]}") from None


def runs_in(path: Path) -> dict[str, Folder]:
    """The stored runs in the archive at `path`, by key; its directory is read once for as long as it is the same file.

    Raises:
        FileNotFoundError: it is not there.
        UserError: as `unpack`.
    """
    about = path.stat()
    return _runs_in(path, about.st_ino, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=64)
def _runs_in(path: Path, _inode: int, _size: int, _changed: int) -> dict[str, Folder]:
    archive = _opened(path)
    keys = {name.split("/")[1]: None for name in archive.namelist() if name.startswith("runs/")}
    return {key: zipfile.Path(archive, f"runs/{key}/") for key in keys}


def packed_runs(
    folder: Path, unreadable: Callable[[str], object] = lambda why: None
) -> Iterator[tuple[Path, dict[str, Folder]]]:
    """The archives in a folder that can be read, each with its stored runs by key; says of the others why not."""
    for path in sorted(folder.glob("[!.]*.zip")):
        try:
            yield path, runs_in(path)
        except FileNotFoundError:  # meanwhile
            pass
        except UserError as error:
            unreadable(str(error))


def run_path(runs: Path, key: str) -> Path:
    """Folder of the run `key` below ``HOME/runs``: ``ab/KEY``, by its first two digits, so that no folder has many."""
    return runs / key[:2] / key


def run_folder(folder: Path) -> Folder:
    """``HOME/runs/ab/KEY``, also if only ``HOME/runs/KEY`` is said, or the folder in one of ``HOME/packed/*.zip``."""
    if not folder.is_dir():
        key, above = folder.name, folder.absolute().parent
        runs = above.parent if above.name == key[:2] else above
        if run_path(runs, key).is_dir():
            return run_path(runs, key)
        for _, packed in packed_runs(runs.parent / "packed"):
            if key in packed:
                return packed[key]
    return folder


def run_files(folder: Folder) -> list[Folder]:
    """The files of a stored run, in the order of `RUN_FILES`."""
    return [file for name in RUN_FILES if (file := folder / name).is_file()]


def _opened(path: Path) -> zipfile.ZipFile:
    if not path.is_file():  # opening alone may do something to a device
        raise UserError(f"archive '{path}' is not a regular file")
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise UserError(f"archive '{path}' cannot be read: {error.strerror or error}") from None
    except BROKEN as error:
        raise UserError(f"archive '{path}' is not a zip archive, or a damaged one: {str(error)[:300]}") from None
    try:
        _check(archive.infolist(), path.name, packed=path.stat().st_size)
    except BaseException:
        archive.close()
        raise
    return archive


def _check(infos: list[zipfile.ZipInfo], archive: str, *, packed: int) -> None:
    """Raises `UserError` unless these members may be read."""
    names = set()
    for info in infos:
        name = info.orig_filename  # as it is there; `filename` was mended
        where = f"{archive}: member {formatted(name)}"
        limit = _limit(name) if info.filename == name else None
        if limit is None:
            raise UserError(f"{where}: not a file that a home has, such as suites/NAME.json or runs/KEY/result.json")
        if name in names:
            raise UserError(f"{where} is there twice")
        names.add(name)
        if info.header_offset < 0:  # bytes before it are missing
            raise UserError(f"{where} is damaged: it would begin before the file does")
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            raise UserError(f"{where} ({stat.filemode(mode)}) is not a regular file")
        if info.flag_bits & 1 or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise UserError(f"{where} is encrypted or compressed otherwise than by deflate; neither is allowed")
        if info.file_size > limit:
            raise UserError(f"{where}: {info.file_size} bytes (allowed: up to {limit})")
    total, allowed = sum(info.file_size for info in infos), max(_SMALL, _RATIO * packed)
    if total > allowed:
        raise UserError(f"{archive}: {packed} bytes that unpack to {total} (allowed: up to {allowed})")


def _limit(name: str) -> int | None:
    """Bytes that a member of this name may have; None where a home has no such file."""
    return next((limit for pattern, limit in _FILES.items() if re.fullmatch(pattern, name, re.ASCII)), None)
