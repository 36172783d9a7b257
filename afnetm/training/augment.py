"""Augmentation in batches on the device: every face of a batch is moved and lit by numbers of its own."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, conv2d, grid_sample

from afnetm.training.config import Augmentation


@dataclass(frozen=True, eq=False)
class AugmentationParameters:
    """Sampled augmentation of a batch of ``B`` faces; every ``(B, 1, 1, 1)`` tensor is float32.

    Attributes:
        motion: ``(B, 2, 3)`` float32, from output to input positions in -1..1 (as ``affine_grid`` takes them).
        scale: how much larger the picture becomes, and depth with it.
        brightness: added to texture in 0..1.
        contrast: multiplies texture's difference from 1/2.
        depth_shift: mm, added to depth.
    """

    motion: Tensor
    scale: Tensor
    brightness: Tensor
    contrast: Tensor
    depth_shift: Tensor


def draw(augmentation: Augmentation, count: int, generator: torch.Generator) -> AugmentationParameters:
    """Draws for `count` faces on the generator's device."""
    device = generator.device
    uniform = torch.rand(8, count, generator=generator, device=device) * 2 - 1
    angle = uniform[0] * math.radians(augmentation.rotation)
    scale = 1 + uniform[1] * augmentation.scale
    mirror = torch.where(uniform[2] < 2 * augmentation.flip - 1, -1.0, 1.0)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    shift = uniform[3:5] * 2 * augmentation.shift  # positions span 2 over the picture's width
    rows = [cos * mirror, -sin, shift[0], sin * mirror, cos, shift[1]]
    return AugmentationParameters(
        motion=torch.stack(rows, 1).view(count, 2, 3),
        scale=scale.view(-1, 1, 1, 1),
        brightness=(uniform[5] * augmentation.brightness).view(-1, 1, 1, 1),
        contrast=(1 + uniform[6] * augmentation.contrast).view(-1, 1, 1, 1),
        depth_shift=(uniform[7] * augmentation.depth_shift).view(-1, 1, 1, 1),
    )


def warp(stack: Tensor, motion: Tensor) -> Tensor:
    """Resamples ``(B, C, S, S)`` bilinearly under ``(B, 2, 3)`` motions; zero comes in from outside."""
    grid = affine_grid(motion, list(stack.shape), align_corners=False)
    return grid_sample(stack, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def soften(stack: Tensor) -> Tensor:
    """``(B, C, S, S)`` as sharp as `warp` leaves it on average: zero comes in from outside.

    At ``a`` pixels from the nearest one, ``-1/2 <= a <= 1/2``, bilinear interpolation weighs that one by ``1 - |a|``
    and the next by ``|a|``; the mean over all ``a``, along each axis, is (1/8, 3/4, 1/8). Faces that are not moved
    would otherwise be sharper than any that a network was trained on.
    """
    channels = stack.shape[1]
    along = torch.tensor([0.125, 0.75, 0.125], dtype=stack.dtype, device=stack.device)
    kernel = torch.outer(along, along).expand(channels, 1, 3, 3)
    return conv2d(stack, kernel, padding=1, groups=channels)
