"""VRML in any legal layout, and damaged in thousands of ways, against a reader that is slow and plain."""

import os
import random
import re
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from afnetm.data.formats.vrml import VrmlMesh, read_vrml, write_vrml
from afnetm.errors import UserError
from tests.afnetm.data.formats.plain_vrml import agree
from tests.afnetm.data.formats.vrml_layouts import SQUARE, Layout, fans

CASES = int(os.environ.get("FUZZ_CASES", "4000"))
#: Seconds a small file may take; generous, since machines are busy.
LIMIT = 2.0


@settings(max_examples=500)
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


FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@settings(max_examples=300)
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
        formatted = wrong if len(wrong) <= 40 else wrong[:40] + "'..."
        assert refused.startswith(f"x, line 3: '{formatted}")
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
            agree(mesh, content.decode("utf-16").encode() if content.startswith(b"\xff\xfe") else content)
        else:
            assert refused.startswith("F0001/x.wrl")
            assert refused.isprintable()
            assert len(refused) < 300
    assert CASES / 20 < read < CASES * 0.8
    assert slowest < LIMIT
