import pytest
import torch
from torch import Tensor, nn

from afnetm.errors import UserError
from afnetm.strict import parse
from baselines.aff import AFF, AttentionalFusion, MultiScaleAttention
from baselines.iaff import IAFF
from tests.baselines.conftest import EIGHTH, some_faces


def point_wise(branch: nn.Sequential, x: Tensor) -> Tensor:
    """A branch on one position's vector ``(C,)``: twice a matrix and a normalisation by running statistics."""
    for linear, norm, last in ((branch[0], branch[1], False), (branch[3], branch[4], True)):
        x = linear.weight[:, :, 0, 0] @ x
        x = (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
        x = x if last else x.clamp(min=0)
    return x


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (3, 5)])
def test_weights_are_the_documented_formula_position_by_position(height: int, width: int) -> None:
    module = MultiScaleAttention(8, reduction=2)
    for _ in range(3):
        module(torch.randn(4, 8, height, width) * 2 + 1)  # running statistics that are not 0 and 1
    module.eval()
    x = torch.randn(2, 8, height, width)
    got = module(x)
    for b in range(2):
        whole = point_wise(module.global_context, x[b].flatten(1).mean(1))
        for i in range(height):
            for j in range(width):
                expected = torch.sigmoid(point_wise(module.local_context, x[b, :, i, j]) + whole)
                assert torch.allclose(got[b, :, i, j], expected, atol=1e-5)


@pytest.mark.parametrize(("weight", "importance"), [(1.0, [1.0, 0.0]), (0.25, [0.25, 0.75]), (0.0, [0.0, 1.0])])
def test_the_weight_divides_texture_and_depth(weight: float, importance: list[float]) -> None:
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.full_like(x, weight)

    network = AFF().build(EIGHTH, 6).eval()
    network.fusions[0].attentions[0] = Fixed()
    faces = some_faces()
    texture, depth = network.texture(faces.texture), network.depth(faces.geometry("depth+normals"))
    output = network(faces)
    expected = network.head(2 * (weight * texture + (1 - weight) * depth))
    assert torch.allclose(output.logits, expected, atol=1e-5)
    assert torch.allclose(output.auxiliary_outputs["importance"], torch.tensor(importance).expand(3, 2))
    assert torch.allclose(output.auxiliary_outputs["attention_texture"], torch.tensor(weight))
    assert torch.allclose(output.auxiliary_outputs["attention_depth"], torch.tensor(1 - weight))


def test_the_iterative_form_attends_to_what_the_first_attention_has_fused() -> None:
    module = AttentionalFusion(8, reduction=2, iterative=True).eval()
    texture, depth = torch.randn(2, 3, 8, 2, 2)
    first, second = module.attentions
    m = first(texture + depth)
    m = second(m * texture + (1 - m) * depth)
    fused, weight = module(texture, depth)
    assert torch.equal(weight, m)
    assert torch.allclose(fused, m * texture + (1 - m) * depth, atol=1e-6)  # without the factor of the plain form


def test_iaff_is_the_iterative_form_at_three_stages() -> None:
    same = AFF(iterative=True, fuse_stages=(2, 3, 4))
    networks = []
    for method in (IAFF(), same):
        torch.manual_seed(0)
        networks.append(method.build(EIGHTH, 6).eval())
    faces = some_faces()
    assert len(networks[0].fusions) == 3
    assert torch.equal(networks[0](faces).logits, networks[1](faces).logits)
    assert IAFF().needs_stages
    with pytest.raises(UserError, match="iterative"):
        parse(IAFF, {"iterative": False})
