"""Faces: pictures of scans for where a report may show them, and what can be drawn of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.schema import ReportError

#: Where the light comes from that depth is shown in: right, up, towards the viewer. From the upper left, as a reader
#: of reliefs expects it: from below, a nose would be a dent.
_LIGHT = np.array([-0.35, 0.4, 0.85])
#: What light there is without it.
_AMBIENT = 0.2


@dataclass(frozen=True, eq=False, kw_only=True)
class Face:
    """The pictures of one scan, upright and from the front, ``S x S`` pixels.

    Attributes:
        texture: ``(S, S, 3)`` uint8, sRGB.
        depth: ``(S, S)`` float32, mm towards the viewer from anywhere; NaN where nothing is.
        pixel_mm: a pixel's width, mm.

    Raises:
        ReportError: the arrays are something else.
    """

    texture: NDArray[np.uint8]
    depth: NDArray[np.float32]
    pixel_mm: float

    def __post_init__(self) -> None:
        size = len(self.texture)
        for name, shape, kind in (("texture", (size, size, 3), np.uint8), ("depth", (size, size), np.float32)):
            array = getattr(self, name)
            if array.shape != shape or array.dtype != kind:
                allowed = f"{shape} {np.dtype(kind)}"
                raise ReportError(f"face: {name} is {array.shape} {array.dtype}, allowed is {allowed}")
        if not self.pixel_mm > 0.0:
            raise ReportError(f"face: pixel_mm is {self.pixel_mm}, allowed is above 0")


def textured(face: Face) -> NDArray[np.uint8]:
    """The texture as it is, ``(S, S, 4)`` uint8: transparent where there is no face."""
    return np.dstack([face.texture, np.where(_there(face), 255, 0).astype(np.uint8)])


def shaded(face: Face) -> NDArray[np.uint8]:
    """The depth as a grey relief, lit from the upper left: ``(S, S, 4)`` uint8, transparent where there is none.

    Lambert's law, the light's share that falls on a surface: the cosine between its normal and the light.
    """
    right, down = (_slope(face.depth, axis) / face.pixel_mm for axis in (1, 0))
    normal = np.stack([-right, down, np.ones_like(right)], -1)
    lit = (normal @ _LIGHT / np.linalg.norm(normal, axis=-1) / np.linalg.norm(_LIGHT)).clip(0.0, 1.0)
    grey = np.rint(255.0 * (_AMBIENT + (1.0 - _AMBIENT) * lit)).astype(np.uint8)
    there = np.where(np.isfinite(face.depth), 255, 0).astype(np.uint8)
    return np.dstack([grey, grey, grey, there])


def mean_face(faces: Iterable[Face]) -> NDArray[np.uint8] | None:
    """The mean texture in grey, ``(S, S, 4)`` uint8, the more transparent the fewer have a face there; None of none.

    Grey is luma with the weights of ITU-R BT.601, spread so that the darkest of it is black and the lightest white.
    """
    total: NDArray[np.float64] = np.zeros(())
    count: NDArray[np.int64] = np.zeros((), np.int64)
    number = 0
    for face in faces:
        there = _there(face)
        total = total + there * (face.texture @ np.array([0.299, 0.587, 0.114]))
        count = count + there
        number += 1
    if not count.any():
        return None
    grey = total / np.maximum(count, 1)
    inside = grey[count >= count.max() / 2]  # what few have is the edge of a face
    contrast = (grey - inside.min()) / max(float(np.ptp(inside)), 1.0)
    level = np.rint(255.0 * contrast.clip(0.0, 1.0)).astype(np.uint8)
    return np.dstack([level, level, level, np.rint(255.0 * count / number).astype(np.uint8)])


def _there(face: Face) -> NDArray[np.bool_]:
    return np.isfinite(face.depth) | face.texture.any(-1)


def _slope(depth: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    """Slope of each pixel's depth towards the next along `axis`, mm a pixel; 0 where neither neighbour is.

    The mean of the steps from one neighbour and to the other, of those that are.
    """
    step = np.diff(depth.astype(np.float64), axis=axis)
    edge = np.full_like(np.take(step, [0], axis), np.nan)
    steps = np.stack([np.concatenate([edge, step], axis), np.concatenate([step, edge], axis)])
    known = np.isfinite(steps)
    rise: NDArray[np.float64] = np.where(known, steps, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    return rise
