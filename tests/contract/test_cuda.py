"""What every method must hold to on a GPU, skipped where there is none; and what of it a processor can show."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from afnetm.faces import Faces
from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec
from afnetm.training.process import prepare_process
from benchmarks.speed.gpu.checks import CHECKS, Subject

#: That a processor repeats itself is for test_learning to see, and that it agrees with itself for nobody.
ON_CPU = [("cpu", "float32", check) for check in ("trains", "leaves memory", "never waits")]
ON_GPU = [
    ("cuda", precision, check)
    for precision in ("bfloat16", "float32")
    for check in CHECKS
    if check != "agrees" or precision == "float32"
]
SKIPPED = [pytest.param("cuda", "either", "all", marks=pytest.mark.skip(reason="needs a GPU"))]


@pytest.fixture(autouse=True)
def _as_a_worker() -> Iterator[None]:
    prepare_process()
    yield
    torch.utils.deterministic.fill_uninitialized_memory = True


@pytest.mark.parametrize(
    ("device", "precision", "check"), [*ON_CPU, *(ON_GPU if torch.cuda.is_available() else SKIPPED)]
)
def test_it_is_right_on_a_device(device, precision, check, kind, encoder) -> None:
    size = 32 if device == "cpu" else 64
    try:
        CHECKS[check](Subject(kind, device, size, encoder, precision))
    except AssertionError as error:
        raise AssertionError(f"{kind.name}: in {precision} on {device}, {error}") from error


def test_no_tensor_is_left_on_the_processor(kind: type[Method], encoder: EncoderSpec) -> None:
    """Shown without a GPU by tensors that have no content, but a device that operations insist on."""
    blank = {"texture": 3, "depth": 1, "valid": 1, "masks": 4}
    with FakeTensorMode():
        network = moved(kind().build(encoder, 6).train())
        maps = {name: torch.zeros(2, channels, 32, 32, device="cuda") for name, channels in blank.items()}
        try:
            logits = network(Faces(**maps, pixel_mm=1.0)).logits
        except RuntimeError as error:
            raise AssertionError(
                f"{kind.name}: {error}; make buffers of what it keeps, and tensors on the device of what they meet"
            ) from error
    assert logits.device.type == "cuda", f"{kind.name}: its logits are on {logits.device}"


def moved(network: nn.Module) -> nn.Module:
    """`network` on a GPU that is not there, parameters and buffers; torch's own way takes no tensors of this kind."""
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(parameter.detach().to("cuda")))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer.to("cuda"))
    return network
