"""Light baked into the texture: what a camera in front sees of the albedo under one lamp and a soft surround."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from trimesh import Trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from afnetm.data.synthetic.atlas import PATCHES, TEXTURE_SHAPE
from afnetm.data.synthetic.head import average, head
from afnetm.data.synthetic.nuisance import Nuisance
from afnetm.data.synthetic.skin import lips
from afnetm.data.synthetic.texture_painting import smoothstep

#: Directions over the hemisphere for ambient occlusion.
_OCCLUSION_RAYS = 48
#: How far light creeps round the terminator in skin, by channel: red travels farthest (subsurface scattering).
_WRAP = np.array([0.34, 0.2, 0.14], dtype=np.float32)
#: Light that reaches the inside of the mouth and the eyes, whose own occlusion depends on lips and lids.
_INSIDE = {"upper_teeth": 0.75, "lower_teeth": 0.6, "tongue": 0.45, "mouth": 0.22, "socket": 0.5}


def illuminate(
    albedo: NDArray[np.float32], vertices: NDArray[np.float64], relief: NDArray[np.float32], nuisance: Nuisance
) -> NDArray[np.float32]:
    """The lit texture ``(320, 304, 3)``, linear light, exposed so that a fair forehead comes near 0.7.

    `albedo` ``(320, 304, 3)`` linear, `vertices` ``(V, 3)`` mm, `relief` ``(320, 256)`` mm of skin over the mesh.
    """
    vertex_normals = head().normals(vertices)
    azimuth, elevation = np.radians([nuisance.light_azimuth, nuisance.light_elevation])
    lamp = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    seen = _lamp_visibility(vertices, vertex_normals, lamp)
    attributes = np.column_stack([vertex_normals, seen]).astype(np.float32)
    field = head().texels @ attributes
    normal = _bump(field[:, :3].reshape(*TEXTURE_SHAPE, 3), relief)
    visible = field[:, 3].reshape(TEXTURE_SHAPE) * _fixed_visibility()
    occlusion = _occlusion()

    towards = normal @ lamp.astype(np.float32)
    diffuse = np.clip((towards[..., None] + _WRAP) / (1 + _WRAP), 0, None) * visible[..., None]
    sky = (0.72 + 0.28 * normal[..., 1] + 0.12 * normal[..., 2]) * occlusion
    half = lamp + np.array([0.0, 0.0, 1.0])
    half /= np.linalg.norm(half)
    shine = np.clip(normal @ half.astype(np.float32), 0, 1)
    tint = 1 + nuisance.light_warmth * np.array([0.09, 0.0, -0.12], dtype=np.float32)
    lit = albedo * (
        (1 - nuisance.light_ambient) * 1.15 * diffuse * tint + nuisance.light_ambient * 1.1 * sky[..., None]
    )
    sheen = np.minimum(albedo.mean(axis=2) / 0.1, 1)  # dark hair and pupils scatter little
    highlight = sheen * (0.05 + 0.1 * nuisance.gloss) * shine**22 * visible * occlusion
    highlight += _gloss_extra() * shine**120 * visible
    return np.asarray(lit + ((1 - nuisance.light_ambient) * highlight)[..., None], dtype=np.float32)


def _bump(normal: NDArray[np.float32], relief: NDArray[np.float32]) -> NDArray[np.float32]:
    """`normal` tilted by the slope of the skin's relief, unit length."""
    patch = PATCHES["skin"]
    down, across = np.gradient(relief)
    slope_x = across * patch.width / patch.span_x
    slope_y = -down * patch.height / patch.span_y
    normal = normal.copy()
    skin = normal[patch.window]
    skin[..., 0] -= slope_x
    skin[..., 1] -= slope_y
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6), dtype=np.float32)


def _lamp_visibility(
    vertices: NDArray[np.float64], normals: NDArray[np.float64], lamp: NDArray[np.float64]
) -> NDArray[np.float64]:
    """0 where the head itself stands before the lamp, 1 elsewhere, softened over neighbours, ``(V,)``."""
    # The coarse head casts the shadow: a quarter of the faces, and nobody can tell.
    caster = RayMeshIntersector(Trimesh(vertices[: len(head().coarse)], head().triangles, process=False))
    facing = np.flatnonzero(normals @ lamp > -0.2)
    lit = np.zeros(len(vertices), dtype=bool)
    starts = vertices[facing] + normals[facing] * 1.5
    lit[facing] = ~caster.intersects_any(starts, np.broadcast_to(lamp, starts.shape))
    visible: NDArray[np.float64] = lit.astype(np.float64)
    for _ in range(2):
        visible = np.asarray(average() @ visible)
    return visible


@cache
def _occlusion() -> NDArray[np.float32]:
    """Ambient visibility of the surround from each texel of the base head, ``(320, 304)``."""
    model = head()
    normals = model.normals(model.vertices)
    caster = RayMeshIntersector(Trimesh(model.vertices, model.faces, process=False))
    index = np.arange(_OCCLUSION_RAYS) + 0.5
    polar, turn = np.arccos(1 - index / _OCCLUSION_RAYS), np.pi * (1 + 5**0.5) * index
    spiral = np.column_stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)])
    open_sky, weight = np.zeros(len(normals)), np.full(len(normals), 1e-6)
    for direction in spiral:
        cosine = np.clip(normals @ direction, 0, None)
        facing = np.flatnonzero(cosine > 0)
        starts = model.vertices[facing] + normals[facing] * 0.6
        blocked = caster.intersects_any(starts, np.broadcast_to(direction, starts.shape))
        open_sky[facing] += cosine[facing] * ~blocked
        weight[facing] += cosine[facing]
    seen = average() @ (open_sky / weight)
    occlusion = np.asarray(head().texels @ seen.astype(np.float32)).reshape(TEXTURE_SHAPE)
    # Lips that touch on the base head may part: no dark band must stay on them.
    patch = PATCHES["skin"]
    skin = occlusion[patch.window]
    occlusion[patch.window] = skin + lips() * np.clip(0.75 - skin, 0, None)
    for name, share in _INSIDE.items():
        occlusion[PATCHES[name].window] = share
    for name in ("left_eye", "right_eye"):
        occlusion[PATCHES[name].window] = _under_lid()
    return np.clip(0.25 + 0.85 * occlusion, 0, 1)


def _under_lid() -> NDArray[np.float32]:
    """The shade of the upper lid and lashes on an eyeball."""
    patch = PATCHES["left_eye"]
    _, y = patch.grid()
    return np.asarray(0.85 - 0.6 * smoothstep(patch.y + 1.0, patch.y + 6.0, y), dtype=np.float32)


@cache
def _fixed_visibility() -> NDArray[np.float32]:
    """Visibility of the lamp whatever the vertices say: little inside the mouth."""
    visible = np.ones(TEXTURE_SHAPE, dtype=np.float32)
    for name, share in _INSIDE.items():
        visible[PATCHES[name].window] = share
    for name in ("left_eye", "right_eye"):
        visible[PATCHES[name].window] = _under_lid()
    return visible


@cache
def _gloss_extra() -> NDArray[np.float32]:
    """Additional gloss by place: eyes, teeth, a little on lips and the tip of the nose."""
    glint = np.zeros(TEXTURE_SHAPE, dtype=np.float32)
    glint[PATCHES["skin"].window] = ndimage.gaussian_filter(lips(), 2) * 0.1
    for name, share in (("left_eye", 1.0), ("right_eye", 1.0), ("upper_teeth", 0.3), ("lower_teeth", 0.2)):
        glint[PATCHES[name].window] = share
    return glint
