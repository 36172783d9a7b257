"""What a VRML file holds for us: one textured surface."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.scan import Wrap


@dataclass(frozen=True, eq=False)
class VrmlMesh:
    """One textured surface.

    Attributes:
        vertices: ``(V, 3)`` float32, as they stand in the file.
        faces: ``(F, 3)`` int32, indices into `vertices`, counter-clockwise seen from outside.
        uv: ``(T, 2)`` float32, origin at the texture's lower left corner; outside 0..1 as `wrap` says.
        uv_faces: ``(F, 3)`` int32, indices into `uv`, corner by corner as in `faces`.
        textures: the urls of the file's ImageTextures, in its order.
        wrap: what a texture does beyond its edges along u and v: by the standard it repeats unless told not to.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    textures: tuple[str, ...]
    wrap: tuple[Wrap, Wrap] = ("repeat", "repeat")
