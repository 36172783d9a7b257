"""Scenes: all that a page shows of a scan, as JSON has it, with pictures and arrays in it."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from afnetm.data.contact_sheet import REGION_COLOURS, pictures_of
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import PLANES, REGIONS, WINDOW_MM, RenderedMaps
from afnetm.data.regions import landmark_set
from benchmarks.viewing.surfaces import Surface

#: A picture on a surface has at most so many pixels a side: no screen shows more of a face.
MAX_SIDE = 2048
#: What maps are called on a page, and the text that stands for the picture.
MAPS = {
    "texture": ("Texture", "The face's texture, seen from the front"),
    "depth": ("Depth", "The face's depth, lighter the nearer, purple where a hole was filled"),
    "normals": ("Normals", "Directions of the surface as colours"),
    "regions": ("Masks", "The regions of brows, eyes, nose and mouth in colours over the face"),
}
#: What landmarks of no region are drawn with.
OTHER_COLOUR = (240, 240, 240)
#: Opacity of what lies over a surface.
_OPACITY = 0.55

Scene = dict[str, Any]


def scene_of(
    surface: Surface,
    maps: RenderedMaps,
    *,
    title: str,
    facts: Mapping[str, str],
    names: tuple[str, ...],
    overlays: Mapping[str, NDArray[np.uint8]] | None = None,
) -> Scene:
    """The scene of a scan.

    Args:
        surface: in the pose of the maps.
        maps: of the scan.
        title: what it is called.
        facts: what else is said of it, by name.
        names: of the landmarks that the maps have.
        overlays: pictures ``(h, w, 4)`` uint8 by title, as wide and high as the maps' window: what may be laid over the
            surface beside the regions.

    Returns:
        JSON: title, facts, surface {positions, normals, triangles, uv, colours, picture, wrap}, window (mm), landmarks
        {points, names, colours}, overlays ([title, picture]) and maps ([title, words, picture]). Arrays are base64,
        little-endian: float32, but for triangles (uint32) and normals (int8, of four a vertex) and colours (uint8).
    """
    over = {"Regions": region_picture(maps.planes), **(overlays or {})}
    landmarks = maps.landmarks[: len(names)]
    return {
        "title": title,
        "facts": dict(facts),
        "window": WINDOW_MM,
        "surface": _surface(surface),
        "landmarks": {
            "points": _packed(np.where(np.isfinite(landmarks), landmarks, np.float32(1e9)), "<f4"),
            "names": [name.replace("_", " ") for name in names],
            "colours": _packed(_landmark_colours(names), "u1"),
        },
        "overlays": [[name, data_uri(picture)] for name, picture in over.items()],
        "maps": [
            [*MAPS[name], data_uri(picture)]
            for name, picture in pictures_of(maps.texture, maps.depth, maps.planes).items()
        ],
    }


def landmark_names(count: int) -> tuple[str, ...]:
    """The names of the known set of so many landmarks, whose rows a dataset's scan has; the 83 if there is none."""
    from afnetm.data.regions import LANDMARK_SETS

    return next((names for names in LANDMARK_SETS if len(names) == count), LANDMARKS_83)


def data_uri(picture: NDArray[np.uint8], *, photograph: bool = False) -> str:
    """A picture ``(h, w, 3 or 4)`` as an address that holds it: PNG, or for a photograph JPEG of up to `MAX_SIDE`."""
    image, file = Image.fromarray(picture), io.BytesIO()
    if photograph:
        image.thumbnail((MAX_SIDE, MAX_SIDE))
        image.save(file, format="JPEG", quality=92)
    else:
        image.save(file, format="PNG")
    return f"data:image/{'jpeg' if photograph else 'png'};base64,{base64.b64encode(file.getvalue()).decode()}"


def _surface(surface: Surface) -> Scene:
    normals = np.zeros((len(surface.normals), 4), np.int8)
    normals[:, :3] = np.rint(surface.normals * 127)
    painted = surface.uv is not None
    return {
        "positions": _packed(surface.positions, "<f4"),
        "normals": _packed(normals, "i1"),
        "triangles": _packed(surface.triangles, "<u4"),
        "uv": None if surface.uv is None else _packed(surface.uv, "<f4"),
        "colours": None if painted else _packed(surface.picture, "u1"),
        "picture": data_uri(surface.picture, photograph=True) if painted else None,
        "wrap": list(surface.wrap),
    }


def region_picture(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The regions in their colours, clear elsewhere, ``(S, S, 4)``."""
    picture = np.zeros((*planes.shape[1:], 4), np.uint8)
    for region in REGIONS:
        picture[planes[0] & PLANES[region] > 0] = (*REGION_COLOURS[region], round(255 * _OPACITY))
    return picture


def _landmark_colours(names: tuple[str, ...]) -> NDArray[np.uint8]:
    """``(L, 3)``: the colours of the regions that they outline."""
    colours = np.full((len(names), 3), OTHER_COLOUR, np.uint8)
    for region, parts in landmark_set(names).parts.items():
        for part in parts:
            colours[[*part.rows, *part.optional]] = REGION_COLOURS[region]
    return colours


def _packed(array: NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(array, kind).data).decode()
