"""Places where a failing sensor sees nothing: things before the camera, and what the range sensor lost, as ellipses.

They are drawn here, so that the sensor that fails and the annotator who looks at what it delivers agree.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from afnetm.data.ellipse import Ellipse
from afnetm.data.synthetic.head import head
from afnetm.data.synthetic.nuisance import TEXTURE_FAILURES, Nuisance

#: Radii at full severity of a thing before the camera and of a large hole, mm.
OCCLUDER_MM, LARGE_HOLE_MM = (22.0, 40.0), (18.0, 36.0)
#: The same of a hole at no severity: a smaller one has too few vertices around it to tell how it would be closed.
SMALLEST_HOLE_MM = 10.0
#: Where things before the camera, and centres of large holes, may be: mm in the front plane of the base head.
OCCLUDER_LOW, OCCLUDER_HIGH = (-45.0, 640.0), (45.0, 765.0)
HOLE_LOW, HOLE_HIGH = (-42.0, 638.0), (42.0, 768.0)


def draw_occluders(nuisance: Nuisance, rng: np.random.Generator) -> list[Ellipse]:
    """One or two things before the camera if that is how it fails, in the front plane of the base head.

    Their area is proportional to the severity.
    """
    severity = nuisance.texture_failure_severity
    if TEXTURE_FAILURES[int(nuisance.texture_failure_kind)] != "occluder" or severity == 0:
        return []
    low, high = np.sqrt(severity) * np.array(OCCLUDER_MM)
    places = [rng.uniform(OCCLUDER_LOW, OCCLUDER_HIGH) for _ in range(rng.integers(1, 3))]
    return [Ellipse.draw(place, (low, high), rng) for place in places]


def draw_large_holes(nuisance: Nuisance, vertices: NDArray[np.float64], rng: np.random.Generator) -> list[Ellipse]:
    """The large holes of a failing range sensor on the head at `vertices` ``(V, 3)``.

    Their area grows with the severity from that of `SMALLEST_HOLE_MM`.
    """
    severity = nuisance.depth_failure_severity
    low, high = np.sqrt((1 - severity) * SMALLEST_HOLE_MM**2 + severity * np.square(LARGE_HOLE_MM))
    centres = [vertices[rng.choice(_middle_vertices()), :2] for _ in range(int(nuisance.depth_closed_holes))]
    return [Ellipse.draw(centre, (low, high), rng) for centre in centres]


@cache
def _middle_vertices() -> NDArray[np.int64]:
    """The vertices that a large hole may have its centre at: skin of the face proper."""
    front = head().vertices[:, :2]
    inside = ((front > HOLE_LOW) & (front < HOLE_HIGH)).all(axis=1)
    return np.flatnonzero(inside & head().members("skin"))
