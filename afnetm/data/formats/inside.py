"""Files inside a dataset's folder: found and read without ever leaving it, whatever a link, url or table says."""

import hashlib
import os
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from afnetm.errors import UserError

#: Characters that no message can show on its line: controls, halves of pairs (bytes that are not UTF-8), line ends.
_ODD = ("Cc", "Cs", "Zl", "Zp")
#: A path from the root of a machine, a drive or a share.
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?/")
#: Larger files are refused unread, bytes: a face of a million triangles has about 80 MB as text.
MAX_BYTES = 2**27


@dataclass(frozen=True)
class DataFolder:
    """The folder of a dataset. All names are relative to it, with ``/`` between their parts.

    Raises:
        UserError: `path` is no folder that can be read.
    """

    path: Path

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise UserError(f"folder {self.path}: there is no such folder")

    @cached_property
    def root(self) -> Path:
        """The folder itself, every link on the way to it followed: that it is elsewhere is the user's own doing."""
        return self.path.resolve()

    def names(self) -> Iterator[str]:
        """The names of all files, in the order of the alphabet; links to folders are not followed.

        Raises:
            UserError: a folder cannot be read.
        """

        def refuse(error: OSError) -> None:
            raise UserError(f"folder {error.filename}: cannot be read ({error.strerror})")

        for directory, folders, files in os.walk(self.root, onerror=refuse):
            folders.sort()
            inside = PurePosixPath(Path(directory).relative_to(self.root).as_posix())
            yield from (str(inside / name) for name in sorted(files))

    def find(self, name: str) -> Path | None:
        """The file that `name` stands for; None where there is none.

        Datasets made on Windows name files in other cases than they have: where there is none of this very name, the
        one that differs in case only is meant, if it is the only one.

        Raises:
            UserError: it leads out of the folder.
        """
        odd = any(unicodedata.category(character) in _ODD for character in name)
        if not name or odd or "\\" in name or ":" in name or name.startswith("/"):
            raise UserError(f"{name!a}: not the name of a file in the data folder (allowed: relative, with '/')")
        parts = PurePosixPath(posixpath.normpath(name)).parts
        if ".." in parts:
            raise UserError(f"{name}: points outside the data folder")
        try:
            path = self._any_case(parts)
            resolved = path.resolve() if path else None
            if resolved and not resolved.is_relative_to(self.root):
                raise UserError(f"{name}: points outside the data folder")
            return resolved if resolved and resolved.exists() else None
        except (OSError, RuntimeError):  # a loop of links, a name too long, a folder that may not be looked into
            return None

    def beside(self, name: str, other: str) -> str | None:
        """The file that the file called `name` calls `other`, by its name in the folder; None where there is none.

        Either slash serves, quotes, and the escapes of web addresses. By an absolute path, which is that of the machine
        that wrote it, the file of this name beside the one that says so is meant.

        Raises:
            UserError: it leads out of the folder.
        """
        other = other.replace("\\", "/").strip('"')
        if _ABSOLUTE.match(other):
            other = posixpath.basename(other)
        for spelling in dict.fromkeys((other, unquote(other), re.split(r"\s#", other)[0])):
            if spelling and (path := self.find(posixpath.join(posixpath.dirname(name), spelling))):
                return path.relative_to(self.root).as_posix()
        return None

    def read(self, name: str, *, limit: int = MAX_BYTES) -> bytes:
        """The content of the file called `name`.

        Raises:
            UserError: there is none, it leads out of the folder, is no plain file, is larger than `limit` bytes or
                cannot be read.
        """
        path = self.find(name)
        if path is None:
            raise UserError(f"{name}: there is no such file")
        if not path.is_file():  # opening alone may do something to a device
            raise UserError(f"{name}: not a regular file")
        try:
            with open(path, "rb", opener=_open) as file:
                size = os.fstat(file.fileno()).st_size
                if size > limit:
                    raise UserError(f"{name}: {size} bytes (allowed: up to {limit})")
                return file.read(limit)
        except OSError as error:
            raise UserError(f"{name}: cannot be read ({error.strerror})") from None

    def listing(self, names: Iterable[str]) -> str:
        """A digest of the names and sizes of files: whether a folder is still the one that was looked at."""
        digest = hashlib.sha256()
        for name in sorted(names):
            digest.update(f"{name}\0{self._size(name)}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()[:16]

    def _size(self, name: str) -> int:
        """Bytes of a file; -1 where there is none to be read, which is for its reader to say."""
        try:
            path = self.find(name)
            return path.stat().st_size if path else -1
        except (OSError, UserError):
            return -1

    def _any_case(self, parts: Sequence[str]) -> Path | None:
        path = self.root
        for part in parts:
            exact = path / part
            if exact.exists():
                path = exact
                continue
            if not path.resolve().is_relative_to(self.root):  # nor are folders elsewhere listed
                return path
            alike = [entry for entry in os.scandir(path) if entry.name.lower() == part.lower()] if path.is_dir() else []
            if len(alike) != 1:
                return None
            path = Path(alike[0].path)
        return path


def _open(path: str, flags: int) -> int:
    """Opens without waiting for a writer, should the file have become a pipe meanwhile."""
    return os.open(path, flags | os.O_NONBLOCK)
