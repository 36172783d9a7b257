import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from afnetm.data.holes import MAX_HOLE_MM2
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, PLANES, WINDOW_MM
from afnetm.data.pose import fit_pose
from afnetm.data.rendering import render
from afnetm.errors import UserError

SIZE = 100  # 2 mm a pixel
PIXEL = WINDOW_MM / SIZE


def _pixel_centres(size=SIZE):
    middle = (np.arange(size) + 0.5) * WINDOW_MM / size - WINDOW_MM / 2
    return np.meshgrid(middle, -middle)


def _millimetres(maps):
    return np.where(maps.depth[0] > 0, (maps.depth[0] - 1.0) * DEPTH_STEP_MM + DEPTH_ZERO_MM, np.nan)


def _valid(maps):
    return maps.planes[0] & PLANES["valid"] > 0


def _upright(scan):
    """The scan moved so that its pose fit has nothing left to do: then pixels are known in its own frame."""
    pose = fit_pose(scan)
    vertices, landmarks = (pose.apply(points).astype(np.float32) for points in (scan.vertices, scan.landmarks))
    return replace(scan, vertices=vertices, landmarks=landmarks)


def _on_surface(make_scan, height, **options):
    """A surface under the landmarks of the upright face."""
    return replace(make_scan(height, **options), landmarks=_upright(make_scan(step=10.0)).landmarks)


def sphere(radius):
    return lambda x, y: np.sqrt(np.where(x**2 + y**2 < (0.97 * radius) ** 2, radius**2 - x**2 - y**2, np.nan)) - radius


SURFACES = {
    "plane": lambda x, y: 0.3 * x - 0.2 * y + 5,
    "sphere": sphere(80.0),
    "cylinder": lambda x, y: np.sqrt(np.where(np.abs(x) < 76, 80**2 - x**2, np.nan)) - 70 + 0 * y,
}


@pytest.mark.parametrize("name", SURFACES)
def test_depth_is_the_surface_s(make_scan, name):
    maps = render(_on_surface(make_scan, SURFACES[name], step=1.0), size=SIZE)
    expected = SURFACES[name](*_pixel_centres())
    found = _millimetres(maps)
    inside = np.hypot(*_pixel_centres()) < 60
    assert np.isfinite(found[inside]).all()
    # Half a step of the code and the sagitta of a 1 mm facet on an 80 mm sphere at 49 degrees.
    np.testing.assert_allclose(found[inside], expected[inside], atol=DEPTH_STEP_MM / 2 + 0.02)
    # Where the surface is not, nothing is: no skirt at the silhouette.
    x, y = _pixel_centres()
    beyond = np.isnan(SURFACES[name](x * 0.97, y * 0.97))
    assert not maps.depth[0][beyond].any()
    assert not maps.texture[:, beyond].any()
    np.testing.assert_array_equal(_valid(maps), maps.depth[0] > 0)


def test_texture_lands_where_it_belongs(make_scan):
    column = np.arange(256)
    texture = np.zeros((256, 256, 3), np.uint8)
    texture[..., 0], texture[..., 1], texture[..., 2] = column, column[:, None], 200
    maps = render(_on_surface(make_scan, SURFACES["plane"], texture=texture), size=SIZE)
    x, y = _pixel_centres()
    inside = np.hypot(x, y) < 90
    # The picture spans 220 mm; its first texel's middle is half a texel from the edge.
    np.testing.assert_allclose(maps.texture[0][inside], ((x + 110) / 220 * 256 - 0.5)[inside], atol=0.75)
    np.testing.assert_allclose(maps.texture[1][inside], ((110 - y) / 220 * 256 - 0.5)[inside], atol=0.75)
    assert (maps.texture[2][inside] == 200).all()


def test_a_fine_texture_is_averaged_not_aliased(make_scan):
    texture = np.zeros((1024, 1024, 3), np.uint8)
    texture[::2] = 255  # stripes far finer than a pixel
    maps = render(_on_surface(make_scan, SURFACES["plane"], texture=texture), size=50)
    inside = np.hypot(*_pixel_centres(50)) < 90
    assert maps.texture[:, inside].std() < 3
    assert maps.texture[:, inside].mean() == pytest.approx(127.5, abs=2)


def test_maps_do_not_depend_on_where_the_scan_lies(make_scan):
    scan = make_scan()
    turn = Rotation.from_euler("xyz", [20, -35, 130], degrees=True)

    def move(points):
        return (turn.apply(points) + np.array([300, -80, 1000])).astype(np.float32)

    still = render(scan, size=SIZE)
    moved = render(replace(scan, vertices=move(scan.vertices), landmarks=move(scan.landmarks)), size=SIZE)
    both = _valid(still) & _valid(moved)
    assert (_valid(still) ^ _valid(moved)).mean() < 0.001
    assert np.abs(_millimetres(still) - _millimetres(moved))[both].max() < 0.05
    assert np.mean(still.planes[0] != moved.planes[0]) < 0.002
    assert np.abs(still.texture.astype(int) - moved.texture)[:, both].mean() < 0.5


def test_a_sphere_a_tenth_bigger_is_a_tenth_bigger(make_scan):
    small, big = (render(_on_surface(make_scan, sphere(radius), step=1.0), size=SIZE) for radius in (70.0, 77.0))
    assert _valid(big).sum() / _valid(small).sum() == pytest.approx(1.21, abs=0.01)


def _with_hole(scan, centre, radius):
    middles = scan.vertices[scan.faces].mean(1)[:, :2]
    keep = np.hypot(*(middles - centre).T) > radius
    return replace(scan, faces=scan.faces[keep], uv_faces=scan.uv_faces[keep])


def test_a_small_hole_is_filled_and_remembered(make_scan):
    scan = _upright(make_scan())
    whole, holed = render(scan, size=SIZE), render(_with_hole(scan, (30, -20), 8), size=SIZE)
    hole = _valid(whole) & ~_valid(holed)
    assert hole.sum() * PIXEL**2 == pytest.approx(np.pi * 8**2, rel=0.25)
    assert hole.sum() * PIXEL**2 < MAX_HOLE_MM2
    assert np.abs(_millimetres(whole) - _millimetres(holed))[hole].max() < 1.5
    # Its texture is the picture's own, not a blur of the rim: the checks of the picture go on through it.
    assert np.abs(whole.texture.astype(int) - holed.texture)[:, hole].max() <= 60
    assert np.abs(whole.texture.astype(int) - holed.texture)[:, hole].mean() < 3
    np.testing.assert_array_equal(whole.depth[0][~hole], holed.depth[0][~hole])


def test_a_large_hole_keeps_its_texture_and_loses_its_depth(make_scan):
    scan = _upright(make_scan())
    whole, holed = render(scan, size=SIZE), render(_with_hole(scan, (30, -20), 16), size=SIZE)
    hole = _valid(whole) & ~_valid(holed)
    assert not holed.depth[0][hole].any()
    assert np.abs(whole.texture.astype(int) - holed.texture)[:, hole].mean() < 5


def test_a_bite_out_of_the_outline_is_no_hole(make_scan):
    scan = _upright(make_scan())
    whole, bitten = render(scan, size=SIZE), render(_with_hole(scan, (80, 0), 12), size=SIZE)
    bite = _valid(whole) & ~_valid(bitten)
    assert bite.sum() > 20
    assert not bitten.depth[0][bite].any()
    assert not bitten.texture[:, bite].any()


def test_between_two_pieces_of_the_image_a_hole_takes_the_colours_around_it(make_scan):
    # The face's left half reads the image's left third, its right half the right third; between them is red.
    texture = np.full((90, 90, 3), 128, np.uint8)
    texture[:, 30:60] = (255, 0, 0)
    scan = _upright(make_scan(texture=texture))
    right = scan.vertices[scan.faces].mean(1)[:, 0] > 0
    third = scan.uv * np.array([1 / 3, 1], np.float32)
    two = replace(
        scan,
        uv=np.concatenate([third, third + np.array([2 / 3, 0], np.float32)]).clip(0, 1),
        uv_faces=np.where(right[:, None], scan.uv_faces + len(third), scan.uv_faces).astype(np.int32),
    )
    # Both pieces stay clear of the red by the width of the face.
    maps = render(_with_hole(two, (0, -50), 8), size=SIZE)
    hole = ~_valid(maps) & (maps.depth[0] > 0)
    assert hole.sum() > 20
    assert np.ptp(maps.texture[:, hole], axis=0).max() <= 2


def test_behind_a_hole_in_a_closed_head_there_is_nothing(make_scan):
    scan = _upright(make_scan())
    back = scan.vertices - np.array([0, 0, 60], np.float32)
    inside_out = scan.faces[:, ::-1] + len(scan.vertices)
    closed = _with_hole(scan, (30, -20), 16)
    closed = replace(
        closed,
        vertices=np.concatenate([scan.vertices, back]),
        faces=np.concatenate([closed.faces, inside_out]).astype(np.int32),
        uv_faces=np.concatenate([closed.uv_faces, scan.uv_faces[:, ::-1]]),
    )
    hole = np.hypot(*(np.stack(_pixel_centres(), -1) - (30, -20)).transpose(2, 0, 1)) < 13
    assert not render(closed, size=SIZE).depth[0][hole].any()


def test_no_ray_slips_through_a_closed_surface(make_scan):
    # Rays through vertices and edges: pixel middles are on the grid of the mesh.
    scan = _on_surface(make_scan, lambda x, y: 0 * x, step=1.0, reach=100.0)
    assert _valid(render(scan, size=200)).all()


@pytest.mark.parametrize("size", [0, 15, 1025])
def test_a_size_out_of_range_is_refused(make_scan, size):
    with pytest.raises(UserError, match=rf"size: {size} pixels \(allowed: 16 to 1024\)"):
        render(make_scan(step=10.0), size=size)


@pytest.mark.parametrize(
    ("wrap", "moved"),
    [
        (("repeat", "repeat"), lambda uv: uv + np.array([3, -2])),
        (("mirror", "mirror"), lambda uv: -uv),
        (("mirror", "repeat"), lambda uv: np.stack([2 - uv[:, 0], uv[:, 1] + 1], -1)),
    ],
)
def test_beyond_its_edges_the_texture_goes_on_as_the_scan_says(make_scan, wrap, moved):
    scan = make_scan()
    within = render(scan, size=SIZE).texture
    beyond = replace(scan, uv=moved(scan.uv).astype(np.float32))
    assert np.abs(render(replace(beyond, wrap=wrap), size=SIZE).texture.astype(int) - within).max() <= 1
    # Where it is clamped, all that is seen of it is its edge.
    assert len(np.unique(render(beyond, size=SIZE).texture.reshape(3, -1), axis=1).T) < 0.1 * len(
        np.unique(within.reshape(3, -1), axis=1).T
    )


def test_texture_coordinates_that_hardly_leave_the_picture_mean_its_edge(make_scan):
    scan = make_scan()
    spread = (scan.uv - scan.uv.min(0)) / np.ptp(scan.uv, axis=0) * 1.016 - 0.008
    clamped, repeated = (
        render(replace(scan, uv=spread.astype(np.float32), wrap=(wrap, wrap)), size=SIZE).texture
        for wrap in ("clamp", "repeat")
    )
    np.testing.assert_array_equal(clamped, repeated)


def _spiked(scan):
    tip = np.linalg.norm(scan.vertices - scan.landmarks[36], axis=1).argmin()
    return scan.vertices + np.float32([0, 0, 300]) * (np.arange(len(scan.vertices)) == tip)[:, None]


#: What of a scan is spoilt, and what is said of it.
SPOILT = {
    "its mesh has no faces": lambda scan: {"faces": scan.faces[:0], "uv_faces": scan.uv_faces[:0]},
    "point at": lambda scan: {"faces": scan.faces + np.int32(9)},
    "not a finite": lambda scan: {"uv": np.where(scan.uv > 0.5, np.nan, scan.uv).astype(np.float32)},
    "faces the viewer": lambda scan: {"faces": scan.faces[:, ::-1]},
    "is it in metres": lambda scan: {"vertices": scan.vertices / 1000},
    "is it in centimetres or inches": lambda scan: {"vertices": scan.vertices / 10},
    "lengths in mm; 2 of 263 vertices are far from the others, delete them)": lambda scan: {
        "vertices": np.concatenate([scan.vertices[:-2], np.full((2, 3), 1e9, np.float32)])
    },
    "a triangle seen on it has an edge of 30": lambda scan: {"vertices": _spiked(scan)},
    "texture coordinates range from 11.6364 to 244.364 (allowed: -10 to 10": lambda scan: {
        "uv": scan.uv.clip(0, 1) * 256
    },
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_damaged_mesh_is_named(make_scan, what):
    scan = replace(make_scan(step=10.0), source="a.obj")
    with pytest.raises(UserError, match=rf"scan face( \(a\.obj\))?: .*{re.escape(what)}"):
        render(replace(scan, **SPOILT[what](scan)), size=SIZE)
