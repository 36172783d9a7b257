"""OBJ files: read as they are meant, or refused with one line."""

import pytest
import trimesh

from afnetm.data.formats.obj import read_obj
from afnetm.data.formats.surface import Surface
from tests.afnetm.data.formats.quads import (
    EXPECTED,
    VERTICES,
    check_damaged,
    check_memory,
    check_quad,
    check_refused,
    corners,
)

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


def read(content: bytes) -> Surface:
    return read_obj(content, "faces/a.obj").surface


def test_a_quad_is_read_with_its_picture_the_right_way_up():
    check_quad(read(OBJ))


def test_what_names_the_picture():
    obj = read_obj(OBJ, "a.obj")
    assert (obj.libraries, obj.materials) == (("quad.mtl",), ("skin",))


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
    assert corners(read(OBJ.replace(old, new))) == EXPECTED


def test_an_obj_may_be_utf_16():
    assert corners(read(OBJ.decode().encode("utf-16"))) == EXPECTED


@pytest.mark.parametrize("most", [1, 255])
def test_an_obj_without_texture_may_have_colours(most):
    colours = [[0, 51, 255], [255, 0, 102], [1, 2, 3], [204, 153, 0]]
    text = "".join(
        f"v {x:g} {y:g} {z:g} {r * most / 255:.6f} {g * most / 255:.6f} {b * most / 255:.6f}\n"
        for (x, y, z), (r, g, b) in zip(VERTICES.tolist(), colours, strict=True)
    )
    found = read((text + "f 1 2 3 4\n").encode())
    assert not found.textured
    assert found.colours.tolist() == colours
    oracle = trimesh.load(trimesh.util.wrap_as_stream(text + "f 1 2 3\nf 1 3 4\n"), file_type="obj", process=False)
    assert most == 255 or oracle.visual.vertex_colors[:, :3].tolist() == colours
    few = text.replace(" 1.000000\n", "\n").replace(" 255.000000\n", "\n")
    check_refused(read, (few + "f 1 2 3 4\n").encode(), "a face without texture coordinates")


def test_references_back_count_from_where_they_stand():
    points = OBJ[: OBJ.index(b"f ")]
    later = b"f -4/-4 -3/-3 -2/-2 -1/-1\nv 9 9 9\nvt 0 0\nf 1/1 2/2 5/5\n"
    found = corners(read(points + later))
    assert len(found) == 3
    assert set(map(tuple, EXPECTED)) <= set(map(tuple, found))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
    ((b"f 1/1/1", b"f 1"), "line 14: a face without texture coordinates, the first such of 1 among 1 (needed"),
    ((b"4/4/1", b"4//1"), "line 14: a face without texture coordinates"),
    ((b"4/4/1", b"4/5/1"), "its faces refer to texture coordinates 0 to 4, counted from 0 (allowed: 0 to 3)"),
    ((b"4/4/1", b"5/4/1"), "its faces refer to vertices 0 to 4, counted from 0 (allowed: 0 to 3)"),
    ((b"4/4/1", b"-5/4/1"), "line 14: 'f 1/1/1 2/2/1 3/3/1 -5/4/1' is not understood"),
    ((b" 3/3/1 4/4/1", b""), "line 14: 'f 1/1/1 2/2/1' is not understood"),
    ((b"v 0 0 0", b"w 0 0 0"), "line 3: 'w 0 0 0' is not understood"),
    ((b"v 0 0 0", b"v 0 nan 0"), "a coordinate is not a finite number"),
    ((b"v 0 0 0", b"v 0 1e99 0"), "a coordinate is not a finite number"),
    ((b"f 1", b"# 1"), "it contains no faces"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_that_says_where(change, expected):
    assert change[0] in OBJ
    check_refused(read, OBJ.replace(*change), expected)


@pytest.mark.parametrize("content", [OBJ, b"v 0 0 0 .1 .2 .3\nv 4 0 1 .4 1 0\nv 4 3 2 0 0 0\nf 1 2 3\n"])
def test_damaged_files_are_read_or_refused_with_one_line(content, mutations):
    check_damaged(read, mutations(content, count=500, seed=0))


def test_memory_is_a_few_times_the_file():
    check_memory(read, lambda mesh: mesh.export(file_type="obj"))
