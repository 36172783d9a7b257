"""Attention maps of methods, small enough to keep for every test scan."""

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

#: Attention is kept at this size at most, the grid of a 224-pixel face in patches of 16.
MAP_SIZE = 14


def attention_map(attention: Tensor) -> Tensor:
    """``(B, H, W)`` attention in 0..1 to float32 of at most `MAP_SIZE` rows and columns, without gradient."""
    height, width = attention.shape[1:]
    return adaptive_avg_pool2d(attention.detach().float(), (min(height, MAP_SIZE), min(width, MAP_SIZE)))


def token_attention_map(weights: Tensor, height: int, width: int) -> Tensor:
    """`attention_map` of the attention ``(B, H * W)`` paid to a map's positions, relative to the most attended one."""
    relative = weights / weights.amax(1, keepdim=True)
    return attention_map(relative.reshape(-1, height, width))
