"""Scans: textured 3D faces with their labels, and with landmarks or without."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

#: The six basic expressions, in the order of their class indices.
EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
#: What a class may be called: it becomes part of columns' names.
CLASS_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
#: What an attribute may be called: it becomes a column's name, too.
ATTRIBUTE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
#: Of an attribute, in words.
ATTRIBUTES = "printable text of up to 60 characters"
#: Which landmarks a scan's pose is fitted to: those that came with it, or those that are detected in it.
PoseSource = Literal["annotated", "detected"]
#: What texture coordinates beyond 0..1 read: the texture's edge, or the texture again, as it is or turned over.
Wrap = Literal["clamp", "repeat", "mirror"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan:
    """One textured 3D face.

    The frame is right-handed, in millimetres: x to the viewer's right, y up, z towards the viewer. Only the unit is
    relied upon; where the face sits and how it is turned is undone by the pose fit (`afnetm.data.rendering`).

    Attributes:
        id: the one that it was asked for by: unique within a dataset, letters, digits, ``_`` and ``-``.
        subject: the person, the unit of every split.
        expression: its class, a word in lower case: one of `EXPRESSIONS`, ``"neutral"``, or any other (`CLASS_NAME`).
        intensity: 1 (subtle) to 4 (strong), 0 where the source does not say.
        vertices: ``(V, 3)`` float32, mm.
        faces: ``(F, 3)`` int32, indices into `vertices`, counter-clockwise seen from outside.
        uv: ``(T, 2)`` float32, origin at the texture's lower left corner; 0..1 within it, beyond as `wrap` says.
        uv_faces: ``(F, 3)`` int32, indices into `uv`, corner by corner as in `faces`.
        texture: ``(H, W, 3)`` uint8, sRGB, row 0 at the top; or ``(V, 3)``, the colours of the vertices, between which
            they are interpolated: `uv` and `wrap` then say nothing.
        wrap: what the texture does beyond its edges along u and along v.
        landmarks: ``(L, 3)`` float32, mm, NaN where a landmark is missing; no rows where the scan comes without any.
        landmark_names: the names of its `L` rows (`afnetm.data.regions`); none where there are none.
        landmarks_found: whether the landmarker found them in the scan; else they came with it.
        source: the file it came from, relative to the dataset's folder; empty for a made one.
        nuisance: known factors that disturb the scan (synthetic scans only), by name.
        attributes: what else is known of the scan or its subject (session, age, sex), by name (`ATTRIBUTE_NAME`): a
            line of text each, empty where unknown. Splits may go by them, and results be given by them.
    """

    id: str
    subject: str
    expression: str
    intensity: int
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    texture: NDArray[np.uint8]
    landmarks: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 3), np.float32))
    landmark_names: tuple[str, ...] = ()
    landmarks_found: bool = False
    wrap: tuple[Wrap, Wrap] = ("clamp", "clamp")
    source: str = ""
    nuisance: dict[str, float] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


def is_attribute(value: object) -> bool:
    """Whether `value` may be one of an attribute."""
    return isinstance(value, str) and value.isprintable() and len(value) <= 60


def in_class_order(expressions: Iterable[str]) -> tuple[str, ...]:
    """The different ones of `expressions` as a dataset's classes: the six basic ones first, then others by name.

    >>> in_class_order(["neutral", "fear", "contempt", "anger", "fear"])
    ('anger', 'fear', 'contempt', 'neutral')
    """
    present = set(expressions)
    return *(name for name in EXPRESSIONS if name in present), *sorted(present.difference(EXPRESSIONS))
