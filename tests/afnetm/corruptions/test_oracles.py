"""What corruptions do, computed in another way."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from scipy.spatial.transform import Rotation

from afnetm.corruptions import corrupted, find_corruption
from afnetm.corruptions.applying import maps_of
from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.moving import moved
from afnetm.corruptions.surfaces import measured, millimetres, with_surface
from afnetm.data.dataset import FaceDataset
from afnetm.data.holes import MAX_HOLE_MM2
from afnetm.data.maps import PLANES, WINDOW_MM, RenderedMaps
from afnetm.data.pose import Pose, fit_pose
from afnetm.data.rendering import render
from afnetm.data.scan import Scan
from afnetm.data.synthetic import SyntheticSource

RNG = np.random.default_rng


def applied(name: str, maps: RenderedMaps, value: float, seed: int = 0) -> RenderedMaps:
    corruption = find_corruption(name)
    assert isinstance(corruption, MapCorruption)
    return corruption.apply(maps, value, RNG(seed))


@pytest.fixture
def maps(faces: FaceDataset) -> RenderedMaps:
    return maps_of(faces, 0)


@pytest.fixture
def large(pair: tuple[FaceDataset, FaceDataset]) -> RenderedMaps:
    return maps_of(pair[1], 0)


@pytest.mark.parametrize("deviation", [1.0, 3.0])
def test_depth_noise_has_its_standard_deviation_in_mm_at_every_size(
    deviation: float, pair: tuple[FaceDataset, FaceDataset]
) -> None:
    errors = []
    for dataset in pair:
        clean = maps_of(dataset, 0)
        noisy = applied("depth_noise", clean, deviation)
        both = measured(clean) & measured(noisy)
        errors.append((millimetres(noisy) - millimetres(clean))[both])
    assert [error.std() for error in errors] == pytest.approx([deviation, deviation], rel=0.1)
    assert [error.mean() / deviation for error in errors] == pytest.approx([0, 0], abs=0.1)


def test_the_noise_is_the_same_at_every_size(pair: tuple[FaceDataset, FaceDataset]) -> None:
    small, large = ((applied("depth_noise", clean, 1.0), clean) for clean in (maps_of(dataset, 0) for dataset in pair))
    fine = (millimetres(large[0]) - millimetres(large[1])).reshape(64, 4, 64, 4).mean((1, 3))
    inside = ndimage.binary_erosion(measured(small[1]), iterations=3)
    coarse = millimetres(small[0]) - millimetres(small[1])
    assert np.corrcoef(fine[inside], coarse[inside])[0, 1] > 0.95


def test_quantised_depth_is_whole_steps_and_no_further_than_half_of_one(maps: RenderedMaps) -> None:
    step = 4.0
    made = applied("quantisation", maps, step)
    z = millimetres(made)[measured(made)]
    assert z / step == pytest.approx(np.rint(z / step), abs=1e-6)
    assert np.abs(z - millimetres(maps)[measured(maps)]).max() <= step / 2 + 0.005


def test_what_was_filled_is_filled_again(maps: RenderedMaps) -> None:
    filled = (maps.depth[0] > 0) & ~measured(maps)
    assert filled.any()
    same = with_surface(maps, millimetres(maps), measured(maps))
    assert np.abs(same.depth.astype(int) - maps.depth).max() <= 1  # of 0.005 mm: codes were rounded
    tilted = millimetres(maps) + np.linspace(0, 20, 64)
    made = with_surface(maps, tilted, measured(maps))
    assert np.abs(millimetres(made) - tilted)[filled].max() < 0.5  # the membrane repeats a plane


def test_small_holes_are_filled_and_large_ones_stay_empty(large: RenderedMaps) -> None:
    pixel = WINDOW_MM / 256
    row, column = np.mgrid[:256, :256]
    for radius, empty in ((0.8 * np.sqrt(MAX_HOLE_MM2 / np.pi), False), (1.3 * np.sqrt(MAX_HOLE_MM2 / np.pi), True)):
        hole = np.hypot(row - 150, column - 160) * pixel < radius
        made = with_surface(large, millimetres(large), measured(large) & ~hole)
        assert not measured(made)[hole].any()
        assert (made.depth[0][hole] == 0).all() == empty
        assert np.array_equal(made.planes & ~np.uint8(1), large.planes & ~np.uint8(1))


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_drop_out_loses_its_share_and_only_more_with_more(share: float, large: RenderedMaps) -> None:
    kept = measured(applied("dropout", large, share))
    assert kept.sum() / measured(large).sum() == pytest.approx(1 - share, abs=0.05)
    assert not (measured(applied("dropout", large, share + 0.1)) & ~kept).any()


def test_spikes_are_their_share_and_10_to_40_mm_high(large: RenderedMaps) -> None:
    made = applied("spikes", large, 0.2)
    both = measured(made) & measured(large)
    error = np.abs(millimetres(made) - millimetres(large))[both]
    assert (error > 1).mean() == pytest.approx(0.2, abs=0.04)
    assert error[error > 1].min() > 9.99
    assert error.max() < 40.01


def test_a_shift_by_whole_pixels_is_the_same_maps_further_along(maps: RenderedMaps) -> None:
    pixel = WINDOW_MM / 64
    made = moved(maps, shift=(3 * pixel, 2 * pixel))  # to the right and up
    for name in ("texture", "depth"):
        assert np.array_equal(getattr(made, name)[:, :-2, 3:], getattr(maps, name)[:, 2:, :-3])
    valid = np.uint8(PLANES["valid"])
    assert np.array_equal((made.planes & valid)[:, :-2, 3:], (maps.planes & valid)[:, 2:, :-3])
    assert made.landmarks - maps.landmarks == pytest.approx(np.tile([3 * pixel, 2 * pixel, 0], (83, 1)), abs=1e-4)


def test_a_scaled_face_is_the_scan_rendered_at_that_scale() -> None:
    scan = SyntheticSource(seed=31, subjects=1, intensities=(4,), clean=True).load("s000_fear_4")
    pose = fit_pose(scan)
    own = render(scan, size=128, pose=pose)
    scaled = _moved(scan, 1.2 * pose.apply(scan.vertices), 1.2 * pose.apply(scan.landmarks))
    larger = render(scaled, size=128, pose=_still())
    made = moved(own, scale=1.2)
    inside = ndimage.binary_erosion(measured(made) & measured(larger), iterations=2)
    assert inside.sum() > 5000
    assert np.median(np.abs(millimetres(made) - millimetres(larger))[inside]) < 0.1
    assert made.landmarks == pytest.approx(larger.landmarks, abs=0.01)


@pytest.mark.parametrize(("name", "axis"), [("yaw", "y"), ("pitch", "x")])
def test_a_turned_face_is_the_mesh_turned_and_rendered(name: str, axis: str, faces: FaceDataset) -> None:
    corruption = find_corruption(name)
    made = corrupted(faces, np.array([0]), corruption, 4)
    assert corruption.severities[3] == 45
    scan = SyntheticSource(seed=31, subjects=2, intensities=(4,)).load("s000_fear_4")
    pose, middle = fit_pose(scan), np.array([0, 0, -40.0])
    found = []
    for degrees in (-45, 45):
        turn = Rotation.from_euler(axis, degrees, degrees=True)
        points, landmarks = (turn.apply(pose.apply(one) - middle) + middle for one in (scan.vertices, scan.landmarks))
        by_hand = render(_moved(scan, points, landmarks), size=64, pose=_still())
        near = np.abs(made.landmarks[0] - by_hand.landmarks).max() < 0.01
        found.append(near and (made.depth[0] > 0).sum() == pytest.approx((by_hand.depth > 0).sum(), abs=3))
    assert sum(found) == 1


def test_landmarks_are_off_by_their_error_and_regions_follow(faces: FaceDataset) -> None:
    error, off = find_corruption("landmark_error"), []
    for seed in range(20):
        made = corrupted(faces, faces.rows, error, 3, seed=seed)
        off.append(((made.landmarks - faces.landmarks) ** 2).sum(-1))
        assert not np.array_equal(made.planes, faces.planes)
    assert np.sqrt(np.mean(off)) == pytest.approx(error.severities[2], rel=0.1)
    assert made.detected_planes is not None
    assert made.detected_landmarks is not None
    assert np.isnan(made.detected_landmarks[0]).all()  # where no face was found there is none now
    assert not made.detected_planes[0].any()
    assert not np.array_equal(made.detected_planes[1], made.planes[1] & ~np.uint8(1))  # each errs by itself


def test_a_lamp_at_the_camera_changes_nothing_and_one_at_the_side_darkens_one_side(maps: RenderedMaps) -> None:
    assert np.abs(applied("light", maps, 0.0).texture.astype(int) - maps.texture).max() <= 1
    made = applied("light", maps, 60.0, seed=1)
    around = RNG(1).uniform(0, 2 * np.pi)
    along = np.arange(64) - 31.5
    towards = along[None, :] * np.cos(around) - along[:, None] * np.sin(around)
    seen = maps.texture.any(0)
    ratio = made.texture.sum(0)[seen] / np.maximum(maps.texture.sum(0)[seen], 1)
    assert ratio[towards[seen] < -10].mean() < 0.8 * ratio[towards[seen] > 10].mean()


def test_a_stop_is_twice_the_light(maps: RenderedMaps) -> None:
    grey = replace(maps, texture=np.full_like(maps.texture, 118))
    found = {int(applied("exposure", grey, 1.0, seed).texture[0, 32, 32]) for seed in range(8)}
    assert found == {round(_srgb(_linear(118) / 2)), round(_srgb(_linear(118) * 2))}


def test_contrast_keeps_the_mean_and_its_fraction_of_the_deviation(maps: RenderedMaps) -> None:
    made, seen = applied("contrast", maps, 0.25), maps.texture.any(0)
    clean, less = (one.texture[:, seen].astype(float) for one in (maps, made))
    assert less.mean(1) == pytest.approx(clean.mean(1), abs=1)
    assert less.std(1) == pytest.approx(0.25 * clean.std(1), rel=0.05)


def test_jpeg_at_its_own_size_is_jpeg(maps: RenderedMaps) -> None:
    rng = RNG(0)
    texture = ndimage.gaussian_filter(rng.uniform(0, 255, (3, 64, 64)), (0, 3, 3)).clip(1, 255).astype(np.uint8)
    depth, planes = (np.ones((1, 64, 64), kind) for kind in (np.uint16, np.uint8))
    everywhere = RenderedMaps(texture, depth, planes, maps.landmarks)
    file = BytesIO()
    Image.fromarray(np.moveaxis(texture, 0, -1)).save(file, "JPEG", quality=10)
    expected = np.moveaxis(np.asarray(Image.open(file)), -1, 0)
    assert np.array_equal(applied("jpeg", everywhere, 10.0).texture, expected)


def test_blur_takes_nothing_from_beside_the_face(maps: RenderedMaps) -> None:
    grey = replace(maps, texture=np.where(maps.texture.any(0), np.uint8(100), np.zeros_like(maps.texture)))
    made = applied("blur", grey, 10.0).texture
    assert set(np.unique(made[:, maps.texture.any(0)])) <= {99, 100}


def test_the_depth_of_another_person_of_the_same_expression(faces: FaceDataset) -> None:
    made = corrupted(faces, faces.rows, find_corruption("other_person"), 1)
    assert np.array_equal(made.depth, faces.depth[[2, 3, 0, 1]])
    assert np.array_equal(made.planes & 1, faces.planes[[2, 3, 0, 1]] & 1)
    assert np.array_equal(made.texture, faces.texture)


def _linear(level: float) -> float:
    return float(((level / 255 + 0.055) / 1.055) ** 2.4)


def _srgb(linear: float) -> float:
    return float(255 * (1.055 * linear ** (1 / 2.4) - 0.055))


def _still() -> Pose:
    return Pose(np.eye(3), np.zeros(3), 0.0)


def _moved(scan: Scan, vertices: NDArray[np.float64], landmarks: NDArray[np.float64]) -> Scan:
    return replace(scan, vertices=vertices.astype(np.float32), landmarks=landmarks.astype(np.float32))
