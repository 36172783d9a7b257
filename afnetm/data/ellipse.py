"""Ellipses seen from the front: what something before a camera covers, or a range sensor has lost."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Ellipse:
    """An ellipse with its `centre` ``(2,)`` and two `radii` in mm, turned by `turn` radians."""

    centre: NDArray[np.float64]
    radii: tuple[float, float]
    turn: float

    @classmethod
    def draw(cls, centre: NDArray[np.float64], radii: tuple[float, float], rng: np.random.Generator) -> "Ellipse":
        """An ellipse whose larger radius is in the range `radii`, the other one .65 to 1 times as large."""
        radius, stretch, turn = rng.uniform(*radii), rng.uniform(0.65, 1.0), rng.uniform(0, np.pi)
        return cls(centre, (radius, radius * stretch), turn)

    def distance(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Distance of `points` ``(..., 2)`` from the centre, 1 at the rim, ``(...)``."""
        offset = points - self.centre
        along = offset @ [np.cos(self.turn), np.sin(self.turn)]
        across = offset @ [-np.sin(self.turn), np.cos(self.turn)]
        return np.asarray(np.hypot(along / self.radii[0], across / self.radii[1]))
