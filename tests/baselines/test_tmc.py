"""TMC against Dempster's rule as Dempster has it, and against integrals over the simplex by SciPy."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import digamma, gammaln
from scipy.stats import dirichlet

from afnetm.hooks import TrainingBatch
from baselines.tmc import TMC, evidential_loss
from tests.baselines.conftest import EIGHTH, some_faces


def opinion(logits: torch.Tensor) -> tuple[NDArray[np.float64], float]:
    """Belief in each class and uncertainty of one stream's logits for a face."""
    evidence = np.log1p(np.exp(logits.double().numpy()))
    strength = evidence.sum() + len(evidence)
    return evidence / strength, len(evidence) / strength


@torch.no_grad()
def test_opinions_are_combined_by_dempster_s_rule() -> None:
    torch.manual_seed(0)
    network, faces = TMC().build(EIGHTH, 6).eval(), some_faces()
    output, decisions = network(faces), network.decisions(faces)
    for face in range(3):
        (texture, unsure_texture), (depth, unsure_depth) = (opinion(of[face]) for of in decisions)
        conflict = sum(texture[i] * depth[j] for i in range(6) for j in range(6) if i != j)
        belief = (texture * depth + texture * unsure_depth + depth * unsure_texture) / (1 - conflict)
        unsure = unsure_texture * unsure_depth / (1 - conflict)
        assert belief.sum() + unsure == pytest.approx(1)
        # A Dirichlet distribution of this belief and uncertainty has the mean b + u / K.
        assert output.logits[face].softmax(0).numpy() == pytest.approx(belief + unsure / 6, abs=1e-6)
        sure = np.array([1 - unsure_texture, 1 - unsure_depth])
        assert output.auxiliary_outputs["importance"][face].numpy() == pytest.approx(sure / sure.sum(), abs=1e-6)


def expected_loss(alpha: NDArray[np.float64], label: int, weight: float) -> float:
    """-E[log p_label] under Dir(alpha), and KL from the uniform distribution, from gamma and digamma functions."""
    others = alpha.copy()
    others[label] = 1
    total, classes = others.sum(), len(alpha)
    normaliser = gammaln(total) - gammaln(others).sum() - gammaln(classes)
    divergence = normaliser + ((others - 1) * (digamma(others) - digamma(total))).sum()
    return float(digamma(alpha.sum()) - digamma(alpha[label]) + weight * divergence)


def test_the_expected_loss_is_that_of_draws() -> None:
    alpha = np.array([1.0, 4.0, 2.5])
    draws = dirichlet(alpha, seed=0).rvs(200_000)
    assert expected_loss(alpha, 1, 0.0) == pytest.approx(-np.log(draws[:, 1]).mean(), abs=0.01)
    others = dirichlet(np.array([1.0, 1.0, 2.5]), seed=0)
    divergence = np.mean([others.logpdf(draw) for draw in others.rvs(2_000)]) - dirichlet(np.ones(3)).logpdf([0.2] * 2)
    assert expected_loss(alpha, 1, 1.0) - expected_loss(alpha, 1, 0.0) == pytest.approx(divergence, abs=0.05)


@pytest.mark.parametrize(("progress", "weight"), [(0.0, 0.0), (0.1, 0.4), (0.25, 1.0), (0.9, 1.0)])
def test_streams_and_their_combination_learn_from_the_evidential_loss(progress: float, weight: float) -> None:
    torch.manual_seed(0)
    network, targets = TMC(annealing=0.25).build(EIGHTH, 6), torch.tensor([0, 3, 5, 3])
    output = network(some_faces(4))
    batch = TrainingBatch(targets, torch.arange(4), torch.tensor(progress), 0.0)
    expected = 0.0
    for logits in (*output.supervised_logits[:2], output.logits):
        alphas = logits.detach().double().exp().numpy()
        expected += np.mean([expected_loss(alpha, int(of), weight) for alpha, of in zip(alphas, targets, strict=True)])
    assert network.loss(output, batch).item() == pytest.approx(expected, rel=1e-4)


def test_smoothed_labels_are_the_mean_over_labels() -> None:
    alpha, targets = torch.rand(5, 4) * 9 + 1, torch.eye(4)[[0, 1, 2, 3, 0]]
    none = torch.zeros(())
    hard = torch.stack([evidential_loss(alpha, targets, torch.eye(4)[k].expand(5, 4), none) for k in range(4)])
    own = evidential_loss(alpha, targets, targets, none)
    smoothed = evidential_loss(alpha, targets, 0.9 * targets + 0.1 / 4, none)
    assert torch.allclose(smoothed, 0.9 * own + 0.1 * hard.mean())
