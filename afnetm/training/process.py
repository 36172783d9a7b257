"""The mode that a process computes in, so that the same seed gives the same numbers, bit for bit."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from afnetm.training.config import Precision

#: Modules whose settings are attributes that their types do not know.
_memory: Any = torch.utils.deterministic
_backends: Any = torch.backends


def prepare_process() -> None:
    """Makes torch in this process repeat itself: one thread, deterministic algorithms, float32 as IEEE 754 has it.

    Deterministic algorithms come without their memory filling, which only matters to code that reads memory it never
    wrote: every fresh tensor would be filled with NaN, for the same bits.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before cuBLAS is first used
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    _memory.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    _backends.fp32_precision = "ieee"
    _set_products("ieee", "ieee", "ieee")


@contextmanager
def prepared() -> Iterator[None]:
    """The same for a while, in a process that does other things too: what would fail in a training fails here."""
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        _memory.fill_uninitialized_memory,
        torch.backends.cudnn.benchmark,
        _backends.fp32_precision,
    )
    products = _products()
    prepare_process()
    try:
        yield
    finally:
        threads, deterministic, filled, benchmark, precision = before
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        _memory.fill_uninitialized_memory = filled
        torch.backends.cudnn.benchmark = benchmark
        _backends.fp32_precision = precision
        _set_products(*products)


@contextmanager
def float32_products(precision: Precision) -> Iterator[None]:
    """Computes the float32 convolutions and matrix products of a training in its own precision, for a while.

    On a GPU, torch would compute convolutions in TF32, with a mantissa of 10 bits, unless it is told not to. These and
    matrix products are in TF32 where `precision` is ``"tf32"``, and as IEEE 754 has them otherwise, as on a CPU.

    Args:
        precision: of the training configuration.
    """
    before = _products()
    of_all = "tf32" if precision == "tf32" else "ieee"
    _set_products(of_all, of_all, of_all)
    try:
        yield
    finally:
        _set_products(*before)


def _products() -> tuple[str, str, str]:
    """The precision of a GPU's convolutions, recurrent layers and matrix products."""
    return (
        _backends.cudnn.conv.fp32_precision,
        _backends.cudnn.rnn.fp32_precision,
        _backends.cuda.matmul.fp32_precision,
    )


def _set_products(convolutions: str, recurrent: str, products: str) -> None:
    """Sets them, by both of torch's names for each, and for each by itself.

    Older releases' convolutions pass over the new names, and code that asks by the old ones is refused an answer where
    the two differ (Inductor's convolutions ask so). What was once set by itself does not follow what is set for all.
    """
    torch.backends.cudnn.allow_tf32 = convolutions == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = products == "tf32"  # this sets the new name, too
    _backends.cudnn.conv.fp32_precision = convolutions
    _backends.cudnn.rnn.fp32_precision = recurrent
    _backends.cuda.matmul.fp32_precision = products
