"""Landmark error: landmarks that are not where they belong."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.fields import at, smooth_field
from afnetm.data.maps import RenderedMaps


class LandmarkError(MapCorruption):
    """Posed landmarks displaced; the pose, which was fitted before, stays.

    Half of the variance is a smooth field, so that the points of an eye or a mouth err together, and half is each
    point's own. Annotated and detected landmarks err each by themselves.
    """

    name = "landmark_error"
    title = "Landmark error"
    of = "landmarks"
    severities = (2.0, 4.0, 7.0, 12.0, 20.0)
    unit = "mm"
    meaning = "root mean square displacement of a landmark"

    #: Standard deviation of the Gaussian that the smooth field is filtered by, mm.
    WIDTH_MM: ClassVar[float] = 15.0

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        landmarks = self._displaced(maps.landmarks, value, rng)
        detected = maps.detected_landmarks
        if detected is not None:
            detected = self._displaced(detected, value, rng)
        return replace(maps, landmarks=landmarks, detected_landmarks=detected)

    def _displaced(self, landmarks: NDArray[np.float32], value: float, rng: np.random.Generator) -> NDArray[np.float32]:
        field = smooth_field(rng, width_mm=self.WIDTH_MM, count=3)
        shared = at(field, np.nan_to_num(landmarks[:, :2])).T
        own = rng.standard_normal(landmarks.shape)
        return np.asarray(landmarks + value * (shared + own) / np.sqrt(6), np.float32)
