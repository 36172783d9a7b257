"""One's own scans: a synthetic face in every format renders as it does directly, and nothing outside is ever read."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import trimesh
from PIL import Image
from scipy.spatial import cKDTree

from afnetm.data.dataset import check_dataset
from afnetm.data.dataset_files import REJECTED
from afnetm.data.face_mesh import PLACES
from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.landmarks import LANDMARKS_22, LANDMARKS_83
from afnetm.data.maps import DEPTH_STEP_MM, PLANES
from afnetm.data.pose import fit_pose
from afnetm.data.preparing import prepare_dataset
from afnetm.data.registry import open_source
from afnetm.data.rendering import render
from afnetm.data.sampling import sample
from afnetm.data.scan import Scan
from afnetm.data.sources.folder import FolderSource
from afnetm.data.sources.landmarks_22 import landmarks_22_from_83
from afnetm.data.sources.nose_order import in_order
from afnetm.errors import UserError
from tests.afnetm.data.sources.conftest import HEADER, Write

SIZE = 80
MESHES = ("face.obj", "face.ply", "text.ply", "face.glb", "face.wrl", "bare.obj")


@pytest.mark.parametrize("name", MESHES)
def test_every_format_renders_as_the_scan_itself(name: str, made: Scan, table: Write) -> None:
    texture = "pictures/skin 1.png" if name == "bare.obj" else ""
    landmarks = {"face.obj": "plain.csv", "face.ply": "named.csv"}.get(name, "face.bnd")
    source = table(f"Ada,Happy,,{name},{landmarks},{texture}")
    scan = source.load(source.ids()[0])
    assert (scan.id, scan.subject, scan.expression, scan.intensity) == ("Ada_happiness_0", "Ada", "happiness", 0)
    direct, again = render(made, size=SIZE), render(scan, size=SIZE)
    both = (direct.planes & again.planes & PLANES["valid"])[0] > 0
    assert both.mean() > 0.6
    apart = np.abs(direct.depth[0].astype(int) - again.depth[0])[both] * DEPTH_STEP_MM
    assert np.median(apart) <= 0.02
    assert np.median(np.abs(direct.texture.astype(int) - again.texture)[:, both]) <= 3
    assert (direct.planes == again.planes).mean() > 0.999


def test_colours_of_vertices_render_as_the_texture_that_they_are_of(made: Scan, scans: Path, table: Write) -> None:
    faces, vertices, uv = trimesh.visual.texture.unmerge_faces(made.faces, made.uv_faces)
    colours = np.rint(sample(made.texture, made.uv[uv].T.astype(float), reduction=1)).T
    mesh = trimesh.Trimesh(made.vertices[vertices], faces, process=False, vertex_colors=colours.astype(np.uint8))
    (scans / "tinted.ply").write_bytes(mesh.export(file_type="ply"))
    scan = table("Ada,Happy,,tinted.ply,face.bnd,").load("Ada_happiness_0")
    assert scan.texture.shape == (len(scan.vertices), 3)
    direct, again = render(made, size=SIZE), render(scan, size=SIZE)
    np.testing.assert_array_equal(direct.depth, again.depth)
    np.testing.assert_array_equal(direct.planes, again.planes)
    both = (direct.planes & PLANES["valid"])[0] > 0
    assert np.median(np.abs(direct.texture.astype(int) - again.texture)[:, both]) <= 5
    assert not again.texture[:, again.depth[0] == 0][:, :50].any()
    short = replace(scan, texture=scan.texture[:-1])
    with pytest.raises(UserError, match=f"it has {len(scan.vertices) - 1} colours for {len(scan.vertices)} vertices"):
        render(short, size=32)


def test_a_folder_becomes_a_dataset_and_what_is_wrong_is_left_out(scans: Path, table: Write, tmp_path: Path) -> None:
    source = table(
        "Zoë Ö,anger,4,face.ply,face.bnd,",
        "Zoë Ö,anger,4,face.glb,face.bnd,",
        "Bob,fear,1,../scans.csv,face.bnd,",
        "Bob,neutral,,face.wrl,face.bnd,",
        "Bob,sad,2,face.obj,nowhere.bnd,",
    )
    assert source.ids() == ["Zoe-O_anger_4", "Zoe-O_anger_4_2", "Bob_fear_1", "Bob_neutral_0", "Bob_sadness_2"]
    found = source.inspect()
    assert [scan.missing for scan in found.scans] == [(), (), ("mesh",), (), ("landmarks",)]
    prepare_dataset(tmp_path / "own", source, size=32, workers=1)
    dataset = check_dataset(tmp_path / "own")
    assert not dataset.shareable
    assert dataset.table["subject"].tolist() == ["Zoë Ö", "Zoë Ö", "Bob"]
    assert dataset.table["source"].tolist() == ["face.ply", "face.glb", "face.wrl"]
    assert dataset.classes == ("anger", "neutral")
    assert dataset.source.keys() == {"kind", "scans", "nose", "listing"}
    rejected = pd.read_csv(tmp_path / "own" / REJECTED).set_index("id")["reason"]
    assert rejected["Bob_fear_1"] == "scans.csv, line 4: ../scans.csv: points outside the data folder"
    assert rejected["Bob_sadness_2"] == "scans.csv, line 6: nowhere.bnd: there is no such file"


def test_landmarks_may_be_in_any_file_that_is_read(scans: Path, table: Write, made: Scan) -> None:
    points = made.landmarks.tolist()
    german = [
        ";".join([name, *(f"{x}".replace(".", ",") for x in point)])
        for name, point in zip(made.landmark_names, points, strict=True)
    ]
    files = {
        "l.tsv": "\n".join("\t".join(map(str, point)) for point in points),
        "l.txt": "\n".join(" ".join(map(str, point)) for point in points),
        "l.pts": "\n".join(["version: 1", "n_points: 83", "{", *(" ".join(map(str, point)) for point in points), "}"]),
        "l.csv": "\n".join(["name;x;y;z", *german]),
        "l.json": json.dumps(points),
        "l.fcsv": "# columns = label,x,y,z\n"
        + "\n".join(f"{n},{x},{y},{z}" for n, (x, y, z) in zip(made.landmark_names, points, strict=True)),
        "l.pp": "<a>"
        + "".join(
            f'<point name="{n}" x="{x}" y="{y}" z="{z}"/>'
            for n, (x, y, z) in zip(made.landmark_names, points, strict=True)
        )
        + "</a>",
    }
    for name, content in files.items():
        (scans / name).write_text(content)
        scan = table(f"a,fear,1,face.ply,{name},").load("a_fear_1")
        np.testing.assert_array_equal(scan.landmarks, made.landmarks, err_msg=name)
        assert scan.landmark_names == made.landmark_names
        (scans / name).unlink()


@pytest.mark.parametrize(
    ("files", "row", "expected"),
    [
        (
            {"a.mtl": "newmtl material_0\nmap_Kd ../../secret.png\n"},
            "a.obj,face.bnd,",
            "points outside the data folder",
        ),
        ({"a.mtl": "newmtl material_0\nmap_Kd /etc/passwd\n"}, "a.obj,face.bnd,", "'/etc/passwd' is missing"),
        ({"a.mtl": "newmtl material_0\nmap_Kd http://a/b.png\n"}, "a.obj,face.bnd,", "not the name of a file"),
        ({"a.mtl": "newmtl other\nmap_Kd pictures/skin 1.png\n"}, "a.obj,face.bnd,", "specifies no picture"),
        ({"a.mtl": "newmtl material_0\nmap_Kd a.mtl\n"}, "a.obj,face.bnd,", "not a readable picture"),
        ({}, "a.obj,face.bnd,", "a.obj: its material library 'a.mtl' is missing"),
        (
            {},
            "bare.obj,face.bnd,",
            "specifies no picture for material 'material_0' (needed: for every face, in the file, or",
        ),
        ({}, "bare.obj,face.bnd,face.ply", "face.ply: not a readable picture"),
        ({}, "face.bnd,face.bnd,", "face.bnd: a mesh of kind '.bnd' (allowed: .obj, .ply, .glb, .wrl, .png, .npz)"),
        ({}, "face.ply,face.ply,", "face.ply: landmarks of kind '.ply' (allowed: .bnd, .lm3, .csv, .tsv"),
        (
            {"l.csv": "1,2,3\n4,5,6\n"},
            "face.ply,l.csv,",
            "l.csv: 2 points without names (allowed: 22, 68, 83, 84, 468, 478)",
        ),
        ({"l.csv": "name,x,y,z\nnose,1,2,3\n"}, "face.ply,l.csv,", "'nose' is not a landmark of any known set"),
        ({"l.csv": "name,x,y,z\njaw_0,1,,3\n"}, "face.ply,l.csv,", "l.csv, line 2: '' is not a coordinate"),
        ({"l.csv": "name,x,y,z\njaw_0,1000,0,0\n"}, "face.ply,l.csv,", "in the median (allowed: up to 10"),
    ],
)
def test_what_is_wrong_with_a_scan_names_the_line_of_the_table(
    files: dict[str, str], row: str, expected: str, scans: Path, table: Write
) -> None:
    mesh = (scans / "bare.obj").read_text().replace("# face.mtl", "mtllib a.mtl", 1)
    Image.new("RGB", (4, 4)).save(scans.parent.parent / "secret.png")
    for name, content in (files | {"a.obj": mesh}).items():
        (scans / name).write_text(content)
    try:
        source = table(f"a,fear,1,{row}")
        with pytest.raises(UserError) as caught:
            source.load("a_fear_1")
    finally:
        for name in files | {"a.obj": mesh}:
            (scans / name).unlink()
    assert str(caught.value).startswith("scans.csv, line 2: ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_links_and_pipes_are_not_followed_out(scans: Path, table: Write, tmp_path: Path) -> None:
    (tmp_path / "secret.ply").write_bytes((scans / "face.ply").read_bytes())
    (scans / "link.ply").symlink_to(tmp_path / "secret.ply")
    os.mkfifo(scans / "pipe.ply")
    source = table("a,fear,1,link.ply,face.bnd,", "a,fear,2,pipe.ply,face.bnd,")
    for scan_id, expected in (("a_fear_1", "points outside"), ("a_fear_2", "not a regular file")):
        with pytest.raises(UserError, match=expected):
            source.load(scan_id)


def test_a_file_of_other_landmarks_is_read_as_those_that_are_known(scans: Path, table: Write, made: Scan) -> None:
    tip = landmarks_22_from_83(made.landmarks, made.vertices)[LANDMARKS_22.index("Nose tip")]
    mesh = np.random.default_rng(0).normal(size=(478, 3))
    for place, landmark in zip(PLACES[LANDMARKS_83], made.landmarks, strict=True):
        mesh[list(place) if isinstance(place, tuple) else place] = landmark
    for count, points in ((84, np.vstack([made.landmarks, tip])), (468, mesh[:468]), (478, mesh)):
        (scans / "l.txt").write_text("\n".join(" ".join(map(str, point)) for point in points.tolist()))
        scan = table("a,fear,1,face.ply,l.txt,").load("a_fear_1")
        assert scan.landmark_names == LANDMARKS_83
        apart = np.linalg.norm(scan.landmarks - made.landmarks, axis=1)
        assert np.median(apart) < 1e-4, count  # a point of the face mesh is several landmarks, or half of one
        assert (apart > 1e-4).sum() <= (0 if count == 84 else 20)


def test_landmarks_in_the_picture_are_lifted_to_the_surface(scans: Path, table: Write, made: Scan) -> None:
    height, width, _ = made.texture.shape
    nearest = cKDTree(made.vertices[made.faces].reshape(-1, 3)).query(made.landmarks)[1]
    pixels = made.uv[made.uv_faces].reshape(-1, 2)[nearest] * (width, -height) + (0, height)
    (scans / "l.pts").write_text("\n".join(f"{x} {y}" for x, y in pixels.tolist()))
    scan = table("a,fear,1,face.ply,l.pts,").load("a_fear_1")
    np.testing.assert_allclose(scan.landmarks, made.vertices[made.faces].reshape(-1, 3)[nearest], atol=0.01)
    (scans / "l.pts").write_text("\n".join(f"{x + width} {y}" for x, y in pixels.tolist()))
    with pytest.raises(UserError, match=rf"l.pts: point 1 is at .* of a picture of {width} x {height} pixels"):
        table("a,fear,1,face.ply,l.pts,").load("a_fear_1")


@pytest.mark.parametrize(("unit", "size"), [("cm", 10), ("m", 1000), ("inch", 25.4), ("um", 0.001)])
@pytest.mark.parametrize("kind", ["anatomical", "Bosphorus"])
def test_files_in_another_unit_are_refused_by_its_name_and_read_with_it(
    unit: str, size: float, kind: str, scans: Path, made: Scan, tmp_path: Path
) -> None:
    few = landmarks_22_from_83(made.landmarks, made.vertices)
    names, points = (made.landmark_names, made.landmarks) if kind == "anatomical" else (LANDMARKS_22, few)
    rows = [f"{name},{x!r},{y!r},{z!r}\n" for name, (x, y, z) in zip(names, (points / size).tolist(), strict=True)]
    (scans / "small.csv").write_text("".join(rows))
    (scans / "large.csv").write_text("".join(f"{n},{x},{y},{z}\n" for n, (x, y, z) in zip(names, points, strict=True)))
    mesh = trimesh.load(scans / "face.ply", process=False)
    mesh.apply_scale(1 / size)
    content = mesh.export(file_type="ply").replace(b"element", b"comment TextureFile pictures/skin 1.png\nelement", 1)
    (scans / "small.ply").write_bytes(content)
    (tmp_path / "scans.csv").write_text(
        f"{HEADER}a,fear,1,small.ply,small.csv,\na,fear,2,pictures/../small.ply,large.csv,\n"
    )

    def source(**options: str) -> FolderSource:
        return open_source("folder", scans, table=tmp_path / "scans.csv", **options)  # type: ignore[return-value]

    with pytest.raises(UserError, match=rf"small.csv: its eyes and nose .* are read with --unit {unit}$"):
        source().load("a_fear_1")
    with pytest.raises(UserError, match=rf"small.ply: its vertices extend over .* --unit .*{unit}"):
        source().load("a_fear_2")
    with pytest.raises(UserError, match=r"large.csv: .* it seems to be in millimetres, .* --unit mm$"):
        source(unit=unit).load("a_fear_2")
    right = source(unit=unit)
    scan = right.load("a_fear_1")
    np.testing.assert_allclose(scan.vertices[scan.faces], made.vertices[made.faces], atol=2e-4)
    np.testing.assert_allclose(scan.landmarks, points, atol=2e-4)
    assert right.describe()["unit"] == unit
    assert "unit" not in source(unit="mm").describe()
    with pytest.raises(UserError, match="unit"):
        source(unit="ft")


def test_names_of_one_set_may_be_absent(table: Write, made: Scan) -> None:
    scan = table("a,fear,1,face.ply,two.lm3,").load("a_fear_1")
    assert scan.landmark_names == LANDMARKS_22
    assert np.isfinite(scan.landmarks).all(1).sum() == 2
    with pytest.raises(UserError):
        render(replace(scan), size=32)


def test_the_nose_s_rows_are_read_in_the_order_that_they_have(scans: Path, made: Scan, table: Write) -> None:
    turned = in_order(made.landmarks, "one outline with the wings at rows 38 and 45", mirrored=True)
    (scans / "outline.bnd").write_bytes(write_bnd(Bnd(np.zeros(83, np.int64), turned)))
    (scans / "outline.csv").write_text("".join(f"{x},{y},{z}\n" for x, y, z in turned.tolist()))
    files = ("outline.bnd", "outline.csv", "named.csv", "face.bnd")
    for number in range(len(files)):
        (scans / f"{number}.wrl").write_bytes((scans / "face.wrl").read_bytes())
    source = table(*(f"s{number},fear,2,{number}.wrl,{file}," for number, file in enumerate(files)))
    nose = source.describe()["nose"]
    assert nose["scans"] == 3  # names say what they are
    assert nose["order"] == "one outline with the wings at rows 38 and 45"
    assert nose["first_side"] == "next to rows 8 to 15"
    for scan_id in source.ids()[:3]:
        np.testing.assert_array_equal(fit_pose(source.load(scan_id)).rotation, fit_pose(made).rotation)
    with pytest.raises(
        UserError, match=r"line 5: face.bnd: its eyes and nose differ from an average face by .* mm with rows"
    ):
        source.load("s3_fear_2")
