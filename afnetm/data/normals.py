"""Surface normals from depth maps, in batches, on whatever device the maps are on."""

import torch
from torch import Tensor
from torch.nn.functional import pad


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
    dx = _slope(depth_mm, valid, dim=-1)
    dy = -_slope(depth_mm, valid, dim=-2)  # rows run down, y up
    direction = torch.cat([-dx / pixel_mm, -dy / pixel_mm, torch.ones_like(depth_mm)], dim=1)
    unit: Tensor = direction / direction.norm(dim=1, keepdim=True)
    return unit * valid


def _slope(depth: Tensor, valid: Tensor, *, dim: int) -> Tensor:
    """Change a pixel along `dim`: the mean of those steps to both neighbours that are between valid pixels."""
    length = depth.shape[dim]
    step = depth.diff(dim=dim)
    known = valid.narrow(dim, 0, length - 1) & valid.narrow(dim, 1, length - 1)
    step = torch.where(known, step, 0)
    before, after = ([1, 0], [0, 1]) if dim == -1 else ([0, 0, 1, 0], [0, 0, 0, 1])
    total = pad(step, before) + pad(step, after)
    count = pad(known, before).to(depth.dtype) + pad(known, after).to(depth.dtype)
    return total / count.clamp(min=1)
