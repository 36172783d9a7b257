"""GLB, the binary form of glTF 2.0: triangles with texture coordinates or colours, and the pictures they carry.

Read by the specification of Khronos, and whatever of it would change shape or picture and is not done here is refused
by its name. No count in the JSON makes memory that the file has no bytes for.
"""

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from afnetm.data.formats.surface import Paint, Surface, surface
from afnetm.data.formats.text import formatted
from afnetm.data.scan import Wrap
from afnetm.errors import UserError

#: Bytes of the JSON: a scanned face's has some thousand.
MAX_JSON = 2**20
#: Arrays in memory may be so many times as large as the file: bytes become numbers of eight, and parts may share them.
MAX_SHARING = 8
#: Extensions that need nothing done; those of materials alone change how light falls.
_HARMLESS = ("KHR_mesh_quantization", "KHR_materials_")
#: The types of numbers, and how many make an element.
_KINDS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_WRAPS: dict[int, Wrap] = {10497: "repeat", 33071: "clamp", 33648: "mirror"}
_UNREAD = "which is not supported; export the file without it"
#: What a damaged JSON makes code stumble over that takes it to be whole.
_DAMAGE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, struct.error)


def read_glb(content: bytes, name: str) -> Surface:
    """The surface in a GLB file: what its scene shows, every part at its place; lengths as they stand there.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: it is none, its data are in another file or packed by an extension, a part has no texture
            coordinates and not all have colours, or a reference or a count does not fit.
    """
    try:
        with np.errstate(all="raise", under="ignore"):
            return _Glb(content, name).surface()
    except _DAMAGE as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"{name}: damaged, or not GLB ({reason[:120]})") from None


class _Glb:
    """The JSON of a file and the bytes that it speaks of."""

    def __init__(self, content: bytes, name: str) -> None:
        self.name, self.budget = name, MAX_SHARING * len(content)
        self.pictures: dict[int, bytes | str] = {}
        if content[:8] != b"glTF\2\0\0\0":
            raise UserError(f"{name}: not GLB of version 2")
        chunks: dict[bytes, memoryview] = {}
        at = 12
        while at + 8 <= len(content):
            length, kind = struct.unpack_from("<I4s", content, at)
            chunks.setdefault(kind, memoryview(content)[at + 8 : at + 8 + length])
            at += 8 + length
        if len(chunks[b"JSON"]) > MAX_JSON:
            raise UserError(f"{name}: {len(chunks[b'JSON'])} bytes of JSON (allowed: {MAX_JSON})")
        self.tree = json.loads(bytes(chunks[b"JSON"]))
        self.data = chunks.get(b"BIN\0", memoryview(b""))
        for extension in self.tree.get("extensionsRequired", []):
            if not extension.startswith(_HARMLESS):
                raise UserError(f"{name}: it needs the extension {formatted(extension)}, {_UNREAD}")

    def surface(self) -> Surface:
        parts: list[tuple[NDArray[Any], ...]] = []
        paints: list[Paint] = []
        colours: list[NDArray[np.float64]] = []
        bare: list[str] = []
        start = 0
        for matrix, primitive, label in self.drawn():
            if primitive.get("mode", 4) < 4:
                continue  # points and lines
            positions, faces, uv, paint = self.part(primitive, label)
            if uv is None:
                bare.append(f"{label}, {len(faces)} faces, has no texture coordinates")
                uv = np.zeros((len(positions), 2))
            if "COLOR_0" in primitive["attributes"]:
                colours.append(self.colours(primitive["attributes"]["COLOR_0"], len(positions)))
            vertices = positions @ matrix[:3, :3].T + matrix[:3, 3]
            if np.linalg.det(matrix[:3, :3]) < 0:  # a mirror turns the surface inside out
                faces = faces[:, ::-1]
            parts.append((vertices, faces + start, uv, np.full(len(faces), len(paints))))
            paints.append(paint)
            start += len(vertices)
        if not parts:
            raise UserError(f"{self.name}: it contains no faces")
        coloured = len(colours) == len(parts)
        if bare and (not coloured or len(bare) < len(parts)):
            raise UserError(f"{self.name}: {bare[0]}")
        vertices, faces, uv, painted = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return surface(
            self.name,
            vertices=vertices,
            faces=faces,
            uv=None if bare else uv,
            uv_faces=faces,
            paints=tuple(paints),
            painted=painted,
            colours=np.concatenate(colours) if coloured else None,
        )

    def drawn(self) -> Iterator[tuple[NDArray[np.float64], dict[str, Any], str]]:
        """Primitives that the scene shows, each with the motion that takes it to its place and its name in errors."""
        waiting = [(node, np.eye(4)) for node in self.tree["scenes"][self.tree.get("scene", 0)].get("nodes", [])]
        seen: set[int] = set()
        while waiting:
            at, motion = waiting.pop()
            if at in seen:
                raise UserError(f"{self.name}: its nodes do not form a tree")
            seen.add(at)
            node = self.tree["nodes"][at]
            matrix = motion @ _matrix(node)
            waiting += [(child, matrix) for child in node.get("children", [])]
            if "mesh" in node:
                mesh = self.tree["meshes"][node["mesh"]]
                label = f"part {formatted(str(mesh.get('name', node['mesh'])))}"
                if "skin" in node or any(node.get("weights", mesh.get("weights", []))):
                    raise UserError(f"{self.name}: {label} is skinned or morphed (allowed: a static mesh)")
                yield from ((matrix, primitive, label) for primitive in mesh["primitives"])

    def part(
        self, primitive: dict[str, Any], label: str
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64] | None, Paint]:
        """Vertices, faces, texture coordinates, None where there are none, and paint of a primitive."""
        attributes = primitive["attributes"]
        positions = self.array(attributes["POSITION"], 3)
        order = np.arange(len(positions))
        if "indices" in primitive:
            order = self.array(primitive["indices"], 1)[:, 0].astype(np.int64)
        match primitive.get("mode", 4):
            case 4:
                faces = order.reshape(-1, 3)
            case 5:  # a strip, in which every other triangle turns the other way
                faces = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
                faces[1::2] = faces[1::2, ::-1]
            case _:  # a fan
                faces = np.stack([np.repeat(order[:1], len(order) - 2), order[1:-1], order[2:]], axis=1)
        paint, coordinates = self.paint(primitive, label)
        if coordinates not in attributes:
            if faces.max(initial=0) >= len(positions):
                raise ValueError(f"{label}: {len(positions)} vertices, other references")
            return positions, faces, None, paint
        uv = self.array(attributes[coordinates], 2)
        if len(uv) != len(positions) or faces.max(initial=0) >= len(positions):
            raise ValueError(f"{label}: {len(positions)} vertices, {len(uv)} texture coordinates, other references")
        return positions, faces, np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1), paint

    def colours(self, at: int, count: int) -> NDArray[np.float64]:
        """Red, green and blue of `count` vertices as they stand in the file, 0..1; alpha is left out."""
        colours = self.array(at, _WIDTHS[self.tree["accessors"][at]["type"]])
        if colours.shape not in {(count, 3), (count, 4)}:
            raise ValueError(f"{count} vertices, colours {colours.shape}")
        return colours[:, :3].clip(0, 1)

    def paint(self, primitive: dict[str, Any], label: str) -> tuple[Paint, str]:
        """Paint of a primitive, and the name of the texture coordinates that it refers to."""
        material = self.tree["materials"][primitive["material"]] if "material" in primitive else {}
        use = material.get("pbrMetallicRoughness", {}).get("baseColorTexture")
        if use is None:
            glossiness = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness", {})
            use = glossiness.get("diffuseTexture")
        if use is None:
            return Paint(faces=label, picture=None), "TEXCOORD_0"
        texture = self.tree["textures"][use["index"]]
        if "KHR_texture_transform" in use.get("extensions", {}) or "source" not in texture:
            extensions = ", ".join({**use.get("extensions", {}), **texture.get("extensions", {})})
            raise UserError(
                f"{self.name}: the picture of {label} needs the extension {formatted(extensions)}, {_UNREAD}"
            )
        sampler = self.tree["samplers"][texture["sampler"]] if "sampler" in texture else {}
        along_u, along_v = (_WRAPS[sampler.get(axis, 10497)] for axis in ("wrapS", "wrapT"))
        picture = self.picture(texture["source"])
        return Paint(faces=label, picture=picture, wrap=(along_u, along_v)), f"TEXCOORD_{use.get('texCoord', 0)}"

    def picture(self, at: int) -> bytes | str:
        """The content of a picture in the file, or the name of another one."""
        if at not in self.pictures:
            image = self.tree["images"][at]
            if "bufferView" in image:
                content = self.view(self.tree["bufferViews"][image["bufferView"]])
                self.spend(len(content))
                self.pictures[at] = bytes(content)
            elif image["uri"].startswith("data:"):
                self.pictures[at] = base64.b64decode(image["uri"].partition("base64,")[2], validate=True)
            else:
                self.pictures[at] = str(image["uri"])
        return self.pictures[at]

    def array(self, at: int, width: int) -> NDArray[np.float64]:
        """The rows of an accessor, ``(count, width)``; integers that stand for shares of 1 are divided."""
        accessor = self.tree["accessors"][at]
        if "bufferView" not in accessor or "sparse" in accessor:
            packed = ", ".join(self.tree.get("extensionsUsed", [])) or "sparse accessors"
            raise UserError(f"{self.name}: its arrays are packed ({formatted(packed)}), {_UNREAD}")
        kind, count = np.dtype(_KINDS[accessor["componentType"]]), accessor["count"]
        self.spend(count * width * 8)
        view = self.tree["bufferViews"][accessor["bufferView"]]
        content, offset = self.view(view), accessor.get("byteOffset", 0)
        stride = view.get("byteStride", width * kind.itemsize)
        end = offset + (count - 1) * stride + width * kind.itemsize
        if _WIDTHS[accessor["type"]] != width or stride < width * kind.itemsize or min(offset, count - 1) < 0:
            raise ValueError(f"accessor {at} has {count} of {accessor['type']}, {stride} bytes apart")
        if end > len(content):  # numpy itself would read on where there is nothing left
            raise ValueError(f"accessor {at} ends at {end} of {len(content)} bytes")
        rows = np.ndarray((count, width), kind, content, offset, (stride, kind.itemsize)).astype(np.float64)
        return np.maximum(rows / np.iinfo(kind).max, -1) if accessor.get("normalized") else rows

    def spend(self, size: int) -> None:
        """Counts the bytes of what is made of the file's."""
        self.budget -= size
        if self.budget < 0:
            raise UserError(f"{self.name}: its arrays are more than {MAX_SHARING} times as large as the file")

    def view(self, view: dict[str, Any]) -> memoryview:
        """A piece of the file's bytes."""
        if view["buffer"] or "uri" in self.tree["buffers"][0]:
            raise UserError(f"{self.name}: its data are in another file (allowed: a self-contained file)")
        start = view.get("byteOffset", 0)
        return self.data[start : start + view["byteLength"]]


def _matrix(node: dict[str, Any]) -> NDArray[np.float64]:
    """The motion from a node's frame into that around it."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat(node.get("rotation", [0, 0, 0, 1])).as_matrix() * node.get("scale", [1, 1, 1])
    matrix[:3, 3] = node.get("translation", [0, 0, 0])
    return matrix
