"""A Ray cluster to train on: one that is there, joined by its address, or this machine's own, for as long as a command.

What Ray itself says stays in its own logs: the terminal is the program's, and standard output holds results alone.
"""

import logging
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from afnetm.errors import UserError
from afnetm.workers import core_count, environment
from benchmarks.execution.slots import visible_gpus

#: A cluster of this machine's listens on the loopback interface alone (the variable's name says of which systems that
#: is the custom), asks everyone for a token that only its own processes are told, and sends nobody anything.
_LOCAL = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # or whatever else runs here would come first, as it does not with local workers
}
#: Bytes that this machine's own cluster shares between processes: a run and its record need little, as the dataset is
#: read where it is.
_SHARED_MEMORY = 200 * 2**20
#: For the head of a cluster to answer at all.
_SECONDS = 10.0
#: Where a token for clusters may be, beside a file in the user's folder.
_TOKENS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


@dataclass(frozen=True)
class Resources:
    """Resources of a cluster: its machines, their cores and GPUs in all."""

    nodes: int
    cores: int
    gpus: int


@contextmanager
def joined(address: str | None, *, cores: int | None = None) -> Iterator[Resources]:
    """A connection to a Ray cluster; afterwards Ray's processes that were started for it have ended.

    Args:
        address: ``HOST:PORT`` of a cluster's head, or ``"auto"`` for the one that this machine is part of; None to
            start one of this machine alone.
        cores: how many runs at once one of this machine alone has room for on its cores; as many as it has by default.

    Raises:
        UserError: the cluster cannot be joined or started.
    """
    handler = signal.getsignal(signal.SIGTERM)
    place = "/tmp" if Path("/tmp").is_dir() else None  # Ray's sockets are in it, whose paths have few letters to spare
    with tempfile.TemporaryDirectory(prefix="afnetm-ray-", dir=place, ignore_cleanup_errors=True) as folder:
        # Ray's workers look for modules in the folder that is the current one now, which may have some of our names.
        with environment(_variables(address)), chdir(folder):
            if address is not None:
                _check(address)
            import ray

            settings: Mapping[str, Any] = {"address": address}
            if address is None:
                room = {"num_cpus": cores or core_count(), "num_gpus": len(visible_gpus())}
                settings = {"address": "local", **room, "object_store_memory": _SHARED_MEMORY, "_temp_dir": folder}
            try:
                ray.init(
                    **settings,
                    include_dashboard=False if address is None else None,
                    log_to_driver=False,
                    logging_level=logging.CRITICAL,
                )
            except Exception as error:  # any of many, of Ray's own and of others
                what = f"--ray-address: '{address}'" if address else "--executor ray: a Ray cluster on this machine"
                verb = "joined" if address else "started"
                raise UserError(f"{what} cannot be {verb}: {' '.join(str(error).split())[:300]}") from None
            finally:
                signal.signal(signal.SIGTERM, handler)  # Ray has one of its own, which would end nothing in order
        try:
            _silence()
            there = ray.cluster_resources()
            nodes = sum(node["Alive"] for node in ray.nodes())
            yield Resources(nodes, int(there.get("CPU", 0)), int(there.get("GPU", 0)))
        finally:
            ray.shutdown()


def check_installed() -> None:
    """Refuses to go on without Ray.

    Raises:
        UserError: it is not installed.
    """
    if find_spec("ray") is None:
        raise UserError("--executor ray: Ray is not installed; to install it: pip install 'afnetm[ray]'")


def _variables(address: str | None) -> dict[str, str]:
    """Variables of the environment while Ray begins."""
    if address is None:
        return _LOCAL | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    known = any(name in os.environ for name in _TOKENS) or Path("~/.ray/auth_token").expanduser().is_file()
    return {"RAY_USAGE_STATS_ENABLED": "0"} | ({"RAY_AUTH_MODE": "token"} if known else {})


def _check(address: str) -> None:
    """Makes sure that something answers at an address: Ray itself would end the process after a minute."""
    if address == "auto":
        return
    said = f"--ray-address: '{address}'"
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise UserError(
            f"{said} is not allowed; HOST:PORT of the cluster's head, as `ray start --head` prints it, or auto"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()
    except OSError as error:
        raise UserError(f"{said}: nothing answers there: {error.strerror or error}") from None


def _silence() -> None:
    """Has Ray print nothing of its own to standard output, such as that a process has died: the driver says that."""
    from ray._private import worker

    worker.print_to_stdstream = lambda *_, **__: None
