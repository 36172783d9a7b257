"""Two streams of which one is a teacher, with every hook that changes a training: what each does, tests see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div

from afnetm import FaceBatch, Method, Output, Phase, TrainingBatch, TrainingHooks
from afnetm.hooks import Answers, supervised_loss
from afnetm.model.encoder import Encoder, EncoderSpec, Head
from afnetm.model.stream import Stream


@dataclass(frozen=True, kw_only=True)
class Taught(Method):
    """Texture learns from depth, which learns first, and from a slow copy of its own classifier."""

    name = "taught"
    version = 1
    summary = "texture distilled from depth, in two phases"
    source = "nowhere yet"
    staged = True
    space = {}

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, three classifiers."""
        return _Network(self, encoder, classes)


class _Network(nn.Module, TrainingHooks):
    phases = (Phase(0.4, ("depth", "depth_head")), Phase(0.6, ("texture", "texture_head")))
    rate_factors: Mapping[str, float] = {"texture_head": 2.0}
    frozen_parts = ("slow_head",)
    held_out = 0.25
    temperature: Tensor
    history: Tensor
    overfit: Tensor
    one_hot: Tensor

    def __init__(self, method: Taught, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind = method.geometry
        self.texture, self.depth = Encoder(encoder, 3), Stream(encoder, method.depth_channels)
        self.texture_head = Head(self.texture.channels[-1], classes, method.dropout)
        self.depth_head = Head(self.depth.channels, classes, method.dropout)
        self.slow_head = Head(self.texture.channels[-1], classes)
        self.slow_head.load_state_dict(self.texture_head.state_dict())
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("overfit", torch.zeros(()))
        self.register_buffer("history", torch.zeros(0), persistent=False)  # of the training scans, and for them alone
        self.register_buffer("one_hot", torch.eye(classes), persistent=False)
        self.phase = 0

    def begin(self, scans: int) -> None:
        self.history = torch.zeros(scans, device=self.temperature.device)

    def review(self, number: int, answers: Callable[[], Sequence[Answers]]) -> None:
        if number == 1:  # how far depth, which has learnt, is from what it saw to what it did not
            losses = [nn.functional.cross_entropy(of.output.supervised_logits[1], of.targets) for of in answers()]
            self.overfit.copy_(losses[1] - losses[0])

    def begin_phase(self, number: int) -> None:
        self.phase = number

    def prepare(self, faces: FaceBatch, batch: TrainingBatch) -> tuple[FaceBatch, TrainingBatch]:
        share = 0.9
        targets = self.one_hot[batch.targets]
        texture, targets = (share * of + (1 - share) * of.roll(1, 0) for of in (faces.texture, targets))
        return replace(faces, texture=texture), replace(batch, targets=targets)

    def forward(self, faces: FaceBatch) -> Output:
        x = faces.texture
        for module in (*self.texture.stem, *(block for stage in self.texture.blocks for block in stage)):
            x = module(x)
        own = self.texture_head(x), self.depth_head(self.depth(faces.geometry(self.kind)))
        slow = self.slow_head(x)
        weights = (0.0, 1.0) if self.phase == 0 else (1.0, 0.0)
        logits = (own[0] + own[1] + slow) / 3 / self.temperature
        return Output(logits, own, supervised_weights=weights)

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        texture, depth = (of.float().log_softmax(1) for of in output.supervised_logits)
        distance = kl_div(texture, depth.detach(), log_target=True, reduction="none").sum(1)
        self.history[batch.index] = distance.detach()
        far = batch.progress * distance.mean() if self.phase == 1 else 0.0
        return supervised_loss(output, batch.targets, batch.smoothing) + far

    def adjust_gradients(self, output: Output, batch: TrainingBatch) -> None:
        with torch.no_grad():
            for slow, fast in zip(self.slow_head.parameters(), self.texture_head.parameters(), strict=True):
                slow.lerp_(fast, 0.1)

    def calibrate(self, output: Output, targets: Tensor) -> None:
        tried = torch.tensor([0.5, 1.0, 2.0], device=targets.device)
        losses = torch.stack([nn.functional.cross_entropy(output.logits / one, targets) for one in tried.unbind()])
        self.temperature.copy_(tried[losses.argmin()])
