"""Properties of the machine, and the two rates that bound everything on it: memory bandwidth and matrix products."""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.records.provenance import provenance
from scripts.speed.gpu.scale import Scale

#: Modules of which the types do not know all.
_cudnn: Any = torch.backends.cudnn
_cuda: Any = torch.cuda
_memory: Any = torch.utils.deterministic


def machine(scale: Scale) -> dict[str, Any]:
    """Names and versions of what is there; `provenance` has those of packages."""
    about = provenance()
    found: dict[str, Any] = {
        "device": "cpu",
        "hardware": about["hardware"],
        "commit": about["commit"],
        **about["versions"],
        "fills_memory": _memory.fill_uninitialized_memory,
        "float32": _cudnn.conv.fp32_precision,
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
    }
    if scale.device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        found |= {
            "device": properties.name,
            "memory": properties.total_memory,
            "multiprocessors": properties.multi_processor_count,
            "capability": f"{properties.major}.{properties.minor}",
            "CUDA": torch.version.cuda,
            "cuDNN": _cudnn.version(),
            "driver": _driver(),
        }
    return found


def ceilings(scale: Scale) -> dict[str, float]:
    """Bytes that a copy reads and writes a second, and operations a second of a bfloat16 product of random matrices.

    Random, because products of zeros are faster than those of anything else.
    """
    source = torch.randint(256, (scale.copied,), dtype=torch.uint8, device=scale.device)
    target = torch.empty_like(source)
    copy = seconds(partial(target.copy_, source), scale)
    del source, target
    one, other = (torch.randn(scale.product, scale.product, device=scale.device).bfloat16() for _ in range(2))
    product = seconds(partial(torch.matmul, one, other), scale)
    return {"bytes_per_second": 2 * scale.copied / copy, "flop_per_second": 2 * scale.product**3 / product}


def seconds(once: Callable[[], object], scale: Scale) -> float:
    """The median time of `once` on the device, each call by itself, after three to warm up."""
    times = []
    for _ in range(3 + scale.repeats):
        clock = Clock(scale.device)
        clock.mark()
        once()
        clock.mark()
        times += clock.between()
    return float(np.median(times[3:]))


class Clock:
    """Marks moments on the device's own time line, without waiting for it."""

    def __init__(self, device: str) -> None:
        self._events = device == "cuda"
        self._marks: list[Any] = []

    def mark(self) -> None:
        """Notes when the device gets here."""
        if self._events:
            event: Any = _cuda.Event(enable_timing=True)
            event.record()
            self._marks.append(event)
        else:
            self._marks.append(time.perf_counter())

    def between(self) -> list[float]:
        """Seconds from each mark to the next; waits for the last."""
        pairs = list(zip(self._marks[:-1], self._marks[1:], strict=True))
        if not self._events:
            return [after - before for before, after in pairs]
        torch.cuda.synchronize()
        return [before.elapsed_time(after) / 1e3 for before, after in pairs]


def _driver() -> str:
    if shutil.which("nvidia-smi") is None:
        return f"unknown ({platform.release()})"
    ask = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=30)
    return (done.stdout.strip() or done.stderr.strip()).split("\n")[0]
