import pytest
import torch
from torch.nn.functional import pad

from baselines.cbam import CBAM, BlockAttention
from tests.baselines.conftest import EIGHTH, some_faces


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (3, 5), (8, 8)])
def test_it_is_the_documented_formula_position_by_position(height: int, width: int) -> None:
    module, x = BlockAttention(8, reduction=2), torch.randn(2, 8, height, width)
    for _ in range(3):
        module(torch.randn(4, 8, height, width) * 2 + 1)  # running statistics that are not 0 and 1
    got, which, where = module.eval()(x)
    norm = module.norm
    first, second = module.mlp[0], module.mlp[2]
    kernel = module.spatial.weight[0]
    for b in range(2):
        flat = x[b].flatten(1)
        both = [
            second.weight @ (first.weight @ v + first.bias).clamp(min=0) + second.bias
            for v in (flat.mean(1), flat.max(1).values)
        ]
        channels = torch.sigmoid(both[0] + both[1])
        assert torch.allclose(which[b], channels, atol=1e-6)
        scaled = channels[:, None, None] * x[b]
        padded = pad(torch.stack([scaled.mean(0), scaled.max(0).values]), (3, 3, 3, 3))
        for i in range(height):
            for j in range(width):
                seen = (padded[:, i : i + 7, j : j + 7] * kernel).sum()
                spot = torch.sigmoid((seen - norm.running_mean[0]) / (norm.running_var[0] + norm.eps).sqrt())
                assert torch.allclose(where[b, 0, i, j], spot, atol=1e-6)
                assert torch.allclose(got[b, :, i, j], spot * scaled[:, i, j], atol=1e-5)


@pytest.mark.parametrize(("logit", "texture"), [(30.0, 1.0), (0.0, 0.5), (-30.0, 0.0)])
def test_importance_is_how_channel_attention_divides(logit: float, texture: float) -> None:
    network = CBAM().build(EIGHTH, 6).eval()
    last = network.attentions[0].mlp[2]
    torch.nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([logit, -logit]).repeat_interleave(len(last.bias) // 2) / 2)
    importance = network(some_faces()).auxiliary_outputs["importance"]
    assert torch.allclose(importance, torch.tensor([texture, 1 - texture]).expand(3, 2), atol=1e-6)
