"""Landmarks in tables and other files: what is written is read however it is spelt, what is wrong is one line."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afnetm.data.formats.landmark_signs import may_be_landmarks
from afnetm.data.formats.landmark_table import (
    MAX_BYTES,
    read_landmark_json,
    read_landmark_table,
    read_picked_points,
)
from afnetm.data.landmarks import LANDMARKS_68
from afnetm.errors import UserError

NAME = "faces/a.csv"
coordinates = st.floats(-1e4, 1e4, width=32)


@given(
    points=st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=90),
    names=st.sampled_from(["jaw {}", "Kinn {} (Mitte)", "mitte, links {}", "coin n\u00b0 {} \u00e0 gauche", ""]),
    headed=st.booleans(),
    mark=st.sampled_from([",", ";", "\t", ", ", "sep=;"]),
    comma=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_points_are_read_as_written(points, names, headed, mark, comma, encoding, end):
    between = mark.removeprefix("sep=")
    rows = [[f'"{names.format(row)}"', *(f"{x!r}" for x in point)] for row, point in enumerate(points)]
    rows = [row if names else row[1:] for row in rows]
    if comma and between.strip() != ",":
        rows = [[cell if cell.startswith('"') else cell.replace(".", ",") for cell in row] for row in rows]
    if headed:
        rows = [["Label", "X", "Y", "Z"] if names else ["x", "y", "z"], *rows]
    text = end.join([mark] * mark.startswith("sep=") + [between.join(row) for row in rows])
    table = read_landmark_table(text.encode(encoding), NAME)
    np.testing.assert_array_equal(table.points, np.array(points))
    assert table.names == (tuple(names.format(row) for row in range(len(points))) if names else None)


POINTS = np.array([[1.5, -2, 3e1], [-4, 5, 6.25]])
NAMED = ("Nose tip", "Chin middle")
SLICER = """# Markups fiducial file version = 4.11
# CoordinateSystem = LPS
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
0,1.5,-2,30,0,0,0,1,1,1,0,Nose tip,,
1,-4,5,6.25,0,0,0,1,1,1,0,Chin middle,,
"""
MARKUPS = [{"label": name, "position": point} for name, point in zip(NAMED, POINTS.tolist(), strict=True)]
PICKED = """<!DOCTYPE PickedPoints>
<PickedPoints>
 <DocumentData><DataFileName name="a.ply"/></DocumentData>
 <point x="1.5" y="-2" z="30" name="Nose tip" active="1"/>
 <point z="6.25" y="5" x="-4" name="Chin middle"/>
</PickedPoints>
"""


@pytest.mark.parametrize(
    ("reader", "content", "names"),
    [
        (read_landmark_table, "name x y z\nNose tip 1.5 -2 30\nChin   middle -4 5 6.25\n", NAMED),
        (read_landmark_table, "name x y z\nNose tip 1,5 -2 30\nChin middle -4 5 6,25\n", NAMED),
        (read_landmark_table, "Nose tip   1.5 -2 30\n\n  Chin middle\t-4 5 6.25\n".replace("\t", " "), NAMED),
        (read_landmark_table, "# x y z\n1.50e+00 -2.0e+00 3.0e+01\n-4.0e+00 5.0e+00 6.25e+00\n", None),
        (read_landmark_table, "version: 1\nn_points:  2\n{\n1.5 -2 30\n-4 5 6.25\n}\n", None),
        (read_landmark_table, 'name,x,y,z\nNose tip,"1,5","-2","30"\nChin middle,"-4","5","6,25"\n', NAMED),
        (read_landmark_table, "z;y;x;landmark\n30;-2;1,5;Nose tip\n6,25;5;-4;Chin middle\n", NAMED),
        (read_landmark_table, SLICER, NAMED),
        (read_landmark_table, re.sub("Nose tip|Chin middle", "", SLICER), None),
        (read_landmark_json, json.dumps(POINTS.tolist()), None),
        (read_landmark_json, json.dumps(dict(zip(NAMED, POINTS.tolist(), strict=True))), NAMED),
        (read_landmark_json, "\ufeff" + json.dumps({"markups": [{"controlPoints": MARKUPS}]}), NAMED),
        (read_picked_points, PICKED, NAMED),
    ],
)
def test_a_file_may_have_its_points_in_many_ways(reader, content, names):
    table = reader(content.encode(), NAME)
    np.testing.assert_array_equal(table.points, POINTS)
    assert table.names == names


def menpo_json(masks, count):
    """A file of menpo's of `count` points, whose labels have these masks."""
    labels = [{"label": label, "mask": mask} for label, mask in masks.items()]
    return json.dumps({"landmarks": {"points": [[1, 2, 3]] * count}, "labels": labels, "version": 2}).encode()


LJSON = {
    "groups": {"LJSON": {"landmarks": {"points": POINTS.tolist()}, "labels": [{"label": "all", "mask": [0, 1]}]}},
    "version": 3,
}
ONE_EACH = [{"label": name, "mask": [place]} for name, place in (("Chin middle", 1), ("Nose tip", 0))]


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        (LJSON, None),
        ({"landmarks": {"points": POINTS.tolist()}, "labels": ONE_EACH, "version": 2}, NAMED[::-1]),
        (
            {
                "groups": [
                    {"label": n, "landmarks": [{"point": p}]} for n, p in zip(NAMED, POINTS.tolist(), strict=True)
                ]
            },
            NAMED,
        ),
        ({"landmarks": [{"x": x, "y": y, "z": z, "visibility": 0} for x, y, z in POINTS.tolist()]}, None),
        ({"points": [{"name": n, "x": x, "y": y, "z": z} for n, (x, y, z) in zip(NAMED, POINTS, strict=True)]}, NAMED),
    ],
)
def test_json_may_have_its_points_as_menpo_or_mediapipe_have_them(tree, names):
    table = read_landmark_json(json.dumps(tree).encode(), NAME)
    assert table.names == names
    np.testing.assert_array_equal(table.points, POINTS[::-1] if names == NAMED[::-1] else POINTS)


def test_menpo_s_parts_are_named_in_whichever_order_they_come():
    parts = {"chin": 17, "leye": 6, "reye": 6, "leyebrow": 5, "nose": 9, "reyebrow": 5, "mouth": 20}
    ends = np.cumsum([0, *parts.values()]).tolist()
    labels = [{"label": part, "mask": list(range(*ends[at : at + 2]))} for at, part in enumerate(parts)]
    points = np.arange(68 * 3).reshape(68, 3)
    tree = {"labels": labels, "landmarks": {"points": points.tolist()}, "version": 2}
    table = read_landmark_json(json.dumps(tree).encode(), NAME)
    rows = [table.names.index(name) for name in LANDMARKS_68]
    order = [*range(17), *range(29, 34), *range(43, 48), *range(34, 43), *range(17, 29), *range(48, 68)]
    np.testing.assert_array_equal(table.points[rows], points[order])


@pytest.mark.parametrize(
    ("reader", "content", "names"),
    [
        (read_landmark_table, "3.5 7\n4 8\n", None),
        (read_landmark_table, "version: 1\nn_points: 2\n{\n3.5 7\n4 8\n}\n", None),
        (read_landmark_table, "Nose tip;3,5;7\nChin middle;4;8\n", NAMED),
        (read_landmark_table, "y,x,name\n7,3.5,Nose tip\n8,4,Chin middle\n", NAMED),
        (read_landmark_json, "[[3.5, 7], [4, 8]]", None),
        (read_landmark_json, '{"Nose tip": [3.5, 7], "Chin middle": {"y": 8, "x": 4}}', NAMED),
        (read_landmark_json, '{"landmarks": {"points": [[7, 3.5], [8, 4]]}, "labels": []}', None),
    ],
)
def test_places_in_a_picture_are_two_numbers_x_first(reader, content, names):
    table = reader(content.encode(), NAME)
    np.testing.assert_array_equal(table.points, [[3.5, 7], [4, 8]])
    assert table.names == names


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (read_landmark_table, "name,x,y,z\nchin,,,\nnose,1,2,3\n"),
        (read_landmark_table, "nan nan NaN\n1 2 3\n"),
        (read_landmark_json, '{"chin": null, "nose": [1, 2, 3]}'),
        (read_landmark_json, "[[NaN, NaN, NaN], [1, 2, 3]]"),
        (
            read_picked_points,
            '<P><point x="7" y="7" z="7" name="a" active="0"/><point x="1" y="2" z="3" name="b"/></P>',
        ),
    ],
)
def test_an_empty_point_is_missing(reader, content):
    np.testing.assert_array_equal(reader(content.encode(), NAME).points, [[np.nan] * 3, [1, 2, 3]])


@pytest.mark.parametrize(
    ("reader", "content", "expected"),
    [
        (read_landmark_table, b"", "it contains no landmarks"),
        (read_landmark_table, b"x,y,z\n", "it contains no landmarks"),
        (read_landmark_table, b"1\n", "line 1: 1 cells (allowed: x, y in every row)"),
        (read_landmark_table, b"1,2\n3,4,5\n", "line 2: 3 cells (allowed: x, y in every row)"),
        (read_landmark_table, b"a,1,2,3,4\n", "line 1: 5 cells (allowed: name, x, y, z in every row)"),
        (read_landmark_table, b"# 1\n1 2 3\n1 2\n", "line 3: 2 cells"),
        (
            read_landmark_table,
            b"name,x,y,z\nchin,1,2,3\nChin,1,2,3\n",
            "line 3: the landmark's name 'Chin' is empty or duplicated",
        ),
        (read_landmark_table, b"nom;x;y;z\nmenton;1;2;3\n", "line 1: column 'nom' is unknown or duplicated"),
        (read_landmark_table, b"x;y;z;x\n1;2;3;4\n", "line 1: column 'x' is unknown or duplicated"),
        (read_landmark_table, b"1,2,3\n1,2,nan\n", "line 2: 'nan' is not a coordinate"),
        (read_landmark_table, b"1,2,3\n1,2,1e9\n", "line 2: '1e9' is not a coordinate"),
        (read_landmark_table, b"1;2;3\n1,5;2.5;3\n", "line 2: '1,5' is not a coordinate"),
        (read_landmark_table, b"1;2;3\n1.234,5;2;3\n", "line 2: '1.234,5' is not a coordinate"),
        (
            read_landmark_table,
            b"1,2,\x81\n",
            "line 1: not text (allowed: UTF-8, UTF-16 with a byte-order mark, ",
        ),
        (read_landmark_table, "x,y,z\n1,2,3".encode("utf-16-le"), "line 1: not text"),
        (read_landmark_table, b"1,2,3\n" * MAX_BYTES, "bytes (allowed for landmarks: up to 262144)"),
        (read_landmark_json, b"{", "no landmarks in it (JSONDecodeError; allowed: {name: [x, y, z]})"),
        (read_landmark_json, b"[" * 60000, "no landmarks in it (RecursionError"),
        (read_landmark_json, b"7", "no landmarks in it (TypeError"),
        (
            read_landmark_json,
            b'{"chin": [1, 2], "nose": [1, 2, 3]}',
            "point 2: 3 coordinates (allowed: 2, as of the first)",
        ),
        (read_landmark_json, b"[[5], [6]]", "point 1: 1 coordinates (allowed: 3, or 2 in a picture)"),
        (read_landmark_json, b"[[], [6]]", "point 1: 0 coordinates (allowed: 3, or 2 in a picture)"),
        (read_landmark_json, b'{"groups": {"a": {}, "b": {}}}', "2 groups of landmarks (allowed: one)"),
        (
            read_landmark_json,
            menpo_json({"a": [0], "b": [0]}, 2),
            "its labels do not share out its 2 points",
        ),
        (
            read_landmark_json,
            menpo_json({"ear": [0, 1], "nose": [2]}, 3),
            "2 points labelled 'ear' are no part of a face of 68 landmarks (known: jaw 17, chin 17, lbrow 5",
        ),
        (read_landmark_json, b'[[1, 2, {"a": 3}]]', "is not a coordinate"),
        (read_picked_points, b"<a", "not a file of picked points"),
        (read_picked_points, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "not a file of picked points (entities)"),
        (
            read_picked_points,
            '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
            "not a file of picked points (entities)",
        ),
        (read_picked_points, b"<a/>", "it contains no landmarks"),
        (read_picked_points, b'<a><point x="1" y="2" name="chin"/></a>', "point 1: '?' is not a coordinate"),
    ],
)
def test_what_is_wrong_is_one_line(reader, content, expected):
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        reader(content, NAME)
    assert str(caught.value).startswith(NAME)


FILES = [
    (read_landmark_table, b"name,x,y,z\n" + b"".join(b"jaw_%d,%d.5,-2e1,3\n" % (row, row) for row in range(9))),
    (
        read_landmark_table,
        b"# Markups fiducial file version = 4.11\n# columns = id,x,y,z,label\n"
        + b"".join(b"%d,%d.5,-2e1,3,jaw_%d\n" % (row, row, row) for row in range(9)),
    ),
    (read_landmark_table, b"version: 1\nn_points: 2\n{\n3.5 7\n4 8\n}\n"),
    (read_landmark_json, json.dumps({"markups": [{"controlPoints": MARKUPS}]}).encode()),
    (read_landmark_json, json.dumps(LJSON).encode()),
    (read_landmark_json, b'{"landmarks":[{"x":1.5,"y":2,"z":3,"name":"jaw_0"},{"x":4,"y":5,"z":6,"name":"jaw_1"}]}'),
    (read_picked_points, PICKED.encode()),
]


@pytest.mark.parametrize(("reader", "content"), FILES)
def test_damaged_tables_are_read_or_refused_with_one_line(reader, content, mutations):
    suffix = {read_landmark_table: ".txt", read_landmark_json: ".json", read_picked_points: ".pp"}[reader]
    assert may_be_landmarks(content, f"a{suffix}") or content.startswith(b"# Markups")  # which is .fcsv alone
    for damaged in mutations(content, count=600, seed=0):
        assert may_be_landmarks(damaged, f"a{suffix}") in {True, False}  # whatever is in it
        try:
            assert len(reader(damaged, NAME).points)
        except UserError as error:
            assert re.match(r"faces/a\.csv[^\n]+$", str(error))  # noqa: PT017
