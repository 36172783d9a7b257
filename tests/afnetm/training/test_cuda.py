"""What only a GPU can show; skipped where there is none."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from afnetm.data.cohort import Cohort
from afnetm.data.scan import EXPRESSIONS
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import methods
from afnetm.training.loop import fit, predict
from afnetm.training.process import prepare_process
from afnetm.training.recipe import Recipe
from afnetm.training.resident import Resident

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def train(cohort: Cohort, recipe: Recipe, *, watched: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    prepare_process()
    device = torch.device("cuda")
    torch.manual_seed(0)
    network = methods()["afnetm"]().build(EncoderSpec(width=0.25), len(EXPRESSIONS)).to(device)
    data = Resident(cohort, np.arange(len(cohort.table)), device)
    labels = torch.tensor([EXPRESSIONS.index(e) for e in cohort.table["expression"]], device=device)
    index = torch.arange(len(labels), device=device)
    if watched:
        torch.cuda.set_sync_debug_mode("warn")
    try:
        curves = fit(network, data, index, labels, recipe, seed=0)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return predict(network, data, index, recipe)[0], curves.loss


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_seed_gives_the_same_bits(precision: str, learnable: Cohort, rows: NDArray[np.int64]) -> None:
    recipe = dataclasses.replace(Recipe(epochs=3, batch_size=16), precision=precision)
    one, other = train(learnable, recipe), train(learnable, recipe)
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])


def test_the_host_waits_for_the_device_as_often_in_one_epoch_as_in_five(learnable: Cohort) -> None:
    counts = []
    for epochs in (1, 5):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            train(learnable, Recipe(epochs=epochs, batch_size=16), watched=True)
        counts.append(sum("synchroniz" in str(warning.message) for warning in caught))
    assert counts[0] == counts[1] > 0, "the curves are read once, at the end, and nothing else"


def test_cpu_and_gpu_see_the_same_faces(learnable: Cohort, rows: NDArray[np.int64]) -> None:
    sides = [Resident(learnable, rows, torch.device(d)).faces(torch.tensor([0, 5], device=d)) for d in ("cpu", "cuda")]
    for name in ("texture", "depth", "valid", "masks", "normals"):
        assert torch.allclose(getattr(sides[0], name), getattr(sides[1], name).cpu(), atol=1e-5), name
