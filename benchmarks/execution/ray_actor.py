"""An actor of Ray: a process on some machine of a cluster that does one run at a time, as a worker on this one does.

It is told all that it needs and writes nothing into a home: a record goes back as bytes. Nothing here takes torch to
import, which must not happen before the process knows its GPU.
"""

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from afnetm.method_files import VARIABLE
from benchmarks.execution.slots import VISIBLE, Slot, enter
from benchmarks.execution.workers import Failure, Work, failure
from benchmarks.records.home import Home
from benchmarks.records.provenance import provenance
from benchmarks.records.store import files_of

if TYPE_CHECKING:
    from afnetm.data.dataset import FaceDataset
    from benchmarks.plans.runs import PlannedRun  # torch, by way of the methods


@dataclass(frozen=True)
class Orders:
    """Orders for every actor, its first.

    Attributes:
        slot: what its process begins with, but for the GPU, which Ray names.
        home: the home's path on the driver's machine.
        probe: a file in it, and what is written there: who can read that has the same folder there.
        method_files: the methods' files by their paths on the driver's machine.
        versions: of what decides numbers, and the commit, on the driver's machine.
    """

    slot: Slot
    home: Path
    probe: tuple[str, str]
    method_files: Mapping[str, bytes]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Arrived:
    """An actor's answer to them.

    Attributes:
        node: its machine, as Ray names it.
        host: the address of that.
        reaches_home: whether it reads datasets in the home; it has to be given them otherwise.
        gpus: as ``CUDA_VISIBLE_DEVICES`` has them; empty on a CPU.
    """

    node: str
    host: str
    reaches_home: bool
    gpus: str


class Actor:
    """The process. Its errors are answers: an exception that Ray brings back is one of the cluster's."""

    def begin(self, orders: Orders) -> Arrived | str:
        """Makes the process what a worker is; answers with why it is of no use, in words, where it is not."""
        import ray

        here = ray.get_runtime_context()
        host = ray.util.get_node_ip_address()
        if different := _different(orders.versions, versions()):
            return f"{host}: {different}; install the same on every machine of the cluster"
        # Not what Ray has set itself: where something else has, a scheduler, say, it leaves that as it is.
        gpus = ",".join(map(str, ray.get_gpu_ids()))
        if orders.slot.device == "cuda":
            os.environ[VISIBLE] = gpus
        os.environ[VARIABLE] = os.pathsep.join(_placed(orders.method_files))
        self._home = Home(orders.home)
        name, token = orders.probe
        try:
            reached = (orders.home / name).read_text() == token
        except OSError:
            reached = False
        enter(orders.slot)
        return Arrived(here.get_node_id(), host, reached, gpus)

    def hold(self, dataset: "FaceDataset") -> None:
        """Takes a dataset that it cannot read where it is, after a look at every scan of it.

        Raises:
            UserError: it has not arrived as it was sent.
        """
        from afnetm.data.dataset import check_maps
        from benchmarks.execution import executing

        check_maps(dataset)
        executing.held[dataset.fingerprint] = dataset

    def there(self) -> bool:
        """Answers, as long as it lives."""
        return True

    def run(self, planned: "PlannedRun", work: Work) -> tuple[dict[str, bytes] | None, float] | Failure:
        """Does a run; the files of its record, if it has one, and the seconds that it took, or why it failed."""
        started = time.perf_counter()
        try:
            record = work(planned, self._home)
            return None if record is None else files_of(record), time.perf_counter() - started
        except BaseException as error:  # a method may raise anything, or exit
            return failure(error, planned)


def versions() -> dict[str, str]:
    """Versions that decide numbers, and the commit where it is known."""
    found = provenance()
    there = {name: found["versions"].get(name, "none") for name in ("afnetm", "torch", "timm", "numpy")}
    return there | {"commit": found["commit"]}


def _different(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    """The differences in words; a commit that is not known is none."""
    known = {name for name in wanted if "unknown" not in (wanted[name], found[name])}
    return ", ".join(
        f"{name} {found[name]} ({wanted[name]} here)"
        for name in wanted
        if name in known and wanted[name] != found[name]
    )


def _placed(files: Mapping[str, bytes]) -> list[str]:
    """Paths of method files on this machine: where they are, if the same is there, or in a temporary folder."""
    found = []
    for path, content in files.items():
        there = Path(path)
        if not there.is_file() or there.read_bytes() != content:
            there = Path(tempfile.mkdtemp(prefix="afnetm-")) / there.name
            there.write_bytes(content)
        found.append(str(there))
    return found
