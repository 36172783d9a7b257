"""VRML in any legal layout, and damaged in thousands of ways, against a reader that is slow and plain."""

import os
import random
import re
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afnetm.data.formats.vrml import VrmlMesh, read_vrml, write_vrml
from afnetm.errors import UserError

CASES = int(os.environ.get("FUZZ_CASES", "4000"))
#: Seconds; generous, since machines are busy. What grows with the square of the size takes hours.
LIMIT = 20.0
MEGABYTES = 2.5


class Plain:
    """One character at a time, one number at a time: the mesh of a file that is known to be legal."""

    def __init__(self, content: bytes) -> None:
        self.found: dict[str, list[str]] = {}
        tokens, stack = list(self.tokens(content.decode("latin-1"))), [""]
        for i, token in enumerate(tokens):
            if token == "{":
                stack.append(tokens[i - 1])
            elif token == "}":
                stack.pop()
            elif token in ("point", "coordIndex", "texCoordIndex", "ccw") and "IndexedFaceSet" in stack:
                self.found[f"{stack[-1]} {token}"] = list(self.words(tokens[i + 1 :]))

    @staticmethod
    def tokens(text: str) -> Iterator[str]:
        i = 0
        while i < len(text):
            start = i
            if text[i] == "#":
                while i < len(text) and text[i] not in "\r\n":
                    i += 1
            elif text[i] in " \t\r\n,":
                i += 1
            elif text[i] in "{}[]":
                i += 1
                yield text[start]
            elif text[i] == '"':
                i += 1
                while text[i] != '"':
                    i += 2 if text[i] == "\\" else 1
                i += 1
                yield text[start:i]
            else:
                while i < len(text) and text[i] not in ' \t\r\n,{}[]"#':
                    i += 1
                yield text[start:i]

    @staticmethod
    def words(tokens: list[str]) -> Iterator[str]:
        listed = tokens[0] == "["
        for token in tokens[listed:]:
            if token in "]}" or not (listed or token[0] in "+-.0123456789" or token in ("TRUE", "FALSE")):
                return
            yield token

    def vectors(self, key: str, width: int) -> list[list[np.float32]]:
        values = [np.float32(float(word)) for word in self.found[key]]
        return [values[i : i + width] for i in range(0, len(values), width)]

    def triangles(self, key: str) -> list[tuple[int, int, int]]:
        found, polygon = [], list[int]()
        for word in [*self.found[key], "-1"]:
            value = int(word, 16) if "x" in word.lower() else int(word)
            if value != -1:
                polygon.append(value)
                continue
            found += [(polygon[0], b, c) for b, c in pairwise(polygon[1:])]
            polygon = []
        if self.found.get("IndexedFaceSet ccw") == ["FALSE"]:
            found = [(c, b, a) for a, b, c in found]
        return found


def agree(mesh: VrmlMesh, content: bytes) -> None:
    """The mesh is what the plain reader reads, and can be used as it is."""
    plain = Plain(content)
    index = (
        "IndexedFaceSet texCoordIndex"
        if plain.found.get("IndexedFaceSet texCoordIndex")
        else "IndexedFaceSet coordIndex"
    )
    np.testing.assert_array_equal(mesh.vertices, plain.vectors("Coordinate point", 3))
    np.testing.assert_array_equal(mesh.uv, plain.vectors("TextureCoordinate point", 2))
    np.testing.assert_array_equal(mesh.faces, plain.triangles("IndexedFaceSet coordIndex"))
    np.testing.assert_array_equal(mesh.uv_faces, plain.triangles(index))
    assert mesh.faces.shape == mesh.uv_faces.shape
    assert (len(mesh.faces), mesh.faces.shape[1]) == (len(mesh.faces), 3)
    for corners, points in ((mesh.faces, mesh.vertices), (mesh.uv_faces, mesh.uv)):
        assert np.isfinite(points).all()
        assert corners.min() >= 0
        assert corners.max() < len(points)


class Layout:
    """A random mesh in a random legal layout."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        count = rng.randint(3, 12)
        sizes = [rng.choice((3, 3, 3, 4, min(count, 7))) for _ in range(rng.randint(1, 6))]
        self.vertices = [[self.value() for _ in range(3)] for _ in range(count)]
        self.uv = [[self.value() for _ in range(2)] for _ in range(rng.randint(count, 15))]
        self.polygons = [rng.sample(range(count), min(size, count)) for size in sizes]
        self.uv_polygons = [[rng.randrange(len(self.uv)) for _ in polygon] for polygon in self.polygons]
        self.own_index, self.ccw = rng.random() < 0.7, rng.random() < 0.8

    def value(self) -> float:
        return float(
            np.float32(self.rng.choice((self.rng.uniform(-99, 99), self.rng.uniform(-1e-4, 1e-4), 0.0, 1e30, -3.0)))
        )

    def content(self) -> bytes:
        rng = self.rng
        fields = [
            ("coord", self.node("Coordinate", "point", [self.number(x) for row in self.vertices for x in row])),
            ("texCoord", self.node("TextureCoordinate", "point", [self.number(x) for row in self.uv for x in row])),
            ("coordIndex", self.index(self.polygons)),
            *([("texCoordIndex", self.index(self.uv_polygons))] if self.own_index else []),
            *([("ccw", "TRUE" if self.ccw else "FALSE")] if not self.ccw or rng.random() < 0.3 else []),
            *rng.sample(
                [
                    *(
                        ("solid", "FALSE"),
                        ("creaseAngle", "1.5e0"),
                        ("normal", self.node("Normal", "vector", ["1"] * 9)),
                    ),
                    *(
                        ("color", self.node("Color", "color", [".5", "1", "0"])),
                        ("colorIndex", self.array(["0", "-1"])),
                    ),
                    ("convex", "TRUE"),
                ],
                rng.randint(0, 4),
            ),
        ]
        rng.shuffle(fields)
        body = self.space().join(
            f"{name}{self.gap() if value[0] == '[' else self.space()}{value}" for name, value in fields
        )
        shape = (
            f"Shape{{geometry{self.space()}{self.named()}IndexedFaceSet{self.gap()}{{{self.gap()}{body}{self.gap()}}}}}"
        )
        for _ in range(rng.randint(0, 3)):
            children = rng.choice((shape, f"[{shape}]", f"[Viewpoint{{position 0 0 9}}{self.gap()}{shape} ]"))
            shape = f"{self.named()}{rng.choice(('Group', 'Transform'))}{self.gap()}{{children {children}}}"
        extra = rng.choice(("", 'WorldInfo { info ["# } \\" ]", "{"] } ', "ROUTE a.b TO c.d "))
        return (
            f"#VRML V2.0 utf8{rng.choice(('', ' made by hand # {'))}\n{self.gap()}{extra}{shape}{self.gap()}".encode()
        )

    def space(self) -> str:
        spaces = (" ", "\t", "\n", "\r\n", "\r", ", ", ",", "  ,, ", ' # [ } " 1 2 3 -1\n', "#\r", "\n\n#x\r\n,\t")
        return self.rng.choice(spaces)

    def gap(self) -> str:
        return self.rng.choice(("", " ", self.space()))

    def named(self) -> str:
        return self.rng.choice(("", f"DEF{self.space()}a-b.c{self.space()}"))

    def number(self, value: float) -> str:
        exact = self.rng.choice(
            (f"{value:.9g}", f"{value!r}", f"{value:.10e}", f"{value:.12E}", f"{value:f}".rstrip("0"))
        )
        text = exact if np.float32(float(exact)) == np.float32(value) else f"{value:.9g}"
        if self.rng.random() < 0.3:
            text = text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) and text[-2:] != "0." else text
        return self.rng.choice(("", "", "+")) + text if value >= 0 and text[0] != "-" else text

    def index(self, polygons: list[list[int]]) -> str:
        words = [self.integer(corner) for polygon in polygons for corner in (*polygon, -1)]
        return self.array(words[: -1 if self.rng.random() < 0.3 else None])

    def integer(self, value: int) -> str:
        return (
            "-1" if value < 0 else self.rng.choice((str(value), str(value), f"+{value}", f"0{value}", f"0x{value:X}"))
        )

    def node(self, kind: str, field: str, words: list[str]) -> str:
        return f"{self.named()}{kind}{self.gap()}{{{self.gap()}{field}{self.gap()}{self.array(words)}{self.gap()}}}"

    def array(self, words: list[str]) -> str:
        return "[" + self.gap() + "".join(word + self.space() for word in words) + "]"


def fans(polygons: list[list[int]], ccw: bool) -> list[list[int]]:
    found = [[polygon[0], *polygon[i : i + 2]] for polygon in polygons for i in range(1, len(polygon) - 1)]
    return found if ccw else [face[::-1] for face in found]


@settings(max_examples=500, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_legal_layout_is_read_as_what_was_meant(seed: int) -> None:
    layout = Layout(random.Random(seed))
    content = layout.content()
    mesh = read_vrml(content, "x")
    np.testing.assert_array_equal(mesh.vertices, np.array(layout.vertices, np.float32))
    np.testing.assert_array_equal(mesh.uv, np.array(layout.uv, np.float32))
    np.testing.assert_array_equal(mesh.faces, fans(layout.polygons, layout.ccw))
    np.testing.assert_array_equal(
        mesh.uv_faces, fans(layout.uv_polygons if layout.own_index else layout.polygons, layout.ccw)
    )
    agree(mesh, content)


SQUARE = (
    "Shape { geometry IndexedFaceSet { coord Coordinate { point [0 0 0 1 0 0 0 1 0] }"
    " texCoord TextureCoordinate { point [0 0 1 0 0 1] } coordIndex ["
)
FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@settings(max_examples=300, deadline=None)
@given(
    before=st.sampled_from((0, 2000)),  # rows; many are read in another way than few
    tokens=st.lists(
        st.text("0123456789+-.eE", min_size=1, max_size=6) | st.from_regex(FLOAT, fullmatch=True),
        min_size=1,
        max_size=5,
    ),
)
def test_a_number_is_what_the_standard_calls_one_and_nothing_else(before: int, tokens: list[str]) -> None:
    content = f"#VRML V2.0 utf8\n{SQUARE}0 1 2] }} }}".replace(
        "1 0]", f"1 0{' 0 0 0' * before}\n{','.join(tokens)}\n]", 1
    ).encode()
    illegal = [token for token in tokens if not FLOAT.fullmatch(token)]
    infinite = [token for token in tokens if not illegal and abs(float(token)) > 3.4028235e38]
    try:
        found, refused = read_vrml(content, "x").vertices.ravel()[9 + 3 * before :].tolist(), ""
    except UserError as error:
        found, refused = [], str(error)
    if illegal or infinite:
        wrong = (illegal or infinite)[0]
        shown = wrong if len(wrong) <= 40 else wrong[:40] + "'..."
        assert refused.startswith(f"x, line 3: '{shown}")
    elif len(tokens) % 3:
        assert "numbers (allowed: multiples of 3)" in refused
    else:
        assert found == [float(np.float32(float(token))) for token in tokens]


INSERTED = (
    *(
        b"nan",
        b"inf",
        b"1e999",
        b"-1",
        b"-1 -1",
        b"99999999999",
        b"9" * 5000,
        b"0x",
        b"1_0",
        b"\xd9\xa3",
        b"+",
        b"-",
        b".",
    ),
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"#",
        b'"',
        b"\\",
        b"\0",
        b"\xff",
        b"\n",
        b" ",
        b"e",
        b"USE x",
        b"DEF",
        b"PROTO x [] {}",
    ),
    *(
        b"Transform { ",
        b"ccw FALSE",
        b"coordIndex [0 1 2]",
        b"point",
        b"NULL",
        b"\x0c",
        b"\xc2\xa0",
        b"ROUTE a TO b",
        b"A{}",
    ),
)


def damaged(content: bytes, rng: random.Random) -> bytes:
    a, b = sorted(rng.randrange(len(content)) for _ in range(2))
    c = rng.randrange(b, len(content))
    flipped = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 30))):
        flipped[rng.randrange(16, len(content))] ^= 1 << rng.randrange(8)
    inserted = rng.choice((b"%s", b" %s", b"%s ", b" %s ")) % rng.choice(INSERTED)
    return rng.choice(
        (
            *(content[:a], content[:b] + content[a:], content[:a] + content[b:c] + content[a:b] + content[c:]),
            *(content[:a] + content[min(b, a + length) :] for length in (1, 9, 999)),
            *(content[:b] + inserted + content[b:], content[:b] + inserted + content[b:]),
            *(bytes(flipped), bytes(flipped), content.decode().encode(rng.choice(("utf-16", "utf-8-sig", "cp500")))),
        )
    )


def written(points: int) -> bytes:
    corners = np.arange(points - 2, dtype=np.int32)[:, None] + np.arange(3, dtype=np.int32)
    places = np.random.default_rng(0).normal(0, 50, (points, 3)).astype(np.float32)
    return write_vrml(VrmlMesh(places, corners, places[:, :2], corners[:, ::-1], ("a.bmp",)))


def test_damaged_files_are_read_right_or_refused_in_one_line() -> None:
    rng = random.Random(0)
    read, slowest = 0, 0.0
    few, many = written(points=4), written(points=400)
    for case in range(CASES):
        content = damaged(many if case % 8 == 0 else few if case % 2 == 0 else Layout(rng).content(), rng)
        started = time.perf_counter()
        try:
            mesh = read_vrml(content, "F0001/x.wrl")
        except UserError as error:
            refused, mesh = str(error), None
        slowest = max(slowest, time.perf_counter() - started)
        if mesh:
            read += 1
            agree(mesh, content)
        else:
            assert refused.startswith("F0001/x.wrl")
            assert refused.isprintable()
            assert len(refused) < 300
    assert CASES / 20 < read < CASES * 0.8
    assert slowest < LIMIT / 10


POINT = "Shape { geometry IndexedFaceSet { coord Coordinate { point ["


@pytest.mark.parametrize(
    ("before", "repeated", "after"),
    [
        ("", "[", ""),
        ("", "a{b ", ""),
        ("", "Group { children [", ""),
        ("", "a [1 ", ""),
        ("", "#\n", ""),
        ("", " ", ""),
        ("", "a", ""),
        ("", '"', ""),
        ('A { b "', '\\"', ""),
        ('A { b [ "', '#" "', '"]}'),
        ("A { b ", "0x", ""),
        ("A { b [", "fade ", "]}"),
        ("A { b ", "1 ", ""),
        ("A {", " b[1]", ""),
        ("", "Transform{scale 1 1 1}", ""),
        (POINT, "1", "]}}}"),
        (POINT, "1 ", "nan]}}}"),
        (POINT, "-", "]}}}"),
        (POINT, ".1", "]}}}"),
        (SQUARE, "0 ", "]}}"),
        (SQUARE, "0 1 2 -1\n", "]}}"),
        (SQUARE, "0 1 2 -1\r\n", "7]}}"),
        (SQUARE, "-1 ", "]}}"),
        (SQUARE + "0x", "f", "]}}"),
        (SQUARE, "9", "]}}"),
    ],
)
def test_hostile_files_take_neither_time_nor_memory(before: str, repeated: str, after: str) -> None:
    def content(size: int) -> bytes:
        return ("#VRML V2.0 utf8\n" + before + repeated * (size // len(repeated)) + after).encode()

    def read(made: bytes) -> None:
        with suppress(UserError):
            read_vrml(made, "x")

    large, small = content(int(MEGABYTES * 10**6)), content(500_000)
    started = time.perf_counter()
    read(large)
    assert time.perf_counter() - started < LIMIT
    tracemalloc.start()
    try:
        read(small)
        assert tracemalloc.get_traced_memory()[1] < 15 * len(small)
    finally:
        tracemalloc.stop()
