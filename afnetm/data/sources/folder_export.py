"""Scans as people have their own: the writer of examples of every format that `afnetm.data.sources.folder` reads."""

import io
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.formats.landmark_writing import write_landmarks
from afnetm.data.formats.lm import NamedPoints, write_lm3
from afnetm.data.formats.pictures import write_picture
from afnetm.data.formats.vrml import VrmlMesh, write_vrml
from afnetm.data.landmarks import LANDMARKS_22, LANDMARKS_83
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, PLANES, WINDOW_MM
from afnetm.data.pose import Pose, fit_pose
from afnetm.data.rendering import render
from afnetm.data.sampling import sample
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.sources.landmarks_22 import landmarks_22_from_83
from afnetm.errors import UserError

#: The table of all scans, and its first row.
TABLE, HEADER = "scans.csv", "subject,expression,intensity,mesh,landmarks,texture\n"
#: Pixels along a side of range images, one a millimetre, and how far away their camera is, mm.
_SIZE, _AWAY = 200, 600.0
_AS_IT_IS = Pose(np.eye(3), np.zeros(3), 0.0)
#: Files by the end of their names.
_Files = dict[str, bytes]


def folder_files(scan: Scan, *, number: int) -> dict[str, bytes]:
    """The files of `scan` in one of ten ways, content by name relative to the folder, and its row of the table `TABLE`.

    Each way is a format of meshes with one of landmarks. Six scans of a subject that differ in expression alone are
    written in six ways, twelve of two intensities in all of them; the next subject goes on where one ends.

    Args:
        scan: with the 83 landmarks, and one of the six expressions. It is turned to the frontal pose.
        number: of its subject, from 0.

    Raises:
        UserError: it has other landmarks, or another expression.
    """
    if scan.landmark_names != LANDMARKS_83 or scan.expression not in EXPRESSIONS:
        raise UserError(
            f"scan {scan.id}: {scan.expression} with {len(scan.landmarks)} landmarks (allowed for examples: "
            f"{', '.join(EXPRESSIONS)}; the 83)"
        )
    turn = EXPRESSIONS.index(scan.expression) + len(EXPRESSIONS) * (scan.intensity + 2 * number)
    mesh, write, landmarks = _WAYS[turn % len(_WAYS)]
    stem = f"{scan.subject}/{scan.expression}_{scan.intensity}"
    pose = fit_pose(scan)
    frontal = replace(
        scan,
        vertices=pose.apply(scan.vertices).astype(np.float32),
        landmarks=pose.apply(scan.landmarks).astype(np.float32),
    )
    files = write(frontal, f"{scan.expression}_{scan.intensity}")
    files[landmarks] = _landmarks(frontal, landmarks, in_picture=mesh == ".png")
    texture = f"{stem}.jpg" if mesh == ".png" else ""
    row = f"{scan.subject},{scan.expression},{scan.intensity},{stem}{mesh},{stem}{landmarks},{texture}\n"
    return {**{f"{stem}{end}": content for end, content in files.items()}, TABLE: row.encode()}


def _landmarks(scan: Scan, kind: str, *, in_picture: bool) -> bytes:
    points: NDArray[np.floating] = scan.landmarks
    if kind == ".bnd":
        return write_bnd(Bnd(indices=np.zeros(len(points), np.int64), points=points))
    if kind == ".lm3":
        few = landmarks_22_from_83(points, scan.vertices)
        known = np.flatnonzero(np.isfinite(few).all(1))
        return write_lm3(NamedPoints(tuple(LANDMARKS_22[row] for row in known), few[known].astype(float)))
    if in_picture:
        points = _pixels(points)
    return write_landmarks(scan.landmark_names, points, kind)


def _obj(scan: Scan, stem: str) -> _Files:
    lines = [f"mtllib {stem}.mtl", "usemtl skin"]
    lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in scan.vertices.tolist()]
    lines += [f"vt {u:.9g} {v:.9g}" for u, v in scan.uv.tolist()]
    corners = np.stack([scan.faces, scan.uv_faces], -1) + 1
    lines += ["f " + " ".join(f"{vertex}/{place}" for vertex, place in face) for face in corners.tolist()]
    material = f"newmtl skin\nmap_Kd {stem}.png\n".encode()
    return {".obj": "\n".join(lines).encode(), ".mtl": material, ".png": write_picture(scan.texture, ".png")}


def _obj_of_colours(scan: Scan, _stem: str) -> _Files:
    mesh = _coloured(scan)
    colours = mesh.visual.vertex_colors[:, :3] / 255
    lines = [" ".join(f"{number:.6g}" for number in row) for row in np.hstack([mesh.vertices, colours]).tolist()]
    faces = [f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()]
    return {".obj": "\n".join([*(f"v {line}" for line in lines), *faces]).encode()}


def _ply(scan: Scan, stem: str, *, encoding: str = "binary") -> _Files:
    content = _textured(scan).export(file_type="ply", encoding=encoding)
    named = content.replace(b"element", f"comment TextureFile {stem}.png\nelement".encode(), 1)
    return {".ply": named, ".png": write_picture(scan.texture, ".png")}


def _ply_in_text(scan: Scan, stem: str) -> _Files:
    return _ply(scan, stem, encoding="ascii")


def _ply_of_colours(scan: Scan, _stem: str) -> _Files:
    return {".ply": _coloured(scan).export(file_type="ply")}


def _glb(scan: Scan, _stem: str) -> _Files:
    return {".glb": trimesh.Scene(_textured(scan)).export(file_type="glb")}


def _glb_of_colours(scan: Scan, _stem: str) -> _Files:
    return {".glb": trimesh.Scene(_coloured(scan)).export(file_type="glb")}


def _vrml(scan: Scan, stem: str) -> _Files:
    mesh = VrmlMesh(scan.vertices, scan.faces, scan.uv, scan.uv_faces, (f"{stem}.png",))
    return {".wrl": write_vrml(mesh), ".png": write_picture(scan.texture, ".png")}


def _depth_pictures(scan: Scan, _stem: str) -> _Files:
    """Depth of 0.1 mm a step, and colours, as seen by a camera whose picture has a pixel a millimetre around z = 0."""
    height, colours = _seen(replace(scan, vertices=_in_perspective(scan.vertices)))
    depth = _AWAY - height * _AWAY / (_AWAY + height)  # what `_in_perspective` did to z, undone
    buffer = io.BytesIO()
    Image.fromarray(np.rint(10 * np.nan_to_num(depth)).astype(np.uint16)).save(buffer, format="PNG")
    middle, focal = (_SIZE - 1) / 2, _SIZE / WINDOW_MM * _AWAY
    camera = {"fx": focal, "fy": focal, "cx": middle, "cy": middle, "depth_scale": 0.0001}
    return {
        ".png": buffer.getvalue(),
        ".jpg": write_picture(colours, ".jpg"),
        ".camera.json": json.dumps(camera).encode(),
    }


def _arrays(scan: Scan, _stem: str) -> _Files:
    height, colours = _seen(scan)
    along = ((np.arange(_SIZE) + 0.5) / _SIZE - 0.5) * WINDOW_MM
    x, y = np.meshgrid(along, -along)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, points=np.stack([x, y, height], -1).astype(np.float32), colour=colours)
    return {".npz": buffer.getvalue()}


def _seen(scan: Scan) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Seen along -z: z in mm, NaN where nothing is, and colours, one after the other ``(S, S)`` and ``(S, S, 3)``."""
    maps = render(scan, size=_SIZE, pose=_AS_IT_IS)
    height = DEPTH_ZERO_MM + (maps.depth[0].astype(float) - 1) * DEPTH_STEP_MM
    height[maps.planes[0] & PLANES["valid"] == 0] = np.nan
    return height, np.ascontiguousarray(np.moveaxis(maps.texture, 0, -1))


def _in_perspective(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Points moved so that parallel rays see them where rays from (0, 0, `_AWAY`) do: it keeps planes planes."""
    return np.asarray(points * (_AWAY / (_AWAY - points[:, 2:])), np.float32)


def _pixels(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Places ``(n, 2)`` in the pictures of `_depth_pictures`, from the upper left corner."""
    return np.asarray(_in_perspective(points)[:, :2] * (1, -1) / WINDOW_MM * _SIZE + _SIZE / 2, np.float64)


def _textured(scan: Scan) -> trimesh.Trimesh:
    """The mesh with a vertex for each of its places in the texture."""
    faces, vertices, uv = trimesh.visual.texture.unmerge_faces(scan.faces, scan.uv_faces)
    visual = trimesh.visual.TextureVisuals(uv=scan.uv[uv], image=Image.fromarray(scan.texture))
    return trimesh.Trimesh(scan.vertices[vertices], faces, visual=visual, process=False)


def _coloured(scan: Scan) -> trimesh.Trimesh:
    mesh = _textured(scan)
    colours = np.rint(sample(scan.texture, mesh.visual.uv.T.astype(float), reduction=1)).T.astype(np.uint8)
    return trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=colours, process=False)


#: The ways: a mesh's kind, its writer, and the landmarks' kind.
_WAYS: tuple[tuple[str, Callable[[Scan, str], _Files], str], ...] = (
    (".obj", _obj, ".csv"),
    (".ply", _ply, ".pts"),
    (".glb", _glb, ".json"),
    (".wrl", _vrml, ".bnd"),
    (".png", _depth_pictures, ".tsv"),
    (".npz", _arrays, ".txt"),
    (".obj", _obj_of_colours, ".pp"),
    (".ply", _ply_in_text, ".fcsv"),
    (".ply", _ply_of_colours, ".ljson"),
    (".glb", _glb_of_colours, ".lm3"),
)
