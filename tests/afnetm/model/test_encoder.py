import re
from pathlib import Path
from typing import Literal

import pytest
import timm
import torch
from safetensors.torch import save_file

from afnetm.errors import UserError
from afnetm.model.encoder import Encoder, EncoderSpec
from afnetm.model.stream import Stream, check_encoder


@pytest.mark.parametrize("name", ["resnet18", "convnext_atto", "regnety_002"])
def test_stages_end_at_a_quarter_to_a_32nd_with_the_channels_they_say(name: str) -> None:
    encoder, x = Encoder(EncoderSpec(name=name), 4), torch.zeros(1, 4, 64, 64)
    for stage, channels, size in zip(encoder.stages, encoder.channels, (16, 8, 4, 2), strict=True):
        x = stage(x)
        assert x.shape == (1, channels, size, size)


@pytest.mark.parametrize("name", ["resnet18", "convnext_atto", "regnety_002"])
@pytest.mark.parametrize(("stride", "sizes"), [(16, (16, 8, 4, 4)), (8, (16, 8, 8, 8))])
def test_an_output_stride_keeps_later_maps_as_large_and_every_weight_as_it_is(
    name: str, stride: Literal[8, 16], sizes: tuple[int, ...]
) -> None:
    spec = EncoderSpec(name=name, output_stride=stride)
    encoder, x = Encoder(spec, 3), torch.zeros(1, 3, 64, 64)
    for stage, size in zip(encoder.stages, sizes, strict=True):
        x = stage(x)
        assert x.shape[2:] == (size, size)
    assert Stream(spec, 3)(torch.zeros(1, 3, 64, 64)).shape[2:] == (64 // stride, 64 // stride)
    plain = Encoder(EncoderSpec(name=name), 3).state_dict()
    assert {key: of.shape for key, of in encoder.state_dict().items()} == {key: of.shape for key, of in plain.items()}


@pytest.mark.parametrize(
    ("name", "blocks"),
    [("resnet18", [2, 2, 2, 2]), ("resnet50", [3, 4, 6, 3]), ("convnext_atto", None)],
)
def test_it_can_be_cut_after_the_stem_and_at_blocks(name: str, blocks: list[int] | None) -> None:
    encoder = Encoder(EncoderSpec(name=name), 3).eval()
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = encoder(x)
        for module in encoder.stem:
            x = module(x)
        assert x.shape[-1] >= 16
        for stage, own in zip(encoder.stages, encoder.blocks, strict=True):
            for block in own:
                x = block(x)
            assert len(list(stage.parameters())) >= sum(len(list(block.parameters())) for block in own) > 0
    assert torch.equal(x, whole)
    assert blocks is None or [len(own) for own in encoder.blocks] == blocks


def test_it_computes_what_timm_computes() -> None:
    torch.manual_seed(0)
    encoder = Encoder(EncoderSpec(), 3).eval()
    torch.manual_seed(0)
    whole = timm.create_model("resnet18", features_only=True).eval()
    x = torch.randn(2, 3, 64, 64)
    assert torch.equal(encoder(x), whole(x)[-1])


def test_a_quarter_of_the_width_has_a_quarter_of_the_channels() -> None:
    assert Encoder(EncoderSpec(width=0.25), 3).channels == [16, 32, 64, 128]


def test_given_weights_are_taken(tmp_path: Path) -> None:
    source = timm.create_model("resnet18")
    save_file(source.state_dict(), tmp_path / "weights.safetensors")
    spec = EncoderSpec(weights=str(tmp_path / "weights.safetensors"), normalise=False)
    texture, depth = Encoder(spec, 3), Encoder(spec, 1)
    x = torch.randn(1, 3, 64, 64)
    assert torch.allclose(texture.eval()(x), source.eval().forward_features(x), atol=1e-5)
    assert torch.equal(depth.state_dict()["stages.3.0.1.conv2.weight"], source.layer4[1].conv2.weight)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (EncoderSpec(name="resnet81"), "encoder 'resnet81' is not one of timm's [0-9]+ models; nearest: resnet"),
        (EncoderSpec(name="hf-hub:timm/resnet18"), "is not one of timm's"),
        (EncoderSpec(name="local-dir:/etc"), "is not one of timm's"),
        (EncoderSpec(name="vit_tiny_patch16_224"), "method 'mine' .* 'vit_tiny_patch16_224' cannot be cut"),
        (EncoderSpec(name="swin_tiny_patch4_window7_224"), "method 'mine' .* 'swin_tiny_.*' cannot be cut"),
        (EncoderSpec(name="convnext_atto", width=0.5), "'convnext_atto' has no width; width = 0.5 is for ResNets"),
        (EncoderSpec(name="vgg11", output_stride=16), "'vgg11' cannot be dilated to output_stride = 16; leave it out"),
        (EncoderSpec(name="test_vit", output_stride=16), "'test_vit' cannot be dilated to output_stride = 16"),
        (EncoderSpec(name="resnet81", output_stride=16), "'resnet81' is not one of timm's"),
        (EncoderSpec(weights="nowhere.safetensors"), "'nowhere.safetensors' are not a readable safetensors file"),
    ],
)
def test_what_cannot_be_built_is_refused(spec: EncoderSpec, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        check_encoder(spec, size=64, staged=["mine"])
    assert "\n" not in str(caught.value)


def test_weights_that_would_be_unpickled_are_refused(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="not a readable safetensors file"):
        check_encoder(EncoderSpec(weights=str(tmp_path / "weights.pth")), size=64)
    save_file({"x": torch.zeros(1)}, tmp_path / "good.pth")
    with pytest.raises(UserError, match=r"must be named \*.safetensors"):
        check_encoder(EncoderSpec(weights=str(tmp_path / "good.pth")), size=64)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file(timm.create_model("convnext_atto").state_dict(), tmp_path / "weights.safetensors")
    with pytest.raises(UserError):
        check_encoder(EncoderSpec(weights=str(tmp_path / "weights.safetensors")), size=64)


SWIN = "swin_tiny_patch4_window7_224"


def test_weights_in_the_names_of_published_checkpoints_are_taken(tmp_path: Path) -> None:
    """Published Swin checkpoints downsample at the end of a stage, timm at the start of the next."""
    today = timm.create_model(SWIN).state_dict()
    published = {
        re.sub(r"layers\.(\d)\.downsample", lambda at: f"layers.{int(at[1]) - 1}.downsample", name): tensor
        for name, tensor in today.items()
    }
    assert set(published) != set(today)
    save_file(published, tmp_path / "published.safetensors")
    stream = Stream(EncoderSpec(name=SWIN, weights=str(tmp_path / "published.safetensors")), 3)
    taken = stream.body.network.state_dict()
    assert taken.keys() <= today.keys()
    assert all(torch.equal(tensor, today[name]) for name, tensor in taken.items())


def test_weights_of_another_shape_say_which_tensor(tmp_path: Path) -> None:
    state = timm.create_model("resnet18").state_dict()
    state["layer3.0.conv1.weight"] = state["layer3.0.conv1.weight"][:, :64].contiguous()
    save_file(state, tmp_path / "weights.safetensors")
    message = "layer3.0.conv1.weight is 256 x 64 x 3 x 3 in the file and 256 x 128 x 3 x 3 in the network; 1 of 120"
    with pytest.raises(UserError, match=message):
        check_encoder(EncoderSpec(weights=str(tmp_path / "weights.safetensors")), size=64)


def test_weights_that_lack_a_tensor_or_are_not_finite_say_which(tmp_path: Path) -> None:
    state = timm.create_model("resnet18").state_dict()
    spec = EncoderSpec(weights=str(tmp_path / "weights.safetensors"))
    save_file({f"{name}x" if "4.1.bn2" in name else name: of for name, of in state.items()}, spec.weights)
    with pytest.raises(UserError, match=r"5 lack, first layer4\.1\.bn2\.bias \(the file has layer4\.1\.bn2\.biasx\)"):
        check_encoder(spec, size=64)
    state["layer1.0.bn1.bias"][3] = torch.nan
    save_file(state, spec.weights)
    with pytest.raises(UserError, match="not finite: layer1.0.bn1.bias holds NaN or infinity"):
        check_encoder(spec, size=64)
