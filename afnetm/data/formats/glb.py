"""GLB, the binary form of glTF 2.0: triangles with texture coordinates and the picture they carry.

Its JSON is read here, strictly and only as far as it is needed, and its counts are compared with the content. Trimesh
is given that part alone: no material, no picture, no extension, no second file.
"""

import base64
import binascii
import struct
from dataclasses import dataclass

from pydantic import ValidationError

from afnetm.data.formats.gltf_tree import MAX_PARTS, Material, Primitive, Tree
from afnetm.data.formats.meshes import TriangleMesh, load_triangles
from afnetm.errors import UserError

#: Bytes of the JSON: a scanned face's has some thousand.
MAX_JSON = 2**20
#: How often over the content may be used, by parts that share it.
MAX_SHARING = 4
FLOAT = 5126
#: Extensions that leave the shape and the place of the picture as they are.
HARMLESS = {"KHR_materials_unlit"}


@dataclass(frozen=True, eq=False, kw_only=True)
class GlbMesh:
    """What a GLB file holds.

    Attributes:
        mesh: its surface, every part moved to its place; its lengths as they stand there.
        pictures: what its parts are painted with, each once: the content of a picture within it, the name of one
            relative to its folder, or None for parts without.
    """

    mesh: TriangleMesh
    pictures: tuple[bytes | str | None, ...]


def read_glb(content: bytes, name: str) -> GlbMesh:
    """What stands in a GLB file.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: it is none, its data are in another file or packed by an extension, a part has no texture
            coordinates, or a reference or a count does not fit.
    """
    text, data = _chunks(content, name)
    try:
        tree = Tree.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise UserError(f"{name}: its JSON: {where}: {first['msg'][:120]}") from None
    foreign = {*tree.extensions_used, *tree.extensions_required} - HARMLESS
    if foreign & {*tree.extensions_required, "KHR_texture_transform"}:
        raise UserError(f"{name}: it needs the extension {min(foreign)[:60]!r} (known: {', '.join(sorted(HARMLESS))})")
    try:
        drawn = _drawn(tree, name)
        _check_sharing(tree, drawn, len(content), name)
        pictures = tuple(dict.fromkeys(_picture(tree, part, data) for part in drawn))
    except (IndexError, binascii.Error) as error:
        raise UserError(f"{name}: its JSON names what is not there ({error})") from None
    for part in (part for mesh in tree.meshes for part in mesh.primitives):
        part.material = 0  # trimesh reads texture coordinates of what has a material
    tree.materials = [Material()]
    lean = tree.model_dump_json(by_alias=True, exclude_none=True, exclude={"textures", "images"})
    return GlbMesh(mesh=load_triangles(_container(lean.encode(), data), name, "glb"), pictures=pictures)


def _chunks(content: bytes, name: str) -> tuple[bytes, bytes]:
    """The JSON and the binary chunk."""
    if len(content) < 20 or content[:4] != b"glTF" or content[4:8] != b"\2\0\0\0":
        raise UserError(f"{name}: not GLB of version 2")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(content):
        length, kind = struct.unpack_from("<I4s", content, at)
        if at + 8 + length > len(content):
            raise UserError(f"{name}, offset {at}: a chunk of {length} bytes is longer than the file")
        if at == 12 and (kind != b"JSON" or length > MAX_JSON):
            raise UserError(f"{name}, offset {at}: no chunk of JSON of up to {MAX_JSON} bytes")
        found.setdefault(kind, content[at + 8 : at + 8 + length])
        at += 8 + length
    return found[b"JSON"], found.get(b"BIN\0", b"")


def _container(text: bytes, data: bytes) -> bytes:
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def _drawn(tree: Tree, name: str) -> list[Primitive]:
    """The primitives that the scene shows, one for each time it is shown."""
    waiting = list(tree.scenes[tree.scene].nodes)
    seen: set[int] = set()
    drawn: list[Primitive] = []
    while waiting:
        node = waiting.pop()
        if node in seen or len(drawn) > MAX_PARTS:
            raise UserError(f"{name}: its nodes are no tree, or show more than {MAX_PARTS} parts")
        seen.add(node)
        waiting += tree.nodes[node].children
        mesh = tree.nodes[node].mesh
        drawn += tree.meshes[mesh].primitives if mesh is not None else ()
    for part in drawn:
        if part.attributes.uv is None or tree.accessors[part.attributes.uv].component_type != FLOAT:
            raise UserError(f"{name}: a part of it has no texture coordinates as floats")
    return drawn


def _check_sharing(tree: Tree, drawn: list[Primitive], size: int, name: str) -> None:
    """Whether the arrays, as often as they are used, are about as large as the file: they will all be in memory."""
    everywhere = [part for mesh in tree.meshes for part in mesh.primitives]
    for parts in (everywhere, drawn):
        used = [at for part in parts for at in (part.attributes.position, part.attributes.uv, part.indices)]
        needed = sum(tree.accessors[at].size for at in used if at is not None)
        if max(needed, sum(view.byte_length for view in tree.buffer_views)) > MAX_SHARING * size:
            raise UserError(f"{name}: its arrays are more than {MAX_SHARING} times as large as the file")
    if sum(accessor.size for accessor in tree.accessors) > MAX_SHARING * size:
        raise UserError(f"{name}: its arrays are more than {MAX_SHARING} times as large as the file")


def _picture(tree: Tree, part: Primitive, data: bytes) -> bytes | str | None:
    if part.material is None:
        return None
    use = tree.materials[part.material].pbr_metallic_roughness.base_color_texture
    source = tree.textures[use.index].source if use else None
    if source is None:
        return None
    image = tree.images[source]
    if image.buffer_view is not None:
        view = tree.buffer_views[image.buffer_view]
        return data[view.byte_offset : view.byte_offset + view.byte_length]
    if image.uri is not None and image.uri.startswith("data:"):
        return base64.b64decode(image.uri.partition("base64,")[2], validate=True)
    return image.uri
