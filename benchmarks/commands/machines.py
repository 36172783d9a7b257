"""The machines that a command's runs are trained on: this one, or those of a Ray cluster."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from afnetm.workers import core_count
from benchmarks.commands.request import Options
from benchmarks.execution.driver import Executor
from benchmarks.execution.slots import Slot, check_counts, processes_of, slots, slots_elsewhere
from benchmarks.execution.workers import Worker
from benchmarks.records.home import Home
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.words import counted

if TYPE_CHECKING:
    from benchmarks.execution.ray_cluster import Resources


@dataclass(frozen=True)
class Machines:
    """Machines that runs are trained on.

    Attributes:
        device: ``"cpu"`` or ``"cuda"``.
        slots: places for workers, one run at a time in each.
        processes: of this machine, for what else takes long.
        begin: makes a worker for each of them, to train on a dataset into a home; is given who is told, in a line, what
            happens to them.
        evaluates: whether they read the weights in the home, as they must to evaluate what was trained.
    """

    device: str
    slots: list[Slot]
    processes: int
    begin: Callable[[Home, FaceDataset, Callable[[str], object]], Sequence[Executor]]
    evaluates: bool = True


@contextmanager
def machines(options: Options, console: Terminal) -> Iterator[Machines]:
    """The machines that options ask for, for as long as they are needed.

    Raises:
        UserError: there are none, or they have not what is asked for.
    """
    if options.executor not in {"local", "ray"}:
        raise UserError(f"--executor: '{options.executor}' is not allowed; one of: local, ray")
    if options.executor == "local":
        if options.ray_address is not None:
            raise UserError(f"--ray-address: '{options.ray_address}' is for --executor ray alone")
        yield this_machine(options)
        return
    from benchmarks.execution.ray_cluster import check_installed, joined

    check_installed()
    address = options.ray_address or os.environ.get("RAY_ADDRESS")
    here = this_machine(options) if address is None else None  # which says what this machine lacks
    if here is not None and options.dry:
        yield here
        return
    with ExitStack() as stack:
        with console.status("joining the Ray cluster" if address else "starting Ray"):
            there = stack.enter_context(joined(address, cores=len(here.slots) if here else None))
        yield _by_ray(here.device, len(here.slots), options) if here else _in_cluster(options, there, console)


def this_machine(options: Options) -> Machines:
    """The machine that this process runs on.

    Raises:
        UserError: it has no such device, or not so many.
    """
    device = pick_device(options.device)
    places = slots(device, workers=options.workers, per_gpu=options.workers_per_gpu)
    return Machines(device, places, processes_of(places), lambda home, dataset, say: list(map(Worker, places)))


def pick_device(name: str) -> str:
    """``"cpu"`` or ``"cuda"``, on this machine.

    Raises:
        UserError: no such device, or it is not there.
    """
    _check_device(name)
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UserError("--device: 'cuda' is not available; torch sees no GPU on this machine; allowed: auto, cpu")
    return "cuda" if there and name != "cpu" else "cpu"


def _check_device(name: str) -> None:
    if name not in {"auto", "cpu", "cuda"}:
        raise UserError(f"--device: '{name}' is not allowed; one of: auto, cpu, cuda")


def _in_cluster(options: Options, there: "Resources", console: Terminal) -> Machines:
    """Workers that a cluster has room for now, or as many as are asked for, some of whom have to wait.

    Raises:
        UserError: it has no room for any.
    """
    _check_device(options.device)
    check_counts(options.workers, options.workers_per_gpu)
    device = options.device if options.device != "auto" else "cuda" if there.gpus else "cpu"
    room = there.cores if device == "cpu" else there.gpus * options.workers_per_gpu
    if not room:
        has = f"{counted(there.nodes, 'machine')}, {counted(there.cores, 'core')}, {counted(there.gpus, 'GPU')}"
        lacks = "core" if device == "cpu" else "GPU"
        raise UserError(f"--device: '{device}' is not available; the Ray cluster has no {lacks} (it has {has})")
    count = options.workers or room
    if count > room:
        console.say(f"the Ray cluster has room for {room} of {count} workers; the others begin when machines join it")
    return _by_ray(device, count, options)


def _by_ray(device: str, count: int, options: Options) -> Machines:
    places = slots_elsewhere(device, count, per_gpu=options.workers_per_gpu)

    def begin(home: Home, dataset: FaceDataset, say: Callable[[str], object]) -> Sequence[Executor]:
        from benchmarks.execution.ray_executor import RayWorkers

        return [RayWorkers(places, home, dataset, say=say)] * count  # they share what there is to do

    return Machines(device, places, core_count(), begin, evaluates=False)
