"""Mask attention (MA): two vectors, computed from the masks or from what is seen in them, adjust a stream's map.

The paper says that MA learns "two modulation vectors to adjust the feature maps" (arXiv 2205.11785), and in its later
version "... to scale the feature maps" (ICIP 2023). The method section could not be read and no code is published, so
all forms below are readings, not the paper's formulas. With the feature map ``F`` (B, C, H, W) of one modality, the
masks ``M_r`` (B, R, H, W) as its cells see them (`afnetm.model.cells`), and ``p`` a position::

    d_r      = sum_p M_r(p) F(p) / sum_p M_r(p)                        the plane's descriptor, (B, C)
    u_r, v_r = W2 gelu(W1 d_r)                                         its two vectors, (B, C) each

    affine:   F' = F * (1 + sum_r M_r * u_r) + sum_r M_r * v_r         a scale and a shift; outside the masks F' = F
    scale:    F' = F * (1 + sum_r M_r * u_r + M_0 * v_0)               M_0 = 1 - max_r M_r, what remains, is a plane too

One mask of the whole salient area (R = 1) gives the two vectors of the paper; with a plane a region each region has a
pair of its own, computed by the same ``W1`` and ``W2`` from what is seen in it. Both forms have the same parameters,
whatever the masks.

The third form reads the masks alone, whole, as elsewhere a conditioning input is read by a branch of its own (FiLM:
Perez et al., AAAI 2018)::

    m    = mean over positions of gelu(conv(gelu(conv(M))))            two 3x3 convolutions of stride 2
    a, b = W m                                                         its two vectors, (B, C) each

    mask:     F' = F * (1 + a) + b                                     everywhere: what the masks are tells which
                                                                       channels count, not where

``W2`` and ``W`` start at zero, so that MA starts as the identity and costs the stream nothing at first. The bottleneck
has no ReLU: feature maps are not negative and faces are alike, so that a narrow one may be off for every face from the
start, and would then never learn.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, gelu

from afnetm.data.maps import SHOWN_CELLS
from afnetm.model.cells import Cells

AttentionKind = Literal["affine", "scale", "mask", "none"]

#: Channels after the first convolution of the branch that reads masks.
_BRANCH = 8


class _Modulation(nn.Module):
    """Common part of both forms: descriptors of planes, and a bottleneck from a descriptor to two vectors.

    Args:
        channels: channels ``C`` of the feature map.
        cells: where its positions are in the picture.
        reduction: the bottleneck is ``C / reduction`` wide, at least 4.
    """

    def __init__(self, channels: int, *, cells: Cells, reduction: int = 8) -> None:
        super().__init__()
        self.cells = cells
        hidden = max(4, channels // reduction)
        self.squeeze = nn.Linear(channels, hidden)
        self.modulate = nn.Linear(hidden, 2 * channels)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def vectors(self, features: Tensor, planes: Tensor) -> tuple[Tensor, Tensor]:
        """``u`` and ``v``, each ``(B, R, C)``, of planes ``(B, R, H, W)``."""
        area = planes.sum((2, 3)).clamp_min(1e-3)
        descriptors = torch.einsum("brhw,bchw->brc", planes, features) / area[:, :, None]
        u, v = self.modulate(gelu(self.squeeze(descriptors))).chunk(2, -1)
        return u, v


class AffineAttention(_Modulation):
    """MA of one modality at one stage, a scale and a shift."""

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """``(B, C, H, W)`` features and ``(B, R, S, S)`` masks in 0..1 to ``(B, C, H, W)``."""
        masks = self.cells.pooled(masks, features)
        scale, shift = self.vectors(features, masks)
        return features * (1 + _per_position(scale, masks)) + _per_position(shift, masks)


class ScaleAttention(_Modulation):
    """MA of one modality at one stage, a scale where the masks are and another where they are not."""

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """``(B, C, H, W)`` features and ``(B, R, S, S)`` masks in 0..1 to ``(B, C, H, W)``."""
        remaining = self.cells.pooled(1 - masks.amax(1, keepdim=True), features)
        masks = self.cells.pooled(masks, features)
        salient_scale, _ = self.vectors(features, masks)
        _, remaining_scale = self.vectors(features, remaining)
        return features * (1 + _per_position(salient_scale, masks) + _per_position(remaining_scale, remaining))


class MaskModulation(nn.Module):
    """MA of one modality at one stage by what the masks are: a scale and a shift of every channel.

    Args:
        channels: channels ``C`` of the feature map.
        planes: of the masks, ``R``.
        reduction: the branch ends ``C / reduction`` wide, at least 4.
    """

    def __init__(self, channels: int, *, planes: int, reduction: int = 8) -> None:
        super().__init__()
        hidden = max(4, channels // reduction)
        self.first = nn.Conv2d(planes, _BRANCH, 3, stride=2, padding=1)
        self.second = nn.Conv2d(_BRANCH, hidden, 3, stride=2, padding=1)
        self.modulate = nn.Linear(hidden, 2 * channels)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """``(B, C, H, W)`` features and ``(B, R, S, S)`` masks in 0..1 to ``(B, C, H, W)``."""
        read = gelu(self.second(gelu(self.first(masks)))).mean((2, 3))
        scale, shift = self.modulate(read)[:, :, None, None].chunk(2, 1)
        adjusted: Tensor = features * (1 + scale) + shift
        return adjusted


class NoAttention(nn.Module):
    """No mask attention: the ablation without MA."""

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """Returns the features unchanged."""
        return features


def mask_attention(kind: AttentionKind, channels: int, *, cells: Cells, planes: int, reduction: int) -> nn.Module:
    """MA of the form `kind` for maps of `channels` channels with these cells, and for so many planes of masks."""
    if kind == "none":
        return NoAttention()
    if kind == "mask":
        return MaskModulation(channels, planes=planes, reduction=reduction)
    return {"affine": AffineAttention, "scale": ScaleAttention}[kind](channels, cells=cells, reduction=reduction)


def relative_change(before: Tensor, after: Tensor) -> Tensor:
    """Relative change of a map by MA, by position: ``|F' - F| / (|F' - F| + |F|)``, norms over the channels.

    0 where the map is as it was, 1/2 where the change is as large as the map; not stretched, so that faces compare.

    Returns:
        ``(B, h, w)`` float32 in 0..1 without gradient, pooled to at most `SHOWN_CELLS` positions a side.
    """
    before, after = before.detach().float(), after.detach().float()
    change = torch.linalg.vector_norm(after - before, dim=1)
    share = change / (change + torch.linalg.vector_norm(before, dim=1)).clamp_min(1e-6)
    height, width = share.shape[1:]
    return adaptive_avg_pool2d(share, (min(height, SHOWN_CELLS), min(width, SHOWN_CELLS)))


def _per_position(vectors: Tensor, planes: Tensor) -> Tensor:
    """``sum_r planes_r * vectors_r``, ``(B, C, H, W)``, in memory channels last as convolutions like it."""
    return torch.einsum("brc,brhw->bhwc", vectors, planes).movedim(-1, 1)
