"""Pictures of a view of a scan, in which a face is looked for: its texture, its shape, a brightened texture."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM
from afnetm.data.rendering import View


def _texture(seen: View) -> NDArray[np.uint8]:
    """The texture as it is."""
    return np.rint(seen.texture).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)


def _shape(seen: View) -> NDArray[np.uint8]:
    """The surface, smoothed against noise and lit from above the viewer, in grey."""
    there = seen.valid | (seen.holes > 0)
    weight = np.maximum(_smooth(there.astype(float), 2.5), 1e-3)
    depth = _smooth(np.where(there, (seen.code[0] - 1) * DEPTH_STEP_MM + DEPTH_ZERO_MM, 0), 2.5) / weight
    down, across = np.gradient(depth, WINDOW_MM / len(depth))
    light = (0.5 * down + 0.87) / np.sqrt(across**2 + down**2 + 1)
    grey = np.where(there, 40 + 200 * light.clip(0, 1), 0).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _lifted(seen: View) -> NDArray[np.uint8]:
    """The texture, smoothed against noise and brightened to a middle grey."""
    there = seen.valid | (seen.holes > 0)
    weight = np.maximum(_smooth(there.astype(float), 2), 0.05)
    smooth = np.stack([_smooth(channel, 2) for channel in seen.texture]) / weight
    middle = float(np.median(smooth.mean(0)[there]))
    gamma = np.log(110 / 255) / np.log(np.clip(middle, 2, 250) / 255)
    lifted = np.where(there, 255 * (smooth.clip(0, 255) / 255) ** gamma, 0)
    return np.rint(lifted).astype(np.uint8).transpose(1, 2, 0)


def _smooth(plane: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    return np.asarray(ndimage.gaussian_filter(plane, sigma))


#: The pictures of a view in which a face is looked for, in this order: of one that is too dark or covered, the next.
PICTURES: dict[str, Callable[[View], NDArray[np.uint8]]] = {
    "texture": _texture,
    "shape": _shape,
    "brightened texture": _lifted,
}
