"""CMX: after each stage the modalities rectify each other, and their maps are fused after an exchange of contexts.

Zhang, Liu, Yang, Hu, Liu, Stiefelhagen: "CMX: Cross-Modal Fusion for RGB-X Semantic Segmentation with Transformers",
IEEE T-ITS 2023 (arXiv 2203.04838). With the maps ``T`` and ``D`` (B, C, H, W) of texture and depth after a stage, the
rectification, on which the next stages go on, is::

    c  = sigmoid(mlp([mean T; mean D; max T; max D]))         (B, 2 C), over positions
    s  = sigmoid(conv1x1 relu(conv1x1 [T; D]))                (B, 2, H, W)
    T' = T + (c_depth * D + s_depth * D) / 2                  D' = D + (c_texture * T + s_texture * T) / 2

and the fusion, at every position, with ``h`` heads of ``C / h`` channels::

    [y_m; u_m] = relu(A_m m')                            of either modality m, each as wide as the map
    g_m        = softmax(k_m^T v_m / sqrt(C / h))        k_m, v_m linear in u_m; over the rows of (C / h) x (C / h)
    m''        = norm(m' + B_m [y_m; u_m g_other])       layer norm
    F          = norm(conv1x1 x + norm(conv1x1 relu(depthwise3x3 conv1x1 x)))      x = [T''; D'']; batch norms
    y          = W [pool F of stage 1; ...; pool F of stage 4]

Read: ``models/net_utils.py`` and ``models/encoders/dual_segformer.py`` of the authors' code
(github.com/huaaaliu/RGBX_Semantic_Segmentation, commit e251d86). Its decoder embeds the four fused maps, enlarges them
to one size and reads them side by side at each pixel; here they are pooled and read so once a face. Its streams are
pretrained SegFormers with heads of 64 channels; here the suite's encoders, with heads as wide where the map is wide
enough, so that narrow encoders have one. Weights start as any layer's, there from normal distributions of their own.
The bias before a batch norm, which it takes away again, is left out.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import Encoder, EncoderSpec

#: Channels of an attention head, where a map has as many.
HEAD_CHANNELS = 64


@dataclass(frozen=True, kw_only=True)
class CMX(Method):
    """Two streams that rectify each other, and are fused after every stage."""

    name = "cmx"
    title = "CMX"
    version = 1
    summary = "streams that rectify each other; maps fused by cross-attention at every stage"
    source = "CMX of Zhang et al., IEEE T-ITS 2023 (arXiv 2203.04838); a classifier for its decoder"
    staged = True
    space = {
        "reduction": CategoricalDistribution([1, 2, 4]),  # the paper's 1, and narrower, for hundreds of scans
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: How much narrower than the maps the hidden layers of both modules are.
    reduction: Annotated[int, Field(ge=1, le=8)] = 1

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders with rectification and fusion after each stage, one classifier of the fused maps."""
        return _CMXNetwork(self, encoder, classes)


class Rectification(nn.Module):
    """Two maps of `channels` each, to each of which some of the other is added."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        hidden = 4 * channels // reduction
        self.channel = nn.Sequential(nn.Linear(4 * channels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * channels))
        hidden = max(1, channels // reduction)
        self.spatial = nn.Sequential(nn.Conv2d(2 * channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, 2, 1))

    def forward(self, texture: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Two ``(B, C, H, W)`` maps to the same."""
        both = torch.cat([texture, depth], 1)
        which = self.channel(torch.cat([both.mean((2, 3)), both.amax((2, 3))], 1)).sigmoid()[:, :, None, None]
        where = self.spatial(both).sigmoid()
        of_texture, of_depth = ((c + s) / 2 for c, s in zip(which.chunk(2, 1), where.chunk(2, 1), strict=True))
        return texture + of_depth * depth, depth + of_texture * texture


class CrossPath(nn.Module):
    """One modality's side of the exchange: what it tells of itself, and what it makes of the other's context."""

    def __init__(self, channels: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.into = nn.Linear(channels, 2 * width)
        self.context = nn.Linear(width, 2 * width, bias=False)
        self.back = nn.Linear(2 * width, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens ``(B, L, channels)`` to ``y`` and ``u`` ``(B, L, width)``, and the context ``(B, h, d, d)``."""
        own, asking = self.into(tokens).relu().chunk(2, 2)
        keys, values = (self._by_head(x) for x in self.context(asking).chunk(2, 2))
        return own, asking, (keys.transpose(2, 3) @ values / math.sqrt(keys.shape[3])).softmax(2)

    def answered(self, tokens: Tensor, own: Tensor, asking: Tensor, context: Tensor) -> Tensor:
        """The new tokens ``(B, L, channels)``, given the other modality's context."""
        found = (self._by_head(asking) @ context).transpose(1, 2).flatten(2)
        new: Tensor = self.norm(tokens + self.back(torch.cat([own, found], 2)))
        return new

    def _by_head(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class Fusion(nn.Module):
    """Two maps of `channels` each, fused into one."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        width = max(1, channels // reduction)
        heads = next(n for n in range(max(1, channels // HEAD_CHANNELS), 0, -1) if width % n == 0)
        self.texture, self.depth = CrossPath(channels, width, heads), CrossPath(channels, width, heads)
        self.residual = nn.Conv2d(2 * channels, channels, 1, bias=False)
        self.embed = nn.Sequential(
            nn.Conv2d(2 * channels, width, 1),
            nn.Conv2d(width, width, 3, padding=1, groups=width),
            nn.ReLU(),
            nn.Conv2d(width, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, texture_map: Tensor, depth_map: Tensor) -> Tensor:
        """Two ``(B, C, H, W)`` maps to one."""
        texture, depth = (x.flatten(2).transpose(1, 2) for x in (texture_map, depth_map))
        own_texture, texture_asks, texture_context = self.texture(texture)
        own_depth, depth_asks, depth_context = self.depth(depth)
        texture = self.texture.answered(texture, own_texture, texture_asks, depth_context)
        depth = self.depth.answered(depth, own_depth, depth_asks, texture_context)
        both = torch.cat([texture, depth], 2).transpose(1, 2).reshape(-1, 2 * depth_map.shape[1], *depth_map.shape[2:])
        fused: Tensor = self.norm(self.residual(both) + self.embed(both))
        return fused


class _CMXNetwork(nn.Module):
    def __init__(self, method: CMX, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind = method.geometry
        self.texture, self.depth = Encoder(encoder, 3), Encoder(encoder, method.depth_channels)
        channels = self.texture.channels
        self.rectifications = nn.ModuleList(Rectification(c, reduction=method.reduction) for c in channels)
        self.fusions = nn.ModuleList(Fusion(c, reduction=method.reduction) for c in channels)
        self.dropout = nn.Dropout(method.dropout)
        self.classifier = nn.Linear(sum(channels), classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = faces.texture, faces.geometry(self.kind)
        pooled = []
        stages = zip(self.texture.stages, self.depth.stages, self.rectifications, self.fusions, strict=True)
        for texture_stage, depth_stage, rectify, fuse in stages:
            texture, depth = rectify(texture_stage(texture), depth_stage(depth))
            pooled.append(fuse(texture, depth).mean((2, 3)))
        return Output(self.classifier(self.dropout(torch.cat(pooled, 1))))
