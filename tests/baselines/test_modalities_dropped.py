"""Modality dropout and EmbraceNet: what a face keeps in training, and what is made of it."""

import torch

from baselines.embracenet import EmbraceNet, embraced
from baselines.moddrop import ModalityDropout, kept_modalities
from tests.baselines.conftest import EIGHTH, some_faces

CPU = torch.device("cpu")


def test_a_face_loses_at_most_one_modality_as_often_as_asked() -> None:
    torch.manual_seed(0)
    kept = kept_modalities(100_000, dropout=0.4, texture=0.25, device=CPU)
    assert kept.dtype == torch.float32
    rows, counts = kept.unique(dim=0, return_counts=True)
    assert rows.tolist() == [[0, 1], [1, 0], [1, 1]]
    shares = counts / len(kept)  # within five standard deviations of 0.4 * 0.25, 0.4 * 0.75 and 0.6
    assert torch.allclose(shares, torch.tensor([0.1, 0.3, 0.6]), atol=0.008)


def test_certain_and_impossible_losses_are() -> None:
    assert kept_modalities(50, dropout=0.0, texture=0.5, device=CPU).all()
    assert torch.equal(kept_modalities(50, dropout=1.0, texture=1.0, device=CPU), torch.tensor([[0.0, 1.0]] * 50))
    assert torch.equal(kept_modalities(50, dropout=1.0, texture=0.0, device=CPU), torch.tensor([[1.0, 0.0]] * 50))


def test_the_classifier_reads_the_kept_features_alone_and_all_of_them_at_test_time() -> None:
    faces = some_faces(4)
    for lost, (of_texture, of_depth) in (((1.0, 1.0), (0, 1)), ((1.0, 0.0), (1, 0)), ((0.0, 0.5), (1, 1))):
        method = ModalityDropout(modality_dropout=lost[0], texture_dropout=lost[1], features=16)
        network = method.build(EIGHTH, 6)
        weight, bias = network.classifier.weight, network.classifier.bias
        for training in (True, False):
            network.train(training)
            texture, depth = network.features(faces)
            keeps = (of_texture, of_depth) if training else (1, 1)
            expected = keeps[0] * texture @ weight[:, :16].T + keeps[1] * depth @ weight[:, 16:].T + bias
            assert torch.allclose(network(faces).logits, expected, atol=1e-4)


def test_each_embraced_feature_is_one_modality_s_either_as_often() -> None:
    torch.manual_seed(0)
    texture, depth = torch.rand(300, 200), -torch.rand(300, 200)
    fused = embraced(texture, depth, torch.ones(300, 2))
    of_texture = fused == texture
    assert torch.equal(fused, of_texture * texture + ~of_texture * depth)
    assert abs(of_texture.float().mean() - 0.5) < 0.01  # five standard deviations of 60,000 draws
    assert of_texture.float().mean(0).std() < 0.05  # drawn for each face and feature anew
    assert of_texture.float().mean(1).std() < 0.05


def test_a_lost_modality_gives_no_feature_to_the_embraced() -> None:
    texture, depth = torch.rand(2, 50), -torch.rand(2, 50)
    fused = embraced(texture, depth, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert torch.equal(fused, torch.stack([texture[0], depth[1]]))


def test_embracenet_answers_with_the_expectation_of_what_it_draws() -> None:
    torch.manual_seed(0)
    network = EmbraceNet(features=16).build(EIGHTH, 6).eval()
    faces = some_faces(2)
    texture, depth = network.features(faces)
    draws = torch.stack([embraced(texture, depth, torch.ones(2, 2)) for _ in range(4000)])
    mean = draws.mean(0)
    assert torch.allclose(mean, (texture + depth) / 2, atol=0.05 * float((texture - depth).detach().abs().max()))
    expected = (texture + depth) / 2 @ network.classifier.weight.T + network.classifier.bias
    assert torch.allclose(network(faces).logits, expected, atol=1e-5)
