"""Files of one scan as a browser sends them: names and sizes checked, and each file's part found by its name."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from afnetm.data.formats.inside import MAX_BYTES as MAX_FILE_BYTES
from afnetm.data.scan import Scan
from afnetm.data.sources.landmark_files import SUFFIXES as LANDMARK_SUFFIXES
from afnetm.data.sources.scan_files import PICTURE_SUFFIXES, read_scan
from afnetm.data.sources.textured import SUFFIXES as MESH_SUFFIXES
from afnetm.data.sources.units import Unit
from afnetm.errors import UserError

#: Files of one scan, and bytes of all of them, at most.
MAX_FILES, MAX_BYTES = 8, 2 * MAX_FILE_BYTES
#: Materials of OBJ files.
_MATERIALS = ".mtl"
#: The name, or the end of it, of the file of a depth picture's camera.
_CAMERA, _CAMERAS = ".camera.json", "camera.json"
#: What a PNG file begins with, up to its width, and its depth and colour behind its size if it is 16 bits grey.
_PNG, _GREY_16 = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\x10\0"
#: What files may be, by the end of their names.
SUFFIXES = tuple(dict.fromkeys((*MESH_SUFFIXES, *LANDMARK_SUFFIXES, *PICTURE_SUFFIXES, _MATERIALS)))


def check_name(name: str) -> str:
    """The name of a file, if it is that of one which a scan may have.

    Raises:
        UserError: it is not.
    """
    odd = not name.isprintable() or name != PurePosixPath(name).name or "\\" in name or ":" in name or len(name) > 100
    if odd or name.startswith("."):
        raise UserError(f"{name[:60]!a}: not a file's name (allowed: up to 100 printable characters, no path)")
    if PurePosixPath(name).suffix.lower() not in SUFFIXES:
        raise UserError(f"{name}: a file that no scan has (allowed: {', '.join(SUFFIXES)})")
    return name


def read_uploaded(folder: Path, files: Mapping[str, bytes], unit: Unit) -> Scan:
    """The scan in files that were sent, which are written to `folder` and read from there.

    Args:
        folder: an empty one, for these files alone.
        files: content by name, as `check_name` allows it: a mesh, and its landmarks and pictures if they are apart.
        unit: of their lengths.

    Raises:
        UserError: they are not those of one scan, or one of them is wrong.
    """
    for name, content in files.items():
        (folder / name).write_bytes(content)
    mesh = _one("mesh", [name for name in files if _is_mesh(name, files)], files)
    landmarks = [name for name in files if _is_landmarks(name) and name != mesh]
    if len(landmarks) > 1:
        raise UserError(f"{', '.join(landmarks)}: landmarks in {len(landmarks)} files (allowed: one scan at a time)")
    pictures = [name for name in files if name != mesh and _suffix(name) in PICTURE_SUFFIXES]
    if _suffix(mesh) == ".png" and not pictures:
        raise UserError(f"{mesh}: a depth picture needs its colour picture, sent with it")
    given = folder / landmarks[0] if landmarks else None
    try:
        return read_scan(folder / mesh, landmarks=given, unit=unit)
    except UserError:
        if len(pictures) != 1:
            raise
        return read_scan(folder / mesh, landmarks=given, texture=folder / pictures[0], unit=unit)


def _one(what: str, names: list[str], files: Mapping[str, bytes]) -> str:
    if len(names) == 1:
        return names[0]
    if names:
        raise UserError(f"{', '.join(names)}: {len(names)} meshes (allowed: one scan at a time)")
    raise UserError(f"{', '.join(files)}: no {what} among the files ({', '.join(MESH_SUFFIXES)})")


def _is_mesh(name: str, files: Mapping[str, bytes]) -> bool:
    """Whether a file is the mesh: a PNG picture is, of depth, by its camera's name or where nothing else can be."""
    if _suffix(name) != ".png":
        return _suffix(name) in MESH_SUFFIXES
    if f"{PurePosixPath(name).stem}{_CAMERA}" in files:
        return True
    others = {_suffix(other) for other in files} & {*MESH_SUFFIXES} - {".png"}
    head = files[name][:26]
    return not others and head.startswith(_PNG) and head[24:] == _GREY_16


def _is_landmarks(name: str) -> bool:
    return _suffix(name) in LANDMARK_SUFFIXES and name != _CAMERAS and not name.endswith(_CAMERA)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
