"""Claims: several processes on one home, of one machine or of many, agree by files which of them does what.

Each has a lease, a file that it touches now and then. A claim is a file that was created exclusively and names a lease;
it holds for as long as that lives. Whether it does is seen on the file server's clock alone: what two files of one
folder say of when they were touched. A claim of the dead is taken away by one at a time, whose turn is again a file
that was created exclusively. Nothing here asks for locks of a file system, which may be each machine's own.

What is done under a claim must bear being done twice, and who was stopped meanwhile has to ask `Claims.holds` before
writing what must not be: a process that sleeps cannot know that it does.
"""

import hashlib
import itertools
import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from benchmarks.records.holders import DRIVER, LIMIT, Holder, is_lease, this_process
from benchmarks.records.home import Home


@dataclass(frozen=True)
class _Found:
    """A claim as it was read: its text, its holder unless it is half-written, and when it was touched."""

    text: str
    holder: Holder | None
    touched: float


class Claims:
    """The claims of this process in a home, given back at the end of the context.

    Args:
        home: where; it must be there.
        kind: of its lease.
        device: what is trained on.
    """

    def __init__(self, home: Home, *, kind: str = DRIVER, device: str = "") -> None:
        self._folder = home.claims
        self._be(this_process(kind, device=device))
        self._mine: set[str] = set()
        #: Whether no other driver was ever seen beside this one.
        self.alone = True
        self._touching = Lock()
        self._end = Event()
        self._thread = Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._create(self._lease, self._text)
        self._thread.start()
        self._sweep()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # where it cannot be done, the claims end with the lease
            for name in list(self._mine):
                self.release(name)
            self._sweep()
        self._end.set()
        self._thread.join()
        self._lease.unlink(missing_ok=True)

    def take(self, name: str) -> bool:
        """Claims `name`, a file's; whether it is this process' now. One that is already stays so."""
        self._mine.add(name)  # before it is: who is interrupted over it gives it back
        if self._took(self._folder / name):
            self._mine.add(name)  # who began anew meanwhile had claimed nothing
            return True
        self._mine.discard(name)
        return False

    def _took(self, path: Path) -> bool:
        for _ in range(3):  # it may be given back, or taken from the dead by another, meanwhile
            if self._create(path, self._text):
                return True
            found = self._read(path)
            if found is None:
                continue
            if found.text == self._text:
                return True
            if self._alive(found):
                self.alone = False
                return False
            if not self._remove(path, found):
                return False
        return False

    def wait(self, name: str, *, seconds: float) -> bool:
        """Claims `name` as soon as nobody else has; False where somebody has it for so long."""
        deadline = time.monotonic() + seconds
        while not self.take(name):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def holds(self, name: str) -> bool:
        """Whether it is this process' still: one that was stopped for long has lost it."""
        self._now()  # nobody else may have noticed yet, and be about to
        found = self._read(self._folder / name)
        if found is not None and found.text == self._text:
            return True
        self._mine.discard(name)
        return False

    def release(self, name: str) -> None:
        """Gives a claim back; another's stays."""
        if self.holds(name):
            (self._folder / name).unlink(missing_ok=True)
        self._mine.discard(name)

    def other(self, name: str) -> Holder | None:
        """The other process that has claimed it and lives; None where there is none."""
        found = self._read(self._folder / name)
        alive = found is not None and found.text != self._text and self._alive(found)
        return found.holder if found is not None and alive else None

    def taken(self, prefix: str) -> set[str]:
        """Names that begin with `prefix`, that others have claimed and that live; looks at each."""
        return {name for name, _, alive in self._of_others(prefix) if alive}

    def _of_others(self, prefix: str = "") -> Iterator[tuple[str, _Found, bool]]:
        """Claims of others: name, as it was read, whether its holder lives; leases are not among them."""
        lives: dict[str, bool] = {}
        for name in self._names():
            if not name.startswith(prefix) or is_lease(name):
                continue
            found = self._read(self._folder / name)
            if found is None or found.text == self._text:
                continue
            if found.holder is None:
                yield name, found, self._alive(found)
                continue
            lease = found.holder.lease
            if lease not in lives:
                lives[lease] = self._lives(lease)
            yield name, found, lives[lease]

    def _sweep(self) -> None:
        """Takes away what the dead have left, which nobody else may ever look at."""
        for name, found, alive in self._of_others():
            if not alive:
                self._remove(self._folder / name, found)
        for name in filter(is_lease, self._names()):
            if not self._lives(name):
                (self._folder / name).unlink(missing_ok=True)

    def others(self) -> list[Holder]:
        """The other drivers that live, in an order that is the same for all of them."""
        own = self.holder.lease
        names = [name for name in self._names() if name.startswith(f"{DRIVER}.") and name != own]
        found = [self._read(self._folder / name) for name in names if self._lives(name)]
        there = sorted((one.holder for one in found if one and one.holder), key=lambda holder: holder.token)
        self.alone = self.alone and not there
        return there

    @property
    def rank(self) -> float:
        """Place of this driver among those that live, at least 0 and below 1: each may begin at another."""
        tokens = sorted([self.holder.token, *(holder.token for holder in self.others())])
        return tokens.index(self.holder.token) / len(tokens)

    def last(self, what: str) -> bool:
        """Ends the claim to take part in `what` (`join`); whether nobody else does any more."""
        leaving = f"leaving.{digest(what)}"
        self.wait(leaving, seconds=math.inf)  # two who leave at once would each see the other
        try:
            self.release(self._part(what))
            return not self.taken(f"part.{digest(what)}.")
        finally:
            self.release(leaving)

    def join(self, what: str) -> None:
        """Claims to take part in `what`, as others may, too."""
        self.take(self._part(what))

    def _part(self, what: str) -> str:
        return f"part.{digest(what)}.{self.holder.token}"

    def _names(self) -> list[str]:
        return [name for name in os.listdir(self._folder) if not name.startswith(".")]

    def _beat(self) -> None:
        while not self._end.wait(self.holder.limit / 6):
            with suppress(OSError):  # a file server may be away for a while
                self._now()

    def _be(self, holder: Holder) -> None:
        self.holder, self._text, self._lease = holder, json.dumps(asdict(holder)), self._folder / holder.lease

    def _now(self) -> float:
        """Touches the lease; returns when that was, by the server's clock.

        Who finds it older than its limit, or gone, could have been taken for dead until then, and begins anew as
        another holder, which has claimed nothing: so no claim is held by one that may be losing it.
        """
        with self._touching:
            try:
                before = self._lease.stat().st_mtime
                os.utime(self._lease)
                now = self._lease.stat().st_mtime
                if now - before <= self.holder.limit:
                    return now
            except FileNotFoundError:
                pass
            self._lease.unlink(missing_ok=True)
            self._be(self.holder.anew())
            self._mine.clear()
            self._create(self._lease, self._text)
            return self._lease.stat().st_mtime

    def _alive(self, found: _Found) -> bool:
        """Whether who has a claim lives."""
        if found.holder is None:  # about to be written, or killed over that
            return self._now() - found.touched <= LIMIT
        return self._lives(found.holder.lease)

    def _lives(self, lease: str) -> bool:
        found = self._read(self._folder / lease)
        if found is None:
            return False
        if found.holder is None:
            return self._now() - found.touched <= LIMIT
        if found.holder.gone(self.holder.machine):
            return False
        return self._now() - found.touched <= found.holder.limit

    def _create(self, path: Path, text: str) -> bool:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
        except BaseException:  # interrupted, or the disk is full: half-written, it would be waited for
            path.unlink(missing_ok=True)
            raise
        return True

    def _read(self, path: Path) -> _Found | None:
        try:
            with open(path, encoding="utf-8") as file:  # over NFS, only opening asks the server how old it is
                text, touched = file.read(), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        try:
            return _Found(text, Holder(**json.loads(text)), touched)
        except (ValueError, TypeError, RecursionError):
            return _Found(text, None, touched)

    def _remove(self, path: Path, found: _Found) -> bool:
        """Takes a dead one's claim away; False where another was faster.

        One at a time may: who has looked before would else move the claim that the fastest has made since.
        """
        turn = self._turn(digest(f"{path.name} {found.text}"))
        if turn is None:
            return False
        try:
            there = self._read(path)
            return there == found and self._move(path, found)
        finally:
            turn.unlink(missing_ok=True)

    def _turn(self, what: str) -> Path | None:
        """File that was created exclusively for `what`; None where another that lives has created one."""
        for number in itertools.count():
            turn = self._folder / f".turn.{what}.{number}"
            if self._create(turn, self._text):
                return turn
            found = self._read(turn)
            if found is None or self._alive(found):
                return None
        raise AssertionError("numbers do not end")

    def _move(self, path: Path, found: _Found) -> bool:
        mine = path.with_name(f".{path.name}.{self.holder.token}")
        try:
            path.rename(mine)
        except FileNotFoundError:
            if not mine.exists():  # else it was done, and reported as failed: a client may have asked twice
                return False
        moved = self._read(mine)
        if moved is not None and moved.text != found.text:  # its holder woke up, and gave it back to another
            self._create(path, moved.text)
        mine.unlink(missing_ok=True)
        return moved is not None and moved.text == found.text


def digest(name: str) -> str:
    """Any name as a part of a file's."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]
