"""Early, sum, max, LMF, OGF and GMU against their formulas, computed again face by face and number by number."""

import math

import pytest
import torch
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.hooks import supervised_loss
from afnetm.method import Output
from afnetm.model.cost import parameter_count
from baselines.concat import Concat
from baselines.early import Early
from baselines.gmu import GMU
from baselines.lmf import LMF
from baselines.max import Maximum
from baselines.ogf import OGF
from baselines.sum import Addition
from baselines.texture import Texture
from tests.baselines.conftest import EIGHTH, some_faces

WIDTH = 8


def pooled(network: nn.Module, faces: FaceBatch) -> list[tuple[list[float], list[float]]]:
    """For each face what leaves the texture and the depth stream, averaged over positions one by one."""
    maps = network.texture(faces.texture), network.depth(faces.geometry("depth+normals"))
    means = [[[math.fsum(c.flatten().tolist()) / c.numel() for c in face] for face in batch] for batch in maps]
    return list(zip(*means, strict=True))


def linear(layer: nn.Linear, x: list[float]) -> list[float]:
    rows = zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
    return [sum(w * v for w, v in zip(row, x, strict=True)) + bias for row, bias in rows]


def times(layer: nn.Conv2d, x: list[float]) -> list[float]:
    """A 1 x 1 convolution without bias, of one position."""
    return [sum(w * v for w, v in zip(row, x, strict=True)) for row in layer.weight.flatten(1).tolist()]


def relu(x: list[float]) -> list[float]:
    return [max(0.0, v) for v in x]


def features(network: nn.Module, faces: FaceBatch) -> list[tuple[list[float], list[float]]]:
    """For each face both streams' features after their fully-connected layers."""
    layers = network.texture_features.linear, network.depth_features.linear
    return [tuple(relu(linear(k, x)) for k, x in zip(layers, both, strict=True)) for both in pooled(network, faces)]


def built(method: object, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    network: nn.Module = method.build(EIGHTH, 6)
    for name, parameter in network.named_parameters():
        if "stages" not in name and parameter.ndim < 2:
            nn.init.normal_(parameter)  # nothing hides behind a zero or a one
    return network.eval()


def assert_logits(output: Output, expected: list[list[float]]) -> None:
    assert torch.allclose(output.logits, torch.tensor(expected), atol=1e-4)


@torch.no_grad()
def test_early_is_one_stream_over_seven_channels() -> None:
    network, faces = built(Early()), some_faces()
    stacked = torch.stack([*faces.texture.unbind(1), faces.depth[:, 0], *faces.normals.unbind(1)], 1)
    assert torch.equal(network(faces).logits, network.head(network.stream(stacked)))
    assert Early(geometry="depth").build(EIGHTH, 6)(faces).logits.shape == (3, 6)
    # 8 * width filters of 3 x 3 in the stem: its further four channels are all that early fusion adds to one stream.
    assert parameter_count(network) - parameter_count(Texture().build(EIGHTH, 6)) == 4 * 9 * 4


@torch.no_grad()
@pytest.mark.parametrize(("method", "fuse"), [(Addition, lambda a, b: a + b), (Maximum, max)])
def test_sum_and_max_fuse_feature_by_feature(method: type, fuse) -> None:
    network, faces = built(method(features=WIDTH)), some_faces()
    expected = [
        linear(network.classifier, [fuse(a, b) for a, b in zip(texture, depth, strict=True)])
        for texture, depth in features(network, faces)
    ]
    assert_logits(network(faces), expected)


@pytest.mark.parametrize("method", [Addition, Maximum])
def test_sum_and_max_save_half_of_concatenation_s_classifier(method: type) -> None:
    saved = parameter_count(Concat(features=128).build(EIGHTH, 6)) - parameter_count(
        method(features=128).build(EIGHTH, 6)
    )
    assert saved == 128 * 6


@torch.no_grad()
@pytest.mark.parametrize("rank", [1, 3])
def test_lmf_is_the_bilinear_form_of_its_whole_weight_tensor(rank: int) -> None:
    """The tensor that the paper spares is written out here: ``T_kij = sum over r of w_r u_kri v_krj``."""
    network, faces = built(LMF(rank=rank, features=WIDTH)), some_faces()
    u, v = (
        torch.cat([layer.weight, layer.bias[:, None]], 1).unflatten(0, (rank, 6)).double()
        for layer in (network.texture_factors, network.depth_factors)
    )
    tensor = torch.einsum("r,rki,rkj->kij", network.weight.double(), u, v)
    assert max(torch.linalg.matrix_rank(tensor).tolist()) <= rank
    expected = []
    for texture, depth in features(network, faces):
        t, d = [*texture, 1.0], [*depth, 1.0]
        forms = [
            sum(tensor[k, i, j].item() * t[i] * d[j] for i in range(WIDTH + 1) for j in range(WIDTH + 1))
            for k in range(6)
        ]
        expected.append([form + bias for form, bias in zip(forms, network.bias.tolist(), strict=True)])
    assert_logits(network(faces), expected)


@torch.no_grad()
def test_ogf_is_concatenation_with_the_mean_squared_cosine_as_penalty() -> None:
    network, faces = built(OGF(orthogonality=3.0, features=WIDTH)), some_faces()
    output, squares, expected = network(faces), [], []
    layers = network.texture_features.linear, network.depth_features.linear
    for both in pooled(network, faces):
        texture, depth = (linear(layer, x) for layer, x in zip(layers, both, strict=True))
        expected.append(linear(network.classifier, relu(texture + depth)))
        product = sum(a * b for a, b in zip(texture, depth, strict=True))
        squares.append((product / math.hypot(*texture) / math.hypot(*depth)) ** 2)
    assert_logits(output, expected)
    assert output.auxiliary_loss.item() == pytest.approx(3 * sum(squares) / 3, abs=1e-5)
    assert output.auxiliary_loss > 0.01


def test_ogf_s_streams_learn_by_themselves_and_what_fuses_them_makes_features_orthogonal() -> None:
    faces, labels = some_faces(12), torch.arange(12) % 6
    cosines, streams = {}, {}
    for orthogonality in (0.0, 10.0):
        network = built(OGF(orthogonality=orthogonality, features=16, dropout=0.0)).train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
        for _ in range(12):
            output = network(faces)
            loss = supervised_loss(output, labels, 0.0)
            own = [network.texture_head, network.depth_head]
            assert len(output.supervised_logits) == 1 + len(own)
            entropies = [torch.nn.functional.cross_entropy(logits, labels) for logits in output.supervised_logits]
            assert torch.allclose(loss, sum(entropies) + output.auxiliary_loss)
            assert torch.equal(output.supervised_logits[0], output.logits)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        texture = network.texture_features(network.texture(faces.texture))
        depth = network.depth_features(network.depth(faces.geometry("depth+normals")))
        cosines[orthogonality] = torch.cosine_similarity(texture, depth).square().mean().item()
        streams[orthogonality] = {k: v for k, v in network.state_dict().items() if ".body." in k}
    assert cosines[10.0] < 0.5 * cosines[0.0]
    assert all(torch.equal(streams[0.0][name], streams[10.0][name]) for name in streams[0.0])


def test_a_face_without_any_feature_has_no_penalty_and_no_nan() -> None:
    network = built(OGF(features=WIDTH)).train()
    nn.init.zeros_(network.texture_features.linear.weight)
    nn.init.zeros_(network.texture_features.linear.bias)
    output = network(some_faces())
    output.auxiliary_loss.backward()
    assert output.auxiliary_loss == 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


@torch.no_grad()
def test_gmu_is_the_documented_formula_and_its_importance_the_mean_gate() -> None:
    network, faces = built(GMU(features=WIDTH)), some_faces()
    gates = network.fusions[0]
    for norm in (gates.texture_norm, gates.depth_norm):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2.0)
    output, expected, shares = network(faces), [], []
    for both in pooled(network, faces):
        texture, depth = (
            [
                (v - m) / math.sqrt(d + norm.eps) * w + b
                for v, m, d, w, b in zip(
                    x,
                    *(t.tolist() for t in (norm.running_mean, norm.running_var, norm.weight, norm.bias)),
                    strict=True,
                )
            ]
            for norm, x in zip((gates.texture_norm, gates.depth_norm), both, strict=True)
        )
        gate = [1 / (1 + math.exp(-a)) for a in times(gates.gate, texture + depth)]
        h_texture = [math.tanh(a) for a in times(gates.texture, texture)]
        h_depth = [math.tanh(a) for a in times(gates.depth, depth)]
        fused = [z * t + (1 - z) * d for z, t, d in zip(gate, h_texture, h_depth, strict=True)]
        expected.append(linear(network.head.linear, fused))
        shares.append([sum(gate) / WIDTH, 1 - sum(gate) / WIDTH])
    assert_logits(output, expected)
    assert torch.allclose(output.auxiliary_outputs["importance"], torch.tensor(shares), atol=1e-5)
    assert torch.allclose(output.auxiliary_outputs["importance"].sum(1), torch.ones(3))


@pytest.mark.parametrize("method", [Concat, Addition])
def test_with_unimodal_losses_each_stream_has_a_classifier_of_its_own_that_is_not_asked(method: type) -> None:
    alone, joint = (built(method(features=WIDTH, unimodal_losses=own, dropout=0.0)) for own in (False, True))
    faces, labels = some_faces(), torch.arange(3)
    joint.load_state_dict(alone.state_dict(), strict=False)
    output = joint(faces)
    assert torch.equal(output.logits, alone(faces).logits)
    texture, depth = zip(*features(joint, faces), strict=True)
    own = (
        torch.tensor([linear(joint.own.texture, t) for t in texture]),
        torch.tensor([linear(joint.own.depth, d) for d in depth]),
    )
    expected = sum(torch.nn.functional.cross_entropy(logits, labels) for logits in (output.logits, *own))
    assert supervised_loss(output, labels, 0.0).item() == pytest.approx(expected.item(), abs=1e-4)


def test_gmu_s_gate_goes_to_the_modality_that_is_told_to_count() -> None:
    network, faces = built(GMU(features=WIDTH)), some_faces()
    gates = network.fusions[0]
    nn.init.zeros_(gates.texture_norm.weight)
    nn.init.ones_(gates.texture_norm.bias)  # what the gate reads of texture is one, whatever the face
    nn.init.zeros_(gates.depth_norm.weight)
    nn.init.zeros_(gates.depth_norm.bias)
    for weight, share in ((5.0, 1.0), (-5.0, 0.0)):
        nn.init.constant_(gates.gate.weight, weight)
        importance: Tensor = network(faces).auxiliary_outputs["importance"]
        assert torch.allclose(importance, torch.tensor([share, 1 - share]).expand(3, 2), atol=1e-6)
