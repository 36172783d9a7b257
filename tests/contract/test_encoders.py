"""Every method on every sort of encoder: what fuses between stages says so, and all others take any encoder."""

import pytest
import torch

from afnetm.errors import UserError
from afnetm.model.encoder import EncoderSpec
from afnetm.training.loop import sum_loss

# Small networks that timm keeps for tests: stages, other convolutions, tokens on a grid.
STAGES = EncoderSpec(name="test_convnext", size=64)
OTHERS = (EncoderSpec(name="test_efficientnet", size=64), EncoderSpec(name="test_vit", size=64))


def learns(network, faces):
    torch.autograd.backward(sum_loss(network(faces), torch.arange(4), 0.0))
    return all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_it_takes_other_stages_than_a_resnet_s(kind, build, make_faces):
    assert learns(build(kind, encoder=STAGES), make_faces(4, size=64)), f"{kind.name}: gradients on {STAGES.name}"


@pytest.mark.parametrize("other", OTHERS, ids=lambda spec: spec.name)
def test_it_takes_an_encoder_without_stages_or_says_that_it_cannot(other, kind, build, make_faces):
    try:
        network, refusal = build(kind, encoder=other), None
    except UserError as error:
        network, refusal = None, str(error)
    if network is None:
        assert other.name in refusal, f"{kind.name}: {refusal}; name the encoder that it cannot take"
        assert kind.staged, (
            f"{kind.name}: {refusal}; use afnetm.model.stream.Stream, or set staged = True if it fuses between stages"
        )
        return
    assert not kind.staged, f"{kind.name}: says staged = True and takes '{other.name}', which has none; take that away"
    assert learns(network, make_faces(4, size=64)), f"{kind.name}: gradients on {other.name} are not finite"
