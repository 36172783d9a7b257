"""What a method may not return: one line that says what to mend, from a few faces, before anything is trained."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from afnetm.contract.rehearsal import rehearse
from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import methods
from afnetm.training.config import TrainingConfig
from afnetm.training.process import prepared
from baselines.texture import Texture

ENCODER, CPU = EncoderSpec(width=0.125, size=32), torch.device("cpu")


class Net(nn.Module):
    def __init__(self, answer: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.answer = answer
        self.linear = nn.Linear(3, 6)

    def forward(self, faces: FaceBatch) -> Any:
        return self.answer(self.linear(faces.texture.mean((2, 3))))


class Answering(Texture):
    """Texture's settings, and a network that makes `answer` of its logits."""

    answer: Callable[[torch.Tensor], Any] = Output

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        return Net(type(self).answer)


def trial(answer: Callable[[torch.Tensor], Any]) -> None:
    kind = type("Answering", (Answering,), {"answer": staticmethod(answer)})
    with prepared():
        rehearse(kind(), ENCODER, TrainingConfig(), size=32, classes=6, device=CPU)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_registered_method_passes(precision: Any) -> None:
    kinds = methods()
    assert {"texture", "concat", "afnetm"} <= set(kinds)
    with prepared():  # raises what is wrong
        for kind in kinds.values():
            rehearse(kind(), ENCODER, TrainingConfig(precision=precision), size=32, classes=6, device=CPU)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: x, r"forward\(\) on a batch of 2 at 32 px: returns Tensor; return afnetm.method.Output"),
        (lambda x: None, "returns NoneType; return afnetm.method.Output"),
        (lambda x: Output(x.argmax(1)), "logits is torch.int64; it should be float32"),
        (lambda x: Output(x[:, :5]), r"logits is \(2, 5\); it should be \(B, 6\)"),
        (lambda x: Output(x[:1]), r"logits is \(1, 6\); its first axis is the batch"),
        (lambda x: Output(x.sum()), r"logits is \(\); its first axis is the batch"),
        (lambda x: Output(x / 0), "logits is not finite"),
        (lambda x: Output(x.tolist()), "logits is list; it should be a tensor"),
        (lambda x: Output(x, supervised_logits=x), "supervised_logits is Tensor; it should be a tuple"),
        (
            lambda x: Output(x, supervised_logits=(x[:, :2],)),
            r"supervised_logits\[0\] is \(2, 2\); it should be \(B, 6\)",
        ),
        (lambda x: Output(x, auxiliary_loss=x), r"auxiliary_loss is \(2, 6\); it should be a scalar"),
        (lambda x: Output(x, auxiliary_loss=0.5), "auxiliary_loss is float; it should be a tensor"),  # type: ignore[arg-type]
        (lambda x: Output(x, auxiliary_outputs=[x]), "auxiliary_outputs is list; it should be a dictionary"),  # type: ignore[arg-type]
        (lambda x: Output(x, auxiliary_outputs={"gaze": x}), "reports know importance, attention"),
        (lambda x: Output(x, auxiliary_outputs={"importance": x.softmax(1)}), r"importance is \(B, 2\), texture first"),
        (lambda x: Output(x, auxiliary_outputs={"attention": x.new_ones(2, 20, 20)}), "14 positions a side at most"),
        (lambda x: Output(x, auxiliary_outputs={"attention": x.new_full((2, 3, 3), 2.0)}), "it is 0 to 1"),
        (lambda x: Output(x, features=x.new_ones(2, 3, 4)), r"features are \(2, 3, 4\); they should be \(B, D\)"),
        (lambda x: Output(x.detach()), "its loss depends on no parameter"),
    ],
)
def test_what_cannot_be_trained_or_reported_is_named(answer: Callable[[torch.Tensor], Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        trial(answer)


def test_what_is_built_is_a_module() -> None:
    kind = type("Hollow", (Texture,), {"build": lambda *_: None})
    with pytest.raises(UserError, match=r"build\(\) returns NoneType; return a torch.nn.Module"):
        rehearse(kind(), ENCODER, TrainingConfig(), size=32, classes=6, device=CPU)


def test_what_torch_refuses_where_it_must_repeat_itself_fails_as_a_training_would() -> None:
    def answer(x: torch.Tensor) -> Output:
        return Output(x.clone().put_(torch.tensor([0]), x[0, :1], accumulate=False))

    with pytest.raises(RuntimeError, match="put_ does not have a deterministic implementation"):
        trial(answer)
