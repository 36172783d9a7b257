"""What only a GPU can show of what all methods share; skipped where there is none (tests/contract/test_cuda.py)."""

import pytest
import torch

from afnetm.contract.devices import same_faces


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("size", [32, 64])
def test_cpu_and_gpu_see_the_same_faces(size: int) -> None:
    same_faces("cuda", size)
