"""Strategies that train in phases: what each phase trains, from where, and by what; against formulas written out."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from afnetm.contract.bench import STILL
from afnetm.contract.inputs import SCANS, learnable
from afnetm.hooks import TrainingBatch
from afnetm.training.config import TrainingConfig
from afnetm.training.loop import fit
from baselines.concat import Concat
from baselines.gblend import GBlend, blended
from baselines.umt import UMT
from tests.baselines.conftest import EIGHTH, some_faces

TARGETS = torch.arange(6)


def built(method: object) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = method.build(EIGHTH, 6)
    return network


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def disturb(network: nn.Module) -> None:
    """Some training, as far as a weight tells."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))


def test_teachers_are_the_trained_streams_and_their_pupils_begin_where_those_began() -> None:
    network, faces = built(UMT(distillation=3.0)), some_faces(6)
    batch = TrainingBatch(TARGETS, torch.arange(6), torch.zeros(()), 0.0)
    before = state(network)
    network.begin(6)
    network.begin_phase(0)
    network.prepare(faces, batch)
    output = network(faces)
    alone = sum(cross_entropy(of, TARGETS) for of in network.own(*network.features(faces)))
    assert torch.allclose(network.loss(output, batch), alone, atol=1e-5)

    disturb(network)
    with torch.no_grad():
        seen = torch.cat(network.eval().features(faces), 1)
    network.train()
    network.begin_phase(1)
    assert all(torch.equal(of, before[name]) for name, of in network.state_dict().items())
    assert not any(name.startswith("teacher") for name in network.state_dict())
    disturb(network)
    network.prepare(faces, batch)
    output = network(faces)
    texture, depth = ((output.features - seen)[:, part].square().mean() for part in (slice(128), slice(128, None)))
    expected = cross_entropy(output.logits, TARGETS) + 3 * (texture + depth)
    assert torch.allclose(network.loss(output, batch), expected, atol=1e-5)
    torch.autograd.backward(network.loss(output, batch))
    assert all(parameter.grad is None for parameter in network.teachers[0].parameters())


def test_what_umt_and_gblend_evaluate_is_concatenation() -> None:
    faces, concat = some_faces(), built(Concat(unimodal_losses=True)).eval()
    for method in (UMT(), GBlend()):
        network = built(method).eval()
        concat.load_state_dict({name: of for name, of in network.state_dict().items() if name != "blend"})
        assert torch.equal(network(faces).logits, concat(faces).logits)


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_losses_are_weighed_by_what_they_gain_over_the_square_of_what_they_overfit(shift: float) -> None:
    before = torch.tensor([[1.8, 1.7, 1.9], [1.8, 1.9, 1.9]]) + shift
    after = torch.tensor([[0.2, 1.0, 0.9], [1.2, 1.4, 1.0]]) + shift
    gains = np.array([0.6, 0.5, 0.9])
    overfits = np.array([1.0, 0.4 - 0.2, 0.1])
    expected = gains / overfits**2
    assert np.allclose(blended(before, after).numpy(), expected / expected.sum(), atol=1e-4)


def test_a_loss_that_gained_nothing_has_no_weight_and_none_decides_by_rounding() -> None:
    before, after = torch.full((2, 3), 1.8), torch.tensor([[1.0, 0.5, 1.8], [1.0, 1.9, 1.8]])
    assert blended(before, after).tolist() == pytest.approx([1, 0, 0])
    assert blended(before, before).tolist() == pytest.approx([1 / 3] * 3)
    assert blended(before, before - 0.5).tolist() == pytest.approx([1 / 3] * 3)


def test_blending_measures_streams_alone_and_together_from_the_same_start() -> None:
    network, (data, labels) = built(GBlend(measuring=1 / 3)), learnable()
    index, held_out = torch.arange(8, SCANS), torch.arange(12)  # some of both, so that so few steps gain something
    first, starts, weights, losses = state(network), [], [], []
    begin_phase, review = network.begin_phase, network.review

    def watched_phase(number: int) -> None:
        begin_phase(number)
        starts.append(state(network))
        weights.append(network.weights.tolist())

    def watched_review(number, answers) -> None:
        given = answers()
        assert not network.training
        assert torch.equal(given[1].targets, labels[held_out])
        losses.append([[cross_entropy(of, one.targets) for of in one.output.supervised_logits] for one in given])
        review(number, answers)

    network.begin_phase, network.review = watched_phase, watched_review
    config = TrainingConfig(epochs=12, batch_size=6, learning_rate=3e-3, label_smoothing=0.0, augmentation=STILL)
    fit(network, data, index, labels, config, seed=0, held_out=held_out)

    for start in starts:
        assert all(torch.equal(of, first[name]) for name, of in start.items() if name != "blend")
    assert weights[:2] == [[0, 1, 1], [1, 0, 0]]
    (before, alone, joint), after = np.array(losses), np.empty((2, 3))
    after[:, 0], after[:, 1:] = joint[:, 0], alone[:, 1:]
    gains = (before[1] - after[1]).clip(min=0)
    overfits = (after[1] - after[0]) - (before[1] - before[0])
    expected = gains / (overfits**2).clip(min=1e-4)
    assert np.allclose(weights[2], expected / expected.sum(), atol=1e-4)
    assert network.blend.tolist() == weights[2]


@pytest.mark.parametrize(("epochs", "held_out"), [(1, None), (1, torch.arange(4)), (2, torch.arange(4))])
def test_where_nothing_can_be_measured_the_losses_count_alike(epochs: int, held_out: Tensor | None) -> None:
    network, (data, labels) = built(GBlend()), learnable()
    config = TrainingConfig(epochs=epochs, batch_size=8)
    fit(network, data, torch.arange(8), labels, config, seed=0, held_out=held_out)
    assert network.blend.tolist() == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("epochs", [1, 2])
def test_few_epochs_are_enough_to_be_taught(epochs: int) -> None:
    network, (data, labels) = built(UMT()), learnable()
    curves = fit(network, data, torch.arange(8), labels, TrainingConfig(epochs=epochs, batch_size=8), seed=0)
    assert curves.loss.isfinite().all()
