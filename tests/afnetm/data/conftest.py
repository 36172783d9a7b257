"""Analytic scans: surfaces whose every map is known from a formula."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import EXPRESSIONS, Scan

Array = NDArray[np.float64]
Height = Callable[[Array, Array], Array]


def face_height(x: Array, y: Array) -> Array:
    """A face of sorts, mm: an ellipsoid with a nose; NaN beyond its outline."""
    below = 1 - (x / 80) ** 2 - (y / 108) ** 2
    skull: Array = 95 * np.sqrt(np.where(below > 0.02, below, np.nan)) - 95
    nose: Array = 22 * np.exp(-((x / 12) ** 2) - ((y + 6) / 22) ** 2)
    return skull + nose


def ellipse(centre: tuple[float, float], radii: tuple[float, float], count: int) -> Array:
    angle = 2 * np.pi * np.arange(count) / count
    return np.array(centre) + np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], -1)


def face_landmarks() -> Array:
    """83 points ``(83, 2)`` seen from the front; the rows called right are at the viewer's left."""
    sides = [np.stack([sign * np.array([7.0, 12.0, 18.0]), [22.0, 2.0, -12.0]], -1) for sign in (-1, 1)]
    return np.concatenate([
        ellipse((-30, 31), (14, 5), 8),
        ellipse((30, 31), (14, 5), 8),
        ellipse((-30, 48), (18, 3), 10),
        ellipse((30, 48), (18, 3), 10),
        *sides,
        np.stack([[-12.0, -7.5, -2.5, 2.5, 7.5, 12.0], [-15.0, -18.0, -19.0, -19.0, -18.0, -15.0]], -1),
        ellipse((0, -42), (25, 9), 12),
        ellipse((0, -42), (20, 5), 8),
        ellipse((0, 0), (70, 95), 30)[15:],
    ])  # fmt: skip


def height_field(height: Height, *, step: float = 2.0, reach: float = 110.0) -> tuple[Array, NDArray[np.int32]]:
    """Vertices and faces of a surface ``z = height(x, y)`` over a square grid, without what is NaN."""
    ticks = np.arange(-reach, reach + step / 2, step)
    x, y = np.meshgrid(ticks, ticks)
    vertices = np.stack([x, y, height(x, y)], -1).reshape(-1, 3)
    row, column = (part.ravel() for part in np.mgrid[: len(ticks) - 1, : len(ticks) - 1])
    corner = row * len(ticks) + column
    lower = np.stack([corner, corner + 1, corner + len(ticks) + 1], -1)
    upper = np.stack([corner, corner + len(ticks) + 1, corner + len(ticks)], -1)
    faces = np.concatenate([lower, upper]).astype(np.int32)
    faces = faces[np.isfinite(vertices[faces, 2]).all(1)]
    used, index = np.unique(faces, return_inverse=True)
    return vertices[used], index.reshape(-1, 3).astype(np.int32)


def make_scan(height: Height = face_height, *, texture: NDArray[np.uint8] | None = None, **grid: float) -> Scan:
    """A surface with the landmarks of the analytic face, its texture a picture seen from the front over 220 mm."""
    vertices, faces = height_field(height, **grid)
    flat = face_landmarks()
    landmarks = np.concatenate([flat, face_height(*flat.T)[:, None]], -1)
    if texture is None:
        row, column = np.mgrid[:128, :128]
        texture = np.stack([2 * column, 2 * row, 255 * ((row // 8 + column // 8) % 2)], -1).astype(np.uint8)
    return Scan(
        id="face", subject="s000", expression="fear", intensity=3,
        vertices=vertices.astype(np.float32), faces=faces,
        uv=(vertices[:, :2] / 220 + 0.5).astype(np.float32), uv_faces=faces,
        texture=texture, landmarks=landmarks.astype(np.float32), landmark_names=LANDMARKS_83,
    )  # fmt: skip


@dataclass(frozen=True)
class AnalyticSource:
    """A scan source of analytic faces: `subjects` people with the six expressions each.

    Of its scans the `broken` have no faces, the `browless` lack a landmark of each brow, the `bare` all but eyes and
    nose.
    """

    subjects: int = 2
    shareable: bool = True
    broken: tuple[str, ...] = ()
    browless: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        spoilt = {name: list(getattr(self, name)) for name in ("broken", "browless", "bare")}
        return {"kind": "analytic", "subjects": self.subjects} | spoilt

    def ids(self) -> Sequence[str]:
        return [f"s{subject:03d}_{expression}" for subject in range(self.subjects) for expression in EXPRESSIONS]

    def load(self, scan_id: str) -> Scan:
        subject, expression = scan_id.split("_")
        rng = np.random.default_rng([int(subject[1:]), EXPRESSIONS.index(expression)])
        scan = make_scan(texture=rng.integers(0, 256, (64, 64, 3), np.uint8), step=5.0)
        if scan_id in self.broken:
            scan = replace(scan, faces=scan.faces[:0], uv_faces=scan.uv_faces[:0])
        landmarks = scan.landmarks.copy()
        if scan_id in self.browless:
            landmarks[[20, 30]] = np.nan
        if scan_id in self.bare:
            landmarks[[*range(16, 36), *range(48, 83)]] = np.nan
        scan = replace(scan, landmarks=landmarks)
        return replace(
            scan, id=scan_id, subject=subject, expression=expression, nuisance={"noise_mm": float(rng.random())}
        )


@pytest.fixture(name="make_scan", scope="session")
def make_scan_fixture() -> Callable[..., Scan]:
    return make_scan


@pytest.fixture(name="analytic_source", scope="session")
def analytic_source_fixture() -> type[AnalyticSource]:
    return AnalyticSource
