from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from afnetm.errors import UserError
from afnetm.model.encoder import Encoder, EncoderSpec, has_stages
from afnetm.model.stream import Stream, check_encoder


@pytest.mark.parametrize("spec", [EncoderSpec(width=0.25), EncoderSpec(name="test_convnext")])
def test_what_can_be_cut_is_the_encoder_that_it_always_was(spec: EncoderSpec) -> None:
    torch.manual_seed(5)
    encoder, x = Encoder(spec, 4), torch.randn(2, 4, 64, 64)
    after = torch.get_rng_state()
    has_stages.cache_clear()  # to find out must not draw either
    torch.manual_seed(5)
    stream, _ = Stream(spec, 4), torch.randn(2, 4, 64, 64)
    assert torch.equal(torch.get_rng_state(), after)
    assert stream.channels == encoder.channels[-1]
    assert torch.equal(stream.eval()(x), encoder.eval()(x))


@pytest.mark.parametrize(
    ("name", "cut", "side"),
    [
        ("test_convnext", True, 2),
        ("test_efficientnet", False, 2),  # convolutions, in other pieces than stages
        ("test_mambaout", False, 2),  # keeps channels last
        ("test_vit", False, 4),  # a class token
        ("test_vit2", False, 4),
        ("deit_tiny_distilled_patch16_224", False, 4),  # class and distillation tokens
        ("swin_tiny_patch4_window7_224", False, 2),  # windows
    ],
)
def test_it_ends_in_a_map_of_the_channels_it_says_and_all_of_it_learns(name: str, cut: bool, side: int) -> None:
    spec = EncoderSpec(name=name, size=64)
    assert has_stages(spec) is cut
    stream = Stream(spec, 4)
    features = stream(torch.randn(2, 4, 64, 64))
    assert features.shape == (2, stream.channels, side, side)
    torch.autograd.backward((features**2).sum())
    assert [n for n, p in stream.named_parameters() if p.grad is None] == []
    check_encoder(spec, size=64)


def test_tokens_stand_where_their_patches_are_and_the_class_token_is_left_out() -> None:
    torch.manual_seed(0)
    stream = Stream(EncoderSpec(name="test_vit", size=64), 3).eval()
    torch.manual_seed(0)
    whole = timm.create_model("test_vit", img_size=64, num_classes=0).eval()
    x = torch.randn(2, 3, 64, 64)
    features, tokens = stream(x), whole.forward_features(x)
    assert tokens.shape[1] == 1 + 16
    for patch in range(16):
        assert torch.allclose(features[:, :, patch // 4, patch % 4], tokens[:, 1 + patch], atol=1e-6)


def test_what_keeps_channels_last_is_turned() -> None:
    torch.manual_seed(0)
    stream = Stream(EncoderSpec(name="swin_tiny_patch4_window7_224", size=64), 3).eval()
    torch.manual_seed(0)
    whole = timm.create_model("swin_tiny_patch4_window7_224", img_size=64, num_classes=0).eval()
    x = torch.randn(1, 3, 64, 64)
    last = whole.forward_features(x)
    assert last.shape == (1, 2, 2, 768)
    assert torch.allclose(stream(x), last.permute(0, 3, 1, 2), atol=1e-5)


def test_given_weights_are_taken_at_another_size_as_well(tmp_path: Path) -> None:
    source = timm.create_model("test_vit", img_size=160)
    save_file(source.state_dict(), tmp_path / "weights.safetensors")
    spec = EncoderSpec(name="test_vit", size=64, weights=str(tmp_path / "weights.safetensors"))
    check_encoder(spec, size=64)
    given, taken = source.state_dict(), Stream(spec, 3).state_dict()
    assert {name for name in given if f"body.network.{name}" not in taken} == {"head.weight", "head.bias"}
    assert taken["body.network.pos_embed"].shape[1] == 1 + 16  # resampled
    same = set(given) - {"head.weight", "head.bias", "pos_embed"}
    assert all(torch.equal(taken[f"body.network.{name}"], given[name]) for name in same)


def test_weights_of_another_network_are_refused_where_it_is_not_cut(tmp_path: Path) -> None:
    save_file(timm.create_model("test_efficientnet").state_dict(), tmp_path / "weights.safetensors")
    for name in ("test_vit", "test_vit2"):
        with pytest.raises(UserError, match=f"are not of '{name}': [0-9]+ lack, first "):
            check_encoder(EncoderSpec(name=name, weights=str(tmp_path / "weights.safetensors")), size=64)


@pytest.mark.parametrize(
    ("spec", "size", "message"),
    [
        (EncoderSpec(name="test_vit"), 72, "encoder 'test_vit' cannot read 72 px: its patches are 16 px wide"),
        (
            EncoderSpec(name="test_convnext", size=64),
            32,
            "encoder.size = 64: the dataset's faces are 32 px; leave it out",
        ),
        (EncoderSpec(name="inception_v3"), 64, "encoder 'inception_v3' cannot read 64 px: Calculated padded input"),
        (
            EncoderSpec(name="hrnet_w18_small"),
            64,
            "has layers that its last map does not depend on, first body.network",
        ),
        (EncoderSpec(name="selecsls42"), 64, "'selecsls42' does not end in a map of 1280 channels, as timm says"),
        (EncoderSpec(name="test_vit", width=0.5), 64, "'test_vit' has no width; width = 0.5 is for ResNets"),
        (EncoderSpec(name="test_vitt"), 64, "'test_vitt' is not one of timm's [0-9]+ models; nearest: test_vit"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(spec: EncoderSpec, size: int, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        check_encoder(spec, size=size)
    assert "\n" not in str(caught.value)


def test_the_first_method_that_needs_stages_is_named_and_others_run() -> None:
    check_encoder(EncoderSpec(name="test_vit"), size=64, staged=[])
    check_encoder(EncoderSpec(name="test_convnext"), size=64, staged=["mine", "yours"])
    with pytest.raises(UserError, match="method 'mine' fuses between stages, and encoder 'test_vit' cannot be cut"):
        check_encoder(EncoderSpec(name="test_vit"), size=64, staged=["mine", "yours"])


def test_an_encoder_is_tried_as_it_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(stream: Stream, x: torch.Tensor) -> torch.Tensor:
        return stream.body(x).put_(torch.tensor([0]), torch.zeros(1), accumulate=False)

    monkeypatch.setattr(Stream, "forward", forward)
    with pytest.raises(
        UserError, match="encoder 'resnet18' cannot read 32 px: put_ does not have a deterministic impl"
    ):
        check_encoder(EncoderSpec(width=0.125), size=32)
    assert not torch.are_deterministic_algorithms_enabled()
