"""GLB files: read as they are meant, or refused with one line; never outside, never beyond the file's size."""

import json
import struct
import tracemalloc

import numpy as np
import pytest
import trimesh

from afnetm.data.formats.glb import read_glb
from afnetm.data.formats.surface import Surface
from afnetm.errors import UserError
from tests.afnetm.data.formats.quads import (
    EXPECTED,
    FACES,
    UV,
    VERTICES,
    check_damaged,
    check_quad,
    check_refused,
    corners,
    quad,
)

GLB = trimesh.Scene(quad()).export(file_type="glb")


def read(content: bytes) -> Surface:
    return read_glb(content, "faces/a.glb")


def glb_parts(content):
    """The JSON and the binary chunk."""
    length = struct.unpack_from("<I", content, 12)[0]
    return json.loads(content[20 : 20 + length]), content[28 + length :]


def glb_file(tree, data=b""):
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def test_a_quad_is_read_with_its_picture_the_right_way_up():
    found = read(GLB)
    check_quad(found)
    (paint,) = found.paints
    assert paint.picture.startswith(b"\x89PNG")
    assert paint.wrap == ("repeat", "repeat")


def moved(tree, **nodes):
    tree["nodes"] = [{"children": [1], "translation": [0, 0, 5]}, {"mesh": 0} | nodes]
    tree["scenes"], tree["scene"] = [{"nodes": [0]}], 0
    return tree


def test_nodes_of_a_glb_move_their_meshes_and_a_mirror_keeps_the_outside_out():
    tree, data = glb_parts(GLB)
    mesh = read(glb_file(moved(tree, scale=[-2, 2, 2]), data))
    np.testing.assert_allclose(np.sort(mesh.vertices, 0), np.sort(VERTICES * (-2, 2, 2) + (0, 0, 5), 0))
    first, second, third = (mesh.vertices[mesh.faces][:, corner] for corner in range(3))
    assert (np.cross(second - first, third - first)[:, 2] > 0).all()


def test_what_nodes_do_is_what_trimesh_says_they_do():
    tree, data = glb_parts(GLB)
    turn = trimesh.transformations.random_quaternion(np.random.default_rng(0).random(3))
    for node in (
        {"rotation": np.roll(turn, -1).tolist(), "translation": [1, 2, 3], "scale": [1, 2, 3]},
        {"matrix": np.array([[0, -2, 0, 1], [1, 0, 0, 2], [0, 0, 3, 3], [0, 0, 0, 1]]).T.ravel().tolist()},
    ):
        content = glb_file(moved(dict(tree), **node), data)
        there = trimesh.load(trimesh.util.wrap_as_stream(content), file_type="glb", force="mesh", process=False)
        mesh = read(content)
        np.testing.assert_allclose(mesh.vertices[mesh.faces], there.vertices[there.faces], atol=1e-5, err_msg=str(node))
        np.testing.assert_allclose(mesh.uv[mesh.uv_faces], there.visual.uv[there.faces], atol=1e-6)


def arrays(tree, data, *added):
    """`tree` and `data` with further arrays, and the numbers of their accessors."""
    numbers = []
    for array, kind, options in added:
        data += b"\0" * (-len(data) % 4)
        tree["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": array.nbytes})
        shape = {1: "SCALAR", 2: "VEC2", 3: "VEC3"}[array.shape[1]]
        tree["accessors"].append(
            {"bufferView": len(tree["bufferViews"]) - 1, "componentType": kind, "count": len(array), "type": shape}
            | options
        )
        numbers.append(len(tree["accessors"]) - 1)
        data += array.tobytes()
    tree["buffers"] = [{"byteLength": len(data)}]
    return tree, data, numbers


def test_texture_coordinates_of_a_glb_may_be_others_and_integers():
    tree, data = glb_parts(GLB)
    tree, data, (second,) = arrays(tree, data, (UV[::-1].copy(), 5126, {}))
    primitive = tree["meshes"][0]["primitives"][0]
    positions = read(GLB).vertices
    by_place = {tuple(point): uv for point, uv in zip(VERTICES.tolist(), UV, strict=True)}
    flipped = np.array([by_place[tuple(point)] for point in positions.tolist()]) * (1, -1) + (0, 1)
    shares = np.rint(flipped * 65535).astype(np.uint16)
    tree, data, (third,) = arrays(tree, data, (shares, 5123, {"normalized": True}))
    primitive["attributes"] |= {"TEXCOORD_0": second, "TEXCOORD_1": third}
    tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] = 1
    found = read(glb_file(tree, data))
    np.testing.assert_allclose(np.array(corners(found)), np.array(EXPECTED), atol=2e-5)


@pytest.mark.parametrize(("mode", "order"), [(5, [1, 2, 0, 3]), (6, [0, 1, 2, 3]), (4, None)])
def test_a_glb_may_have_its_triangles_in_a_strip_or_a_fan(mode, order):
    tree, data = glb_parts(GLB)
    uv = (UV * (1, -1) + (0, 1)).astype(np.float32)
    at = np.arange(4) if order else FACES.ravel()
    added = [(VERTICES[at], 5126, {}), (uv[at], 5126, {})]
    added += [(np.array(order, np.uint8)[:, None], 5121, {})] if order else []
    tree, data, numbers = arrays(tree, data, *added)
    primitive = tree["meshes"][0]["primitives"][0]
    primitive["attributes"] = {"POSITION": numbers[0], "TEXCOORD_0": numbers[1]}
    primitive["mode"] = mode
    primitive.pop("indices")
    primitive |= {"indices": numbers[2]} if order else {}
    assert corners(read(glb_file(tree, data))) == EXPECTED


def test_a_glb_says_what_its_picture_does_beyond_its_edges():
    tree, data = glb_parts(GLB)
    tree["samplers"], tree["textures"][0]["sampler"] = [{"wrapS": 33071, "wrapT": 33648}], 0
    assert read(glb_file(tree, data)).paints[0].wrap == ("clamp", "mirror")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
    ((b"glTF\x02", b"glTF\x01"), "not GLB of version 2"),
    ((b"TEXCOORD_0", b"TEXCOORD_1"), "part 'geometry_0', 2 faces, has no texture coordinates"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_that_says_where(change, expected):
    assert change[0] in GLB
    check_refused(read, GLB.replace(*change), expected)


def test_a_glb_without_texture_may_have_colours():
    colours = np.array([[0, 51, 255, 255], [255, 0, 102, 255], [1, 2, 3, 255], [204, 153, 0, 255]], np.uint8)
    mesh = trimesh.Trimesh(VERTICES, FACES, process=False, vertex_colors=colours)
    found = read(trimesh.Scene(mesh).export(file_type="glb"))
    assert not found.textured
    np.testing.assert_array_equal(found.colours, colours[:, :3])
    np.testing.assert_array_equal(found.vertices[found.faces], VERTICES[FACES])
    both = trimesh.Scene([mesh, quad()]).export(file_type="glb")
    check_refused(read, both, "has no texture coordinates")
    tree, data = glb_parts(both)
    for at, part in enumerate(tree["meshes"]):
        part["primitives"][0]["attributes"].pop("COLOR_0", None)
        if at:
            tree["scenes"][0]["nodes"] = [node for node, one in enumerate(tree["nodes"]) if one.get("mesh") == at]
    assert read(glb_file(tree, data)).painted.tolist() == [0, 0]


def test_a_part_of_a_glb_has_no_corners_in_another():
    tree, data = glb_parts(GLB)
    tree["nodes"], tree["scenes"] = [{"mesh": 0}, {"mesh": 0}], [{"nodes": [0, 1]}]
    tree["scene"] = 0
    assert corners(read(glb_file(tree, data))) == sorted(EXPECTED * 2)
    tree, data, (order,) = arrays(tree, data, (np.array([[0], [1], [5]], np.uint8), 5121, {}))
    tree["meshes"][0]["primitives"][0]["indices"] = order
    with pytest.raises(UserError, match="damaged, or not GLB .*4 vertices, 4 texture coordinates, other references"):
        read(glb_file(tree, data))


def hostile(tree):
    """Changes to a GLB's JSON, each with what is said of it."""
    big = 2**31
    draco = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {}}}
    bare = [{k: v for k, v in a.items() if k != "bufferView"} for a in tree["accessors"]]
    use = {"index": 0, "extensions": {"KHR_texture_transform": {"scale": [2, 2]}}}
    return [
        ({"buffers": [{"byteLength": 9, "uri": "file:///etc/passwd"}]}, "its data are in another file"),
        ({"accessors": [a | {"count": big} for a in tree["accessors"]]}, "times as large as the file"),
        ({"accessors": [a | {"count": 99} for a in tree["accessors"]]}, "damaged, or not GLB"),
        ({"accessors": [a | {"count": -1} for a in tree["accessors"]]}, "damaged, or not GLB"),
        ({"accessors": [a | {"count": "4"} for a in tree["accessors"]]}, "damaged, or not GLB"),
        ({"accessors": [a | {"byteOffset": -8} for a in tree["accessors"]]}, "damaged, or not GLB"),
        ({"bufferViews": [v | {"byteStride": 0} for v in tree["bufferViews"]]}, "damaged, or not GLB"),
        ({"bufferViews": [v | {"byteOffset": 9000} for v in tree["bufferViews"]]}, "of 0 bytes"),
        ({"accessors": [a | {"byteOffset": 16} for a in tree["accessors"]]}, "damaged, or not GLB (ValueError"),
        ({"accessors": [a | {"sparse": {}} for a in tree["accessors"]]}, "packed ('sparse accessors')"),
        ({"accessors": bare, "extensionsUsed": [*draco]}, "packed ('KHR_draco_mesh_compression'), which is not"),
        ({"extensionsRequired": [*draco]}, "needs the extension 'KHR_draco_mesh_compression', which is not supported"),
        ({"nodes": [{"mesh": 7}]}, "damaged, or not GLB (IndexError"),
        ({"nodes": [{"mesh": 0, "children": [0]}]}, "do not form a tree"),
        ({"nodes": [{"mesh": 0, "matrix": [1]}]}, "damaged, or not GLB (ValueError"),
        ({"nodes": [{"mesh": 0, "scale": [1e300] * 3}, *tree["nodes"]]}, "damaged, or not GLB"),
        ({"nodes": [{"mesh": 0, "skin": 0}]}, "is skinned or morphed"),
        ({"nodes": [{"mesh": 0}] * 300, "scenes": [{"nodes": [*range(300)]}]}, "times as large as the file"),
        ({"materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 5}}}]}, "damaged, or not GLB (Index"),
        ({"materials": [{"pbrMetallicRoughness": {"baseColorTexture": use}}]}, "extension 'KHR_texture_transform'"),
        ({"textures": [{"extensions": {"EXT_texture_webp": {"source": 0}}}]}, "extension 'EXT_texture_webp', which is"),
        ({"scenes": []}, "damaged, or not GLB (IndexError"),
    ]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), hostile(glb_parts(GLB)[0]))
def test_a_hostile_glb_is_refused_before_anything_is_allocated(change, expected):
    tree, data = glb_parts(GLB)
    tracemalloc.start()
    with pytest.raises(UserError) as caught:
        read(glb_file(tree | change, data))
    assert tracemalloc.get_traced_memory()[1] < 4e6
    tracemalloc.stop()
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parts_that_share_the_bytes_of_a_picture_share_no_more_than_the_budget():
    tree, data = glb_parts(GLB)
    tree["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": 100_000})
    tree["images"] = [{"bufferView": len(tree["bufferViews"]) - 1}] * 30
    tree["textures"] = [{"source": at} for at in range(30)]
    tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": at}}} for at in range(30)]
    part = tree["meshes"][0]["primitives"][0]
    tree["meshes"] = [{"primitives": [part | {"material": at} for at in range(30)]}]
    with pytest.raises(UserError, match="times as large as the file"):
        read(glb_file(tree, data + bytes(100_000)))
    tree["meshes"] = [{"primitives": [part | {"material": 0}] * 30}]
    assert len({paint.picture for paint in read(glb_file(tree, data + bytes(100_000))).paints}) == 1


TINTED = trimesh.Trimesh(VERTICES, FACES, process=False, vertex_colors=np.full((4, 4), 99, np.uint8)).export(
    file_type="glb"
)


@pytest.mark.parametrize("content", [GLB, TINTED], ids=["textured", "coloured"])
def test_damaged_files_are_read_or_refused_with_one_line(content, mutations):
    check_damaged(read, mutations(content, count=500, seed=0))
