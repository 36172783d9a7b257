"""Slots: places for one worker each, on this machine's GPUs or cores, with what its process begins with.

A worker on a GPU sees that GPU alone, as ``cuda:0``: the variable that says so is in its environment before the process
begins, since whatever imports CUDA reads it once. Nothing here takes torch to import.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from afnetm.errors import UserError
from afnetm.workers import core_count
from benchmarks.terminal.words import counted

#: The share of a GPU's memory for all its workers; the rest is for their contexts, which no allocator counts.
_MEMORY = 0.92
#: What tells a process which GPUs it has.
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Slot:
    """A place for one worker.

    Attributes:
        name: of its device, and its number there.
        device: the kind, ``"cpu"`` or ``"cuda"``.
        environment: variables of its process beside those of the process that starts it.
        memory_fraction: of the GPU's memory, all that a run may allocate (`limit_memory`); None on a CPU.
        sharing: workers that train on the same GPU at once, itself among them; 1 on a CPU, where each has a core.
    """

    name: str = ""
    device: str = "cpu"
    environment: Mapping[str, str] = field(default_factory=dict)
    memory_fraction: float | None = None
    sharing: int = 1


def slots(
    device: str, *, workers: int | None = None, per_gpu: int = 1, gpus: Sequence[str] | None = None
) -> list[Slot]:
    """Slots of this machine: one a core, or `per_gpu` a GPU, dealt out so that each GPU has its share.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        workers: how many slots; None for as many as there is room for.
        per_gpu: workers of a GPU at most.
        gpus: names of GPUs as ``CUDA_VISIBLE_DEVICES`` has them; those that this process may use by default.

    Raises:
        UserError: fewer than one, or more than the GPUs take.
    """
    check_counts(workers, per_gpu)
    if device == "cpu":
        return [Slot(f"core {number + 1}") for number in range(workers or core_count())]
    found = visible_gpus() if gpus is None else list(gpus)
    if not found:
        raise UserError(f"--device: 'cuda' is not available; {VISIBLE} names no GPU here; allowed: auto, cpu")
    room = len(found) * per_gpu
    if workers is not None and workers > room:
        raise UserError(
            f"--workers: {workers} is more than there is room for: {counted(len(found), 'GPU')}, "
            f"{counted(per_gpu, 'worker')} each; at most {room}, or raise --workers-per-gpu"
        )
    count = room if workers is None else workers
    return [
        Slot(
            f"{found[number % len(found)]}, worker {number // len(found) + 1}",
            device,
            {VISIBLE: found[number % len(found)]},
            _MEMORY / per_gpu,
            len(range(number % len(found), count, len(found))),
        )
        for number in range(count)
    ]


def check_counts(workers: int | None, per_gpu: int) -> None:
    """Refuses numbers of workers below one.

    Raises:
        UserError: it is.
    """
    for option, count in (("--workers", workers), ("--workers-per-gpu", per_gpu)):
        if count is not None and count < 1:
            raise UserError(f"{option}: {count} is not allowed; 1 or more")


def slots_elsewhere(device: str, count: int, *, per_gpu: int = 1) -> list[Slot]:
    """Slots on other machines, whose cores and GPUs are named there, `per_gpu` workers a GPU."""
    if device == "cpu":
        return [Slot(f"core {number + 1}") for number in range(count)]
    return [Slot(f"worker {number + 1}", device, {}, _MEMORY / per_gpu, per_gpu) for number in range(count)]


def processes_of(places: Sequence[Slot]) -> int:
    """Processes for what needs no GPU: as many as there are slots on cores, and one a core where slots are on GPUs."""
    return len(places) if all(slot.device == "cpu" for slot in places) else core_count()


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them; no CUDA context is made.

    What that variable says already is kept word by word (numbers, UUIDs, or MIG devices): a number means the same GPU
    to a process that is given that number alone. Without it they are named by UUID, a GPU that is cut into MIG devices
    by each of these; and by number where the driver's own program is not there to ask.
    """
    import torch

    asked = os.environ.get(VISIBLE)
    if asked is None and (listed := _listed()):
        return listed
    count = torch.cuda.device_count()
    return list(map(str, range(count))) if asked is None else [name.strip() for name in asked.split(",")][:count]


def _listed() -> list[str]:
    """UUIDs that ``nvidia-smi -L`` prints, each at the end of its line; MIG devices are indented below their GPU."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    found: list[list[str]] = []
    for line in done.stdout.splitlines():
        uuid = line.rpartition("(UUID: ")[2].rstrip(") \n")
        if line.startswith("GPU "):
            found.append([uuid])
        elif uuid.startswith("MIG-") and found:
            found[-1].append(uuid)
    return [uuid for gpu, *parts in found for uuid in (parts or [gpu])]


def enter(slot: Slot) -> None:
    """Makes this process the worker of a slot, before its first run: to be called once, in a process of its own."""
    from afnetm.training.process import prepare_process

    os.environ.update(slot.environment)
    prepare_process()
    _entered.append(slot)


#: The slot that this process is the worker of, if any.
_entered: list[Slot] = []


def this_slot() -> Slot:
    """The slot that this process is the worker of; in any other process one without a name, that shares nothing."""
    return _entered[-1] if _entered else Slot()


def sharing(device: str, *, alone: bool) -> dict[str, int]:
    """Facts for a record by which its seconds can be compared: on a GPU they are its neighbours' as well."""
    return {"gpu_workers": 1 if alone else this_slot().sharing} if device == "cuda" else {}


def limit_memory(*, alone: bool) -> None:
    """Caps what this process may allocate of its GPU's memory for a run, if it is a worker on one.

    Args:
        alone: whether nothing else is run meanwhile; then it has the parts of its neighbours, too.
    """
    import torch

    fraction = this_slot().memory_fraction
    if fraction is not None and torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(_MEMORY if alone else fraction)
