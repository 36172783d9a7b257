"""Holders of claims: what a process says of itself to the others that use its home, and what these can see of it."""

import os
import secrets
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic.dataclasses import dataclass as checked

from afnetm.errors import UserError
from benchmarks.records.home import without_secrets

#: Seconds without a sign after which a process is taken for dead; as an environment variable. Each process says its
#: own to the others, and gives a sign six times as often.
LIMIT, LIMIT_VARIABLE = 90.0, "AFNETM_CLAIM_LIMIT"
#: Kinds of holders: who trains or searches beside others, and who has to be alone in the home.
DRIVER, ALONE = "driver", "alone"


@checked(frozen=True)
class Holder:
    """Holder of a claim.

    Attributes:
        kind: of its lease.
        token: its own, never used again.
        host: of its machine.
        machine: where its process number counts: a boot of a machine, and a container there; empty where not known.
        pid: its process number.
        since: when it began, by its own clock.
        device: what it trains on; empty where it does not.
        command: its command line, without passwords.
        limit: after so many seconds without a sign it is dead.
    """

    kind: str
    token: str
    host: str
    machine: str
    pid: int
    since: str
    device: str
    command: str
    limit: float

    @property
    def lease(self) -> str:
        """Name of its lease."""
        return f"{self.kind}.{self.token}"

    def anew(self) -> "Holder":
        """The same process under a token that no holder has had."""
        return replace(self, token=f"{self.host}-{self.pid}-{secrets.token_hex(4)}")

    def gone(self, here: str) -> bool:
        """Whether a process on the machine `here`, which is this one, sees that it has ended; never of another machine.

        Where its number is another's by now, its lease says so in time.
        """
        if not self.machine or self.machine != here:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since} (afnetm {self.command})"


def this_process(kind: str, *, device: str = "") -> Holder:
    """This process as a holder, under a name that no other has.

    Raises:
        UserError: the environment names a limit that is none.
    """
    return Holder(
        kind=kind,
        token="",
        host=socket.gethostname(),
        machine=machine(),
        pid=os.getpid(),
        since=datetime.now(UTC).isoformat("T", "seconds"),
        device=device,
        command=without_secrets(" ".join(sys.argv[1:])),
        limit=_limit(),
    ).anew()


def is_lease(name: str) -> bool:
    """Whether a file in the folder of claims is called as a lease is."""
    return name.startswith((f"{DRIVER}.", f"{ALONE}."))


def machine() -> str:
    """Name of what has this process' number to itself: this boot of this machine, and this container on it."""
    if sys.platform != "linux":
        return socket.gethostname()
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _limit() -> float:
    text = os.environ.get(LIMIT_VARIABLE, "")
    try:
        limit = float(text or LIMIT)
    except ValueError:
        limit = 0.0
    if not 1 <= limit < float("inf"):
        raise UserError(f"{LIMIT_VARIABLE}: '{text}' is not allowed; seconds, at least 1")
    return limit
