"""What all attention strategies have in common: maps of any size, either precision, any mask, and what they report."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec
from baselines.aff import AFF
from baselines.cbam import CBAM
from baselines.cma import MaskGuidedAttention
from baselines.cross import CrossAttention
from baselines.mbt import Bottleneck
from baselines.mmtm import MMTM
from tests.baselines.conftest import EIGHTH, some_faces

METHODS = [MMTM(), AFF(), CBAM(), CrossAttention(width=64), Bottleneck(width=64), MaskGuidedAttention()]
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


@pytest.fixture(autouse=True)
def _deterministic() -> Iterator[None]:
    """As in a worker."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@each_method
@pytest.mark.parametrize("size", [32, 64, 80])  # last maps of 1 x 1, 2 x 2 and 3 x 3
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=str)
def test_every_parameter_is_learnt_on_maps_of_any_size(method: Method, size: int, precision: torch.dtype) -> None:
    torch.manual_seed(0)
    network, faces = method.build(EIGHTH, 6), some_faces(4, size=size)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-2)
    idle = {name for name, _ in network.named_parameters()}
    for _ in range(3):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            output = network(faces)
        loss = torch.nn.functional.cross_entropy(output.logits.float(), torch.arange(4))
        torch.autograd.backward(loss if output.auxiliary_loss is None else loss + output.auxiliary_loss)
        idle -= {name for name, parameter in network.named_parameters() if parameter.grad.any()}
        assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
        optimizer.step()
        optimizer.zero_grad()
    assert not idle


@each_method
def test_a_face_does_not_depend_on_the_others_of_its_batch(method: Method) -> None:
    network, faces = method.build(EIGHTH, 6).eval(), some_faces(5, size=80)
    with torch.no_grad():
        multi = network(faces)
        alone = [
            network(
                replace(
                    faces,
                    **{name: getattr(faces, name)[k : k + 1] for name in ("texture", "depth", "valid", "masks")},
                )
            )
            for k in range(5)
        ]
    assert torch.allclose(multi.logits, torch.cat([output.logits for output in alone]), atol=1e-4)
    for name, extra in multi.auxiliary_outputs.items():
        assert torch.allclose(extra, torch.cat([output.auxiliary_outputs[name] for output in alone]), atol=1e-4)


@each_method
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("blank", [False, True])
def test_extras_are_within_their_ranges_for_any_mask_and_face(method: Method, value: float, blank: bool) -> None:
    faces = some_faces(size=96)
    faces = replace(faces, masks=torch.full_like(faces.masks, value))
    if blank:
        faces = replace(faces, texture=torch.zeros_like(faces.texture), depth=torch.full_like(faces.depth, -3.0))
    with torch.autocast("cpu", torch.bfloat16):
        output = method.build(EIGHTH, 6).eval()(faces)
    assert output.logits.isfinite().all()
    for name, extra in output.auxiliary_outputs.items():
        assert extra.dtype == torch.float32
        assert extra.shape == ((3, 2) if name == "importance" else (3, 3, 3))
        assert ((extra >= 0) & (extra <= 1)).all()
    if "importance" in output.auxiliary_outputs:
        assert torch.allclose(output.auxiliary_outputs["importance"].sum(1), torch.ones(3), atol=1e-5)


@pytest.mark.parametrize("method", [m for m in METHODS if not m.staged], ids=lambda method: method.name)
def test_patches_are_read_as_well(method: Method) -> None:
    encoder = EncoderSpec(name="vit_tiny_patch16_224", size=48)
    with torch.no_grad():
        output = method.build(encoder, 6).eval()(some_faces(2, size=48))
    assert output.logits.shape == (2, 6)
    assert all(extra.shape in {(2, 2), (2, 3, 3)} for extra in output.auxiliary_outputs.values())


@each_method
def test_maps_need_not_be_square(method: Method) -> None:
    faces = some_faces(2, size=160)
    maps = {name: getattr(faces, name)[:, :, :96] for name in ("texture", "depth", "valid", "masks")}
    output = method.build(EIGHTH, 6)(replace(faces, **maps))
    assert output.logits.isfinite().all()
    assert all(extra.shape in {(2, 2), (2, 3, 5)} for extra in output.auxiliary_outputs.values())
