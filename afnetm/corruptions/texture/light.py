"""Light direction: the face lit by a lamp beside the camera, by the normals of its depth."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.pictures import face, levels, light, with_texture
from afnetm.corruptions.surfaces import millimetres, smoothed
from afnetm.data.holes import fill
from afnetm.data.maps import WINDOW_MM, RenderedMaps


class Light(MapCorruption):
    """The texture's light times what a lamp in this direction gives of what a lamp at the camera would give.

    Both are Lambertian with the same ambient light, and nothing casts a shadow on anything else. In which direction
    the lamp is moved is drawn.
    """

    name = "light"
    title = "Light direction"
    of = "texture"
    severities = (15.0, 30.0, 45.0, 60.0, 90.0)
    unit = "degrees"
    meaning = "angle between the lamp and the line of sight"

    #: Share of the light that comes from everywhere.
    AMBIENT: ClassVar[float] = 0.1
    #: The surface is smoothed so far before its normals are taken, mm: a sensor's noise is no relief.
    SMOOTH_MM: ClassVar[float] = 4.0

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        around, away = rng.uniform(0, 2 * np.pi), np.radians(value)
        lamp = np.array([np.sin(away) * np.cos(around), np.sin(away) * np.sin(around), np.cos(away)])
        normals = _normals(maps, smooth_mm=self.SMOOTH_MM)
        lit, frontal = (
            self.AMBIENT + (1 - self.AMBIENT) * np.clip(cosine, 0, None)
            for cosine in (np.einsum("c,chw->hw", lamp, normals), normals[2])
        )
        return with_texture(maps, levels(light(maps.texture) * lit / frontal))


def _normals(maps: RenderedMaps, *, smooth_mm: float) -> NDArray[np.float64]:
    """Unit normals ``(3, S, S)`` of the face, over its holes as well; towards the viewer beside it."""
    import torch

    from afnetm.data.decoding import normals

    there = face(maps)
    z = fill(millimetres(maps)[None], there & (maps.depth[0] == 0))
    z = np.where(there, smoothed(z, there, width_mm=smooth_mm), 0.0)
    found = normals(torch.from_numpy(z)[None], torch.from_numpy(there)[None, None], pixel_mm=WINDOW_MM / len(there))
    return np.where(there, found[0].numpy(), np.array([0.0, 0.0, 1.0])[:, None, None])
