"""A photograph of a scan from the front, as the camera beside a range sensor takes it."""

import numpy as np
from numpy.typing import NDArray

from afnetm.data.holes import enclosed, fill, torn
from afnetm.data.rays import cast_rays
from afnetm.data.rendering import SEAM_STEEPNESS
from afnetm.data.sampling import sample, texels_a_pixel
from afnetm.data.scan import Scan


def photograph(scan: Scan, vertices: NDArray[np.float64], *, size: int) -> NDArray[np.uint8]:
    """The colours that rays along -z meet, ``(size, size, 3)`` uint8 over the window of `afnetm.data.rays`.

    Holes in the surface show what the texture image has there, as in `afnetm.data.rendering.render`; around the face it
    is black.

    Args:
        scan: whose faces and texture.
        vertices: where its vertices are in front of the camera, ``(V, 3)`` float64.
        size: pixels along a side.
    """
    hits = cast_rays(vertices, scan.faces, size=size)
    image_size = np.array(scan.texture.shape[1::-1], np.float64)
    texels = hits.interpolate(scan.uv * image_size, scan.uv_faces)
    holes, _ = enclosed(hits.seen)
    reduction = texels_a_pixel(texels, hits.seen)
    two_pieces = torn(texels, holes, steepest=SEAM_STEEPNESS * reduction)
    seen = hits.seen | (holes > 0)
    colours = np.zeros((3, size, size))
    at = fill(texels, holes > 0)[:, seen] / image_size[:, None]
    colours[:, seen] = sample(scan.texture, at, reduction=reduction)
    return np.rint(np.moveaxis(fill(colours, two_pieces[holes]), 0, -1)).astype(np.uint8)
