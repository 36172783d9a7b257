"""Surface normals from depth maps, in batches, on whatever device the maps are on."""

import torch
from torch import Tensor


def normals(depth_mm: Tensor, valid: Tensor, *, pixel_mm: float) -> Tensor:
    """Unit normals of the surface ``z(x, y)``: ``(-dz/dx, -dz/dy, 1)``, normalised.

    Slopes are central differences, one-sided next to a pixel that is not `valid`, and 0 where both neighbours are not.

    Args:
        depth_mm: ``(B, 1, S, S)`` floating point, z towards the viewer in mm; row 0 is at the top. What stands where
            there is nothing may be any finite number.
        valid: ``(B, 1, S, S)`` bool, where there is depth, measured or filled.
        pixel_mm: side of a pixel, mm.

    Returns:
        ``(B, 3, S, S)`` of `depth_mm`'s type: x to the viewer's right, y up, z towards the viewer; (0, 0, 0) where not
        `valid`, so that nothing is no direction.
    """
    dx = _slope(depth_mm, valid, dim=-1) / -pixel_mm
    dy = _slope(depth_mm, valid, dim=-2) / pixel_mm  # rows run down, y up
    length = (dx * dx + dy * dy + 1).rsqrt_() * valid
    return torch.cat([dx * length, dy * length, length], dim=1)


def _slope(depth: Tensor, valid: Tensor, *, dim: int) -> Tensor:
    """Change a pixel along `dim`: the mean of those steps to both neighbours that are between valid pixels."""
    steps = depth.shape[dim] - 1
    known = (valid.narrow(dim, 0, steps) & valid.narrow(dim, 1, steps)).to(depth.dtype)
    step = depth.diff(dim=dim) * known
    total, count = torch.zeros_like(depth), torch.zeros_like(depth)
    for side in (0, 1):  # a step belongs to the pixel before it and to the one after it
        total.narrow(dim, side, steps).add_(step)
        count.narrow(dim, side, steps).add_(known)
    return total / count.clamp_(min=1)
