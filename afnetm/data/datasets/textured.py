"""Textured meshes of any format that is read, with the picture that they name or are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.glb import read_glb
from afnetm.data.formats.inside import DataFolder
from afnetm.data.formats.meshes import TriangleMesh
from afnetm.data.formats.obj import read_mtl, read_obj
from afnetm.data.formats.pictures import read_picture
from afnetm.data.formats.ply import read_ply
from afnetm.data.formats.vrml import read_vrml
from afnetm.errors import UserError

#: The formats of meshes, by the end of their files' names.
SUFFIXES = (".obj", ".ply", ".glb", ".wrl")


@dataclass(frozen=True, eq=False, kw_only=True)
class Textured:
    """A mesh and its texture, as in `afnetm.data.scan.Scan`."""

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    texture: NDArray[np.uint8]


#: The content of a picture within the mesh's file, a name relative to the mesh's folder, or None: unpainted.
_Picture = bytes | str | None


def read_textured(folder: DataFolder, name: str, texture: str | None) -> Textured:
    """The mesh called `name` in `folder` with the picture `texture`; with the one that it names where that is None.

    Lengths are taken as they stand in the file, in mm, whatever the format says.

    Raises:
        UserError: naming the file that is missing or wrong; or the mesh names no picture, or several.
    """
    content = folder.read(name)
    match PurePosixPath(name).suffix.lower():
        case ".wrl":
            vrml = read_vrml(content, name)
            surface = vrml.vertices, vrml.faces, vrml.uv, vrml.uv_faces
            pictures: Sequence[_Picture] = vrml.textures
        case ".obj":
            obj = read_obj(content, name)
            surface = _surface(obj.mesh)
            pictures = () if texture is not None else _materials(folder, name, obj.libraries, obj.materials)
        case ".ply":
            ply = read_ply(content, name)
            surface, pictures = _surface(ply.mesh), ply.pictures
        case ".glb":
            glb = read_glb(content, name)
            surface, pictures = _surface(glb.mesh), glb.pictures
        case suffix:
            raise UserError(f"{name}: a mesh of kind {suffix!r} (allowed: {', '.join(SUFFIXES)})")
    vertices, faces, uv, uv_faces = surface
    image = read_picture(folder.read(texture), texture) if texture is not None else _picture(folder, name, pictures)
    return Textured(vertices=vertices, faces=faces, uv=uv, uv_faces=uv_faces, texture=image)


def _surface(
    mesh: TriangleMesh,
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
    return mesh.vertices, mesh.faces, mesh.uv, mesh.faces


def _materials(folder: DataFolder, name: str, libraries: Sequence[str], materials: Sequence[str]) -> list[_Picture]:
    """The pictures of an OBJ file's materials."""
    known: dict[str, str] = {}
    for library in libraries:
        beside = _beside(name, library)
        pictures = read_mtl(folder.read(beside), beside)
        # A picture's name is relative to the library that names it; here it becomes relative to the mesh.
        known = {material: _beside(library, picture) for material, picture in pictures.items()} | known
    return list(dict.fromkeys(known.get(material) for material in materials))


def _picture(folder: DataFolder, name: str, pictures: Sequence[_Picture]) -> NDArray[np.uint8]:
    if len(pictures) != 1 or not pictures[0]:
        said = "several pictures" if len(pictures) > 1 else "no picture"
        raise UserError(f"{name}: it names {said} for its texture (needed: one, or one in the column 'texture')")
    if isinstance(pictures[0], bytes):
        return read_picture(pictures[0], f"{name}: the picture in it")
    picture = _beside(name, pictures[0])
    try:
        if folder.find(picture) is None:  # GLB's names may be spelt as in a web address
            picture = _beside(name, unquote(pictures[0]))
        return read_picture(folder.read(picture), picture)
    except UserError as error:
        raise UserError(f"{name}: its texture {error}") from None


def _beside(name: str, other: str) -> str:
    """The file that `name` calls `other`, with either slash; a leading one stays, so that it is refused."""
    return str(PurePosixPath(name).parent / other.replace("\\", "/"))
