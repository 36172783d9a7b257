"""A synthetic face as a depth camera's files: depth and colour pictures, camera, landmarks in the colour picture."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM
from afnetm.data.pose import fit_pose
from afnetm.data.rendering import render
from afnetm.data.synthetic import SyntheticSource

_SIZE, _AWAY = 160, 1500.0


def write_depth_pictures(folder: Path, *, camera: str = "camera.json") -> tuple[Path, ...]:
    """Writes them, and returns the paths: depth, colour, camera, landmarks."""
    source = SyntheticSource(seed=0, subjects=1, intensities=(4,), clean=True)
    scan = source.load(source.ids()[3])
    maps = render(scan, size=_SIZE)
    code = maps.depth[0].astype(float)
    depth = np.where(code > 0, _AWAY - DEPTH_ZERO_MM - (code - 1) * DEPTH_STEP_MM, 0)
    Image.fromarray(np.rint(depth * 10).astype(np.uint16)).save(folder / "depth.png")
    Image.fromarray(maps.texture.transpose(1, 2, 0)).save(folder / "colour.png")
    focal, centre = _SIZE / WINDOW_MM * _AWAY, (_SIZE - 1) / 2
    intrinsics = {"fx": focal, "fy": focal, "cx": centre, "cy": centre, "depth_scale": 0.0001}
    (folder / camera).write_text(json.dumps(intrinsics))
    points = fit_pose(scan).apply(scan.landmarks)[:, :2] * (1, -1) / WINDOW_MM * _SIZE + _SIZE / 2
    lines = [f"{name},{x:.2f},{y:.2f}" for name, (x, y) in zip(scan.landmark_names, points, strict=True)]
    (folder / "points.csv").write_text("\n".join(lines))
    return tuple(folder / name for name in ("depth.png", "colour.png", camera, "points.csv"))
