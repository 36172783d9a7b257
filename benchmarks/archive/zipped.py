"""A home, or the part of it that a suite needs, in one zip file, its files as they are in a home.

Written, it is the same bytes for the same content. Read, it is believed in nothing: members have names that files of a
home have, and so lead nowhere, are plain files of bounded sizes, and are written under those names and no others.
"""

import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from afnetm.errors import UserError
from afnetm.strict import formatted
from reports.formats import in_a_line

_KEY = "[0-9a-f]{20}"
#: What a home has, and how many bytes of it are taken at most.
_FILES = {
    r"suites/[^/\\.][^/\\]*\.json": 2**26,
    r"searches/[^/\\.][^/\\]*\.toml": 2**24,
    rf"failures/{_KEY}\.json": 2**16,
    rf"runs/{_KEY}/result\.json": 2**20,
    rf"runs/{_KEY}/(predictions\.parquet|curves\.csv)": 2**26,
    rf"runs/{_KEY}/(auxiliary_outputs|gradcam)\.safetensors": 2**30,
    rf"runs/{_KEY}/weights\.safetensors": 2**32,
}
#: Unpacked bytes per byte of the archive, of which text takes about a tenth; and so many in any case.
_RATIO, _SMALL = 100, 2**24
#: Python's own for a file that is not what it says.
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)
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
    if not path.is_file():  # opening alone may do something to a device
        raise UserError(f"archive '{path}' is not a plain file")
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise UserError(f"archive '{path}' cannot be read: {error.strerror or error}") from None
    except _BROKEN as error:
        raise UserError(f"archive '{path}' is not a zip archive, or a damaged one: {in_a_line(str(error))}") from None
    with archive:
        infos = archive.infolist()
        _check(infos, path.name, packed=path.stat().st_size, free=shutil.disk_usage(folder).free)
        for info in infos:
            target = folder / info.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with archive.open(info) as member, target.open("xb") as file:
                    shutil.copyfileobj(member, file)  # no more than the size that it says, which was checked
            except _BROKEN as error:
                raise UserError(f"{path.name}: {info.filename}: damaged: {in_a_line(str(error))}") from None


def _check(infos: list[zipfile.ZipInfo], archive: str, *, packed: int, free: int) -> None:
    """Raises `UserError` unless these members may be unpacked."""
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
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            raise UserError(f"{where} ({stat.filemode(mode)}) is not a plain file")
        if info.flag_bits & 1 or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise UserError(f"{where} is encrypted or compressed otherwise than by deflate; neither is allowed")
        if info.file_size > limit:
            raise UserError(f"{where}: {info.file_size} bytes (allowed: up to {limit})")
    total, allowed = sum(info.file_size for info in infos), max(_SMALL, _RATIO * packed)
    if total > allowed:
        raise UserError(f"{archive}: {packed} bytes that unpack to {total} (allowed: up to {allowed})")
    if 2 * total > free:  # once unpacked, once in the home
        raise UserError(f"{archive}: takes {2e-6 * total:.0f} MB while it is imported; {free / 1e6:.0f} MB are free")


def _limit(name: str) -> int | None:
    """Bytes that a member of this name may have; None where a home has no such file."""
    return next((limit for pattern, limit in _FILES.items() if re.fullmatch(pattern, name, re.ASCII)), None)
