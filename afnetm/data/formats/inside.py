"""Files inside a data set's folder: found and read without ever leaving it, whatever a link, url or table says."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from afnetm.errors import UserError

#: Larger files are refused unread, bytes: a face of a million triangles as text has a tenth of it.
MAX_BYTES = 2**30


@dataclass(frozen=True)
class DataFolder:
    """The folder of a data set. All names are relative to it, with ``/`` between their parts.

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

        Data sets made on Windows name files in other cases than they have: where there is none of this very name, the
        one that differs in case only is meant, if it is the only one.

        Raises:
            UserError: it leads out of the folder.
        """
        if not name or "\0" in name or "\\" in name or ":" in name or PurePosixPath(name).is_absolute():
            raise UserError(f"{name!r}: not the name of a file in the data folder (allowed: a relative path with '/')")
        try:
            path = self._any_case(name)
            resolved = path.resolve() if path else self.root / os.path.normpath(name)
        except (OSError, RuntimeError, UnicodeError):  # a loop of links, a name that no file can have
            return None
        if not resolved.is_relative_to(self.root):
            raise UserError(f"{name!r}: leads out of the data folder")
        return resolved if path else None

    def read(self, name: str, *, limit: int = MAX_BYTES) -> bytes:
        """The content of the file called `name`.

        Raises:
            UserError: there is none, it leads out of the folder, is no plain file, is larger than `limit` bytes or
                cannot be read.
        """
        path = self.find(name)
        if path is None:
            raise UserError(f"{name}: there is no such file")
        try:
            # Not waiting for a writer, should it be a pipe; what was opened is what is looked at.
            with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise UserError(f"{name}: not a plain file")
                if found.st_size > limit:
                    raise UserError(f"{name}: {found.st_size} bytes (allowed: up to {limit})")
                return file.read(limit)
        except OSError as error:
            raise UserError(f"{name}: cannot be read ({error.strerror})") from None

    def listing(self, names: Iterable[str]) -> str:
        """A digest of the names and sizes of files: whether a folder is still the one that was looked at."""
        digest = hashlib.sha256()
        for name in sorted(names):
            path = self.find(name)
            digest.update(f"{name}\0{path.stat().st_size if path else -1}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()[:16]

    def _any_case(self, name: str) -> Path | None:
        path = self.root / name
        if path.exists():
            return path
        path = self.root
        for part in PurePosixPath(name).parts:
            exact = path / part
            if part == ".." or exact.exists():
                path = exact
                continue
            alike = [entry for entry in os.scandir(path) if entry.name.lower() == part.lower()] if path.is_dir() else []
            if len(alike) != 1:
                return None
            path = Path(alike[0].path)
        return path
