"""Predictions as a page shows them: numbers, and where the network looked as pictures over the face."""

from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from afnetm.trained.prediction import Prediction
from benchmarks.viewing.scenes import data_uri, region_picture, scene_of
from benchmarks.viewing.surfaces import surface_of

#: From the least to the most that a network looked at a place; the first is clear.
_HEAT = mpl.colormaps["inferno"]
#: Opacity of the most.
_OPACITY = 0.8


def answer_of(prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON: the scene of its scan, and the answer.

    Returns:
        scene (`benchmarks.viewing.scenes.scene_of`), expression, probability, margin, probabilities ([expression,
        number], the largest first) and weights ([stream, number]; empty for a method that does not weigh them).
    """
    scan, maps = prediction.scan, prediction.maps
    looked = looked_at(prediction)
    overlays = {name: heat(cells) for name, cells in looked.items()}
    if prediction.masks.any():
        overlays["Masks given to the model"] = region_picture(prediction.masks)
    facts = {
        "Vertices": f"{len(scan.vertices):,}",
        "Triangles": f"{len(scan.faces):,}",
        "Landmarks": f"{len(scan.landmarks)}, {'found in the scan' if scan.landmarks_found else 'given'}",
        "Pose fit": f"{prediction.pose.misfit:.1f} mm from an average face (root mean square)",
    }
    if prediction.warning:
        facts["Warning"] = prediction.warning
    scene = scene_of(
        surface_of(scan, prediction.pose),
        maps,
        title=scan.id,
        facts=facts,
        names=scan.landmark_names,
        overlays=overlays,
    )
    scene["maps"] += [
        [name, f"{name}: the brighter a place, the more it counted", data_uri(over_texture(cells, maps.texture))]
        for name, cells in looked.items()
    ]
    return {
        "scene": scene,
        "expression": prediction.expression,
        "probability": prediction.probability,
        "margin": prediction.margin,
        "probabilities": [list(one) for one in prediction.ranking],
        "weights": [list(one) for one in prediction.weights.items()],
    }


def looked_at(prediction: Prediction) -> dict[str, NDArray[np.float32]]:
    """The method's attention, and Grad-CAM of each stream, ``(h, w)`` 0..1 by title."""
    own = {name.replace("_", ": ").capitalize(): cells for name, cells in prediction.attention.items()}
    return {**own, **{f"Grad-CAM: {stream}": cells for stream, cells in prediction.evidence.items()}}


def heat(cells: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cells ``(h, w)`` as a picture ``(h, w, 4)``, clear where a cell is 0."""
    share = cells / max(float(cells.max()), 1e-6)
    picture = np.asarray(_HEAT(0.25 + 0.75 * share))
    picture[..., 3] = _OPACITY * share
    return np.asarray(np.rint(255 * picture), np.uint8)


def over_texture(cells: NDArray[np.float32], texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The texture map ``(3, S, S)`` in grey under cells, ``(S, S, 3)``."""
    size = texture.shape[-1]
    over = np.asarray(Image.fromarray(heat(cells)).resize((size, size), Image.Resampling.BILINEAR), np.float32)
    grey = texture.astype(np.float32).mean(0)[..., None]
    share = over[..., 3:] / 255
    return np.asarray(np.rint(grey * (1 - share) + over[..., :3] * share).clip(0, 255), np.uint8)
