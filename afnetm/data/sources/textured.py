"""Textured meshes of any format that is read, with the pictures that they name or are given, or with colours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.glb import read_glb
from afnetm.data.formats.inside import DataFolder
from afnetm.data.formats.mtl import Look, read_mtl
from afnetm.data.formats.obj import ObjMesh, read_obj
from afnetm.data.formats.pictures import MAX_PIXELS, read_picture
from afnetm.data.formats.ply import read_ply
from afnetm.data.formats.surface import Paint, Surface
from afnetm.data.formats.vrml import read_vrml
from afnetm.data.scan import Wrap
from afnetm.data.sources.atlas import joined
from afnetm.data.sources.depth_images import read_arrays, read_depth
from afnetm.data.sources.units import MILLIMETRES, Unit
from afnetm.errors import UserError

#: The formats of meshes, by the end of their files' names.
SUFFIXES = (".obj", ".ply", ".glb", ".wrl", ".png", ".npz")
_NEEDED = "needed: for every face, in the file, or one for all in the column 'texture'"


@dataclass(frozen=True, eq=False, kw_only=True)
class Textured:
    """A mesh and its texture.

    Attributes:
        surface: in mm.
        texture: as in `afnetm.data.scan.Scan`.
        wrap: as there.
        unit: that its file was taken to be in; None where the file says it.
        of_camera: whether the file's frame is a camera's: x to the right, y down, z away from it. The surface is turned
            towards it.
    """

    surface: Surface
    texture: NDArray[np.uint8]
    wrap: tuple[Wrap, Wrap]
    unit: Unit | None = None
    of_camera: bool = False


def read_textured(folder: DataFolder, name: str, texture: str | None, *, unit: Unit = "mm") -> Textured:
    """The mesh called `name` in `folder` with the picture `texture`; with those that it names where that is None.

    Where it names none, with the colours of its vertices.

    Lengths are in `unit`, whatever the format says they are in; those of depth pictures are in what their camera says.

    Raises:
        UserError: naming the file that is missing or wrong; or faces have neither a picture nor colours.
    """
    millimetres = MILLIMETRES[unit]
    match PurePosixPath(name).suffix.lower():
        case ".png":
            surface, image = read_depth(folder, name, texture)
            return Textured(surface=surface, texture=image, wrap=("clamp", "clamp"), of_camera=True)
        case ".npz":
            surface, image, of_camera = read_arrays(folder, name, texture, millimetres=millimetres)
            return Textured(surface=surface, texture=image, wrap=("clamp", "clamp"), unit=unit, of_camera=of_camera)
    mesh = _mesh(folder, name, texture)
    surface = replace(mesh.surface, vertices=mesh.surface.vertices * np.float32(millimetres))
    return replace(mesh, surface=surface, unit=unit)


def _mesh(folder: DataFolder, name: str, texture: str | None) -> Textured:
    """A mesh in its own unit."""
    content = folder.read(name)
    obj = None
    match PurePosixPath(name).suffix.lower():
        case ".obj":
            obj = read_obj(content, name)
            surface = obj.surface
        case ".ply":
            surface = read_ply(content, name)
        case ".glb":
            surface = read_glb(content, name)
        case ".wrl":
            surface = _vrml(content, name)
        case suffix:
            raise UserError(f"{name}: a mesh of kind {suffix!r} (allowed: {', '.join(SUFFIXES)})")
    if texture:
        if not surface.textured:
            raise UserError(f"{name}: it has no texture coordinates, which the picture {texture} needs")
        image = read_picture(folder.read(texture), texture)
        return Textured(surface=surface, texture=image, wrap=surface.paints[0].wrap)
    if surface.colours is not None and not surface.textured:  # whatever picture it names has no place on it
        return Textured(surface=surface, texture=surface.colours, wrap=("clamp", "clamp"))
    paints = _of_materials(folder, name, obj) if obj else [_found(folder, name, paint) for paint in surface.paints]
    if surface.colours is not None and all(paint.picture is None for paint in paints):
        return Textured(surface=surface, texture=surface.colours, wrap=("clamp", "clamp"))
    _check(paints, surface, name)
    pictures = _pictures(folder, paints, name)
    if len(pictures) == 1:
        return Textured(surface=surface, texture=pictures[paints[0].picture], wrap=paints[0].wrap)
    surface, image = joined(surface, paints, pictures, name)
    return Textured(surface=surface, texture=image, wrap=("clamp", "clamp"))


def _pictures(folder: DataFolder, paints: Sequence[Paint], name: str) -> dict[bytes | str | None, NDArray[np.uint8]]:
    """The pictures of `paints`, by what these call them."""
    pictures: dict[bytes | str | None, NDArray[np.uint8]] = {}
    for paint in paints:
        if paint.picture not in pictures:
            if isinstance(paint.picture, bytes):
                image = read_picture(paint.picture, f"{name}: a picture in it")
            else:
                image = read_picture(folder.read(str(paint.picture)), str(paint.picture))
            pictures[paint.picture] = image
            if (pixels := sum(picture.size // 3 for picture in pictures.values())) > MAX_PIXELS:
                raise UserError(f"{name}: its pictures have {pixels} pixels or more (allowed: {MAX_PIXELS})")
    return pictures


def _vrml(content: bytes, name: str) -> Surface:
    mesh = read_vrml(content, name)
    picture = mesh.textures[0] if mesh.textures else None  # those after it are for where it is not to be had
    return Surface(
        vertices=mesh.vertices,
        faces=mesh.faces,
        uv=mesh.uv,
        uv_faces=mesh.uv_faces,
        paints=(Paint(faces="its surface", picture=picture, wrap=mesh.wrap),),
        painted=np.zeros(len(mesh.faces), np.int64),
        textured=mesh.colours is None,
        colours=None if mesh.colours is None else np.rint(mesh.colours * 255).astype(np.uint8),
    )


def _of_materials(folder: DataFolder, name: str, obj: ObjMesh) -> list[Paint]:
    """The paints of an OBJ file as its libraries have them, with names of pictures in the data folder."""
    known: dict[str, tuple[str, Look]] = {}
    missing: list[str] = []
    for said in dict.fromkeys(obj.libraries):
        whole = folder.beside(name, said)  # a name with spaces in it, or else several names
        for word in [said] if whole else said.split():
            if library := whole or folder.beside(name, word):
                looks = read_mtl(folder.read(library), library)
                known = {material: (library, look) for material, look in looks.items()} | known
            else:
                missing.append(word)
    paints = []
    for material, paint in zip(obj.materials, obj.surface.paints, strict=True):
        look = known.get(material) or known.get(re.split(r"\s#", material)[0])
        if not material and len(known) == 1:  # there is no other that could be meant
            (look,) = known.values()
        if look:
            of_library = Paint(faces=paint.faces, picture=look[1].picture, wrap=(look[1].wrap, look[1].wrap))
            paints.append(_found(folder, look[0], of_library))
        elif missing:
            raise UserError(f"{name}: its material library {missing[0]!r} is missing, as is {paint.faces} ({_NEEDED})")
        else:
            paints.append(paint)
    return paints


def _found(folder: DataFolder, owner: str, paint: Paint) -> Paint:
    """`paint` with the name in the data folder of the picture that the file `owner` calls by another one."""
    if not isinstance(paint.picture, str):
        return paint
    try:
        picture = folder.beside(owner, paint.picture)
    except UserError as error:
        raise UserError(f"{owner}: its texture {error}") from None
    if picture is None:
        raise UserError(f"{owner}: its texture {paint.picture!r} is missing (looked for beside it)")
    return replace(paint, picture=picture)


def _check(paints: Sequence[Paint], surface: Surface, name: str) -> None:
    """Every face has a picture, and it is known which one."""
    painted = [paint for paint in paints if paint.picture is not None]
    bare = next((paint.faces for paint in paints if paint.picture is None), None)
    if not painted:
        raise UserError(f"{name}: it specifies no picture for {bare} ({_NEEDED})")
    if bare:
        raise UserError(f"{name}: it specifies a picture for {painted[0].faces}, none for {bare} ({_NEEDED})")
    if len({paint.picture for paint in paints}) > 1 and len(np.unique(surface.painted)) < len(paints):
        raise UserError(f"{name}: it specifies {len(paints)} pictures, not which faces have which ({_NEEDED})")
