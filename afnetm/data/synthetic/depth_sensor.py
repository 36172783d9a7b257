"""The range sensor: from the true surface to the one it measures, with smoothing, noise, steps and holes."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.ellipse import Ellipse
from afnetm.data.synthetic.atlas import PARTS
from afnetm.data.synthetic.hair import hairiness
from afnetm.data.synthetic.head import average, head
from afnetm.data.synthetic.nuisance import Nuisance

#: How many times larger the noise is when the sensor fails entirely.
FAILURE_GAIN = 5.0
#: Radii of the holes of a sensor that does not fail, mm.
SMALL_HOLE_MM = (2.0, 5.0)
#: The noise's cells: their number along a side, and their size in mm.
_GRAIN_CELLS, _GRAIN_MM = 192, 1.5
#: The widths of its grain, mottle and ripple, mm.
_GRAIN_SCALES_MM = (1.2, 5.0, 13.0)
#: Length and width of its stripes, mm.
_STRIPE_MM = (60.0, 1.6)
#: One smoothing pass of `average` spreads by about the spacing of the vertices, mm.
_PASS_MM = 1.1


def measure(
    vertices: NDArray[np.float64], nuisance: Nuisance, large_holes: list[Ellipse], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The measured surface: vertices ``(V, 3)`` mm and which faces ``(F,)`` were seen.

    The sensor looks along -z and errs along it only, so that the texture stays where it was. It has lost, and closed
    smoothly, what lies in `large_holes`.
    """
    model = head()
    measured = vertices.copy()
    for _ in range(round((nuisance.depth_lowpass_mm / _PASS_MM) ** 2)):
        measured[:, 2] = average() @ measured[:, 2]
    for hole in large_holes:
        _close(measured, hole)
    noise = nuisance.depth_noise_mm * (1 + (FAILURE_GAIN - 1) * nuisance.depth_failure_severity)
    measured[:, 2] += noise * _roughness(vertices) * _grain(vertices, nuisance.depth_stripes, rng)
    # Eyes and teeth must keep behind lids and lips, or noise on the range would speckle the texture.
    measured[~_skin(), 2] -= 1.6 * noise
    if (step := nuisance.depth_quantum_mm) > 0:
        levels = np.where(_skin(), np.ceil(measured[:, 2] / step), np.floor(measured[:, 2] / step))
        measured[:, 2] = (levels - 0.5) * step

    centres = vertices[model.faces, :2].mean(axis=1)
    lost = rng.random(len(centres)) < nuisance.depth_dropout * _in_hair()
    for _ in range(int(nuisance.depth_holes)):
        lost |= Ellipse.draw(centres[rng.choice(_plain_faces())], SMALL_HOLE_MM, rng).distance(centres) < 1
    return measured, ~lost


def _close(vertices: NDArray[np.float64], hole: Ellipse) -> None:
    """Loses the piece in `hole` of `vertices` ``(V, 3)``, in place, and closes it as a sensor's software does.

    What is left follows a smooth surface (a quadric fitted to the rim) with a trace of the relief: enough to keep the
    order of what lies behind each other, so that the texture is untouched.
    """
    distance = hole.distance(vertices[:, :2])
    x, y = ((vertices[:, :2] - hole.centre) / hole.radii[0]).T
    quadric = np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    rim = (distance > 0.9) & (distance < 1.3) & _seen()
    # Normal equations by einsum: the same bits however many threads the linear algebra library has.
    inside = quadric[rim]
    shape = np.linalg.solve(np.einsum("ni,nj->ij", inside, inside), np.einsum("ni,n->i", inside, vertices[rim, 2]))
    closed = _front() * (1 - np.clip((distance - 0.8) / 0.2, 0, 1))
    vertices[:, 2] += closed * (0.96 * (quadric @ shape - vertices[:, 2]) - 1.0 * ~_skin())


def _grain(vertices: NDArray[np.float64], stripes: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of unit variance at the vertices ``(V,)``: grain, mottle and ripple in equal parts, a share of it stripes.

    It is a function of the place in the picture, so that neighbouring layers (lid and eyeball) move together.
    """
    shape = (_GRAIN_CELLS, _GRAIN_CELLS)
    layers = [ndimage.gaussian_filter(rng.standard_normal(shape), scale / _GRAIN_MM) for scale in _GRAIN_SCALES_MM]
    field = sum(layer / layer.std() for layer in layers) / np.sqrt(len(layers))
    if stripes > 0:
        length, width = np.array(_STRIPE_MM) / _GRAIN_MM
        lines = ndimage.gaussian_filter(rng.standard_normal(shape), (width, length))
        field = np.sqrt(1 - stripes) * field + np.sqrt(stripes) * lines / lines.std()
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
def _front() -> NDArray[np.bool_]:
    """The vertices of the front of the head, inside and outside ``(V,)``; behind it are neck and ears."""
    return np.asarray(head().vertices[:, 2] > 80)


@cache
def _seen() -> NDArray[np.bool_]:
    """The vertices of skin that look to the front ``(V,)``: neither back of the head nor inside of a nostril."""
    return np.asarray(_front() & _skin() & (head().normals(head().vertices)[:, 2] > 0.2))


@cache
def _in_hair() -> NDArray[np.float64]:
    """Degree to which each face belongs to the scalp's hair, ``(F,)``."""
    return np.asarray(hairiness()[head().faces].mean(axis=1))


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
