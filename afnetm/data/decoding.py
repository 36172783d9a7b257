"""From stored maps to what networks read: floating point, on the device that the maps are on; and surface normals."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, PLANES, REGIONS

#: Depth reaches methods in this unit (mm), so that a face spans about -1 to 1.
DEPTH_UNIT_MM = 50.0
#: What depth is where there is none: behind every face.
DEPTH_BACKGROUND = -3.0
# Curvature, 1/mm, so small (a radius of 10 m) that a surface counts as plane, of which rounding would decide the shape.
_FLAT = 1e-4
#: sRGB as 0..1 minus this mean, over this deviation: round numbers near those of faces, not fitted to any dataset.
TEXTURE_MEAN, TEXTURE_DEVIATION = 0.5, 0.25


def plane_bits(device: torch.device) -> Tensor:
    """``(1, 5, 1, 1)`` uint8: the bit of the plane of valid pixels, then of each region."""
    bits = [PLANES["valid"], *(PLANES[region] for region in REGIONS)]
    return torch.tensor(bits, dtype=torch.uint8, device=device).view(1, -1, 1, 1)


def unpacked(texture: Tensor, depth: Tensor, planes: Tensor, bits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Texture in 0..1, depth in mm (0 where there is none), where there is depth, and the planes: all float32.

    Args:
        texture: ``(B, 3, S, S)`` uint8.
        depth: ``(B, 1, S, S)``, the stored codes as int16 of the same bits: not every device indexes uint16.
        planes: ``(B, 1, S, S)`` uint8.
        bits: `plane_bits`.
    """
    code = (depth.int() & 0xFFFF).float()
    present = (code > 0).float()
    millimetres = (DEPTH_ZERO_MM + (code - 1) * DEPTH_STEP_MM) * present
    return texture.float().div_(255), millimetres, present, ((planes & bits) > 0).float()


def scaled(texture: Tensor, millimetres: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Texture and depth as `afnetm.face_batch.FaceBatch` has them."""
    depth = torch.where(present > 0.5, millimetres / DEPTH_UNIT_MM, DEPTH_BACKGROUND)
    return (texture - TEXTURE_MEAN) / TEXTURE_DEVIATION, depth


def sample(texture: NDArray[np.uint8], depth: NDArray[np.uint16], planes: NDArray[np.uint8]) -> dict[str, Tensor]:
    """One scan's stored maps, ``(C, S, S)`` each, as the fields of a `FaceBatch` without its first axis."""
    # Copies, as torch takes no read-only memory.
    stored = [torch.from_numpy(np.array(values))[None] for values in (texture, depth.view(np.int16), planes)]
    bits = plane_bits(torch.device("cpu"))
    channels, millimetres, present, regions = unpacked(stored[0], stored[1], stored[2], bits)
    colour, distance = scaled(channels, millimetres, present)
    return {"texture": colour[0], "depth": distance[0], "valid": regions[0, :1], "masks": regions[0, 1:]}


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


def shape_index(depth_mm: Tensor, valid: Tensor, *, pixel_mm: float) -> Tensor:
    """The shape index of the surface ``z(x, y)``, Koenderink and van Doorn, Image and Vision Computing 10(8), 1992.

    ``2 / pi * atan(H / sqrt(H^2 - K))`` of the mean curvature ``H`` and the Gaussian ``K``: 1 for a cap (a nose, seen
    from the front), 1/2 for a ridge, 0 for a saddle and for a plane, -1/2 for a rut, -1 for a cup.

    Args:
        depth_mm: as in `normals`.
        valid: as there.
        pixel_mm: side of a pixel, mm.

    Returns:
        ``(B, 1, S, S)`` of `depth_mm`'s type, -1..1; 0 where not `valid`.
    """
    p, q = _slope(depth_mm, valid, dim=-1) / pixel_mm, _slope(depth_mm, valid, dim=-2) / pixel_mm
    xx, yy = _slope(p, valid, dim=-1) / pixel_mm, _slope(q, valid, dim=-2) / pixel_mm
    xy = (_slope(p, valid, dim=-2) + _slope(q, valid, dim=-1)) / (2 * pixel_mm)
    area = 1 + p * p + q * q
    mean = -((1 + q * q) * xx - 2 * p * q * xy + (1 + p * p) * yy) / (2 * area * area.sqrt())
    gaussian = (xx * yy - xy * xy) / (area * area)
    spread = (mean * mean - gaussian).clamp_min(0).sqrt() + _FLAT
    return torch.atan2(mean, spread) * (2 / math.pi) * valid


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
