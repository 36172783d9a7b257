import numpy as np
import torch

from baselines.mfevit import MFEViT, replaced_channels
from tests.baselines.conftest import EIGHTH, some_faces


def test_depth_takes_the_place_of_each_channel_in_turn() -> None:
    texture, depth = torch.randn(2, 3, 4, 5), torch.randn(2, 1, 4, 5)
    r, g, b = np.moveaxis(texture.numpy(), 1, 0)
    d = depth.numpy()[:, 0]
    expected = np.stack([d, g, b, r, d, b, r, g, d], 1)
    assert np.array_equal(replaced_channels(texture, depth).numpy(), expected)


def test_several_planes_replace_a_channel_jointly() -> None:
    texture, depth = torch.randn(2, 3, 4, 4), torch.randn(2, 4, 4, 4)
    pictures = replaced_channels(texture, depth).unflatten(1, (3, 6))
    for k in range(3):
        assert torch.equal(pictures[:, k, k : k + 4], depth)
        colours = [c for c in range(3) if c != k]
        assert torch.equal(torch.cat([pictures[:, k, :k], pictures[:, k, k + 4 :]], 1), texture[:, colours])


def test_one_encoder_reads_the_pictures_of_texture_and_depth_without_normals() -> None:
    network, faces = MFEViT().build(EIGHTH, 6).eval(), some_faces(2)
    pooled = network.stream(replaced_channels(faces.texture, faces.depth)).mean((2, 3))
    expected = pooled @ network.head.linear.weight.T + network.head.linear.bias
    assert torch.allclose(network(faces).logits, expected, atol=1e-5)
