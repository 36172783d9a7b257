"""The mode that workers compute in, in processes of their own: it cannot be taken back within one."""

import json
import subprocess
import sys

import pytest

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


@pytest.mark.slow
def test_fresh_memory_is_not_filled_and_the_bits_are_those_of_filled_memory() -> None:
    (was_filled, *ours), (filled, *control) = _train(filled=None), _train(filled=True)
    assert not was_filled, "every fresh tensor is filled: some 1,300 operations a step for nothing"
    assert filled, "the control did not fill: nothing was compared"
    assert ours == control


_PRECISIONS = """
import json, warnings
import torch
from afnetm.training.process import float32_products, prepare_process, prepared

warnings.simplefilter("error")

def asked():
    cudnn, matmul, cpu = torch.backends.cudnn, torch.backends.cuda.matmul, torch.backends.mkldnn
    new = [cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision, matmul.fp32_precision]
    old = [cudnn.allow_tf32, matmul.allow_tf32, torch.get_float32_matmul_precision()]
    return [*new, *old, cpu.conv.fp32_precision, cpu.matmul.fp32_precision]

found = {"at first": asked()}
with prepared():
    found["prepared"] = asked()
with float32_products("float32"):
    found["notebook, float32"] = asked()
found["after"] = asked()
with float32_products("tf32"):
    found["notebook, tf32"] = asked()
    prepare_process()
    found["prepared, after tf32"] = asked()
prepare_process()
for precision in ("tf32", "bfloat16", "float32"):
    try:
        with float32_products(precision):
            found[precision] = asked()
            raise KeyError
    except KeyError:
        found[f"after {precision}"] = asked()
print(json.dumps(found))
"""


def test_tf32_is_for_the_runs_that_ask_for_it_alone_by_each_of_torch_s_names() -> None:
    done = subprocess.run([sys.executable, "-c", _PRECISIONS], capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(done.stdout)
    ieee = [*["ieee"] * 3, False, False, "highest"]
    tf32 = [*["tf32"] * 3, True, True, "high"]
    own = found.pop("at first")
    assert own[:6] != ieee, "torch has made IEEE its default: nothing is tested"
    assert found.pop("after") == own
    assert found.pop("notebook, float32") == [*ieee, *own[6:]]
    assert found.pop("notebook, tf32") == [*tf32, *own[6:]]
    assert found.pop("tf32") == [*tf32, "ieee", "ieee"], "a processor computes as it does in float32"
    assert all(one == [*ieee, "ieee", "ieee"] for one in found.values()), found
