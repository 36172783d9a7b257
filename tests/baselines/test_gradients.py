"""Strategies that change gradients, against the papers' formulas in NumPy, weight by weight."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from afnetm.hooks import TrainingBatch, step_gradients
from afnetm.method import Output
from baselines.concat import Concat
from baselines.mmpareto import MMPareto, combine
from baselines.ogm import OGM, modulation
from tests.baselines.conftest import EIGHTH, some_faces

TARGETS = torch.arange(8) % 6


def grads(network: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(("ahead", "alpha"), [(0, 0.8), (1, 0.8), (1, 0.1)])
def test_the_modality_that_is_ahead_is_held_back(ahead: int, alpha: float) -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 8, 6)
    logits[ahead, torch.arange(8), TARGETS] += 2
    got = modulation(logits[0], logits[1], TARGETS, alpha)
    powers = np.exp(logits.double().numpy())
    scores = (powers / powers.sum(2, keepdims=True))[:, np.arange(8), TARGETS].sum(1)
    ratio = scores[ahead] / scores[1 - ahead]
    assert ratio > 1
    assert got[ahead].item() == pytest.approx(1 - np.tanh(alpha * ratio), abs=1e-6)
    assert got[1 - ahead] == 1


def test_the_halves_of_concatenation_are_its_logits() -> None:
    torch.manual_seed(0)
    network, faces = OGM().build(EIGHTH, 6).eval(), some_faces()
    concat = Concat().build(EIGHTH, 6).eval()
    concat.load_state_dict(network.state_dict())
    output = network(faces)
    assert torch.equal(output.logits, concat(faces).logits)
    assert torch.allclose(sum(output.supervised_logits[1:]), output.logits, atol=1e-6)
    depth = replace(faces, depth=faces.depth + 1)
    assert torch.equal(network(depth).supervised_logits[1], output.supervised_logits[1])


@pytest.mark.parametrize("progress", [0.0, 0.5, 0.6])
def test_encoders_gradients_are_scaled_and_disturbed_in_the_first_half(progress: float) -> None:
    torch.manual_seed(0)
    network, faces = OGM(alpha=0.5).build(EIGHTH, 6), some_faces(8)
    output = network(faces)
    torch.autograd.backward(cross_entropy(output.logits, TARGETS))
    before = grads(network)
    network.adjust_gradients(output, TrainingBatch(TARGETS, torch.arange(8), torch.tensor(progress), 0.0))
    after = grads(network)
    factors = dict(zip(("texture", "depth"), modulation(*output.supervised_logits[1:], TARGETS, 0.5), strict=True))
    assert sorted(factor == 1 for factor in factors.values()) == [False, True]
    for name, gradient in before.items():
        stream = name.split(".")[0]
        if progress > 0.5 or stream not in factors or gradient.ndim == 1:
            assert torch.equal(after[name], gradient), name
        elif gradient.numel() > 2000 and gradient.std() > 0:
            noise = (after[name] - factors[stream] * gradient) / gradient.std()
            assert noise.mean().item() == pytest.approx(0, abs=0.1)
            assert noise.std().item() == pytest.approx(1, abs=0.1)


def numpy_combined(joint: list[Tensor], own: list[Tensor]) -> list[np.ndarray]:
    """The least norm searched for by SciPy, where the two gradients are in conflict."""
    g, o = (np.concatenate([of.double().numpy().ravel() for of in one]) for one in (joint, own))
    share = 0.5
    if g @ o <= 0:
        share = minimize_scalar(lambda a: np.linalg.norm(a * g + (1 - a) * o), bounds=(0, 1), method="bounded").x
    combined = []
    for of, other in zip(joint, own, strict=True):
        h = 2 * share * of.double().numpy() + 2 * (1 - share) * other.double().numpy()
        lengthened = max(1.0, np.linalg.norm((of + other).double().numpy()) / max(np.linalg.norm(h), 1e-30))
        combined.append(1.5 * lengthened * h)
    return combined


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("length", [0.3, 1.0, 5.0])
def test_gradients_in_conflict_are_combined_to_the_least_norm(sign: float, length: float) -> None:
    torch.manual_seed(0)
    joint = [torch.randn(4, 3), torch.randn(5)]
    own = [length * (sign * of + torch.randn_like(of)) for of in joint]
    both = [of + other for of, other in zip(joint, own, strict=True)]
    got = combine(joint, both)
    for one, expected in zip(got, numpy_combined(joint, own), strict=True):
        assert np.allclose(one.numpy(), expected, rtol=1e-3, atol=1e-3)
    dot = sum(float((of * one).sum() / one.norm()) for of, one in zip(joint, got, strict=True))
    assert dot > 0


def test_each_encoder_has_the_joint_gradients_and_its_own_and_classifiers_theirs() -> None:
    faces, separate = some_faces(8), []
    for part in (0, 1, 2):
        torch.manual_seed(0)
        network = MMPareto().build(EIGHTH, 6)
        output: Output = network(faces)
        torch.autograd.backward(cross_entropy(output.supervised_logits[part], TARGETS))
        separate.append(grads(network))
    torch.manual_seed(0)
    network = MMPareto().build(EIGHTH, 6)
    step_gradients(network, faces, TARGETS, progress=0.0)
    got = grads(network)
    assert network.joint == []
    for own, stream in ((separate[1], "texture"), (separate[2], "depth")):
        names = [name for name in got if name.split(".")[0] in {stream, f"{stream}_features"}]
        expected = numpy_combined([separate[0][name] for name in names], [own[name] for name in names])
        for name, gradient in zip(names, expected, strict=True):
            assert np.allclose(got[name].numpy(), gradient, rtol=1e-3, atol=1e-4), name
        heads = [f"own.{stream}.weight", f"own.{stream}.bias"]
        assert all(torch.allclose(got[name], own[name], atol=1e-6) for name in heads)
    assert torch.allclose(got["classifier.weight"], separate[0]["classifier.weight"], atol=1e-6)
