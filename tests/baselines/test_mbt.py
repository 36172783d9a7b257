from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from afnetm.hooks import supervised_loss
from baselines.mbt import Bottleneck
from tests.baselines.conftest import EIGHTH, some_faces


def map_of(stream: nn.Module, x: Tensor) -> Tensor:
    """The positions' tokens behind the class token, from the parts."""
    features = stream.stream(x)
    return torch.stack(
        [torch.cat([stream.class_token[0], stream.tokens(features[b : b + 1])[0]]) for b in range(len(x))]
    )


@pytest.mark.parametrize(("layers", "tokens"), [(2, 1), (3, 4)])
def test_it_is_the_documented_recursion(layers: int, tokens: int) -> None:
    network = Bottleneck(layers=layers, tokens=tokens, width=64).build(EIGHTH, 6).eval()
    faces = some_faces(size=96)
    z = {
        "texture": map_of(network.texture, faces.texture),
        "depth": map_of(network.depth, faces.geometry("depth+normals")),
    }
    shared, seen = network.bottleneck.repeat(3, 1, 1), {}
    for layer in range(layers):
        left = []
        for name, stream in (("texture", network.texture), ("depth", network.depth)):
            both, weights = stream.layers[layer](*[torch.cat([z[name], shared], 1)] * 2)
            z[name], seen[name] = both[:, :10], weights[:, 0, 1:10]
            left.append(both[:, 10:])
        shared = (left[0] + left[1]) / 2
    output = network(faces)
    logits = [network.classifier(network.norm(z[name][:, 0])) for name in z]
    assert torch.allclose(output.logits, (logits[0] + logits[1]) / 2, atol=1e-5)
    labels = torch.arange(3)
    entropies = [nn.functional.cross_entropy(own, labels) for own in logits]
    assert torch.allclose(supervised_loss(output, labels, 0.0), (entropies[0] + entropies[1]) / 2, atol=1e-5)
    for name, paid in seen.items():
        expected = (paid / paid.max(1, keepdim=True).values).unflatten(1, (3, 3))
        assert torch.allclose(output.auxiliary_outputs[f"attention_{name}"], expected, atol=1e-5)


def test_modalities_meet_in_the_bottleneck_alone() -> None:
    network, faces = Bottleneck(width=64).build(EIGHTH, 6).eval(), some_faces(size=96)
    other = replace(faces, texture=faces.texture.roll(1, 0))
    tokens: list[Tensor] = []
    for layer in network.depth.layers:
        layer.register_forward_hook(lambda _, __, output: tokens.append(output[0]))
    with torch.no_grad():
        network(faces), network(other)
    first, second, first_other, second_other = tokens
    assert torch.equal(first, first_other)  # a layer on, texture is in the bottleneck
    assert not torch.equal(second[:, 0], second_other[:, 0])  # and two on, in depth's class token
    network.bottleneck.requires_grad_(False)
    for layer in network.texture.layers:  # what texture leaves in the bottleneck is taken out
        layer.register_forward_hook(lambda _, __, output: (output[0] * torch.eye(14)[:10].sum(0)[:, None], output[1]))
    tokens.clear()
    with torch.no_grad():
        network(faces), network(other)
    assert torch.equal(tokens[1], tokens[3])
