"""Range images of people's own as textured surfaces: depth pictures beside colour pictures, and arrays in ``.npz``."""

from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.bnt import RangeImage
from afnetm.data.formats.camera import (
    MAX_PIXELS_AWAY,
    MAX_POINTS,
    MIN_FOCAL,
    Camera,
    grid_uv,
    intrinsics,
    range_image,
    read_camera,
)
from afnetm.data.formats.inside import DataFolder
from afnetm.data.formats.npz import read_npz
from afnetm.data.formats.pictures import read_depth_picture, read_picture
from afnetm.data.formats.surface import Paint, Surface
from afnetm.data.sources.range_surface import range_surface
from afnetm.errors import UserError

#: What the array of colours in an ``.npz`` file may be called.
_COLOURS = ("colour", "color", "texture", "image", "rgb")
#: Larger numbers are none of a face, in whichever unit, nor pixels.
MAX_COORDINATE = 1e6
#: How far the sides of depth and colour pictures may be from one proportion and still show the same.
_PROPORTION = 0.01


def camera_of(folder: DataFolder, depth: str) -> str | None:
    """The file of the camera of the picture called `depth`: ``STEM.camera.json`` or ``camera.json`` beside it."""
    return folder.beside(depth, f"{PurePosixPath(depth).stem}.camera.json") or folder.beside(depth, "camera.json")


def read_depth(folder: DataFolder, name: str, texture: str | None) -> tuple[Surface, NDArray[np.uint8]]:
    """The surface in the depth picture called `name`, in mm, and the colour picture `texture` that is registered to it.

    Raises:
        UserError: there is no colour picture or camera, one of them is damaged, or they do not belong together.
    """
    if not texture:
        raise UserError(f"{name}: a depth picture needs a colour picture (in a table of files, its column 'texture')")
    file = camera_of(folder, name)
    if file is None:
        raise UserError(
            f"{name}: its camera is missing (looked for beside it: {PurePosixPath(name).stem}.camera.json, camera.json)"
        )
    camera = read_camera(folder.read(file), file)
    if camera.millimetres is None:
        raise UserError(
            f"{file}: depth_scale is missing (allowed: metres a step of the depth picture, or steps a metre)"
        )
    depth = read_depth_picture(folder.read(name), name)
    _check_size(depth, name)
    if camera.size not in {None, depth.shape[::-1]}:
        raise UserError(f"{file}: a camera of {camera.size} pixels, {name} has {depth.shape[::-1]}")
    colours = read_picture(folder.read(texture), texture)
    _check_proportion(depth, colours, name, texture)
    return _surface(range_image(depth * camera.millimetres, camera), name), colours


def read_arrays(
    folder: DataFolder, name: str, texture: str | None, *, millimetres: float
) -> tuple[Surface, NDArray[np.uint8], bool]:
    """The surface in an ``.npz`` file, in mm, its picture, and whether it is in a camera's frame.

    Args:
        folder: the data folder.
        name: of a file with ``points`` (R, C, 3), x to the right, y up and z towards the viewer, or with ``depth``
            (R, C) and ``intrinsics`` (fx, fy, cx, cy, or a matrix); points that are 0, or not finite, were not
            measured. It may have the picture, too, as ``colour`` (H, W, 3) uint8 over the whole grid, and ``uv``
            (R, C, 2).
        texture: a picture in another file, which then counts.
        millimetres: of one unit in the file.

    Raises:
        UserError: the file is damaged, or an array is missing or of another shape.
    """
    arrays = read_npz(folder.read(name), name)
    if "points" in arrays:
        points = _numbers(arrays["points"], name, "points", 3) * millimetres
        _check_size(points, name)
        measured = np.isfinite(points).all(-1) & (points != 0).any(-1)
        grid = RangeImage(points, grid_uv(*measured.shape), measured)
    elif {"depth", "intrinsics"} <= arrays.keys():
        depth = _numbers(arrays["depth"], name, "depth", 0) * millimetres
        _check_size(depth, name)
        values = intrinsics(_numbers(arrays["intrinsics"], name, "intrinsics", None), f"{name}: intrinsics")
        if not (np.abs([*values.values()]).max() <= MAX_PIXELS_AWAY and min(values["fx"], values["fy"]) >= MIN_FOCAL):
            raise UserError(f"{name}: intrinsics {[*values.values()]} are none of a camera")
        fx, fy, cx, cy = (values[key] for key in ("fx", "fy", "cx", "cy"))
        grid = range_image(depth, Camera(fx=fx, fy=fy, cx=cx, cy=cy))
    else:
        raise UserError(f"{name}: arrays {', '.join(sorted(arrays))[:80]!a} (needed: points, or depth and intrinsics)")
    if "uv" in arrays:
        uv = _numbers(arrays["uv"], name, "uv", 2)
        if uv.shape[:2] != grid.measured.shape:
            raise UserError(f"{name}: uv {uv.shape} of points {grid.points.shape}")
        grid = replace(grid, uv=uv, measured=grid.measured & np.isfinite(uv).all(-1))
    if texture:
        colours = read_picture(folder.read(texture), texture)
    else:
        called = next((one for one in _COLOURS if one in arrays), None)
        if called is None:
            raise UserError(f"{name}: no picture (needed: an array 'colour', or the column 'texture')")
        array = arrays[called]
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] != 3 or not array.size:
            raise UserError(f"{name}: {called} is {array.dtype} {array.shape} (allowed: uint8, height x width x 3)")
        colours = np.ascontiguousarray(array, np.uint8)
    if "uv" not in arrays:
        _check_proportion(grid.measured, colours, name, texture or name)
    return _surface(grid, name), colours, "points" not in arrays


def _surface(grid: RangeImage, name: str) -> Surface:
    """The surface through a range image, of which only the rows and columns with points are looked at."""
    rows, columns = (np.flatnonzero(grid.measured.any(axis)) for axis in (1, 0))
    if len(rows) < 2 or len(columns) < 2:
        raise UserError(f"{name}: it contains no surface (points that are measured: {int(grid.measured.sum())})")
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    found = range_surface(RangeImage(grid.points[box], grid.uv[box], grid.measured[box]))
    if not len(found.faces):
        raise UserError(f"{name}: it contains no surface (no three neighbouring points were measured)")
    return Surface(
        vertices=found.vertices,
        faces=found.faces,
        uv=found.uv,
        uv_faces=found.faces,
        paints=(Paint(faces="its surface", picture=None, wrap=("clamp", "clamp")),),
        painted=np.zeros(len(found.faces), np.int64),
    )


def _numbers(array: NDArray[np.generic], name: str, what: str, width: int | None) -> NDArray[np.float64]:
    """An array as float64, ``(R, C, width)``, ``(R, C)`` for 0, any shape for None."""
    shape = {None: array.shape, 0: (*array.shape[:2],)}.get(width, (*array.shape[:2], width))
    if array.shape != shape or (width is not None and array.ndim != (3 if width else 2)):
        raise UserError(
            f"{name}: {what} has shape {array.shape} (allowed: rows x columns{f' x {width}' if width else ''})"
        )
    numbers = array.astype(np.float64)
    if np.abs(np.where(np.isfinite(numbers), numbers, 0)).max(initial=0) > MAX_COORDINATE:
        raise UserError(f"{name}: {what} has a number above {MAX_COORDINATE:g}")
    return numbers


def _check_size(grid: NDArray[np.generic], name: str) -> None:
    if not 4 <= grid.shape[0] * grid.shape[1] <= MAX_POINTS:
        raise UserError(f"{name}: {grid.shape[0]} x {grid.shape[1]} points (allowed: 4 to {MAX_POINTS})")


def _check_proportion(grid: NDArray[np.generic], colours: NDArray[np.uint8], name: str, texture: str) -> None:
    rows, columns = grid.shape[:2]
    height, width = colours.shape[:2]
    if abs(rows * width / (columns * height) - 1) > _PROPORTION:
        raise UserError(
            f"{texture}: {width} x {height} pixels, {name} has {columns} x {rows} points "
            "(allowed: one proportion; both must show the same)"
        )
