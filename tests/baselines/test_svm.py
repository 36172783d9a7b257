"""The SVM that is fitted after training: what it separates, what it keeps, and that it is the documented formula."""

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from afnetm.hooks import supervised_loss
from afnetm.method import Finalizing
from baselines.svm import SVM
from tests.baselines.conftest import EIGHTH, some_faces


def built(method: SVM | None = None, *, classes: int = 6, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return (method or SVM()).build(EIGHTH, classes).eval()


def toy(network: nn.Module, *, count: int = 60, noise: float = 0.3) -> tuple[Tensor, Tensor]:
    """Features around a centre a class, on scales from a thousandth to a thousand, one of them constant."""
    classes, width = network.weight.shape
    labels = torch.arange(count) % classes
    scales = torch.logspace(-3, 3, width)
    x = (torch.randn(classes, width)[labels] + noise * torch.randn(count, width)) * scales + 5 * scales
    x[:, 3] = 7.0
    return x, labels


def decide(network: nn.Module, x: Tensor) -> Tensor:
    return x @ network.weight.T + network.bias


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_it_separates_what_can_be_separated(classes: int) -> None:
    network = built(classes=classes)
    x, labels = toy(network)
    assert isinstance(network, Finalizing)
    network.finalize(x, labels)
    assert torch.equal(decide(network, x).argmax(1), labels)


@pytest.mark.parametrize("cost", [1e-4, 1e-2, 0.1, 10.0])
def test_its_logits_are_scikit_learn_s_decision_values_on_standardised_features(cost: float) -> None:
    network = built(SVM(cost=cost))
    x, labels = toy(network, noise=2.0)
    network.finalize(x, labels)
    pipeline = make_pipeline(StandardScaler(), LinearSVC(C=cost, random_state=0, max_iter=10_000))
    expected = pipeline.fit(x.double().numpy(), labels.numpy()).decision_function(x.double().numpy())
    # Within the solver's own tolerance: scikit-learn shuffles anew for each class where it is given all at once.
    assert np.allclose(decide(network, x).numpy(), expected, atol=0.02)


def test_evaluated_it_answers_by_the_svms_and_in_training_by_the_streams() -> None:
    network, faces = built(), some_faces(6)
    with torch.no_grad():
        assert torch.equal(network(faces).logits, torch.zeros(6, 6))
        output = network(faces)
        expected = torch.cat([network.texture(faces.texture), network.depth(faces.geometry("depth+normals"))], 1)
        assert torch.allclose(output.features, expected.flatten(2).mean(2))
        network.finalize(output.features, torch.arange(6))
        output = network(faces)
    assert torch.allclose(output.logits, decide(network, output.features), atol=1e-5)
    assert torch.equal(output.logits.argmax(1), torch.arange(6))
    output = network.train()(faces)
    assert torch.equal(output.logits, output.supervised_logits[0] + output.supervised_logits[1])


def test_streams_learn_apart_and_all_of_them() -> None:
    network, faces = built().train(), some_faces(12)
    supervised_loss(network(faces), torch.arange(12) % 6, 0.0).backward()
    assert all(p.grad is not None for p in network.parameters())
    network.zero_grad(set_to_none=True)
    network(faces).supervised_logits[0].sum().backward()
    assert all(p.grad is None for name, p in network.named_parameters() if name.startswith("depth"))


def test_the_same_features_give_the_same_bits_and_a_saved_one_comes_back() -> None:
    network, twin, faces = built(), built(), some_faces()
    x, labels = toy(network)
    torch.manual_seed(1)
    network.finalize(x, labels)
    torch.manual_seed(2)
    twin.finalize(x, labels)
    again = built(seed=5)
    again.load_state_dict(load(save(network.state_dict())))
    with torch.no_grad():
        assert torch.equal(network(faces).logits, twin(faces).logits)
        assert torch.equal(network(faces).logits, again(faces).logits)
    assert network.weight.any()


def test_a_class_without_training_scans_is_never_the_answer() -> None:
    network = built()
    x, labels = toy(network)
    present = labels != 2
    network.finalize(x[present], labels[present])
    assert (decide(network, x).argmax(1) != 2).all()
    assert torch.equal(decide(network, x).argmax(1)[present], labels[present])


def test_one_class_alone_is_always_the_answer() -> None:
    network = built()
    x, _ = toy(network)
    network.finalize(x, torch.full((60,), 4))
    assert (decide(network, x).argmax(1) == 4).all()


def test_under_autocast_the_svms_stay_in_float32() -> None:
    network = built()
    x, labels = toy(network)
    network.finalize(x, labels)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        output = network(some_faces())
    assert output.features.dtype == output.logits.dtype == torch.float32
    assert torch.allclose(output.logits, decide(network, output.features), rtol=1e-4, atol=1e-3)
