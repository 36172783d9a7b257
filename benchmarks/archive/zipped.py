"""The archive that records travel in: a zip of plain files that its contents.json names, with their sizes and digests.

Written, it is the same bytes for the same content. Read, it is believed in nothing: neither its names, which must be
of the few shapes that there are and so lead nowhere, nor its sizes, nor its content, which must have the digests that
its contents.json says. Nothing of it is ever unpacked by name, and no member may be anything but a plain file.
"""

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afnetm.errors import UserError
from benchmarks.archive.schemas import Contents
from benchmarks.archive.strict_json import dumps, parsed, shaped
from reports.formats import in_a_line

#: Raised whenever what members hold, or mean, changes.
FORMAT = 1
CONTENTS, MANIFEST, FAILURES, BEST_PARAMETERS = (
    "contents.json",
    "manifest.json",
    "failures.json",
    "best-parameters.toml",
)

#: Bytes that a file of a record may have at most; there are no others.
RECORD = {
    "result.json": 2**20,
    "curves.csv": 2**26,
    "predictions.csv": 2**26,
    "auxiliary_outputs.safetensors": 2**30,
    "gradcam.safetensors": 2**28,
    "weights.safetensors": 2**32,
}
_LIMITS = {CONTENTS: 2**26, MANIFEST: 2**26, FAILURES: 2**24, BEST_PARAMETERS: 2**22, **RECORD}
_NAME = re.compile(
    r"(contents|manifest|failures)\.json|best-parameters\.toml"
    r"|runs/[0-9a-f]{20}/(result\.json|(curves|predictions)\.csv|(auxiliary_outputs|gradcam|weights)\.safetensors)",
    re.ASCII,
)
MAX_MEMBERS = 300_000
#: Unpacked, in bytes: in all, and per byte of the archive, of which text takes about a tenth.
MAX_BYTES, MAX_RATIO = 2**38, 100
_SMALL = 2**24  # whatever its ratio
#: Of a member's header: levels of deflate, sizes behind the data, names in UTF-8; nothing encrypted, nothing patched.
_FLAGS = 0x0002 | 0x0004 | 0x0008 | 0x0800
#: Python's own for a file that is not what it says.
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that zip knows


def write_archive(out: Path, members: Iterable[tuple[str, bytes]], about: Mapping[str, Any]) -> None:
    """Writes an archive at `out`, of `members` by name and then the contents, which is `about` and their digests.

    Raises:
        UserError: it cannot be written.
    """
    listed = {}
    try:
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in members:
                listed[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                _put(archive, name, content)
            _put(archive, CONTENTS, dumps({"format": FORMAT, **about, "members": listed}))
        with out.open("rb") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(f"archive '{out}' cannot be written: {error.strerror}") from None


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = 3  # Unix, on whatever system
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.compress_type = zipfile.ZIP_DEFLATED if name.endswith((".json", ".csv", ".toml")) else zipfile.ZIP_STORED
    archive.writestr(info, content)


@dataclass(frozen=True)
class Archive:
    """An archive that was opened: its members are those that its contents names, and of allowed sizes."""

    name: str
    contents: Contents
    _zip: zipfile.ZipFile
    _infos: Mapping[str, zipfile.ZipInfo]

    @property
    def keys(self) -> list[str]:
        """Of the runs that it has records of, sorted."""
        return sorted({name.split("/")[1] for name in self.contents.members if name.startswith("runs/")})

    @property
    def size(self) -> int:
        """Bytes of all members, unpacked."""
        return sum(member.size for member in self.contents.members.values())

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self.contents.members

    def where(self, name: str) -> str:
        """What errors call a member."""
        return f"{self.name}: {name}"

    def read(self, name: str) -> bytes:
        """A member's content.

        Raises:
            UserError: there is none, or it is not what its contents.json says.
        """
        if not self.has(name):
            raise UserError(f"{self.where(name)} is missing")
        content = _read(self._zip, self._infos[name], self.where(name))
        found, message = hashlib.sha256(content).hexdigest(), self.contents.members[name].sha256
        if found != message:
            raise UserError(
                f"{self.where(name)}: its SHA-256 is {found[:12]}..., its contents.json says {message[:12]}..."
            )
        return content


@contextmanager
def open_archive(path: Path, *, name: str | None = None) -> Iterator[Archive]:
    """Opens an archive and checks all of it but its members' content; errors call it `name`, or as its file is called.

    Raises:
        UserError: it cannot be read or is no such archive; names the member, what is wrong and what is allowed.
    """
    if not path.is_file():  # opening alone may do something to a device
        raise UserError(f"archive '{path}': {'not a plain file' if path.exists() else 'there is no such file'}")
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise UserError(f"archive '{path}' cannot be read: {error.strerror or error}") from None
    except _BROKEN as error:
        raise UserError(f"archive '{path}' is not a zip archive, or a damaged one: {in_a_line(str(error))}") from None
    with archive:
        name = name or path.name
        infos = _checked(archive.infolist(), name, packed=path.stat().st_size)
        where = f"{name}: {CONTENTS}"
        if CONTENTS not in infos:
            raise UserError(f"{where} is missing: not an archive of `afnetm export`")
        message = parsed(_read(archive, infos[CONTENTS], where), where)
        version = message.get("format") if isinstance(message, dict) else None
        if version != FORMAT:
            raise UserError(f"{where}: format = {version!r}; this version of afnetm reads {FORMAT}")
        contents = shaped(Contents, message, where)
        _agreeing(infos, contents, name)
        yield Archive(name, contents, archive, infos)


def _checked(infos: list[zipfile.ZipInfo], archive: str, *, packed: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name, once all of them may be looked at."""
    if len(infos) > MAX_MEMBERS:
        raise UserError(f"{archive}: {len(infos)} members (allowed: up to {MAX_MEMBERS})")
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.orig_filename  # as it is there; `filename` was mended
        where = f"{archive}: member {name[:200]!a}"
        if not _NAME.fullmatch(name) or info.filename != name:
            raise UserError(f"{where}: not a name that an archive of records has, such as runs/KEY/result.json")
        if name in found:
            raise UserError(f"{where} is there twice")
        if not stat.S_ISREG(mode := info.external_attr >> 16) and stat.S_IFMT(mode):
            raise UserError(f"{where} is of kind {stat.filemode(mode)}; plain files alone are allowed")
        if info.flag_bits & ~_FLAGS or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise UserError(f"{where} is encrypted or compressed otherwise than by deflate; neither is allowed")
        limit = _LIMITS[name.rsplit("/", 1)[-1]]
        if info.file_size > limit:
            raise UserError(f"{where}: {info.file_size} bytes (allowed: up to {limit})")
        found[name] = info
    total = sum(info.file_size for info in infos)
    allowed = min(MAX_BYTES, max(_SMALL, MAX_RATIO * packed))
    if total > allowed:
        raise UserError(f"{archive}: {packed} bytes that unpack to {total} (allowed: up to {allowed})")
    return found


def _agreeing(infos: Mapping[str, zipfile.ZipInfo], contents: Contents, archive: str) -> None:
    """Raises `UserError` unless the members are those that the contents names, of the sizes that it says."""
    there, message = infos.keys() - {CONTENTS}, contents.members
    for names, fault in (
        (there - message.keys(), "contents.json does not name it"),
        (message.keys() - there, "is missing"),
    ):
        if names:
            raise UserError(f"{archive}: member {min(names)[:200]!a}: {fault}")
    for name, member in message.items():
        if member.size != infos[name].file_size:
            raise UserError(f"{archive}: {name}: {infos[name].file_size} bytes, its contents.json says {member.size}")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> bytes:
    try:
        with archive.open(info) as file:
            content = file.read(info.file_size + 1)
    except (*_BROKEN, OSError) as error:
        raise UserError(f"{where}: damaged: {in_a_line(str(error))}") from None
    if len(content) != info.file_size:
        raise UserError(f"{where}: {len(content)} bytes, its header says {info.file_size}")
    return content
