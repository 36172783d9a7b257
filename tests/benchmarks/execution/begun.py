"""What a worker's process began with, in a module that takes nothing to import."""

import os
from pathlib import Path

from benchmarks.execution.slots import this_slot
from benchmarks.records.home import Home

VISIBLE = "CUDA_VISIBLE_DEVICES"


def write_begun(_: object, home: Home) -> None:
    """Writes the GPUs that this process saw when it began, those that it sees now, and its slot."""
    begun = [line.partition("=") for line in Path("/proc/self/environ").read_bytes().decode().split("\0")]
    slot = this_slot()
    now = os.environ[VISIBLE], os.environ["WHERE"], slot.name, str(slot.sharing)
    (home.path / "begun").write_text("\n".join([value for name, _, value in begun if name == VISIBLE] + list(now)))
