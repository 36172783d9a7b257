"""Mask attention (MA): what a stream sees in the masked regions adjusts its feature map there.

The paper says that MA learns "two modulation vectors to adjust the feature maps" (arXiv 2205.11785), and in its later
version "... to scale the feature maps" (ICIP 2023). The method section could not be read and no code is published, so
both forms below are readings, not the paper's formulas. With the feature map ``F`` (B, C, H, W) of one modality, the
masks ``M_r`` (B, R, H, W) resized to it, and ``p`` a position::

    d_r      = sum_p M_r(p) F(p) / sum_p M_r(p)                        the plane's descriptor, (B, C)
    u_r, v_r = W2 gelu(W1 d_r)                                         its two vectors, (B, C) each

    affine:   F' = F * (1 + sum_r M_r * u_r) + sum_r M_r * v_r         a scale and a shift; outside the masks F' = F
    scale:    F' = F * (1 + sum_r M_r * u_r + M_0 * v_0)               M_0 = 1 - max_r M_r, what remains, is a plane too

One mask of the whole salient area (R = 1) gives the two vectors of the paper; with a plane a region each region has a
pair of its own, computed by the same ``W1`` and ``W2`` from what is seen in it. Both forms have the same parameters,
whatever the masks.

``W2`` starts at zero, so that MA starts as the identity and costs the stream nothing at first. The bottleneck has no
ReLU: feature maps are not negative and faces are alike, so that a narrow one may be off for every face from the start,
and would then never learn.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, gelu

from afnetm.data.maps import SHOWN_CELLS

AttentionKind = Literal["affine", "scale", "none"]


class _Modulation(nn.Module):
    """Common part of both forms: descriptors of planes, and a bottleneck from a descriptor to two vectors.

    Args:
        channels: channels ``C`` of the feature map.
        reduction: the bottleneck is ``C / reduction`` wide, at least 4.
    """

    def __init__(self, channels: int, *, reduction: int = 8) -> None:
        super().__init__()
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
        masks = _resized(masks, features)
        scale, shift = self.vectors(features, masks)
        return features * (1 + _per_position(scale, masks)) + _per_position(shift, masks)


class ScaleAttention(_Modulation):
    """MA of one modality at one stage, a scale where the masks are and another where they are not."""

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """``(B, C, H, W)`` features and ``(B, R, S, S)`` masks in 0..1 to ``(B, C, H, W)``."""
        remaining = _resized(1 - masks.amax(1, keepdim=True), features)
        masks = _resized(masks, features)
        salient_scale, _ = self.vectors(features, masks)
        _, remaining_scale = self.vectors(features, remaining)
        return features * (1 + _per_position(salient_scale, masks) + _per_position(remaining_scale, remaining))


class NoAttention(nn.Module):
    """No mask attention: the ablation without MA."""

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """Returns the features unchanged."""
        return features


def mask_attention(kind: AttentionKind, channels: int, *, reduction: int) -> nn.Module:
    """MA of the form `kind` for maps of `channels` channels."""
    if kind == "none":
        return NoAttention()
    return {"affine": AffineAttention, "scale": ScaleAttention}[kind](channels, reduction=reduction)


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


def _resized(planes: Tensor, features: Tensor) -> Tensor:
    """Each cell's share of a plane. What a ResNet's cell sees is centred on its upper left corner, half a cell off."""
    return adaptive_avg_pool2d(planes, (features.shape[-2], features.shape[-1]))


def _per_position(vectors: Tensor, planes: Tensor) -> Tensor:
    """``sum_r planes_r * vectors_r``, ``(B, C, H, W)``, in memory channels last as convolutions like it."""
    return torch.einsum("brc,brhw->bhwc", vectors, planes).movedim(-1, 1)
