"""The mode that workers compute in, in processes of their own: it cannot be taken back within one."""

import json
import subprocess
import sys

_TRAINING = """
import json, sys
import numpy as np
import torch
from afnetm.registry import methods
from afnetm.model.encoder import EncoderSpec
from afnetm.training.loop import fit, predict
from afnetm.training.process import prepare_process
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.contract.inputs import learnable_dataset

prepare_process()
assert torch.backends.cudnn.conv.fp32_precision == torch.backends.cuda.matmul.fp32_precision == "ieee"
assert not torch.backends.cudnn.allow_tf32, "asked by the old name, torch must have an answer, and the same"
torch.utils.deterministic.fill_uninitialized_memory = {filled}
dataset = learnable_dataset(subjects=4)
data = DeviceDataset(dataset, np.arange(len(dataset.table)), torch.device("cpu"))
labels = torch.arange(len(data)) % 6
torch.manual_seed(0)
model = methods()["afnetm"]().build(EncoderSpec(width=0.125, size=32), 6)
filled = torch.empty(1000).isnan().all().item()
curves = fit(model, data, torch.arange(len(data)), labels, TrainingConfig(epochs=2, batch_size=8), seed=0)
probabilities, _ = predict(model, data, torch.arange(len(data)), TrainingConfig())
print(json.dumps([filled, curves.loss.tolist(), probabilities.tolist()]))
"""


def _train(*, filled: bool | None) -> list[object]:
    mode = "torch.utils.deterministic.fill_uninitialized_memory" if filled is None else str(filled)
    program = _TRAINING.format(filled=mode)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    found: list[object] = json.loads(done.stdout)
    return found


def test_fresh_memory_is_not_filled_and_the_bits_are_those_of_filled_memory() -> None:
    (was_filled, *ours), (filled, *control) = _train(filled=None), _train(filled=True)
    assert not was_filled, "every fresh tensor is filled: some 1,300 operations a step for nothing"
    assert filled, "the control did not fill: nothing was compared"
    assert ours == control
