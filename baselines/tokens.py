"""Feature maps as tokens, and a transformer layer over them: what the token-based strategies are made of."""

import math

import torch
from torch import Tensor, nn

#: Channels of one attention head; a transformer's width is a multiple of it.
HEAD_WIDTH = 32


class Tokens(nn.Module):
    """A feature map's positions as tokens of one width, each knowing where it is."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.project = nn.Linear(channels, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, H * W, width)``, row by row."""
        tokens: Tensor = self.project(x.flatten(2).transpose(1, 2))
        return tokens + positions(x.shape[2], x.shape[3], self.width, device=x.device)


class AttentionLayer(nn.Module):
    """A pre-norm transformer layer (Vaswani et al., NeurIPS 2017; pre-norm: Xiong et al., ICML 2020).

    With tokens ``x`` and a context ``c``, which is ``x`` itself for self-attention::

        x = x + attention(query = norm x, key = value = norm c)
        x = x + W2 gelu(W1 norm x)
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, width // HEAD_WIDTH, batch_first=True)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, tokens: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, L, width)`` and ``(B, S, width)`` to the new tokens and the heads' mean attention ``(B, L, S)``."""
        # Normed apart even where both are one: torch would evaluate self-attention in one step that counts no FLOPs.
        keys = self.norm(context)
        found, weights = self.attention(self.norm(tokens), keys, keys)
        tokens = tokens + found
        return tokens + self.mlp(tokens), weights


def positions(height: int, width: int, channels: int, *, device: torch.device) -> Tensor:
    """Sinusoidal encodings of a map's positions, ``(height * width, channels)`` float32 in -1..1, row by row.

    Vaswani et al., NeurIPS 2017, in two dimensions: with ``f_k = 10000 ** (-4 k / channels)``, the first quarter of the
    channels is ``sin(f_k row)``, the second ``cos(f_k row)``, the other two the same of the column.
    """
    frequency = torch.exp(torch.arange(channels // 4, device=device) * (-4 * math.log(10_000) / channels))
    row = torch.arange(height, device=device)[:, None, None] * frequency
    column = torch.arange(width, device=device)[None, :, None] * frequency
    parts = [row.sin(), row.cos(), column.sin(), column.cos()]
    return torch.cat([part.expand(height, width, -1) for part in parts], 2).flatten(0, 1)
