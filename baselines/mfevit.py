"""Channel replacement of MFEViT: depth takes the place of each channel of the texture in turn, at the input.

Li, Sui, Zhu, Zhao: "MFEViT: A Robust Lightweight Transformer-based Network for Multimodal 2D+3D Facial Expression
Recognition", 2021 (arXiv 2109.13086). The paper could not be read in full and no code of the authors' is known, so
this is a reading of its abstract, from memory: each of the three channels of the picture in turn is replaced by the
depth map, and what comes of that is fused before the encoder. With the channels ``R``, ``G``, ``B`` of texture and
depth ``D``::

    P = [D G B], [R D B], [R G D]             three pictures
    y = W pool(F([P_1; P_2; P_3]))            side by side: the first layer embeds each of them and adds that up

Every encoder can be used so, a vision transformer as theirs or a ResNet. As the layer that adds up is linear, what
could be computed is what `early` could compute of texture and depth; where it starts from and how it is learnt differs,
as depth has three places, and each colour two. Depth is that of the paper, without normals; another ``geometry``
replaces a channel by all of its own.

Left out is their filtering of noisy samples into subclasses, which is about labels and not about fusion.
"""

from dataclasses import dataclass

import torch
from optuna.distributions import FloatDistribution
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch, Geometry
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream


@dataclass(frozen=True, kw_only=True)
class MFEViT(Method):
    """One stream over three pictures that lack a colour and have depth for it."""

    name = "mfevit"
    title = "MFEViT"
    version = 1
    reading = True
    summary = "depth in the place of each texture channel: three pictures into one stream"
    source = "Li et al., 2021 (arXiv 2109.13086), its fusion alone; our reading of the abstract"
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    geometry: Geometry = "depth"

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """One encoder over the channels of the three pictures, pooled and classified."""
        return _MFEViTNetwork(self, encoder, classes)


def replaced_channels(texture: Tensor, depth: Tensor) -> Tensor:
    """``(B, 3, S, S)`` and ``(B, C, S, S)`` to three pictures side by side, ``(B, 3 * (2 + C), S, S)``."""
    pictures = [torch.cat([texture[:, :k], depth, texture[:, k + 1 :]], 1) for k in range(3)]
    return torch.cat(pictures, 1)


class _MFEViTNetwork(nn.Module):
    def __init__(self, method: MFEViT, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind = method.geometry
        self.stream = Stream(encoder, 3 * (2 + method.depth_channels))
        self.head = Head(self.stream.channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        return Output(self.head(self.stream(replaced_channels(faces.texture, faces.geometry(self.kind)))))
