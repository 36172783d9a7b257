"""The range sensor: from the true surface to the one it measures, with smoothing, noise, steps and holes."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.synthetic.atlas import PARTS
from afnetm.data.synthetic.hair import hairiness
from afnetm.data.synthetic.head import average, head
from afnetm.data.synthetic.nuisance import Nuisance

#: How many times the noise grows when the sensor fails.
FAILURE_GAIN = 3.0
#: Radii of small and large holes, mm; where the centres of large ones may be, mm in the front plane of the base head.
SMALL_HOLE_MM, LARGE_HOLE_MM = (2.0, 5.0), (18.0, 36.0)
HOLE_LOW, HOLE_HIGH = (-42.0, 638.0), (42.0, 768.0)
#: The noise's cells: their number along a side, and their size in mm.
_GRAIN_CELLS, _GRAIN_MM = 192, 1.5
#: The widths of its grain, mottle and ripple, mm.
_GRAIN_SCALES_MM = (1.2, 5.0, 13.0)
#: One smoothing pass of `average` spreads by about the spacing of the vertices, mm.
_PASS_MM = 1.1


def measure(
    vertices: NDArray[np.float64], nuisance: Nuisance, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The measured surface: vertices ``(V, 3)`` mm and which faces ``(F,)`` were seen.

    The sensor looks along -z and errs along it only, so that the texture stays where it was.
    """
    model = head()
    measured = vertices.copy()
    for _ in range(round((nuisance.depth_lowpass_mm / _PASS_MM) ** 2)):
        measured[:, 2] = average() @ measured[:, 2]
    for _ in range(int(nuisance.depth_closed_holes)):
        _close_hole(measured, rng)
    noise = nuisance.depth_noise_mm * (FAILURE_GAIN if nuisance.depth_failure else 1.0)
    measured[:, 2] += noise * _roughness(vertices) * _grain(vertices, rng)
    # Eyes and teeth must keep behind lids and lips, or noise on the range would speckle the texture.
    measured[~_skin(), 2] -= 1.6 * noise
    if (step := nuisance.depth_quantum_mm) > 0:
        levels = np.where(_skin(), np.ceil(measured[:, 2] / step), np.floor(measured[:, 2] / step))
        measured[:, 2] = (levels - 0.5) * step

    centres = vertices[model.faces, :2].mean(axis=1)
    lost = rng.random(len(centres)) < nuisance.depth_dropout * _in_hair()
    for _ in range(int(nuisance.depth_holes)):
        distance, radius = _ellipse(centres, centres[rng.choice(_plain_faces())], SMALL_HOLE_MM, rng)
        lost |= distance < radius
    return measured, ~lost


def _close_hole(vertices: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Loses a large piece of `vertices` ``(V, 3)``, in place, and closes it as a sensor's software does.

    What is left follows a smooth surface (a quadric fitted to the rim) with a trace of the relief: enough to keep the
    order of what lies behind each other, so that the texture is untouched.
    """
    centre = vertices[rng.choice(_middle_vertices()), :2]
    distance, radius = _ellipse(vertices[:, :2], centre, LARGE_HOLE_MM, rng)
    x, y = ((vertices[:, :2] - centre) / radius).T
    quadric = np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    rim = (distance > 0.9 * radius) & (distance < 1.3 * radius) & _skin()
    # Normal equations by einsum: the same bits however many threads the linear algebra library has.
    inside = quadric[rim]
    shape = np.linalg.solve(np.einsum("ni,nj->ij", inside, inside), np.einsum("ni,n->i", inside, vertices[rim, 2]))
    closed = 1 - np.clip((distance / radius - 0.8) / 0.2, 0, 1)
    vertices[:, 2] += closed * (0.96 * (quadric @ shape - vertices[:, 2]) - 1.0 * ~_skin())


def _ellipse(
    points: NDArray[np.float64], centre: NDArray[np.float64], radii: tuple[float, float], rng: np.random.Generator
) -> tuple[NDArray[np.float64], float]:
    """Elliptic distance of `points` ``(N, 2)`` from `centre`, and a radius, of a hole of random size and shape."""
    radius, stretch, turn = rng.uniform(*radii), rng.uniform(0.65, 1.0), rng.uniform(0, np.pi)
    offset = points - centre
    along = offset @ [np.cos(turn), np.sin(turn)]
    across = offset @ [-np.sin(turn), np.cos(turn)]
    return np.hypot(along, across / stretch), radius


def _grain(vertices: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of unit variance at the vertices ``(V,)``: grain, mottle and ripple in equal parts.

    It is a function of the place in the picture, so that neighbouring layers (lid and eyeball) move together.
    """
    shape = (_GRAIN_CELLS, _GRAIN_CELLS)
    layers = [ndimage.gaussian_filter(rng.standard_normal(shape), scale / _GRAIN_MM) for scale in _GRAIN_SCALES_MM]
    field = sum(layer / layer.std() for layer in layers) / np.sqrt(len(layers))
    place = (vertices[:, 1::-1].T / _GRAIN_MM) + _GRAIN_CELLS / 2
    return np.asarray(ndimage.map_coordinates(field, place, order=1, mode="grid-wrap"))


def _roughness(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Noise of each place relative to flat skin, ``(V,)``: more at grazing angles, at wet eyes, in hair."""
    x, y = vertices[:, :2].T
    rough = 1 / np.clip(np.sqrt(np.clip(1 - (x / 78) ** 2, 0, 1)), 0.35, 1) + 1.5 * hairiness()
    for centre, (radius_x, radius_y), more in _rough_spots(vertices):
        rough += more * np.exp(-0.5 * (((x - centre[0]) / radius_x) ** 2 + ((y - centre[1]) / radius_y) ** 2))
    return np.asarray(rough)


def _rough_spots(vertices: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], tuple[float, float], float]]:
    """Eyes and brows: centre, radii (mm) and how much noisier."""
    spots = []
    for name in ("left_eye", "right_eye"):
        eye = vertices[head().members(name)].mean(axis=0)
        spots += [(eye, (11.0, 5.0), 0.7), (eye + np.array([0.0, 21.0, 0.0]), (14.0, 4.0), 0.5)]
    return spots


@cache
def _skin() -> NDArray[np.bool_]:
    return head().members("skin")


@cache
def _in_hair() -> NDArray[np.float64]:
    """Degree to which each face belongs to the scalp's hair, ``(F,)``."""
    return np.asarray(hairiness()[head().faces].mean(axis=1))


@cache
def _middle_vertices() -> NDArray[np.int64]:
    """The vertices that a large hole may have its centre at: skin of the face proper."""
    front = head().vertices[:, :2]
    inside = ((front > HOLE_LOW) & (front < HOLE_HIGH)).all(axis=1)
    return np.flatnonzero(inside & _skin())


@cache
def _plain_faces() -> NDArray[np.int64]:
    """The faces that a small hole may have its centre at: skin behind which no socket, nostril or mouth lies."""
    model = head()
    x, y, z = model.vertices[model.faces].mean(axis=1).T
    eyes = (np.abs(x) < 54) & (np.abs(y - 728) < 24)
    mouth = (np.abs(x) < 43) & (y < 706)
    facing = model.normals(model.vertices)[model.faces[:, 0], 2] > 0.5
    plain = ~(eyes | mouth) & facing & (z > 60) & (y > 635) & (y < 780)
    return np.flatnonzero(plain & (model.part == PARTS.index("skin")))
