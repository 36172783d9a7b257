"""QMF against its formulas, face by face and pair by pair."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from afnetm.hooks import TrainingBatch, supervised_loss
from afnetm.method import Output
from baselines.qmf import QMF, rank_loss
from tests.baselines.conftest import EIGHTH, some_faces


@torch.no_grad()
def test_logits_are_weighed_by_a_tenth_of_their_energy() -> None:
    torch.manual_seed(0)
    network, faces = QMF().build(EIGHTH, 6).eval(), some_faces()
    output = network(faces)
    texture, depth = network.decisions(faces)
    for face in range(3):
        sure = [math.log(sum(math.exp(v) for v in of[face].tolist())) / 10 for of in (texture, depth)]
        expected = [
            sure[0] * t + sure[1] * d for t, d in zip(texture[face].tolist(), depth[face].tolist(), strict=True)
        ]
        assert output.logits[face].tolist() == pytest.approx(expected, abs=1e-5)
        importance = [of / sum(sure) for of in sure]
        assert output.auxiliary_outputs["importance"][face].tolist() == pytest.approx(importance, abs=1e-5)


def test_of_neighbours_the_one_that_lost_less_is_to_be_surer_by_the_difference() -> None:
    sure, lost = [0.3, 0.5, 0.4, 0.1], [0.0, 0.2, 0.2, 1.0]
    expected = 0.0
    for i in range(4):
        j = (i + 1) % 4
        if lost[i] < lost[j]:
            expected += max(0.0, lost[j] - lost[i] - (sure[i] - sure[j]))
        elif lost[i] > lost[j]:
            expected += max(0.0, lost[i] - lost[j] - (sure[j] - sure[i]))
    assert rank_loss(torch.tensor(sure), torch.tensor(lost)).item() == pytest.approx(expected / 4)
    ordered = rank_loss(torch.tensor([1.0, 0.4, 0.0]), torch.tensor([0.0, 0.5, 0.9]))
    assert ordered == 0


def test_losses_are_summed_by_scan_over_steps_and_scaled_over_all_scans() -> None:
    torch.manual_seed(0)
    network = QMF(ranking=0.5).build(EIGHTH, 3)
    network.begin(5)
    history = torch.zeros(2, 5)
    for index in (torch.tensor([4, 0, 2]), torch.tensor([1, 2, 3])):
        own, targets = torch.randn(2, 3, 3), torch.tensor([0, 2, 1])
        output = Output(own.sum(0), supervised_logits=(own.sum(0), *own))
        batch = TrainingBatch(targets, index, torch.zeros(()), 0.1)
        loss = network.loss(output, batch)
        for stream in range(2):
            for place, scan in enumerate(index):
                history[stream, scan] += cross_entropy(own[stream, place], targets[place])
        expected = supervised_loss(output, targets, 0.1)
        for stream, of in enumerate(history):
            scaled = (of - of.min()) / (of.max() - of.min())
            expected += 0.5 * rank_loss(own[stream].logsumexp(1) / 10, scaled[index])
        assert torch.allclose(loss, expected)
    assert torch.allclose(network.history, history)
    assert "history" not in network.state_dict()
    network.begin(2)
    assert network.history.tolist() == [[0, 0], [0, 0]]


def test_equal_histories_say_nothing() -> None:
    network, one = QMF().build(EIGHTH, 3), torch.zeros(4, 3)
    network.begin(4)
    output = Output(one, supervised_logits=(one, one, one))
    batch = TrainingBatch(torch.zeros(4, dtype=torch.int64), torch.arange(4), torch.zeros(()), 0.0)
    assert torch.equal(network.loss(output, batch), supervised_loss(output, batch.targets, 0.0))
    apart = replace(output, supervised_logits=(one, torch.randn(4, 3), one))
    assert network.loss(apart, batch) > supervised_loss(apart, batch.targets, 0.0)
