"""The mode that a process computes in, so that the same seed gives the same numbers, bit for bit."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

#: Modules whose settings are attributes that their types do not know.
_memory: Any = torch.utils.deterministic
_backends: Any = torch.backends


def prepare_process() -> None:
    """Makes torch in this process repeat itself: one thread, deterministic algorithms, float32 as IEEE 754 has it.

    Deterministic algorithms come without their memory filling, which only matters to code that reads memory it never
    wrote: every fresh tensor would be filled with NaN, for the same bits. On a GPU, float32 convolutions would be
    computed in TF32, with a mantissa of 10 bits, unless they are told not to: by both of torch's names for it, because
    the older releases' convolutions pass over the new one, and code that asks by the old one is refused an answer
    where the two differ (Inductor's convolutions ask so).
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before cuBLAS is first used
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    _memory.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    _backends.fp32_precision = "ieee"


@contextmanager
def prepared() -> Iterator[None]:
    """The same for a while, in a process that does other things too: what would fail in a training fails here."""
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        _memory.fill_uninitialized_memory,
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.allow_tf32,
        _backends.fp32_precision,
    )
    prepare_process()
    try:
        yield
    finally:
        threads, deterministic, filled, benchmark, tf32, precision = before
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        _memory.fill_uninitialized_memory = filled
        torch.backends.cudnn.benchmark = benchmark
        _backends.fp32_precision = precision
        torch.backends.cudnn.allow_tf32 = tf32
