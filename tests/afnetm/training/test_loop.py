import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight
from torch import nn

from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.face_batch import FaceBatch
from afnetm.hooks import TrainingBatch, TrainingHooks
from afnetm.method import Output, built
from afnetm.model.afnetm import AFNetM
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream
from afnetm.registry import methods
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.loop import Curves, DivergedError, fit, predict
from afnetm.training.optimizing import learning_rate_factor, parameter_groups

CPU = torch.device("cpu")
SHORT = TrainingConfig(epochs=2, batch_size=16)


def train(
    dataset: FaceDataset, index: NDArray[np.int64], config: TrainingConfig, *, seed: int = 1
) -> tuple[torch.nn.Module, DeviceDataset, torch.Tensor, Curves]:
    torch.manual_seed(seed)
    network = AFNetM().build(EncoderSpec(width=0.25), len(EXPRESSIONS))
    data = DeviceDataset(dataset, np.arange(len(dataset.table)), CPU)
    labels = torch.tensor([EXPRESSIONS.index(e) for e in dataset.table["expression"]])
    curves = fit(network, data, torch.from_numpy(index), labels, config, seed=seed)
    return network, data, labels, curves


def test_the_same_seed_gives_the_same_bits_and_another_does_not(
    learnable: FaceDataset, rows: NDArray[np.int64]
) -> None:
    states = [train(learnable, rows, SHORT, seed=seed)[0].state_dict() for seed in (1, 1, 2)]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    assert not all(torch.equal(states[0][k], states[2][k]) for k in states[0])


def test_what_is_not_trained_on_has_no_influence(learnable: FaceDataset) -> None:
    """Test scans and their labels are replaced by noise; the trained weights stay the same, bit for bit."""
    rng = np.random.default_rng(0)
    texture, depth, table = learnable.texture.copy(), learnable.depth.copy(), learnable.table.copy()
    texture[32:] = rng.integers(0, 256, texture[32:].shape)
    depth[32:] = rng.integers(0, 65536, depth[32:].shape)
    table.loc[32:, "expression"] = "fear"
    poisoned = dataclasses.replace(learnable, texture=texture, depth=depth, table=table)
    one, other = (train(dataset, np.arange(32), SHORT)[0].state_dict() for dataset in (learnable, poisoned))
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_a_prediction_does_not_depend_on_its_neighbours_in_the_batch(learnable: FaceDataset) -> None:
    network, data, _, _ = train(learnable, np.arange(16), SHORT)
    multi, auxiliary_outputs = predict(network, data, torch.arange(16), SHORT)
    alone = [predict(network, data, torch.tensor([k]), SHORT) for k in range(16)]
    assert torch.allclose(multi, torch.cat([p for p, _ in alone]), atol=1e-5)
    assert torch.allclose(auxiliary_outputs["importance"], torch.cat([e["importance"] for _, e in alone]), atol=1e-5)
    assert torch.allclose(multi.sum(1), torch.ones(16), atol=1e-5)


def distances(features: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
    """Not by way of products, whose rounding differs between processors by more than the means do."""
    return torch.cdist(features, means, compute_mode="donot_use_mm_for_euclid_dist")


class _Centroids(torch.nn.Module):
    """Classifies by the nearest mean of the training scans' features, which `finalize` finds."""

    means: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stream, self.head = Stream(EncoderSpec(width=0.25), 3), Head(128, len(EXPRESSIONS), 0.5)
        self.register_buffer("means", torch.zeros(len(EXPRESSIONS), 128))
        self.given: list[tuple[torch.Tensor, torch.Tensor]] = []

    def forward(self, faces: FaceBatch) -> Output:
        maps = self.stream(faces.texture)
        features = maps.mean((2, 3))
        return Output(-distances(features, self.means), supervised_logits=(self.head(maps),), features=features)

    def finalize(self, features: torch.Tensor, labels: torch.Tensor) -> None:
        assert not self.training
        assert not features.requires_grad
        self.given.append((features, labels))
        self.means.copy_(torch.stack([features[labels == k].mean(0) for k in range(len(EXPRESSIONS))]))


def finalized(
    dataset: FaceDataset, index: torch.Tensor, config: TrainingConfig
) -> tuple[_Centroids, DeviceDataset, torch.Tensor]:
    torch.manual_seed(0)
    network, data = _Centroids(), DeviceDataset(dataset, np.arange(len(dataset.table)), CPU)
    labels = torch.tensor([EXPRESSIONS.index(e) for e in dataset.table["expression"]])
    fit(network, data, index, labels, config, seed=1)
    return network, data, labels


def test_what_is_fitted_after_training_is_given_the_training_scans_unmoved(learnable: FaceDataset) -> None:
    index = torch.randperm(len(learnable.table), generator=torch.Generator().manual_seed(0))[:30]
    network, data, labels = finalized(learnable, index, SHORT)
    ((features, classes),) = network.given  # once
    with torch.no_grad():  # by the weights as they are after the last epoch
        assert torch.allclose(features, network.eval()(data.faces(index, softened=True)).features, atol=1e-5)
    assert torch.equal(classes, labels[index])
    again, _, _ = finalized(learnable, index, SHORT)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in network.state_dict().items())
    probabilities, _ = predict(network, data, index, SHORT)
    assert torch.allclose(probabilities, (-distances(features, network.means)).softmax(1), atol=1e-5)


def test_what_is_fitted_is_given_float32_in_bfloat16_too(learnable: FaceDataset) -> None:
    network, _, _ = finalized(learnable, torch.arange(24), dataclasses.replace(SHORT, precision="bfloat16", epochs=1))
    assert network.given[0][0].dtype == torch.float32


def test_bfloat16_learns_too(learnable: FaceDataset, rows: NDArray[np.int64]) -> None:
    config = dataclasses.replace(SHORT, precision="bfloat16", epochs=10, learning_rate=3e-3)
    network, _, _, curves = train(learnable, rows, config)
    assert curves.loss.isfinite().all()
    assert curves.loss[-1] < 0.8 * curves.loss[0]
    assert all(p.dtype == torch.float32 for p in network.parameters())


def test_no_batch_is_tiny(learnable: FaceDataset) -> None:
    # 17 scans in batches of 16 would leave one alone, on which batch normalisation fails.
    _, _, _, curves = train(learnable, np.arange(17), dataclasses.replace(SHORT, epochs=1))
    assert curves.loss.isfinite().all()


def test_the_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    factors = [learning_rate_factor(step, 200, 0.1) for step in range(201)]
    assert np.argmax(factors) == 20
    assert factors[20] == pytest.approx(1)
    assert (np.diff(factors[:21]) > 0).all()
    assert (np.diff(factors[20:]) < 0).all()
    assert factors[200] == pytest.approx(0, abs=1e-12)
    assert factors[110] == pytest.approx(0.5)
    assert learning_rate_factor(0, 10, 0) == 1


class Spoilt(nn.Module):
    """A network whose logits, or importance, are no numbers from a step on."""

    def __init__(self, *, steps: int, spoils: str = "logits") -> None:
        super().__init__()
        self.layer, self.left, self.spoils = nn.Linear(3, 6), steps, spoils

    def forward(self, faces: FaceBatch) -> Output:
        logits = self.layer(faces.texture.mean((2, 3)))
        importance = logits.new_full((len(logits), 2), 0.5)
        self.left -= 1
        if self.left < 0:
            spoilt = logits if self.spoils == "logits" else importance
            spoilt.data.fill_(torch.nan)
        return Output(logits, auxiliary_outputs={"importance": importance})


@pytest.mark.parametrize(("steps", "epoch"), [(0, 1), (2, 1), (3, 2), (8, 3)])
def test_a_training_that_diverges_says_from_which_epoch_on_and_what_helps(
    steps: int, epoch: int, learnable: FaceDataset, rows: NDArray[np.int64]
) -> None:
    data = DeviceDataset(learnable, rows, CPU)
    config = dataclasses.replace(SHORT, epochs=3, learning_rate=0.25)
    with pytest.raises(DivergedError, match=rf"from epoch {epoch} of 3 on; try a lower learning_rate \(it is 0.25\)"):
        fit(Spoilt(steps=steps), data, torch.from_numpy(rows), torch.zeros(len(rows), dtype=torch.long), config, seed=0)


@pytest.mark.parametrize("spoils", ["logits", "importance"])
def test_a_network_that_answers_with_no_number_is_refused(
    spoils: str, learnable: FaceDataset, rows: NDArray[np.int64]
) -> None:
    data = DeviceDataset(learnable, rows, CPU)
    with pytest.raises(DivergedError, match=rf"'{spoils}' .* is not finite for 32 of 48 scans"):
        predict(Spoilt(steps=1, spoils=spoils), data, torch.from_numpy(rows), SHORT)


def test_weights_decay_and_norms_biases_tokens_and_scalars_do_not() -> None:
    """With a learning rate at which gradients hardly count, what decays shrinks, and nothing else does."""
    for name, kind in sorted(methods().items()):
        model = built(kind(), EncoderSpec(width=0.125), 6)
        groups = parameter_groups(model, TrainingConfig(weight_decay=0.1))
        decayed = {id(p) for group in groups for p in group["params"] if group["weight_decay"] == 0.1}
        layers = (nn.Linear, nn.Conv2d, nn.MultiheadAttention)
        expected = {
            id(parameter)
            for module in model.modules()
            if isinstance(module, layers)
            for parameter in module.parameters(recurse=False)
            if parameter.ndim > 1 and (parameter is not getattr(module, "bias", None))
        }
        assert expected <= decayed, name
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm):
                assert not decayed & {id(parameter) for parameter in module.parameters(recurse=False)}, name
        bare = {id(p) for n, p in model.named_parameters() if not n.endswith("weight")}
        assert not decayed & bare, name
        assert sum(len(group["params"]) for group in groups) == len(list(model.parameters())), name


def test_gradients_are_clipped_to_the_norm_that_is_set(learnable: FaceDataset, rows: NDArray[np.int64]) -> None:
    def trained(clip: float | None) -> dict[str, torch.Tensor]:
        return train(learnable, rows, dataclasses.replace(SHORT, gradient_clip=clip))[0].state_dict()

    never, loose, tight = trained(None), trained(1e9), trained(1e-3)
    assert all(torch.equal(never[name], loose[name]) for name in never)
    assert not all(torch.equal(never[name], tight[name]) for name in never)


class _Counting(nn.Module, TrainingHooks):
    """Counts how often it is given each training scan."""

    def __init__(self, scans: int) -> None:
        super().__init__()
        self.bias, self.drawn = nn.Parameter(torch.zeros(6)), torch.zeros(scans)

    def forward(self, faces: FaceBatch) -> Output:
        return Output(self.bias.expand(len(faces.texture), -1))

    def prepare(self, faces: FaceBatch, batch: TrainingBatch) -> tuple[FaceBatch, TrainingBatch]:
        self.drawn.index_add_(0, batch.index, torch.ones(len(batch.index)))
        return faces, batch


def test_balanced_sampling_draws_scans_by_scikit_learns_weights(learnable: FaceDataset) -> None:
    labels = torch.tensor([EXPRESSIONS.index(e) for e in learnable.table["expression"]])
    uneven = torch.cat([(labels == k).nonzero()[: 1 + k, 0] for k in range(6)])
    data, config = DeviceDataset(learnable, np.arange(len(labels)), CPU), TrainingConfig(epochs=200, batch_size=21)
    for sampling, expected in (
        ("shuffled", np.ones(len(uneven))),
        ("balanced", compute_sample_weight("balanced", labels[uneven].numpy())),
    ):
        network = _Counting(len(uneven))
        fit(network, data, uneven, labels, dataclasses.replace(config, sampling=sampling), seed=0)
        assert np.allclose(network.drawn.numpy() / 200, expected, rtol=0.3 if sampling == "balanced" else 0.0)
