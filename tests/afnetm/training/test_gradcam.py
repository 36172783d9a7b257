import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import FaceDataset
from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from afnetm.model.afnetm import AFNetM
from afnetm.model.encoder import Encoder, EncoderSpec, Head
from afnetm.model.stream import Stream
from afnetm.registry import methods
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.gradcam import gradcam, last_maps
from baselines.texture import Texture

SMALL = EncoderSpec(width=0.25)


@pytest.fixture
def faces(learnable: FaceDataset) -> FaceBatch:
    return DeviceDataset(learnable, np.arange(6), torch.device("cpu")).faces(torch.arange(6))


@pytest.mark.parametrize(
    "encoder", [SMALL, EncoderSpec(name="test_efficientnet"), EncoderSpec(name="test_vit", size=64)]
)
def test_with_pooling_and_a_linear_layer_it_is_the_class_activation_map(encoder: EncoderSpec) -> None:
    """Selvaraju et al. show that there Grad-CAM is CAM (Zhou et al., CVPR 2016): the layer's weights on the map."""
    dataset = learnable_dataset(subjects=1, size=64)
    faces = DeviceDataset(dataset, np.arange(6), torch.device("cpu")).faces(torch.arange(6))
    torch.manual_seed(0)
    network = Texture().build(encoder, 6).eval()
    classes = torch.tensor([0, 5, 2, 2, 1, 4])
    (evidence,) = gradcam(network, faces, classes).values()
    head, stream = network.get_submodule("head.linear"), network.get_submodule("texture")
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        maps = stream(faces.texture)
        for face, wanted in enumerate(classes):
            activation = torch.einsum("c,chw->hw", head.weight[wanted], maps[face]).clamp_min(0)
            assert torch.allclose(evidence[face], activation / activation.max().clamp_min(1e-12), atol=1e-4)
    assert evidence.max() == 1


@pytest.mark.parametrize("name", sorted(methods()))
def test_any_method_is_explained_and_left_as_it_was(name: str, faces: FaceBatch) -> None:
    network = methods()[name]().build(SMALL, 6).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with torch.no_grad():
        logits = network(faces).logits
    drawn = torch.get_rng_state()
    formatted = gradcam(network, faces, torch.arange(6))
    assert set(formatted) == set(last_maps(network))
    assert bool(formatted) == (methods()[name]().reads != ("landmarks",))  # which have no maps
    for evidence in formatted.values():
        assert evidence.shape[0] == 6
        assert max(evidence.shape[1:]) <= 14
        assert evidence.dtype == torch.float32
        assert not evidence.requires_grad
        assert set(evidence.amax((1, 2)).tolist()) <= {0.0, 1.0}
        assert evidence.min() >= 0
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    with torch.no_grad():
        assert torch.equal(network(faces).logits, logits)


def test_both_streams_up_to_the_fusing_stage_and_the_trunk_are_looked_at(faces: FaceBatch) -> None:
    assert list(last_maps(AFNetM().build(SMALL, 6))) == ["texture", "depth", "trunk"]


class _Network(nn.Module):
    """Two streams, of which one decides the class."""

    def __init__(self, *, differentiable: bool = True) -> None:
        super().__init__()
        self.texture = nn.ModuleDict({"stream": Stream(SMALL, 3)})
        self.depth = Encoder(SMALL, 1)
        self.head = Head(128, 6)
        self.differentiable = differentiable

    def forward(self, faces: FaceBatch) -> Output:
        texture = self.texture["stream"](faces.texture)
        depth = faces.depth
        for stage in self.depth.stages:
            depth = stage(depth)
        logits: Tensor = self.head(texture)
        return Output(
            logits if self.differentiable else logits.detach(), auxiliary_outputs={"unused": depth.mean((1, 2, 3))}
        )


def test_what_the_class_does_not_depend_on_shows_no_evidence(faces: FaceBatch) -> None:
    formatted = gradcam(_Network(), faces, torch.arange(6))
    assert list(formatted) == ["texture", "depth"]
    assert formatted["texture"].max() == 1
    assert formatted["depth"].max() == 0


def test_without_gradients_there_is_nothing_to_show(faces: FaceBatch) -> None:
    assert gradcam(_Network(differentiable=False), faces, torch.arange(6)) == {}


def test_wide_maps_are_made_small(faces: FaceBatch) -> None:
    def grow(x: Tensor) -> Tensor:
        return nn.functional.interpolate(x, size=128)

    wide = dataclasses.replace(
        faces, **{name: grow(getattr(faces, name)) for name in ("texture", "depth", "valid", "masks")}
    )
    formatted = gradcam(AFNetM(fuse_stages=(1,)).build(SMALL, 6), wide, torch.arange(6))
    assert formatted["texture"].shape == (6, 14, 14)  # of 32 x 32
    assert formatted["trunk"].shape == (6, 4, 4)
