"""PLY files, text and binary: read as they are meant, or refused with one line."""

import struct

import numpy as np
import pytest
import trimesh

from afnetm.data.formats.ply import read_ply
from afnetm.data.formats.surface import Surface
from tests.afnetm.data.formats.quads import (
    EXPECTED,
    FACES,
    UV,
    VERTICES,
    check_damaged,
    check_memory,
    check_quad,
    check_refused,
    corners,
    quad,
)

TEXT = b"""ply
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
BINARY = quad().export(file_type="ply")


def read(content: bytes) -> Surface:
    return read_ply(content, "faces/a.ply")


@pytest.mark.parametrize("content", [TEXT, BINARY], ids=["text", "binary"])
def test_a_quad_is_read_with_its_picture_the_right_way_up(content):
    check_quad(read(content))


def test_what_names_the_picture():
    assert [paint.picture for paint in read(TEXT).paints] == ["quad 1.png"]


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
KINDS = {"uchar": "B", "ushort": "H", "int": "i", "uint": "I", "float": "f", "double": "d"}


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
    found = read(write_ply(PLIES[what], encoding))
    assert corners(found) == expected
    assert [paint.picture for paint in found.paints] == ["a.png"]


TINTS = np.array([[0, 51, 255], [255, 0, 102], [1, 2, 3], [204, 153, 0]])


@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize(
    ("kind", "most", "names"),
    [
        ("uchar", 255, ("red", "green", "blue", "alpha")),
        ("ushort", 65535, ("red", "green", "blue")),
        ("float", 1, ("red", "green", "blue")),
        ("double", 255, ("diffuse_red", "diffuse_green", "diffuse_blue")),
    ],
)
def test_a_ply_without_texture_may_have_colours(kind, most, names, encoding):
    rows = np.hstack([TINTS, np.full((4, 1), 255)])[:, : len(names)] * (most / 255)
    colours = np.rint(rows).astype(int).tolist() if kind[0] == "u" else rows.tolist()
    vertex = (
        [*BARE[0], *(f"{kind} {name}" for name in names)],
        [[*p, *c] for p, c in zip(BARE[1], colours, strict=True)],
    )
    found = read(write_ply([("vertex", vertex), ("face", TRIANGLES)], encoding))
    assert not found.textured
    np.testing.assert_array_equal(found.colours, TINTS)
    np.testing.assert_array_equal(found.vertices[found.faces], VERTICES[FACES])


def quad_with_colours():
    colours = np.hstack([TINTS, np.full((4, 1), 255)])
    return trimesh.Trimesh(VERTICES, FACES, process=False, vertex_colors=colours).export(file_type="ply")


def test_what_open3d_and_cloudcompare_and_meshlab_write_beside_colours_is_passed_over():
    np.testing.assert_array_equal(read(quad_with_colours()).colours, TINTS)
    more = ["double nx", "double ny", "double nz", "uchar red", "uchar green", "uchar blue", "float scalar_Intensity",
            "int flags", "float quality"]  # fmt: skip
    rows = [[*p, 0.0, 0.0, 1.0, *c, 0.5, 0, 1.5] for p, c in zip(BARE[1], TINTS.tolist(), strict=True)]
    content = write_ply([("vertex", ([*BARE[0], *more], rows)), ("face", TRIANGLES)], "binary_little_endian")
    content = content.replace(b"element vertex", b"comment VCGLIB generated\nobj_info Generated by X!\nelement vertex")
    np.testing.assert_array_equal(read(content).colours, TINTS)


def test_a_colour_out_of_range_is_refused():
    vertex = ([*BARE[0], "float red", "float green", "float blue"], [[*p, 300.0, 0.0, 0.0] for p in BARE[1]])
    content = write_ply([("vertex", vertex), ("face", TRIANGLES)], "ascii")
    check_refused(read, content, "a vertex's colour is out of range (allowed: 0 to 1 or 0 to 255)")


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian"])
def test_a_ply_may_have_other_line_ends(encoding, end):
    assert corners(read(write_ply(PLIES["mixed"], encoding, end))) == sorted(EXPECTED * 2)


def test_a_ply_s_faces_name_their_picture_by_number():
    (vertex, (_, (properties, rows))) = PLIES["corners"]
    content = write_ply([vertex, ("face", (properties, [[*row[:-1], at] for at, row in enumerate(rows)]))], "ascii")
    two = content.replace(b"element vertex", b"comment TextureFile b.png\nelement vertex")
    paints = [(paint.faces, paint.picture) for paint in read(two).paints]
    assert paints == [("texnumber 0", "a.png"), ("texnumber 1", "b.png")]
    assert read(two).painted.tolist() == [0, 1]
    assert [paint.picture for paint in read(content).paints] == ["a.png", None]


@pytest.mark.parametrize(
    ("content", "change", "expected"),
    [
    (TEXT, (b"element vertex 4", b"element vertex 4000000000"), "not what its header announces"),
    (TEXT, (b"element face 2", b"element face 4000000000"), "not what its header announces"),
    (TEXT, (b"property float u\n", b"property float r\n"), "no texture coordinates (known: s/t, u/v, "),
    (TEXT, (b"property float v\n", b"property float w\n"), "or a face's 'texcoord') and no colours"),
    (TEXT, (b"3 0 2 3", b"3 0 2 -3"), "its faces refer to vertices -3 to 2, counted from 0 (allowed: 0 to 3)"),
    (TEXT, (b"3 0 2 3", b"3 0 2 7"), "its faces refer to vertices 0 to 7, counted from 0 (allowed: 0 to 3)"),
    (TEXT, (b"3 0 2 3", b"3 0 2.5 3"), "a face refers to a vertex by a number that is not an integer"),
    (TEXT, (b"3 0 2 3", b"4 0 2 3"), "not what its header announces"),
    (TEXT, (b"3 0 2 3", b"3 0 2 3 1"), "not what its header announces (more follows)"),
    (TEXT, (b"3 0 2 3", b"2 0 2"), "a face of 2 corners (allowed: 3 or more)"),
    (TEXT, (b"3 0 1 2", b"1e400 0 1 2"), "not what its header announces"),
    (TEXT, (b"4 0 1 7", b"4 x 1 7"), "not what its header announces"),
    (TEXT, (b"list uchar", b"list uchr"), "line 12: 'property list uchr int vertex_indices' is not understood"),
    (TEXT, (b"element face", b"element strip"), "it contains no faces (needed: vertices with x, y, z"),
    (TEXT, (b"element face", b"element vertex"), "line 11: 'element vertex 2' is not understood"),
    (BINARY, (b"element face 2", b"element face 3"), "not what its header announces"),
    (BINARY, (b"list uchar", b"list uint"), "not what its header announces"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_that_says_where(content, change, expected):
    assert change[0] in content
    check_refused(read, content.replace(*change), expected)


DAMAGED = {
    "text": TEXT,
    "binary": BINARY,
    "corners": write_ply(PLIES["corners"], "binary_big_endian"),
    "colours": quad_with_colours(),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_read_or_refused_with_one_line(content, mutations):
    check_damaged(read, mutations(content, count=400, seed=0))


def test_memory_is_a_few_times_the_file():
    check_memory(read, lambda mesh: mesh.export(file_type="ply", encoding="ascii"))
