import torch

from afnetm.model.attention import MaskAttention


def trained(channels: int) -> MaskAttention:
    """MA as after some training: no weight is zero."""
    module = MaskAttention(channels)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return module


def half_mask(size: int) -> torch.Tensor:
    mask = torch.zeros(3, 1, size, size)
    mask[..., : size // 2] = 1
    return mask


def test_it_starts_as_the_identity() -> None:
    features = torch.randn(3, 6, 8, 8)
    assert torch.equal(MaskAttention(6)(features, half_mask(32)), features)


def test_what_is_not_salient_is_left_alone_and_what_is_salient_is_not() -> None:
    features = torch.randn(3, 6, 8, 8)
    adjusted = trained(6)(features, half_mask(32))
    assert torch.equal(adjusted[..., 4:], features[..., 4:])
    assert (adjusted[..., :4] - features[..., :4]).abs().mean() > 0.01


def test_it_looks_at_salient_positions_only() -> None:
    module, features = trained(6), torch.randn(3, 6, 8, 8)
    other = features.clone()
    other[..., 4:] = torch.randn(3, 6, 8, 4)
    mask = half_mask(32)
    assert torch.allclose(module(features, mask)[..., :4], module(other, mask)[..., :4])


def test_it_is_the_documented_formula_position_by_position() -> None:
    module, features, mask = trained(4), torch.randn(2, 4, 3, 3), torch.rand(2, 1, 3, 3)
    got = module(features, mask)
    for b in range(2):
        total = sum(mask[b, 0, i, j] for i in range(3) for j in range(3))
        mean = sum(features[b, :, i, j] * mask[b, 0, i, j] for i in range(3) for j in range(3)) / total
        hidden = (module.squeeze.weight @ mean + module.squeeze.bias).clamp(min=0)
        vector = module.modulate.weight @ hidden + module.modulate.bias
        for i in range(3):
            for j in range(3):
                m = mask[b, 0, i, j]
                expected = features[b, :, i, j] * (1 + m * vector[:4]) + m * vector[4:]
                assert torch.allclose(got[b, :, i, j], expected, atol=1e-5)


def test_a_face_without_salient_regions_passes_unchanged() -> None:
    features = torch.randn(2, 6, 8, 8)
    assert torch.equal(trained(6)(features, torch.zeros(2, 1, 32, 32)), features)
