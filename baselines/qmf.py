"""Quality-aware multimodal fusion: each face's logits are weighed by how sure either stream is of that face.

Zhang, Wu, Zhang, Hu, Fu, Zhou, Peng: "Provable Dynamic Fusion for Low-Quality Multimodal Data", ICML 2023 (arXiv
2306.02050). Of each stream's logits::

    c = log(sum(exp(y))) / 10             confidence: the energy score
    y = c_t y_t + c_d y_d

Texture, depth and both learn from a cross-entropy each. So that confidence follows how hard a face is, a stream's is
compared between neighbours in a batch, ``i`` and ``j = i + 1``, of which ``h`` are the sums of their losses so far,
scaled to 0..1 over all training scans::

    rank = mean of max(0, sign(h_i - h_j) (c_i - c_j) + |h_i - h_j|)
    loss = the cross-entropies + ranking (rank_t + rank_d)

so that of two faces the easier one is to be surer, by a margin.

Read: ``models/QMF.py``, ``train_QMF_nyud2.py`` and ``utils/crl_utils.py`` in ``RGBD-scene-recognition`` and
``train_qmf.py`` in ``text-image-classification`` of the authors' code (github.com/QingyangZhang/QMF, commit fe6c4c6).
The margin is subtracted there: they turned round the target of the ranking loss that theirs is made from (Moon et al.,
ICML 2020, github.com/daintlab/confidence-aware-learning, commit f6aaca0), not the sign of its margin, so that a harder
face may be surer by all of it and the term is hardly ever above zero. Here it is added, as in the original. Their code
for RGB and depth notes losses after a step's comparison, and divides by zero in the first; here they are noted before
it, as in their code for text and images. Gradients reach confidence through the sum of logits, as for RGB and depth;
for text and images they do not. Its sums of losses are of all epochs, as in both.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from afnetm.face_batch import FaceBatch
from afnetm.hooks import TrainingBatch, TrainingHooks, supervised_loss
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoDecisions


@dataclass(frozen=True, kw_only=True)
class QMF(Method):
    """Two streams' logits, weighed face by face by their energy scores."""

    name = "qmf"
    title = "QMF"
    version = 1
    summary = "logits weighed by each stream's confidence, ranked by the history of losses"
    source = "Zhang et al., ICML 2023"
    space = {
        "ranking": FloatDistribution(0.01, 1.0, log=True),  # around the authors' 0.1, up to a cross-entropy's weight
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: Weight of the ranking losses.
    ranking: Annotated[float, Field(ge=0, le=100)] = 0.1

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, each with its own classifier."""
        return _QMFNetwork(self, encoder, classes)


class _QMFNetwork(TwoDecisions, TrainingHooks):
    """Extras: ``importance`` ``(B, 2)``, each stream's confidence, where it is positive, relative to the other's."""

    history: Tensor

    def __init__(self, method: QMF, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, classes)
        self.ranking = method.ranking
        self.register_buffer("history", torch.zeros(2, 0), persistent=False)

    def begin(self, scans: int) -> None:
        """No scan has lost anything yet."""
        self.history = self.history.new_zeros(2, scans)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.decisions(faces)
        sure = torch.stack([confidence(texture), confidence(depth)], 1)
        fused = sure[:, :1] * texture + sure[:, 1:] * depth
        weights = sure.clamp(min=1e-6)
        importance = weights / weights.sum(1, keepdim=True)
        return Output(fused, supervised_logits=(fused, texture, depth), auxiliary_outputs={"importance": importance})

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        """The three cross-entropies, and what confidence is wrongly ordered by; notes what each face has lost."""
        own = output.supervised_logits[1:]
        losses = [cross_entropy(of, batch.targets, reduction="none") for of in own]
        self.history[:, batch.index] += torch.stack(losses).detach()
        spread = self.history.amax(1) - self.history.amin(1)
        scaled = (self.history - self.history.amin(1, keepdim=True)) / spread.clamp(min=1e-12)[:, None]
        ranks = [rank_loss(confidence(of), lost[batch.index]) for of, lost in zip(own, scaled, strict=True)]
        return supervised_loss(output, batch.targets, batch.smoothing) + self.ranking * torch.stack(ranks).sum()


def confidence(logits: Tensor) -> Tensor:
    """``(B, K)`` logits to a tenth of their energy score, ``(B,)``."""
    return logits.logsumexp(1) / 10


def rank_loss(sure: Tensor, lost: Tensor) -> Tensor:
    """Scalar: how far, of neighbours in a batch, those that have lost less are from being surer by the difference.

    Args:
        sure: ``(B,)``, confidence.
        lost: ``(B,)``, 0..1, history of losses.
    """
    apart = lost - lost.roll(-1)
    return (apart.sign() * (sure - sure.roll(-1)) + apart.abs()).clamp(min=0).mean()
