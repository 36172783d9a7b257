import torch

from afnetm.model.weighting import AdaptiveFusion


def trained(channels: int) -> AdaptiveFusion:
    module = AdaptiveFusion(channels)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return module


def test_it_starts_as_the_mean() -> None:
    texture, depth = torch.randn(2, 3, 6, 4, 4)
    fused, weights = AdaptiveFusion(6)(texture, depth)
    assert torch.allclose(fused, (texture + depth) / 2)
    assert torch.allclose(weights, torch.full((3, 2, 6), 0.5))


def test_weights_share_one_between_the_modalities_channel_by_channel() -> None:
    texture, depth = torch.randn(2, 3, 6, 4, 4)
    fused, weights = trained(6)(texture, depth)
    assert torch.allclose(weights.sum(1), torch.ones(3, 6))
    expected = torch.einsum("bc,bchw->bchw", weights[:, 0], texture) + torch.einsum(
        "bc,bchw->bchw", weights[:, 1], depth
    )
    assert torch.allclose(fused, expected, atol=1e-6)
    assert weights.std() > 0.01


def test_it_learns_to_trust_the_modality_that_is_right() -> None:
    # Depth carries the answer, texture noise: trained on the error alone, the weights must go to depth.
    torch.manual_seed(0)
    module = AdaptiveFusion(4)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(200):
        depth, texture = torch.randn(32, 4, 2, 2), 2 * torch.randn(32, 4, 2, 2)
        fused, weights = module(texture, depth)
        (fused - depth).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert weights[:, 1].mean() > 0.8
