"""OBJ, PLY and GLB: read as they are meant, or refused with one line; never outside, never beyond the file's size."""

import json
import re
import struct
import tracemalloc

import numpy as np
import pytest
import trimesh
from PIL import Image

from afnetm.data.formats.glb import read_glb
from afnetm.data.formats.obj import read_obj
from afnetm.data.formats.ply import read_ply
from afnetm.errors import UserError

READERS = {"obj": lambda *file: read_obj(*file).surface, "ply": read_ply, "text ply": read_ply, "glb": read_glb}

#: Two triangles, each corner at a place of its own on a picture that is red, green / blue, white from its top.
VERTICES = np.array([[0, 0, 0], [4, 0, 1], [4, 3, 2], [0, 3, 3]], np.float32)
UV = np.array([[0.1, 0.2], [0.9, 0.2], [0.9, 0.7], [0.1, 0.7]], np.float32)
FACES = np.array([[0, 1, 2], [0, 2, 3]])
PICTURE = Image.new("RGB", (2, 2))
PICTURE.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)])

OBJ = b"""# a quad
mtllib quad.mtl
v 0 0 0
v 4.0 0 1e0
v +4 3. 2
v 0 30e-1 3 0.5 0.5 0.5
vt 0.1 0.2
vt .9 .2 0
vt 0.9 0.7
vt 0.1 0.7
vn 0 0 1
usemtl skin
s 1
f 1/1/1 2/2/1 3/3/1 4/4/1
"""
PLY = b"""ply
format ascii 1.0
comment TextureFile quad 1.png
element vertex 4
property float x
property float y
property float z
property uchar red
property float u
property float v
element face 2
property list uchar int vertex_indices
end_header
0 0 0 7 0.1 0.2
4 0 1 7 0.9 0.2
4 3 2 7 0.9 0.7
0 3 3 7 0.1 0.7
3 0 1 2
3 0 2 3
"""


def quad() -> trimesh.Trimesh:
    visual = trimesh.visual.TextureVisuals(uv=UV, image=PICTURE)
    return trimesh.Trimesh(VERTICES, FACES, visual=visual, process=False)


def glb_parts(content):
    """The JSON and the binary chunk."""
    length = struct.unpack_from("<I", content, 12)[0]
    return json.loads(content[20 : 20 + length]), content[28 + length :]


def glb_file(tree, data=b""):
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


GLB = trimesh.Scene(quad()).export(file_type="glb")
FILES = {"obj": OBJ, "ply": quad().export(file_type="ply"), "text ply": PLY, "glb": GLB}


def corners(mesh, shift=(0, 0, 0, 0, 0)):
    """What stands at each corner of each triangle, whatever the order of faces and of a face's corners."""
    points = np.concatenate([mesh.vertices[mesh.faces], mesh.uv[mesh.uv_faces]], -1).round(5) + shift
    starts = np.lexsort(points.transpose(2, 0, 1)[::-1], axis=-1)[:, 0]
    turned = [np.roll(face, -start, axis=0).ravel().tolist() for face, start in zip(points, starts, strict=True)]
    return sorted(turned)


EXPECTED = corners(type("Quad", (), {"vertices": VERTICES, "uv": UV, "faces": FACES, "uv_faces": FACES}))


def read(kind, content):
    return READERS[kind](content, f"faces/a.{kind[-3:]}")


@pytest.mark.parametrize("kind", FILES)
def test_a_quad_is_read_with_its_picture_the_right_way_up(kind):
    found = read(kind, FILES[kind])
    assert corners(found) == EXPECTED
    assert found.vertices.dtype == found.uv.dtype == np.float32
    assert found.faces.dtype == found.uv_faces.dtype == np.int32


def test_what_names_the_picture():
    obj = read_obj(OBJ, "a.obj")
    assert (obj.libraries, obj.materials) == (("quad.mtl",), ("skin",))
    assert [paint.picture for paint in read("text ply", PLY).paints] == ["quad 1.png"]
    (paint,) = read("glb", GLB).paints
    assert paint.picture.startswith(b"\x89PNG")
    assert paint.wrap == ("repeat", "repeat")


FACE = b"f 1/1/1 2/2/1 3/3/1 4/4/1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FACE, b"f -4/-4 -3/-3 -2/-2 -1/-1"),
        (FACE, b"g a\nf 1/1 2/2 3/3\nusemtl b\nf 1/1 3/3 4/4"),
        (FACE, b"f 1/1 2/2\\\n 3/3 4/4"),
        (FACE, b"f 1/1/ 2/2/ 3/3/ 4/4/"),
        (FACE, FACE + b" # the only one"),
        (b"v +4 3. 2", b"v +4 3. 2 1.0 # a comment"),
        (b"v +4 3. 2", b"# written to C:\\scans\\\nv +4 3. 2"),
        (b"usemtl skin", b"usemtl"),
        (b"# a quad", b"\xef\xbb\xbf# a quad"),
        (b"# a quad", b"# ein Viereck f\xfcr alle"),
        (b"\n", b"\r\n"),
        (b"\n", b"\r"),
    ],
)
def test_an_obj_may_be_written_in_many_ways(old, new):
    assert old in OBJ
    assert corners(read("obj", OBJ.replace(old, new))) == EXPECTED


def test_an_obj_may_be_utf_16():
    assert corners(read("obj", OBJ.decode().encode("utf-16"))) == EXPECTED


def test_references_back_count_from_where_they_stand():
    points = OBJ[: OBJ.index(b"f ")]
    later = b"f -4/-4 -3/-3 -2/-2 -1/-1\nv 9 9 9\nvt 0 0\nf 1/1 2/2 5/5\n"
    found = corners(read("obj", points + later))
    assert len(found) == 3
    assert set(map(tuple, EXPECTED)) <= set(map(tuple, found))


#: A PLY file's elements: names and types of properties, and rows.
VERTEX = (["float x", "float y", "float z", "float s", "float t"], np.hstack([VERTICES, UV]).tolist())
BARE = (["double x", "double y", "double z"], VERTICES.tolist())
TRIANGLES = (["list uchar int vertex_indices"], [[[0, 1, 2]], [[0, 2, 3]]])
WEDGES = [[*UV[face].ravel().tolist()] for face in FACES]
#: The surface above with two triangles of the same corners behind it, as far as its vertices go.
MIXED = (["list uchar int vertex_index"], [[[0, 1, 2, 3]], [[0, 1, 2]], [[0, 2, 3]]])
EDGE = (["int vertex1", "int vertex2"], [[0, 1]])
PLIES = {
    "flags": [("vertex", VERTEX), ("face", (["int flags", *TRIANGLES[0]], [[7, *row] for row in TRIANGLES[1]]))],
    "elements": [("camera", (["float px"], [[1]])), ("vertex", VERTEX), ("edge", EDGE), ("face", TRIANGLES)],
    "after": [
        ("vertex", VERTEX),
        ("face", TRIANGLES),
        ("edge", EDGE),
        ("strips", (["list int int a"], [[[1, 2, -1]]])),
    ],
    "corners": [
        ("vertex", BARE),
        (
            "face",
            (
                ["list uchar uint vertex_indices", "list uchar float texcoord", "int texnumber"],
                [[*row, wedge, 0] for row, wedge in zip(TRIANGLES[1], WEDGES, strict=True)],
            ),
        ),
    ],
    "mixed": [("vertex", VERTEX), ("face", MIXED)],
} | {
    f"{u}/{v}": [("vertex", ([*VERTEX[0][:3], f"float {u}", f"float {v}"], VERTEX[1])), ("face", TRIANGLES)]
    for u, v in [("u", "v"), ("texture_u", "texture_v"), ("texcoord_u", "texcoord_v")]
}
KINDS = {"uchar": "B", "int": "i", "uint": "I", "float": "f", "double": "d"}


def write_ply(elements, encoding, end="\n"):
    order = {"binary_little_endian": "<", "binary_big_endian": ">"}.get(encoding)
    head, body = ["ply", f"format {encoding} 1.0", "comment TextureFile a.png"], b""
    for what, (properties, rows) in elements:
        head += [f"element {what} {len(rows)}", *(f"property {one}" for one in properties)]
        for row in rows:
            for one, value in zip(properties, row, strict=True):
                *_, count, kind, _ = ["", *one.split()]
                numbers = value if isinstance(value, list) else [value]
                sized = [(KINDS[count], len(numbers))] if isinstance(value, list) else []
                for code, number in [*sized, *((KINDS[kind], number) for number in numbers)]:
                    body += struct.pack(order + code, number) if order else f"{number} ".encode()
            body += b"" if order else end.encode()
    return end.join([*head, "end_header", ""]).encode() + body


@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("what", PLIES)
def test_a_ply_may_have_its_numbers_in_many_ways(what, encoding):
    expected = sorted(EXPECTED * 2) if what == "mixed" else EXPECTED
    found = read("ply", write_ply(PLIES[what], encoding))
    assert corners(found) == expected
    assert [paint.picture for paint in found.paints] == ["a.png"]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian"])
def test_a_ply_may_have_other_line_ends(encoding, end):
    assert corners(read("ply", write_ply(PLIES["mixed"], encoding, end))) == sorted(EXPECTED * 2)


def test_a_ply_s_faces_name_their_picture_by_number():
    (vertex, (_, (properties, rows))) = PLIES["corners"]
    content = write_ply([vertex, ("face", (properties, [[*row[:-1], at] for at, row in enumerate(rows)]))], "ascii")
    two = content.replace(b"element vertex", b"comment TextureFile b.png\nelement vertex")
    paints = [(paint.faces, paint.picture) for paint in read("ply", two).paints]
    assert paints == [("texnumber 0", "a.png"), ("texnumber 1", "b.png")]
    assert [paint.picture for paint in read("ply", content).paints] == ["a.png", None]


def moved(tree, **nodes):
    tree["nodes"] = [{"children": [1], "translation": [0, 0, 5]}, {"mesh": 0} | nodes]
    tree["scenes"], tree["scene"] = [{"nodes": [0]}], 0
    return tree


def test_nodes_of_a_glb_move_their_meshes_and_a_mirror_keeps_the_outside_out():
    tree, data = glb_parts(GLB)
    mesh = read("glb", glb_file(moved(tree, scale=[-2, 2, 2]), data))
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
        mesh = read("glb", content)
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
    positions = read("glb", GLB).vertices
    by_place = {tuple(point): uv for point, uv in zip(VERTICES.tolist(), UV, strict=True)}
    flipped = np.array([by_place[tuple(point)] for point in positions.tolist()]) * (1, -1) + (0, 1)
    shares = np.rint(flipped * 65535).astype(np.uint16)
    tree, data, (third,) = arrays(tree, data, (shares, 5123, {"normalized": True}))
    primitive["attributes"] |= {"TEXCOORD_0": second, "TEXCOORD_1": third}
    tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] = 1
    found = read("glb", glb_file(tree, data))
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
    assert corners(read("glb", glb_file(tree, data))) == EXPECTED


def test_a_glb_says_what_its_picture_does_beyond_its_edges():
    tree, data = glb_parts(GLB)
    tree["samplers"], tree["textures"][0]["sampler"] = [{"wrapS": 33071, "wrapT": 33648}], 0
    assert read("glb", glb_file(tree, data)).paints[0].wrap == ("clamp", "mirror")


REFUSED = [
    ("obj", (b"f 1/1/1", b"f 1"), "line 14: a face without texture coordinates, the first such of 1 among 1 (needed"),
    ("obj", (b"4/4/1", b"4//1"), "line 14: a face without texture coordinates"),
    ("obj", (b"4/4/1", b"4/5/1"), "its faces name texture coordinates 0 to 4, counted from 0 (allowed: 0 to 3)"),
    ("obj", (b"4/4/1", b"5/4/1"), "its faces name vertices 0 to 4, counted from 0 (allowed: 0 to 3)"),
    ("obj", (b"4/4/1", b"-5/4/1"), "line 14: 'f 1/1/1 2/2/1 3/3/1 -5/4/1' is not understood"),
    ("obj", (b" 3/3/1 4/4/1", b""), "line 14: 'f 1/1/1 2/2/1' is not understood"),
    ("obj", (b"v 0 0 0", b"w 0 0 0"), "line 3: 'w 0 0 0' is not understood"),
    ("obj", (b"v 0 0 0", b"v 0 nan 0"), "a coordinate is not a finite number"),
    ("obj", (b"v 0 0 0", b"v 0 1e99 0"), "a coordinate is not a finite number"),
    ("obj", (b"f 1", b"# 1"), "there is no face in it"),
    ("text ply", (b"element vertex 4", b"element vertex 4000000000"), "not what its header announces"),
    ("text ply", (b"element face 2", b"element face 4000000000"), "not what its header announces"),
    ("text ply", (b"property float u\n", b"property float r\n"), "no texture coordinates (known: s/t, u/v, "),
    ("text ply", (b"property float v\n", b"property float w\n"), "'texcoord'); its vertices' colours are not read"),
    ("text ply", (b"3 0 2 3", b"3 0 2 -3"), "its faces name vertices -3 to 2, counted from 0 (allowed: 0 to 3)"),
    ("text ply", (b"3 0 2 3", b"3 0 2 7"), "its faces name vertices 0 to 7, counted from 0 (allowed: 0 to 3)"),
    ("text ply", (b"3 0 2 3", b"3 0 2.5 3"), "a face names a vertex by a number that is no integer"),
    ("text ply", (b"3 0 2 3", b"4 0 2 3"), "not what its header announces"),
    ("text ply", (b"3 0 2 3", b"3 0 2 3 1"), "not what its header announces (more follows)"),
    ("text ply", (b"3 0 2 3", b"2 0 2"), "a face of 2 corners (allowed: 3 or more)"),
    ("text ply", (b"3 0 1 2", b"1e400 0 1 2"), "not what its header announces"),
    ("text ply", (b"4 0 1 7", b"4 x 1 7"), "not what its header announces"),
    ("text ply", (b"list uchar", b"list uchr"), "line 12: 'property list uchr int vertex_indices' is not understood"),
    ("text ply", (b"element face", b"element strip"), "there is no face in it (needed: vertices with x, y, z"),
    ("text ply", (b"element face", b"element vertex"), "line 11: 'element vertex 2' is not understood"),
    ("ply", (b"element face 2", b"element face 3"), "not what its header announces"),
    ("ply", (b"list uchar", b"list uint"), "not what its header announces"),
    ("glb", (b"glTF\x02", b"glTF\x01"), "not GLB of version 2"),
    ("glb", (b"TEXCOORD_0", b"TEXCOORD_1"), "part 'geometry_0', 2 faces, has no texture coordinates"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "expected"), REFUSED)
def test_what_is_wrong_is_one_line_that_says_where(kind, change, expected):
    assert change[0] in FILES[kind]
    with pytest.raises(UserError) as caught:
        read(kind, FILES[kind].replace(*change))
    assert str(caught.value).startswith(f"faces/a.{kind[-3:]}")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_part_of_a_glb_has_no_corners_in_another():
    tree, data = glb_parts(GLB)
    tree["nodes"], tree["scenes"] = [{"mesh": 0}, {"mesh": 0}], [{"nodes": [0, 1]}]
    tree["scene"] = 0
    assert corners(read("glb", glb_file(tree, data))) == sorted(EXPECTED * 2)
    tree, data, (order,) = arrays(tree, data, (np.array([[0], [1], [5]], np.uint8), 5121, {}))
    tree["meshes"][0]["primitives"][0]["indices"] = order
    with pytest.raises(UserError, match="damaged, or not GLB .*4 vertices, 4 texture coordinates, other references"):
        read("glb", glb_file(tree, data))


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
        ({"accessors": bare, "extensionsUsed": [*draco]}, "packed ('KHR_draco_mesh_compression'), which is not read"),
        ({"extensionsRequired": [*draco]}, "needs the extension 'KHR_draco_mesh_compression', which is not read"),
        ({"nodes": [{"mesh": 7}]}, "damaged, or not GLB (IndexError"),
        ({"nodes": [{"mesh": 0, "children": [0]}]}, "no tree"),
        ({"nodes": [{"mesh": 0, "matrix": [1]}]}, "damaged, or not GLB (ValueError"),
        ({"nodes": [{"mesh": 0, "scale": [1e300] * 3}, *tree["nodes"]]}, "damaged, or not GLB"),
        ({"nodes": [{"mesh": 0, "skin": 0}]}, "is moved by a skeleton or morphed"),
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
        read("glb", glb_file(tree | change, data))
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
        read("glb", glb_file(tree, data + bytes(100_000)))
    tree["meshes"] = [{"primitives": [part | {"material": 0}] * 30}]
    assert len({paint.picture for paint in read("glb", glb_file(tree, data + bytes(100_000))).paints}) == 1


@pytest.mark.parametrize("kind", FILES)
def test_damaged_files_are_read_or_refused_with_one_line(kind, mutations):
    for content in mutations(FILES[kind], count=600, seed=0):
        try:
            mesh = read(kind, content)
        except UserError as error:
            assert re.match(r"faces/a\.[^\n]+$", str(error))  # noqa: PT017
            continue
        assert mesh.faces.min() >= 0
        assert mesh.faces.max() < len(mesh.vertices)
        assert 0 <= mesh.uv_faces.min() <= mesh.uv_faces.max() < len(mesh.uv)
        assert np.isfinite(mesh.vertices).all()
        assert len(mesh.faces) < len(content)


@pytest.mark.parametrize("kind", ["obj", "text ply"])
def test_memory_is_a_few_times_the_file(kind):
    mesh = trimesh.creation.icosphere(subdivisions=5)
    mesh.visual = trimesh.visual.TextureVisuals(uv=(mesh.vertices[:, :2] + 1) / 2)
    content = mesh.export(file_type="obj") if kind == "obj" else mesh.export(file_type="ply", encoding="ascii")
    content = content.encode() if isinstance(content, str) else content
    tracemalloc.start()
    read(kind, content)
    assert tracemalloc.get_traced_memory()[1] < 15 * len(content)
    tracemalloc.stop()
