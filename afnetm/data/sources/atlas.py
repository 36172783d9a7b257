"""Several pictures of one surface joined into one, with its texture coordinates moved to their places in it."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.pictures import MAX_PIXELS
from afnetm.data.formats.surface import Paint, Surface
from afnetm.data.plausible import UV_TOLERANCE
from afnetm.errors import UserError

#: Around each picture its edge goes on for so many pixels, so that shrinking the whole mixes no two of them: a picture
#: of 4,096 pixels is shrunk 20 times at most, and filters reach twice as far.
GUTTER = 64


def joined(
    surface: Surface, paints: Sequence[Paint], pictures: Mapping[bytes | str | None, NDArray[np.uint8]], name: str
) -> tuple[Surface, NDArray[np.uint8]]:
    """`surface` with one picture, in which those of its paints lie below each other.

    Args:
        surface: its `painted` says which faces have which picture.
        paints: of the surface, in its order.
        pictures: those of the paints, ``(H, W, 3)`` uint8 each.
        name: begins every error.

    Returns:
        The surface, its texture coordinates corner by corner, and the picture.

    Raises:
        UserError: a triangle's texture coordinates leave its picture, which cannot go on here, or the pictures are too
            large together.
    """
    sizes = np.array([picture.shape[:2] for picture in pictures.values()]) + 2 * GUTTER
    height, width = int(sizes[:, 0].sum()), int(sizes[:, 1].max())
    if height * width > MAX_PIXELS:
        raise UserError(
            f"{name}: {len(pictures)} pictures, {height * width} pixels when joined (allowed: {MAX_PIXELS})"
        )
    whole = np.zeros((height, width, 3), np.uint8)
    uv = surface.uv[surface.uv_faces].astype(np.float64)
    tops = dict(zip(pictures, np.cumsum([0, *sizes[:-1, 0]]).tolist(), strict=True))
    for one, picture in pictures.items():
        rows, columns, _ = picture.shape
        edges = ((GUTTER, GUTTER), (GUTTER, width - columns - GUTTER), (0, 0))
        whole[tops[one] : tops[one] + rows + 2 * GUTTER] = np.pad(picture, edges, mode="edge")
    for row, paint in enumerate(paints):
        rows, columns, _ = pictures[paint.picture].shape
        own = surface.painted == row
        u, v = np.moveaxis(_inside(uv[own], paint, name), -1, 0)
        down = tops[paint.picture] + GUTTER + (1 - v) * rows
        uv[own] = np.stack([(GUTTER + u * columns) / width, 1 - down / height], axis=-1)
    moved = Surface(
        vertices=surface.vertices,
        faces=surface.faces,
        uv=uv.reshape(-1, 2).astype(np.float32),
        uv_faces=np.arange(uv.size // 2, dtype=np.int32).reshape(-1, 3),
        paints=(Paint(faces="its surface", picture=None, wrap=("clamp", "clamp")),),
        painted=np.zeros_like(surface.painted),
    )
    return moved, whole


def _inside(uv: NDArray[np.float64], paint: Paint, name: str) -> NDArray[np.float64]:
    """Texture coordinates ``(F, 3, 2)`` within 0..1: of a picture that repeats, the copy that a triangle is in."""
    repeats = np.array([way == "repeat" for way in paint.wrap])
    moved = uv - np.where(repeats, np.floor(uv.min(1) + UV_TOLERANCE), 0)[:, None]
    if ((moved < -UV_TOLERANCE) | (moved > 1 + UV_TOLERANCE)).any():
        raise UserError(
            f"{name}: texture coordinates of {paint.faces} go beyond its picture's edge, where there are several "
            "pictures (allowed: every triangle within one)"
        )
    return moved.clip(0, 1)
