"""The mode that a process computes in, so that the same seed gives the same numbers, bit for bit."""

import os

import torch


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
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.fp32_precision = "ieee"  # type: ignore[attr-defined]
