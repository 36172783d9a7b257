import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from afnetm.data.formats.vrml import VrmlMesh, read_vrml, write_vrml
from afnetm.errors import UserError

HEADER = "#VRML V2.0 utf8\n"
POINTS = "coord Coordinate { point [0 0 0, 1 0 0, 1 1 0, 0 1 0] }"
UV = "texCoord TextureCoordinate { point [0 0, 1 0, 1 1, 0 1] }"
FACE = f"{POINTS} {UV} coordIndex [0 1 2 -1]"


def read(scene: str) -> VrmlMesh:
    return read_vrml((HEADER + scene).encode(), "F0001/face.wrl")


def read_set(fields: str) -> VrmlMesh:
    return read(f"Shape {{ geometry IndexedFaceSet {{\n{fields}\n}} }}")


def sphere(points: int = 200) -> VrmlMesh:
    rng = np.random.default_rng(0)
    faces = np.array([rng.permutation(points)[:3] for _ in range(300)], np.int32)
    vertices = rng.normal(0, 50, (points, 3)).astype(np.float32)
    uv = rng.uniform(size=(points + 7, 2)).astype(np.float32)
    return VrmlMesh(vertices, faces, uv, faces + 7, ("F0001.bmp", 'with "quotes" and \\ ü.png'))


def test_what_is_written_is_read_back_bit_by_bit() -> None:
    mesh = sphere()
    back = read_vrml(write_vrml(mesh), "x")
    for name in ("vertices", "faces", "uv", "uv_faces"):
        written, found = getattr(mesh, name), getattr(back, name)
        assert found.dtype == written.dtype
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, written)
    assert back.textures == mesh.textures


def test_any_float32_comes_back() -> None:
    every = np.random.default_rng(1).integers(0, 2**32, 60_000, dtype=np.uint32).view(np.float32)
    extremes = np.array([np.finfo(np.float32).max, np.finfo(np.float32).tiny, 1e-45, -0.0], np.float32)
    values = np.concatenate([extremes, every[np.isfinite(every)]])
    vertices = values[: len(values) // 3 * 3].reshape(-1, 3)
    corner = np.array([[0, 1, 2]], np.int32)
    back = read_vrml(write_vrml(VrmlMesh(vertices, corner, np.zeros((3, 2), np.float32), corner, ())), "x")
    np.testing.assert_array_equal(back.vertices.view(np.uint32), vertices.view(np.uint32))


def test_the_layout_is_that_of_the_data_set() -> None:
    text = write_vrml(sphere()).decode()
    assert text.startswith("#VRML V2.0 utf8\n")
    for field in ("point", "coordIndex", "texCoordIndex"):
        rows = text.split(f"{field} [")[1].split("]")[0].strip().split("\n")
        assert all(row.endswith(",") for row in rows[:-1])
        assert not rows[-1].endswith(",")


def test_polygons_become_fans_corner_by_corner_with_their_texture() -> None:
    mesh = read_set(f"{POINTS} {UV} coordIndex [0 1 2 -1, 0 1 2 3 -1] texCoordIndex [3 2 1 -1 3 2 1 0 -1]")
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 1, 2], [0, 2, 3]])
    np.testing.assert_array_equal(mesh.uv_faces, [[3, 2, 1], [3, 2, 1], [3, 1, 0]])


def test_a_large_convex_polygon_is_covered_once() -> None:
    angles = np.arange(50) * 2 * np.pi / 50
    points: NDArray[np.float64] = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    index = " ".join(map(str, range(50)))
    rows = ",".join(f"{x:.9f} {y:.9f} 0" for x, y, _ in points)
    uv = ",".join(f"{x:.9f} {y:.9f}" for x, y, _ in points)
    mesh = read_set(
        f"coord Coordinate {{ point [{rows}] }} texCoord TextureCoordinate {{ point [{uv}] }} coordIndex [{index}]"
    )
    a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2)
    areas = np.cross(b - a, c - a)[:, 2] / 2
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(50 / 2 * np.sin(2 * np.pi / 50), rel=1e-5)


@pytest.mark.parametrize("index", ["", "texCoordIndex []", "texCoordIndex [ , ]"])
def test_without_a_texture_index_that_of_the_coordinates_serves(index: str) -> None:
    mesh = read_set(f"{FACE} {index}")
    np.testing.assert_array_equal(mesh.uv_faces, [[0, 1, 2]])


def test_the_last_polygon_needs_no_end() -> None:
    mesh = read_set(f"{POINTS} {UV} coordIndex [0 1 2 -1 1 2 3] texCoordIndex [0 1 2 -1 1 2 3 -1]")
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [1, 2, 3]])


@pytest.mark.parametrize("pixels", [1, 1020, 1021, 1022, 5000])
def test_a_picture_among_the_fields_is_walked_over_whatever_its_length(pixels: int) -> None:
    picture = f"PixelTexture {{ image {pixels} 1 4 {'0xFF12AB00 ' * pixels} repeatS FALSE }}"
    mesh = read(f"Shape {{ appearance Appearance {{ texture {picture} }} geometry IndexedFaceSet {{ {FACE} }} }}")
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2]])


def test_clockwise_faces_are_turned() -> None:
    mesh = read_set(f"ccw FALSE {FACE} texCoordIndex [1 2 3]")
    np.testing.assert_array_equal(mesh.faces, [[2, 1, 0]])
    np.testing.assert_array_equal(mesh.uv_faces, [[3, 2, 1]])


def test_a_texture_repeats_unless_it_is_told_not_to() -> None:
    def wrap(fields: str) -> tuple[str, str]:
        appearance = f"appearance Appearance {{ texture ImageTexture {{ {fields} }} }}"
        return read(f"Shape {{ {appearance} geometry IndexedFaceSet {{ {FACE} }} }}").wrap

    assert wrap('url "a.png"') == wrap("repeatS TRUE") == ("repeat", "repeat")
    assert wrap("repeatS FALSE") == ("clamp", "repeat")
    assert wrap("repeatT FALSE repeatS FALSE") == ("clamp", "clamp")


def test_spacing_comments_and_line_ends_are_free() -> None:
    mesh = read_vrml(
        b'#VRML V2.0 utf8 by hand\r# { [ " none of this counts\r\nDEF it Shape{geometry DEF\tx IndexedFaceSet{'
        b"coord Coordinate{point[,,0 0 0#row\r1,0,0\n 1.,+1E0 .0e-3]}texCoordIndex[0x0,0X2 1]"
        b"solid FALSE creaseAngle 1.5 texCoord TextureCoordinate{point[0 0 1e0 0 1 1,]}coordIndex[000 1 +2]}}",
        "x",
    )
    np.testing.assert_array_equal(mesh.vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2]])
    np.testing.assert_array_equal(mesh.uv_faces, [[0, 2, 1]])


def test_other_nodes_are_passed_over() -> None:
    mesh = read(
        """WorldInfo { title "a } ] # \\" title" info ["{" "["] }
        NavigationInfo { type [ "EXAMINE", "ANY" ] headlight TRUE avatarSize [0.25, 1.6 0.75] }
        DEF view Viewpoint { position 0 0 10 orientation 0 0 1 0.5 description "front" }
        Transform { translation 0 0 0 rotation 0 1 0 0 scale 1 1 1 center 5 5 5 children [
          Group { children Shape {
            appearance Appearance { material DEF m Material { diffuseColor 1 1 1 shininess 0.2 }
              texture ImageTexture { repeatS FALSE url "a.bmp" } textureTransform TextureTransform { rotation 0 } }
            geometry IndexedFaceSet {
              color Color { color [1 0 0, 0 1 0] } colorIndex [0 -1] colorPerVertex FALSE
              normal Normal { vector [0 0 1, 0 0 1] } normalIndex [] """
        + FACE
        + """ } } }
          DirectionalLight { direction 0 0 -1 } Shape { appearance Appearance { material USE m } geometry Box {} } ] }
        ROUTE view.isBound TO view.set_bind
        Shape { appearance Appearance { texture ImageTexture { url ["b.png", "http://localhost/c.png"] } } }"""
    )
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2]])
    assert mesh.textures == ("a.bmp", "b.png", "http://localhost/c.png")


COLOURS = "color Color { color [1 0 0, 0 1 0, 0 0 1, .2 .4 .6] }"


def test_colours_of_vertices_are_read_where_there_are_no_texture_coordinates() -> None:
    mesh = read_set(f"{POINTS} {COLOURS} colorIndex [] coordIndex [0 1 2 -1 0 2 3 -1]")
    assert mesh.colours is not None
    np.testing.assert_array_equal(mesh.colours, np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.4, 0.6]]))
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])
    assert read_set(f"{FACE} {COLOURS}").colours is None
    for change, expected in (
        ("colorPerVertex FALSE", "4 colours, 4 vertices (allowed: one each, in their order)"),
        ("colorIndex [0 1 2 -1]", "4 colours, 4 vertices (allowed: one each, in their order)"),
    ):
        with pytest.raises(UserError, match=re.escape(expected)):
            read_set(f"{POINTS} {COLOURS} {change} coordIndex [0 1 2 -1]")
    for old, new, expected in (
        (", .2 .4 .6", "", "3 colours, 4 vertices (allowed: one each"),
        (".2", "20", "a colour is out of range (allowed: 0 to 1)"),
    ):
        with pytest.raises(UserError, match=re.escape(expected)):
            read_set(f"{POINTS} {COLOURS.replace(old, new)} coordIndex [0 1 2 -1]")


def test_damaged_colours_are_read_or_refused_with_one_line(mutations: Callable[..., Iterator[bytes]]) -> None:
    scene = f"{HEADER}Shape {{ geometry IndexedFaceSet {{ {POINTS} {COLOURS} coordIndex [0 1 2 -1 0 2 3 -1] }} }}"
    for content in mutations(scene.encode(), count=300, seed=0):
        try:
            mesh = read_vrml(content, "F0001/face.wrl")
        except UserError as error:
            assert re.match(r"F0001/face\.wrl[^\n]+$", str(error))  # noqa: PT017
            continue
        assert mesh.colours is not None
        assert mesh.colours.shape == mesh.vertices.shape
        assert mesh.faces.max() < len(mesh.vertices)


SET = f"Shape {{ geometry IndexedFaceSet {{ {FACE} }} }}"


@pytest.mark.parametrize(
    ("scene", "wanted"),
    [
        ("", ": no IndexedFaceSet"),
        ("Shape { geometry Box { size 1 1 1 } }", ": no IndexedFaceSet"),
        (f"{SET}\n{SET}", ", line 3: a second IndexedFaceSet"),
        (f"\nTransform {{ children {SET} \n scale 1 1 2 }}", ", line 4: a Transform with a scale"),
        (f"Transform {{ rotation 0 1 0 1e-3 children {SET} }}", ", line 2: a Transform with a rotation"),
        (f"Transform {{ translation 0 0 0 0 0 0 children {SET} }}", ", line 2: a Transform with a translation"),
        (
            "Shape { appearance Appearance { textureTransform TextureTransform { scale 2 2 } } }",
            "TextureTransform with a",
        ),
        (f"Switch {{ choice [ {SET} ] }}", ", line 2: an IndexedFaceSet in a Switch"),
        (f"LOD {{ level {SET} }}", ", line 2: an IndexedFaceSet in a LOD"),
        ("Shape { geometry USE x }", ", line 2: USE of geometry"),
        ("Group { children [ USE x ] }", ", line 2: USE of geometry"),
        ("USE x", ", line 2: USE of geometry"),
        ("Shape { geometry IndexedFaceSet { coord USE x } }", ", line 2: USE of geometry"),
        ("PROTO x [ ] { Box {} }", ", line 2: PROTO"),
        ('EXTERNPROTO x [ ] "y.wrl"', ", line 2: EXTERNPROTO"),
        ('Inline { url "y.wrl" }', ", line 2: Inline"),
        ('Group { children [\n Script { url "javascript:" } ] }', ", line 3: Script"),
        ("Shape {\n", ", line 3: the end of the file in place of a field of Shape"),
        ("Shape { geometry }", ", line 2: '}' in place of a node, number or string"),
        ("Shape { geometry\n", ", line 3: the end of the file in place of a node, number or string"),
        ("Shape }", ", line 2: 'Shape' is not a node, number or string"),
        ("}", ", line 2: '}' in place of a node"),
        ('\n"', ", line 3: a string is not terminated"),
        ('WorldInfo { title "\\" }', ", line 2: a string is not terminated"),
    ],
)
def test_scenes_that_are_not_one_surface_as_it_stands_are_refused(scene: str, wanted: str) -> None:
    with pytest.raises(UserError) as error:
        read_vrml((HEADER + scene).encode(errors="surrogatepass"), "F0001/face.wrl")
    assert str(error.value).startswith("F0001/face.wrl")
    assert wanted in str(error.value)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (f"{UV} coordIndex [0 1 2]", "line 2: an incomplete IndexedFaceSet (missing: Coordinate.point)"),
        (f"{POINTS} coordIndex [0 1 2]", "line 2: an incomplete IndexedFaceSet (missing: TextureCoordinate.point)"),
        (f"{POINTS} {UV}", "line 2: an incomplete IndexedFaceSet (missing: IndexedFaceSet.coordIndex)"),
        (f"{FACE} coordIndex [0 1 2]", "line 3: a second coordIndex of the IndexedFaceSet"),
        (f"{POINTS} {UV} coordIndex []", "line 3: coordIndex is empty"),
        (f"{POINTS} {UV} coordIndex [0 1 2 -1\n0 1 -1]", "line 4: '0' in coordIndex begins a polygon of 2 corners"),
        (f"{POINTS} {UV} coordIndex [0 1 2 -1 -1]", "line 3: '-1' in coordIndex begins a polygon of 0 corners"),
        (f"{POINTS} {UV} coordIndex [0 1\n4]", "line 4: '4' in coordIndex is out of range (allowed: 0 to 3)"),
        (f"{POINTS} {UV} coordIndex [0 1 -2]", "line 3: '-2' in coordIndex is out of range"),
        (f"{POINTS} {UV} coordIndex [0 1 4294967296]", "line 3: '4294967296' in coordIndex is out of range"),
        (
            f"{POINTS} {UV} coordIndex [0 1 18446744073709551615]",
            "'18446744073709551615' in coordIndex is out of range",
        ),
        (f"{POINTS} {UV} coordIndex [0 1 0x100000000]", "line 3: '0x100000000' in coordIndex is out of range"),
        (f"{POINTS} {UV} coordIndex [0 1 2.0]", "line 3: '2.0' in coordIndex is not an integer"),
        (f"{POINTS} {UV} coordIndex [0 1 2-1]", "line 3: '2-1' in coordIndex is not an integer"),
        (f"{POINTS} {UV} coordIndex [0 1 1_0]", "line 3: '1_0' in place of a number of coordIndex"),
        (f"{POINTS} {UV} coordIndex [0 1 ٣]", "in place of a number of coordIndex"),
        (f'{POINTS} {UV} coordIndex "0 1 2"', "in coordIndex is not an integer"),
        (f"{FACE} texCoordIndex [0 1 4]", "line 3: '4' in texCoordIndex is out of range"),
        (
            f"{FACE} texCoordIndex [0 1 2 3]",
            "line 3: '0' in texCoordIndex begins a polygon of 4 corners (allowed: as many as in coordIndex)",
        ),
        (f"{FACE} texCoordIndex [0 1 2 -1 0 1 2]", "line 3: texCoordIndex has 2 polygons (allowed: 1)"),
        (f"convex FALSE {POINTS} {UV} coordIndex [0 1 2 3]", "polygon of 4 corners (allowed with convex FALSE: 3)"),
        (f"ccw 1 {FACE}", "line 3: '1' in ccw (allowed: TRUE, FALSE)"),
        (
            "coord Coordinate { point [0 0 0\n1 0] } coordIndex [0] " + UV,
            "line 3: point has 5 numbers (allowed: multiples",
        ),
        ("coord Coordinate { point [0 0 0\n1 nan 0] }", "line 4: 'nan' in place of a number of point"),
        ("coord Coordinate { point [nan 0 0] }", "line 3: 'nan' is not a node, number or string"),
        ("coord Coordinate { point [0 0 inf] }", "line 3: 'inf' in place of a number of point"),
        (
            f"coord Coordinate {{ point [0 0 0\n0\n1e39 0] }} {UV} coordIndex [0]",
            "line 5: '1e39' in point is too large",
        ),
        (f"coord Coordinate {{ point [0 0 -1e999] }} {UV} coordIndex [0]", "line 3: '-1e999' in point is too large"),
        (f"coord Coordinate {{ point [0 0 0x1] }} {UV} coordIndex [0]", "line 3: '0x1' in point is not a number"),
        (f"coord Coordinate {{ point [0 1.2.3 0] }} {UV} coordIndex [0]", "line 3: '1.2.3' in point is not a number"),
        (f"coord Coordinate {{ point [0 1-2] }} {UV} coordIndex [0]", "line 3: '1-2' in point is not a number"),
        (f"coord Coordinate {{ point [0 0 1e] }} {UV} coordIndex [0]", "line 3: '1e' in point is not a number"),
        (f"coord Coordinate {{ point [0 0 .] }} {UV} coordIndex [0]", "line 3: '.' in point is not a number"),
        (
            f"coord Coordinate {{ point 0 0 }} {UV} coordIndex [0]",
            "line 3: point has 2 numbers (allowed: multiples of 3)",
        ),
        (f"coord Coordinate {{ point\n\n0 0 }} {UV} coordIndex [0]", "line 5: point has 2 numbers"),
        ("coord Coordinate { point [0 0 0", "line 4: '}' in place of a number of point"),
        ("coord Coordinate { point [0 0 0 [", "line 3: '[' in place of a number of point"),
    ],
)
def test_damaged_surfaces_are_refused_with_their_line(fields: str, wanted: str) -> None:
    with pytest.raises(UserError) as error:
        read_set(fields)
    assert str(error.value).startswith("F0001/face.wrl, line ")
    assert wanted in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_are_counted_by_any_line_end(end: str) -> None:
    text = f"{HEADER}\n# x\n\nShape {{\n geometry IndexedFaceSet {{\n  ccw NULL {FACE}".replace("\n", end) + "}}"
    with pytest.raises(UserError, match="line 7: 'NULL' in ccw"):
        read_vrml(text.encode(), "x")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"#VRML V1.0 ascii\n", b"#VRML V2.0 utf81\n", b" #VRML V2.0 utf8\n"),
        *(("#VRML V2.0 utf8\n" + SET).encode("utf-32"), b"\x1f\x8b\x08\x00", b"BM\0\0", b"\0" * 100),
    ],
)
def test_other_files_are_refused_by_their_beginning(content: bytes) -> None:
    with pytest.raises(UserError, match=r"^x, line 1: begins with '.*' \(allowed: '#VRML V2.0 utf8'\)$") as error:
        read_vrml(content, "x")
    assert str(error.value).isascii()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_of_the_byte_order_is_no_matter(encoding: str) -> None:
    assert len(read_vrml((HEADER + SET).encode(encoding), "x").faces) == 1


def test_a_picture_s_name_may_be_of_windows_code_page() -> None:
    scene = f'{HEADER}Appearance {{ texture ImageTexture {{ url "Ü.png" }} }} {SET}'
    for encoding in ("utf-8", "cp1252"):
        assert read_vrml(scene.encode(encoding), "x").textures == ("Ü.png",)


def test_a_triangle_that_covers_nothing_stays_as_it_is() -> None:
    shape = f"Shape {{ geometry IndexedFaceSet {{ {POINTS} {UV} coordIndex [0 1 2 -1 3 1 3 -1] }} }}"
    mesh = read_vrml(f"#VRML V2.0 utf8\n{shape}".encode(), "x")
    assert mesh.faces.tolist() == [[0, 1, 2], [3, 1, 3]]
