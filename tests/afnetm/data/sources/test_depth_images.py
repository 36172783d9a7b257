"""Depth pictures and range images of people's own: a face that a camera has seen renders as the face itself."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from PIL import Image

from afnetm.data.formats.inside import DataFolder
from afnetm.data.maps import DEPTH_STEP_MM, PLANES
from afnetm.data.pose import fit_pose
from afnetm.data.rendering import render
from afnetm.data.sampling import sample
from afnetm.data.sources.folder import FolderSource
from afnetm.data.sources.textured import read_textured
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError
from tests.afnetm.data.formats.conftest import mutations

SIZE = 80
WIDTH, HEIGHT, FOCAL, AWAY = 400, 320, 700.0, 600.0
CAMERA = {"fx": FOCAL, "fy": FOCAL, "cx": 199.5, "cy": 159.5, "depth_scale": 10_000, "width": WIDTH, "height": HEIGHT}


@pytest.fixture(name="made", scope="module")
def _made():
    """A face that looks at the camera, upright."""
    source = SyntheticSource(seed=0, subjects=1, intensities=(4,), clean=True)
    scan = source.load(source.ids()[3])
    pose = fit_pose(scan)
    return replace(
        scan,
        vertices=pose.apply(scan.vertices).astype(np.float32),
        landmarks=pose.apply(scan.landmarks).astype(np.float32),
    )


@pytest.fixture(name="files", scope="module")
def _files(made, tmp_path_factory):
    """What a camera `AWAY` from the face sees of it: 0.1 mm a step, colours pixel by pixel."""
    folder = tmp_path_factory.mktemp("scans")
    column, row = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    rays = np.stack([(column - 199.5) / FOCAL, -(row - 159.5) / FOCAL, -np.ones(column.shape)], -1).reshape(-1, 3)
    scene = EmbreeScene(robust=True)
    TriangleMesh(scene, made.vertices - np.float32([0, 0, AWAY]), made.faces)
    hits = scene.run(np.zeros_like(rays, np.float32), rays.astype(np.float32), query="INTERSECT", output=True)
    seen = hits["primID"] >= 0
    second, third = (hits[weight][seen][:, None] for weight in ("u", "v"))
    depth, colours = np.zeros(len(rays)), np.zeros((len(rays), 3))

    def between(values, faces):
        a, b, c = np.moveaxis(values[faces[hits["primID"][seen]]].astype(float), 1, 0)
        return a + second * (b - a) + third * (c - a)

    depth[seen] = AWAY - between(made.vertices, made.faces)[:, 2]
    colours[seen] = sample(made.texture, between(made.uv, made.uv_faces).T, reduction=2).T
    depth, colours = depth.reshape(HEIGHT, WIDTH), np.rint(colours).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)
    depth[:2] = 3000  # a wall
    Image.fromarray(np.rint(depth * 10).astype(np.uint16)).save(folder / "depth.png")
    Image.fromarray(colours).resize((2 * WIDTH, 2 * HEIGHT), Image.Resampling.NEAREST).save(folder / "colour.png")
    (folder / "camera.json").write_text(json.dumps(CAMERA))
    intrinsics = np.array([FOCAL, FOCAL, 199.5, 159.5])
    np.savez_compressed(
        folder / "depth.npz", depth=(depth / 1000).astype(np.float32), intrinsics=intrinsics, colour=colours
    )
    points = np.where(seen[:, None], rays * depth.reshape(-1, 1), 0).reshape(HEIGHT, WIDTH, 3)
    points[:2] = np.nan
    np.savez(folder / "points.npz", points=points / 1000, image=colours)
    x, y, z = (made.landmarks.astype(float) - (0, 0, AWAY)).T
    pixels = np.stack([2 * (x / -z * FOCAL + 200), 2 * (-y / -z * FOCAL + 160)], -1)
    for name, rows in {"in_camera": [x, -y, -z], "in_space": [x, y, z], "in_picture": pixels.T}.items():
        for unit, scale in (("mm", 1), ("m", 1 if name == "in_picture" else 0.001)):
            columns = zip(made.landmark_names, *(np.asarray(row) * scale for row in rows), strict=True)
            lines = [",".join(map(str, line)) for line in columns]
            (folder / f"{name}_{unit}.csv").write_text("\n".join(lines))
    return folder


def load(files, tmp_path, row, **options):
    (tmp_path / "scans.csv").write_text(f"subject,expression,mesh,texture,landmarks\na,fear,{row}\n")
    return FolderSource(folder=files, table=tmp_path / "scans.csv", **options).load("a_fear_0")


@pytest.mark.parametrize(
    ("row", "unit"),
    [
        ("depth.png,colour.png,in_camera_mm.csv", "mm"),
        ("depth.png,colour.png,in_camera_m.csv", "m"),
        ("depth.png,colour.png,in_picture_mm.csv", "mm"),
        ("depth.npz,,in_camera_m.csv", "m"),
        ("points.npz,colour.png,in_space_m.csv", "m"),
    ],
)
def test_a_face_that_a_camera_has_seen_renders_as_the_face_itself(row, unit, files, made, tmp_path):
    scan = load(files, tmp_path, row, unit=unit)
    away = np.float32([0, 0, AWAY])
    direct, again = render(replace(made, landmarks=scan.landmarks + away), size=SIZE), render(scan, size=SIZE)
    both = (direct.planes & again.planes & PLANES["valid"])[0] > 0
    assert both.mean() > 0.4
    apart = np.abs(direct.depth[0].astype(int) - again.depth[0])[both] * DEPTH_STEP_MM
    assert np.median(apart) < 0.1
    assert np.median(np.abs(direct.texture.astype(int) - again.texture)[:, both]) <= 4
    shift = np.linalg.norm(scan.landmarks - (made.landmarks - away), axis=1)
    assert np.nanmedian(shift) < (3 if "picture" in row else 0.01)  # annotations are a little off the surface


@pytest.mark.parametrize(
    ("files_changed", "row", "expected"),
    [
        ({"depth.camera.json": b"{}"}, "depth.png,colour.png", "depth.camera.json: fx is missing"),
        ({"camera.json": None}, "depth.png,colour.png", "depth.png: its camera is missing (looked for beside it: "),
        ({"camera.json": json.dumps(CAMERA | {"depth_scale": None})}, "depth.png,colour.png", "depth_scale is miss"),
        ({"camera.json": json.dumps(CAMERA | {"width": 640})}, "depth.png,colour.png", "a camera of (640, 320) pixel"),
        ({}, "depth.png,", "depth.png: a depth picture needs a colour picture"),
        ({}, "colour.png,depth.png", "colour.png: a picture of mode RGB (allowed for depth: PNG of 16 bits grey)"),
        ({"x.png": b"junk"}, "x.png,colour.png", "x.png: not a depth picture"),
        ({"x.png": (3, 9)}, "depth.png,x.png", "x.png: 9 x 3 pixels, depth.png has 400 x 320 points (allowed"),
        ({"x.npz": {"a": np.zeros(3)}}, "x.npz,", "x.npz: arrays 'a' (needed: points, or depth and intrinsics)"),
        ({"x.npz": {"points": np.zeros((8, 10, 3))}}, "x.npz,colour.png", "x.npz: it contains no surface"),
        ({"x.npz": {"points": np.ones((4, 5, 3))}}, "x.npz,", "x.npz: no picture (needed: an array 'colour'"),
        ({"x.npz": {"points": np.ones((4, 5, 2))}}, "x.npz,", "shape (4, 5, 2) (allowed: rows x columns x 3)"),
        ({"x.npz": {"points": np.full((4, 5, 3), 1e300)}}, "x.npz,", "points has a number above 1e+06"),
        ({"x.npz": {"points": np.ones((4, 5, 3)), "rgb": np.ones((4, 5, 3))}}, "x.npz,", "rgb is float64 (4, 5, 3)"),
        ({"x.npz": {"points": np.ones((4, 5, 3)), "uv": np.ones((3, 5, 2))}}, "x.npz,", "uv (3, 5, 2) of points"),
        ({"x.npz": {"depth": np.ones((4, 5)), "intrinsics": np.ones(5)}}, "x.npz,", "x.npz: intrinsics: no intrinsics"),
        ({"x.npz": {"depth": np.ones((4, 5)), "intrinsics": np.zeros(4)}}, "x.npz,", "are none of a camera"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(files_changed, row, expected, files, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("depth.png", "colour.png", "camera.json"):
        (folder / name).write_bytes((files / name).read_bytes())
    for name, content in files_changed.items():
        match content:
            case None:
                (folder / name).unlink()
            case tuple():
                Image.fromarray(np.zeros((*content, 3), np.uint8)).save(folder / name)
            case dict():
                np.savez(folder / name, **content)
            case _:
                (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    mesh, texture = row.split(",")
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        read_textured(DataFolder(folder), mesh, texture or None)
    assert "\n" not in str(caught.value)


def test_the_camera_is_part_of_what_decides_a_dataset(files, tmp_path):
    table = tmp_path / "scans.csv"
    table.write_text("subject,expression,mesh,texture,landmarks\na,fear,depth.png,colour.png,in_camera_mm.csv\n")
    before = FolderSource(folder=files, table=table).describe()
    content = (files / "camera.json").read_text()
    (files / "camera.json").write_text(content + " ")
    assert FolderSource(folder=files, table=table).describe() != before
    (files / "camera.json").write_text(content)
    assert FolderSource(folder=files, table=table).describe() == before


def test_damaged_pictures_and_arrays_are_read_or_refused_with_one_line(tmp_path):
    folder = DataFolder(tmp_path)
    (tmp_path / "camera.json").write_text(json.dumps({**CAMERA, "width": None, "cx": 6, "cy": 4}))
    Image.fromarray(np.zeros((8, 12, 3), np.uint8)).save(tmp_path / "colour.png")
    depth = np.linspace(5000, 5020, 96).reshape(8, 12).astype(np.uint16)
    picture, arrays = io.BytesIO(), io.BytesIO()
    Image.fromarray(depth).save(picture, "PNG")
    np.savez(arrays, depth=depth / 10, intrinsics=np.array([FOCAL, FOCAL, 6, 4]), colour=np.zeros((8, 12, 3), np.uint8))
    for name, content in (("depth.png", picture.getvalue()), ("depth.npz", arrays.getvalue())):
        read = 0
        for damaged in mutations(content, count=250, seed=0):
            (tmp_path / name).write_bytes(damaged)
            try:
                surface = read_textured(folder, name, "colour.png" if name == "depth.png" else None).surface
            except UserError as error:
                assert re.match(r"(depth|colour)\.(png|npz)[^\n]+$", str(error))  # noqa: PT017
                continue
            assert np.isfinite(surface.vertices).all()
            assert 0 <= surface.faces.min() <= surface.faces.max() < len(surface.vertices)
            read += 1
        assert read
