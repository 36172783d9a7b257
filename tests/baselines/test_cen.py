import numpy as np
import pytest
import torch
from torch import nn

from afnetm.errors import UserError
from afnetm.model.encoder import Encoder, EncoderSpec
from baselines.cen import CEN, Exchange
from tests.baselines.conftest import EIGHTH, some_faces


def scaled(norm: nn.Module, scales: list[float]) -> nn.Module:
    with torch.no_grad():
        norm.weight.copy_(torch.tensor(scales))
        norm.bias.uniform_(-1, 1)
    return norm


@pytest.mark.parametrize(("kind", "axis"), [(nn.BatchNorm2d, 1), (nn.LayerNorm, 3)])
def test_channels_of_small_scale_are_the_other_modality_s(kind: type[nn.Module], axis: int) -> None:
    scales = [0.5, -0.01, 0.01, -0.5], [-0.3, 0.3, 0.019, 0.0]
    exchange = Exchange(*(scaled(kind(4), own) for own in scales), 0.02)
    x = np.random.default_rng(0).normal(size=(6, 4, 2, 3) if axis == 1 else (6, 2, 3, 4))
    normed = []
    over = (0, 2, 3) if axis == 1 else (3,)
    shape = (4, 1, 1) if axis == 1 else (4,)
    for norm, own in ((exchange.texture, x[:3]), (exchange.depth, x[3:])):
        scale, bias = (p.detach().numpy().reshape(shape) for p in (norm.weight, norm.bias))
        deviation = np.sqrt(own.var(over, keepdims=True) + norm.eps)
        normed.append(scale * (own - own.mean(over, keepdims=True)) / deviation + bias)
    got = np.moveaxis(exchange(torch.from_numpy(x).float()).detach().numpy(), axis, 0)
    texture, depth = (np.moveaxis(one, axis, 0) for one in normed)
    for c, (of_texture, of_depth) in enumerate([("t", "d"), ("d", "d"), ("d", "t"), ("t", "t")]):
        assert np.allclose(got[c, :3], {"t": texture, "d": depth}[of_texture][c], atol=1e-5)
        assert np.allclose(got[c, 3:], {"t": texture, "d": depth}[of_depth][c], atol=1e-5)


def test_each_modality_is_to_give_away_another_half_of_the_channels() -> None:
    exchange = Exchange(scaled(nn.BatchNorm2d(4), [1, -2, 4, 8]), scaled(nn.BatchNorm2d(4), [16, 32, -64, 128]), 0.02)
    assert exchange.scales().item() == 1 + 2 + 64 + 128


def test_without_exchange_it_is_one_encoder_a_modality_with_the_same_convolutions() -> None:
    torch.manual_seed(0)
    network, faces = CEN(threshold=1e-9).build(EIGHTH, 6), some_faces(4)
    for name, parameter in network.named_parameters():
        if ".depth." in name:
            nn.init.uniform_(parameter, 0.5, 1.5)
    network(faces)  # running statistics of either modality
    network.eval()
    state, logits = network.encoder.state_dict(), []
    for own, other, picture in (
        ("texture", "depth", faces.texture),
        ("depth", "texture", network.as_texture(faces.geometry("depth+normals"))),
    ):
        alone = Encoder(EIGHTH, 3).eval()
        alone.stages.load_state_dict({k.replace(f".{own}.", "."): v for k, v in state.items() if f".{other}." not in k})
        logits.append(network.head(alone(picture)))
    output = network(faces)
    assert torch.allclose(output.supervised_logits[0], logits[0], atol=1e-4)
    assert torch.allclose(output.supervised_logits[1], logits[1], atol=1e-4)
    assert torch.allclose(output.logits, (logits[0] + logits[1]) / 2, atol=1e-4)


def test_one_normalisation_a_block_exchanges_the_one_before_its_last() -> None:
    network = CEN().build(EIGHTH, 6)
    found = {name for name, module in network.encoder.named_modules() if isinstance(module, Exchange)}
    exchanging = {n for n, m in network.encoder.named_modules() if isinstance(m, Exchange) and m.threshold}
    blocks = {name.rpartition(".")[0] for name in found if name.endswith("bn2")}
    assert len(blocks) == 8
    assert exchanging == {f"{block}.bn1" for block in blocks}
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules() if m not in _within(network))
    assert all((one.texture.weight == 0.25).all() for one in network.exchanges)


def _within(network: nn.Module) -> set[nn.Module]:
    return {norm for one in network.modules() if isinstance(one, Exchange) for norm in (one.texture, one.depth)}


def test_the_ensemble_s_cross_entropy_teaches_its_weights_alone_and_the_loss_counts_scales() -> None:
    network = CEN(sparsity=0.5).build(EIGHTH, 6)
    output = network(some_faces(4))
    network.zero_grad()
    torch.autograd.backward(nn.functional.cross_entropy(output.supervised_logits[2], torch.arange(4)))
    assert [name for name, p in network.named_parameters() if p.grad is not None] == ["balance"]
    expected = sum(0.25 * len(one.texture.weight) for one in network.exchanges) / 2
    assert torch.isclose(output.auxiliary_loss, torch.tensor(expected))
    assert network.eval()(some_faces(2)).auxiliary_loss is None


def test_an_encoder_without_scales_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="encoder 'test_nfnet' has no normalisations with scales"):
        CEN().build(EncoderSpec(name="test_nfnet"), 6)
