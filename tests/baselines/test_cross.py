import pytest
import torch

from baselines.cross import CrossAttention
from tests.baselines.conftest import EIGHTH, some_faces


@pytest.mark.parametrize("layers", [1, 3])
def test_both_directions_read_what_the_other_was_before_the_layer(layers: int) -> None:
    network, faces = CrossAttention(layers=layers, width=64).build(EIGHTH, 6).eval(), some_faces(size=96)
    texture_map, depth_map = network.texture(faces.texture), network.depth(faces.geometry("depth+normals"))
    part = network.attentions[0]
    texture, depth = [part.texture_tokens(texture_map)], [part.depth_tokens(depth_map)]
    for layer in range(layers):
        texture.append(part.texture_layers[layer](texture[layer], depth[layer])[0])
        depth.append(part.depth_layers[layer](depth[layer], texture[layer])[0])
    pooled = torch.cat([texture[-1].sum(1) / 9, depth[-1].sum(1) / 9], 1)
    output = network(faces)
    assert torch.allclose(output.logits, network.classifier(network.norms[0](pooled)), atol=1e-5)
    paid = part.texture_layers[-1](texture[-2], depth[-2])[1].sum(1)
    assert torch.allclose(
        output.auxiliary_outputs["attention_depth"].flatten(1), paid / paid.max(1, keepdim=True).values
    )
    paid = part.depth_layers[-1](depth[-2], texture[-2])[1].sum(1)
    assert torch.allclose(
        output.auxiliary_outputs["attention_texture"].flatten(1), paid / paid.max(1, keepdim=True).values
    )


def test_what_is_attended_to_is_found_where_it_is() -> None:
    network = CrossAttention(width=64).build(EIGHTH, 6).eval()
    faces = some_faces(size=96)
    spot = torch.zeros(3, network.texture.channels, 3, 3)
    spot[:, :, 2, 1] = 1
    network.texture.forward = lambda x: spot
    network.depth.forward = lambda x: torch.ones_like(spot)
    part = network.attentions[0]
    attention = part.depth_layers[0].attention
    with torch.no_grad():  # keys of the spot are along every query
        query, key, _ = attention.in_proj_weight.chunk(3)
        key.copy_(query)
        layer = part.depth_layers[0]
        tokens = part.texture_tokens(spot)
        wanted = layer.norm(tokens[0, 7])
        attention.in_proj_bias.zero_()
        attention.in_proj_bias[:64] = 50 * key @ wanted
    assert (network(faces).auxiliary_outputs["attention_texture"].flatten(1).argmax(1) == 7).all()
