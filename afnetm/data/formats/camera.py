"""Intrinsics of a depth camera in JSON, and the points that a depth picture of it has seen."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.bnt import RangeImage
from afnetm.data.formats.text import without_mark
from afnetm.errors import UserError

#: Bytes of the JSON: ten numbers and what else a program writes of its camera.
MAX_BYTES = 2**16
#: Points of a range image: a camera's of 3840 x 2160.
MAX_POINTS = 2**23
#: Surfaces further from a depth camera are of the room, mm: a face has some hundred points there.
FAR_MM = 2000.0
#: The least focal length, and the furthest principal point, pixels.
MIN_FOCAL, MAX_PIXELS_AWAY = 1.0, 1e5
_MATRICES = ("intrinsic_matrix", "camera_matrix", "K", "k")
_NAMES = {"fx": ("fx",), "fy": ("fy",), "cx": ("cx", "ppx"), "cy": ("cy", "ppy")}
_DISTORTIONS = ("coeffs", "distortion", "distortion_coefficients", "D", "d")


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera. The middle of the upper left pixel is at 0, 0.

    Attributes:
        fx, fy: focal lengths, pixels.
        cx, cy: the principal point, pixels.
        millimetres: of one step of the depth picture; None where the file does not say.
        size: width and height of its pictures; None where the file does not say.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    millimetres: float | None = None
    size: tuple[int, int] | None = None


def read_camera(content: bytes, name: str) -> Camera:
    """The camera in a JSON file: ``fx``, ``fy``, ``cx``, ``cy`` (or ``ppx``, ``ppy``) and ``depth_scale``.

    Instead of the four there may be a matrix, by rows as ROS (``K``) or by columns as Open3D (``intrinsic_matrix``) has
    it; all may be in ``"intrinsics"``. The scale is metres a step where it is small, as librealsense has it, and steps
    a metre where it is large, as Open3D has it.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: a number is missing or can be none of a camera's, or the camera's distortion would have to be undone.
    """
    if len(content) > MAX_BYTES:
        raise UserError(f"{name}: {len(content)} bytes (allowed for a camera: up to {MAX_BYTES})")
    try:
        tree = json.loads(without_mark(content))
        inner = tree.get("intrinsics", tree)
        if isinstance(inner, list):
            inner = {"K": inner}
        tree = {**tree, **inner}
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        raise UserError(f"{name}: not a camera in JSON ({type(error).__name__})") from None
    if any(_numbers(tree[key], f"{name}: {key}").any() for key in _DISTORTIONS if tree.get(key) is not None):
        raise UserError(f"{name}: its pictures are distorted (allowed: undistorted ones, and coefficients of 0)")
    values: dict[str, Any] = {
        key: next((tree[one] for one in names if one in tree), None) for key, names in _NAMES.items()
    }
    if matrix := next((key for key in _MATRICES if key in tree), None):
        values |= intrinsics(_numbers(tree[matrix], f"{name}: {matrix}"), f"{name}: {matrix}")
    for key, value in values.items():
        low = MIN_FOCAL if key in {"fx", "fy"} else -MAX_PIXELS_AWAY
        _check(value, f"{name}: {key}", low=low, high=MAX_PIXELS_AWAY)
    scale = tree.get("depth_scale")
    if scale is not None:
        _check(scale, f"{name}: depth_scale", low=1e-6, high=1e6)
        if 0.02 < scale < 50:
            raise UserError(
                f"{name}: depth_scale {scale:g} is ambiguous (allowed: metres a step, 0.001 for mm, or steps a metre, "
                "1000 for mm)"
            )
        scale = 1000 * scale if scale < 1 else 1000 / scale
    size = None
    if tree.get("width") is not None and tree.get("height") is not None:
        size = tuple(int(_check(tree[side], f"{name}: {side}", low=1, high=1e5)) for side in ("width", "height"))
    fx, fy, cx, cy = (float(values[key]) for key in ("fx", "fy", "cx", "cy"))
    return Camera(fx=fx, fy=fy, cx=cx, cy=cy, millimetres=scale, size=size)  # type: ignore[arg-type]


def intrinsics(numbers: NDArray[np.float64], where: str) -> dict[str, float]:
    """``fx``, ``fy``, ``cx``, ``cy`` in a list of these four, or in a matrix of nine by rows or by columns.

    Raises:
        UserError: they are neither.
    """
    flat = numbers.ravel()
    if flat.size == 4:
        return dict(zip(("fx", "fy", "cx", "cy"), flat.tolist(), strict=True))
    if flat.size == 9:
        for matrix in (flat.reshape(3, 3), flat.reshape(3, 3).T):
            if not matrix[2, :2].any() and not (matrix[0, 1] or matrix[1, 0]) and matrix[2, 2] == 1:
                return {"fx": matrix[0, 0], "fy": matrix[1, 1], "cx": matrix[0, 2], "cy": matrix[1, 2]}
    raise UserError(f"{where}: no intrinsics (allowed: fx, fy, cx, cy, or a matrix of nine without skew)")


def range_image(depth: NDArray[np.floating], camera: Camera) -> RangeImage:
    """The points that the camera has seen up to `FAR_MM` away.

    Args:
        depth: ``(R, C)`` mm along the camera's axis; 0 or not finite where nothing was measured.
        camera: whose picture it is.

    Returns:
        Points in mm, x to the right, y up and z towards the camera, which is at the origin; uv over the whole picture.
    """
    with np.errstate(invalid="ignore"):
        measured = (depth > 0) & (depth <= FAR_MM)
    rows, columns = depth.shape
    row, column = np.mgrid[:rows, :columns].astype(np.float64)
    z = np.where(measured, depth, np.nan).astype(np.float64)
    points = np.stack([(column - camera.cx) / camera.fx * z, -(row - camera.cy) / camera.fy * z, -z], axis=-1)
    return RangeImage(points, grid_uv(rows, columns), measured)


def grid_uv(rows: int, columns: int) -> NDArray[np.float64]:
    """Texture coordinates ``(R, C, 2)`` of the middles of a picture's pixels, v upwards."""
    u, v = (np.arange(columns) + 0.5) / columns, 1 - (np.arange(rows) + 0.5) / rows
    return np.stack(np.meshgrid(u, v), axis=-1)


def _numbers(value: Any, where: str) -> NDArray[np.float64]:
    if isinstance(value, dict):  # as OpenCV and ROS write a matrix
        value = value.get("data")
    try:
        numbers = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{where}: not numbers") from None
    if not np.isfinite(numbers).all():
        raise UserError(f"{where}: a number is not finite")
    return numbers


def _check(value: Any, where: str, *, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        shown = "missing" if value is None else f"{value!r:.40}"
        raise UserError(f"{where} is {shown} (allowed: {low:g} to {high:g})")
    return value
