"""Linear SVM on both streams' deep features: each stream learns by itself, SVMs fitted afterwards decide on both.

Li, Sun, Xu, Chen: "Multimodal 2D+3D Facial Expression Recognition With Deep Fusion Convolutional Neural Network"
(DF-CNN), IEEE TMM 19(12), 2017, classifies deep features by linear SVMs. There a subnet trained with the streams fuses
the features; here the SVMs alone do: ``x`` is both streams' pooled last maps, side by side. With the mean and deviation
of each feature over the training scans, one class against the rest, squared hinge loss::

    y_k = w_k . (x - mean) / deviation + b_k

These logits are decision values: their softmax are not calibrated probabilities. While training, when there are no SVMs
yet, the logits are the sum of the streams' own.

Read: the abstract; no code of the authors' is known. Theirs are on the fusing subnet's 32 features.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoDecisions


@dataclass(frozen=True, kw_only=True)
class SVM(Method):
    """Linear SVMs on both streams' features."""

    name = "svm"
    title = "Deep SVM"
    version = 1
    summary = "linear SVM on the features of two streams trained apart"
    source = "after DF-CNN, Li et al., IEEE TMM 19(12), 2017"
    probabilities = False
    space = {
        "cost": FloatDistribution(1e-4, 0.1, log=True),  # training scans are separable by then: more changes little
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: The SVMs' ``C``: what a scan on the wrong side costs against the width of the margin.
    cost: Annotated[float, Field(gt=0, le=10)] = 0.01

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, each with its own classifier, and room for the SVMs' weights."""
        return _SVMNetwork(self, encoder, classes)


class _SVMNetwork(TwoDecisions):
    weight: Tensor
    bias: Tensor

    def __init__(self, method: SVM, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, classes)
        self.cost = method.cost
        self.register_buffer("weight", torch.zeros(classes, self.texture.channels + self.depth.channels))
        self.register_buffer("bias", torch.zeros(classes))

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.maps(faces)
        trained = self.texture_head(texture), self.depth_head(depth)
        features = torch.cat([texture.mean((2, 3)), depth.mean((2, 3))], 1).float()
        with torch.autocast(features.device.type, enabled=False):  # what was fitted in float32 stays in it
            decisions = features @ self.weight.T + self.bias
        return Output(
            trained[0] + trained[1] if self.training else decisions, supervised_logits=trained, features=features
        )

    def finalize(self, features: Tensor, labels: Tensor) -> None:
        """Fits the SVMs to ``(N, D)`` features and ``(N,)`` labels; standardising becomes part of their weights."""
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import LinearSVC

        scaler = StandardScaler()
        x, y = scaler.fit_transform(features.double().cpu().numpy()), labels.cpu().numpy()
        for k in range(len(self.bias)):
            own = y == k
            if own.all() or not own.any():  # nothing to tell apart
                self.weight[k], self.bias[k] = 0, 1 if own.all() else -1
                continue
            svm = LinearSVC(C=self.cost, random_state=0, max_iter=10_000).fit(x, own)
            weight = svm.coef_[0] / scaler.scale_
            self.weight[k] = torch.from_numpy(weight)
            self.bias[k] = float(svm.intercept_[0] - weight @ scaler.mean_)
