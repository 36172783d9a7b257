"""The annotator, person or program: from where landmarks are to where they are placed, by what can be seen.

The more a place is spoilt for the camera and the range sensor, the further the landmarks there err, in the way of a
detector: action units are mistaken that are not there, so that mouths are wider and brows higher than they are; the
points of a region move together; single points err on top; and where little can be seen the face at rest is guessed.
The numbers are ours, chosen for plausibility and difficulty.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from afnetm.data.ellipse import Ellipse
from afnetm.data.landmarks import GROUPS_83
from afnetm.data.synthetic.expression import STRAY_UNITS, displacement
from afnetm.data.synthetic.head import head
from afnetm.data.synthetic.landmarks import anchors, front_points
from afnetm.data.synthetic.nuisance import TEXTURE_FAILURES, Nuisance

#: Groups of landmarks that are shifted together, with how far: eyes and nose are found best, the jaw's outline worst.
REGIONS = {
    ("right_eye",): 0.6,
    ("left_eye",): 0.6,
    ("right_brow",): 1.2,
    ("left_brow",): 1.2,
    ("right_nose", "left_nose", "nostrils"): 0.6,
    ("outer_mouth", "inner_mouth"): 1.6,
    ("jaw",): 2.0,
}
#: How much a spoilt surface hides while the picture is good: landmarks are found mostly in the picture.
SURFACE_SHARE = 0.6
#: What a failing range sensor hides where it has no hole.
NOISY_SHARE = 0.6
#: Blur and noise of sensors that do not fail which would hide everything, mm.
HIDING_BLUR_MM, HIDING_NOISE_MM = 12.0, 10.0
#: How many times larger shared errors, and a landmark's own, are where nothing can be seen, less 1.
SHARED_GROWTH, OWN_GROWTH = 2.5, 1.0
#: Errors along the line of sight, relative to those across it: landmarks are placed on the surface.
ALONG_SIGHT = 0.3
#: Errors are cut off at so many standard deviations: nobody takes an eye for a nose.
FURTHEST = 2.0


def doubt(
    true: NDArray[np.float64], nuisance: Nuisance, *, occluders: list[Ellipse], holes: list[Ellipse]
) -> NDArray[np.float64]:
    """Share that cannot be seen of each landmark, ``(83,)``, 0 to 1, where they are at `true` ``(83, 3)`` mm.

    `occluders` lie in the front plane of the base head, `holes` in that of the scan.
    """
    kind = TEXTURE_FAILURES[int(nuisance.texture_failure_kind)]
    hidden = np.full(len(true), 0.0 if kind == "occluder" else nuisance.texture_failure_severity)
    for thing in occluders:
        hidden[thing.distance(front_points()) < 1] = 1.0
    picture = np.clip(hidden + nuisance.blur_mm / HIDING_BLUR_MM, 0, 1)
    lost = np.full(len(true), NOISY_SHARE * nuisance.depth_failure_severity)
    for hole in holes:
        lost[hole.distance(true[:, :2]) < 1] = 1.0
    surface = np.clip(lost + nuisance.depth_noise_mm / HIDING_NOISE_MM, 0, 1)
    return np.asarray(1 - (1 - picture) * (1 - SURFACE_SHARE * surface))


def place(
    true: NDArray[np.float64],
    resting: NDArray[np.float64],
    doubts: NDArray[np.float64],
    nuisance: Nuisance,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """The landmarks as they are placed, ``(83, 3)`` mm.

    Args:
        true: where they are, ``(83, 3)`` mm.
        resting: where they would be on the same head at rest, ``(83, 3)`` mm.
        doubts: of each, as `doubt` gives them; a region's are averaged.
        nuisance: how large errors are where everything can be seen, and the guess's share where nothing can.
        rng: stream of its own.
    """
    placed = np.empty_like(true)
    across = np.array([1.0, 1.0, ALONG_SIGHT])
    mistaken = np.einsum("u,ulx->lx", _error(rng, len(STRAY_UNITS)), _movements())
    for rows, looseness in zip(_regions(), REGIONS.values(), strict=True):
        unsure = doubts[rows].mean()
        points = true[rows] + nuisance.landmark_shrinkage * unsure * (resting[rows] - true[rows])
        shift = looseness * nuisance.landmark_shift_mm * _error(rng, 3) * across
        placed[rows] = points + (1 + SHARED_GROWTH * unsure) * (nuisance.landmark_mistaken * mistaken[rows] + shift)
    single = nuisance.landmark_jitter_mm * (1 + OWN_GROWTH * doubts)
    return np.asarray(placed + single[:, None] * _error(rng, true.shape) * across)


def _error(rng: np.random.Generator, shape: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Errors of unit size, cut off."""
    return np.clip(rng.normal(size=shape), -FURTHEST, FURTHEST)


@cache
def _movements() -> NDArray[np.float64]:
    """Displacements of the base head's landmarks by each of `STRAY_UNITS` at full strength, ``(units, 83, 3)`` mm."""
    moved = [head().subdivide @ displacement({unit: 1.0}) for unit in STRAY_UNITS]
    return np.stack([anchors().locate(np.asarray(one)) for one in moved])


@cache
def _regions() -> tuple[NDArray[np.int64], ...]:
    """The rows of each of `REGIONS`."""
    group = np.repeat(np.array(list(GROUPS_83)), list(GROUPS_83.values()))
    return tuple(np.flatnonzero(np.isin(group, names)) for names in REGIONS)
