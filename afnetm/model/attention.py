"""Mask attention (MA): what a stream sees in the salient regions adjusts its feature map there.

The paper (arXiv 2205.11785) says that MA learns "two modulation vectors to adjust the feature maps"; its method section
could not be read and no code is published, so this is a reading, not the paper's formula. With the feature map
``F`` (B, C, H, W) of one modality and the salient mask ``M`` (B, 1, H, W), resized to it::

    d        = sum(F * M) / sum(M)            over positions: the mask's descriptor, (B, C)
    gamma, b = W2 relu(W1 d)                  the two modulation vectors, (B, C) each
    F'       = F * (1 + M * gamma) + M * b    outside the salient regions F' = F

``W2`` starts at zero, so that MA starts as the identity and a random start costs the stream nothing.
"""

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d


class MaskAttention(nn.Module):
    """MA of one modality at one stage.

    Args:
        channels: channels ``C`` of the feature map.
        reduction: the bottleneck is ``C / reduction`` wide, at least 4 (squeeze-and-excitation's usual 8).
    """

    def __init__(self, channels: int, *, reduction: int = 8) -> None:
        super().__init__()
        hidden = max(4, channels // reduction)
        self.squeeze = nn.Linear(channels, hidden)
        self.modulate = nn.Linear(hidden, 2 * channels)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """``(B, C, H, W)`` features and a ``(B, 1, S, S)`` mask in 0..1 to ``(B, C, H, W)``."""
        mask = adaptive_avg_pool2d(mask, (features.shape[-2], features.shape[-1]))
        descriptor = (features * mask).sum((2, 3)) / mask.sum((2, 3)).clamp_min(1e-3)
        scale, shift = self.modulate(self.squeeze(descriptor).relu())[:, :, None, None].chunk(2, 1)
        adjusted: Tensor = features * (1 + mask * scale) + mask * shift
        return adjusted
