"""A quad of two triangles with a picture, and what every reader of meshes is held to."""

import re
import tracemalloc
from collections.abc import Callable, Iterable

import numpy as np
import pytest
import trimesh
from PIL import Image

from afnetm.data.formats.surface import Surface
from afnetm.errors import UserError

Read = Callable[[bytes], Surface]

#: Two triangles, each corner at a place of its own on a picture that is red, green / blue, white from its top.
VERTICES = np.array([[0, 0, 0], [4, 0, 1], [4, 3, 2], [0, 3, 3]], np.float32)
UV = np.array([[0.1, 0.2], [0.9, 0.2], [0.9, 0.7], [0.1, 0.7]], np.float32)
FACES = np.array([[0, 1, 2], [0, 2, 3]])
PICTURE = Image.new("RGB", (2, 2))
PICTURE.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)])


def quad() -> trimesh.Trimesh:
    visual = trimesh.visual.TextureVisuals(uv=UV, image=PICTURE)
    return trimesh.Trimesh(VERTICES, FACES, visual=visual, process=False)


def corners(mesh, shift=(0, 0, 0, 0, 0)):
    """What stands at each corner of each triangle, whatever the order of faces and of a face's corners."""
    points = np.concatenate([mesh.vertices[mesh.faces], mesh.uv[mesh.uv_faces]], -1).round(5) + shift
    starts = np.lexsort(points.transpose(2, 0, 1)[::-1], axis=-1)[:, 0]
    turned = [np.roll(face, -start, axis=0).ravel().tolist() for face, start in zip(points, starts, strict=True)]
    return sorted(turned)


EXPECTED = corners(type("Quad", (), {"vertices": VERTICES, "uv": UV, "faces": FACES, "uv_faces": FACES}))


def check_quad(found: Surface) -> None:
    """It is the quad, its picture the right way up."""
    assert corners(found) == EXPECTED
    assert found.vertices.dtype == found.uv.dtype == np.float32
    assert found.faces.dtype == found.uv_faces.dtype == np.int32


def check_refused(read: Read, content: bytes, expected: str) -> None:
    """What is wrong is one line that says where."""
    with pytest.raises(UserError) as caught:
        read(content)
    assert str(caught.value).startswith("faces/a.")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def check_damaged(read: Read, contents: Iterable[bytes]) -> None:
    """Damaged files are read or refused with one line."""
    for content in contents:
        try:
            mesh = read(content)
        except UserError as error:
            assert re.match(r"faces/a\.[^\n]+$", str(error))  # noqa: PT017
            continue
        assert mesh.faces.min() >= 0
        assert mesh.faces.max() < len(mesh.vertices)
        assert 0 <= mesh.uv_faces.min() <= mesh.uv_faces.max() < len(mesh.uv)
        assert np.isfinite(mesh.vertices).all()
        assert len(mesh.faces) < len(content)


def check_memory(read: Read, export: Callable[[trimesh.Trimesh], str | bytes]) -> None:
    """Memory is a few times the file."""
    mesh = trimesh.creation.icosphere(subdivisions=5)
    mesh.visual = trimesh.visual.TextureVisuals(uv=(mesh.vertices[:, :2] + 1) / 2)
    content = export(mesh)
    content = content.encode() if isinstance(content, str) else content
    tracemalloc.start()
    read(content)
    assert tracemalloc.get_traced_memory()[1] < 15 * len(content)
    tracemalloc.stop()
