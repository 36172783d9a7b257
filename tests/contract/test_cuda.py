"""What every method must hold to on a GPU, skipped where there is none.

What of it a processor can show is in the contract that `test_methods` runs.
"""

import pytest
import torch

from afnetm.contract.bench import ENCODER, Bench
from afnetm.contract.devices import ON_DEVICE, Subject

CASES = [
    (precision, check)
    for precision in ("bfloat16", "float32")
    for check in ON_DEVICE
    if check != "agrees" or precision == "float32"
]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("precision", "check"), CASES if torch.cuda.is_available() else [("either", "all")])
def test_it_is_right_on_a_gpu(precision: str, check: str, bench: Bench) -> None:
    ON_DEVICE[check](Subject(bench.kind, "cuda", 64, ENCODER, precision))
