"""Writing VRML 2.0 files in BU-3DFE's layout."""

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from afnetm.data.formats.vrml.mesh import VrmlMesh


def write_vrml(mesh: VrmlMesh) -> bytes:
    """The content of a ``.wrl`` file with this surface; `read_vrml` reads back the same.

    Nine digits a number: enough for float32 to come back as it was.
    """
    urls = " ".join('"' + url.replace("\\", "\\\\").replace('"', '\\"') + '"' for url in mesh.textures)
    return "\n".join(
        (
            "#VRML V2.0 utf8",
            "Shape {",
            " appearance Appearance {",
            f"  texture ImageTexture {{ url [ {urls} ] }}",
            " }",
            " geometry IndexedFaceSet {",
            "  coord Coordinate {",
            _field("point", _vectors(mesh.vertices)),
            "  }",
            "  texCoord TextureCoordinate {",
            _field("point", _vectors(mesh.uv)),
            "  }",
            _field("coordIndex", _polygons(mesh.faces)),
            _field("texCoordIndex", _polygons(mesh.uv_faces)),
            " }",
            "}",
            "",
        )
    ).encode()


def _field(name: str, rows: Iterable[str]) -> str:
    return f"   {name} [\n" + ",\n".join(rows) + "\n   ]"


def _vectors(values: NDArray[Any]) -> Iterable[str]:
    return (" ".join(f"{number:.9g}" for number in row) for row in values.tolist())


def _polygons(faces: NDArray[Any]) -> Iterable[str]:
    return (f"{a}, {b}, {c}, -1" for a, b, c in faces.tolist())
