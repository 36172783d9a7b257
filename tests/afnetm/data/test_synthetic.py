"""The synthetic source as its users see it: names, bits, geometry, bad arguments."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.synthetic import GENERATOR_VERSION, VARIANTS, SyntheticSource
from afnetm.errors import UserError

SOURCE = SyntheticSource(seed=5, subjects=3, intensities=(3, 4))


def bits(scan: Scan) -> tuple[object, ...]:
    arrays = (scan.vertices, scan.faces, scan.uv, scan.uv_faces, scan.texture, scan.landmarks)
    return (*(array.tobytes() for array in arrays), scan.id, scan.subject, tuple(scan.nuisance.items()))


def rows(group: str) -> list[int]:
    return [row for row, name in enumerate(LANDMARKS_83) if name.startswith(group)]


@pytest.fixture(scope="module")
def clean_scans() -> list[Scan]:
    source = SyntheticSource(seed=1, subjects=3, intensities=(4,), clean=True)
    return [source.load(scan_id) for scan_id in source.ids()]


def test_ids_name_every_scan_once_and_in_order() -> None:
    ids = SOURCE.ids()
    assert len(set(ids)) == len(ids) == 3 * 6 * 2
    assert ids[:3] == ["s000_anger_3", "s000_anger_4", "s000_disgust_3"]
    scan = SOURCE.load("s002_happiness_4")
    assert (scan.id, scan.subject, scan.expression, scan.intensity) == ("s002_happiness_4", "s002", "happiness", 4)
    assert not any("neutral" in scan_id for scan_id in ids)


def test_a_scan_is_the_same_bits_whatever_came_before_and_however_large_the_dataset_is() -> None:
    wanted = "s001_fear_4"
    first = bits(SOURCE.load(wanted))
    SOURCE.load("s002_anger_3")
    SOURCE.load("s000_anger_3")
    assert bits(SOURCE.load(wanted)) == first
    assert bits(SyntheticSource(seed=5, subjects=40, intensities=(1, 4, 2), neutral=True).load(wanted)) == first
    assert bits(pickle.loads(pickle.dumps(SOURCE)).load(wanted)) == first


def test_the_generator_is_frozen() -> None:
    """Whoever changes what a seed yields raises `GENERATOR_VERSION` and measures the difficulty anew (docs)."""
    scan = SOURCE.load("s001_fear_4")
    assert (GENERATOR_VERSION, len(scan.faces)) == (2, 36912)
    np.testing.assert_allclose(scan.landmarks[54], [33.086, -42.967, 23.535], atol=2e-3)
    np.testing.assert_allclose(scan.vertices.mean(axis=0), [0.1045, -3.6401, -2.7417], atol=2e-3)
    np.testing.assert_allclose(scan.texture.mean(axis=(0, 1)), [120.687, 89.555, 74.105], atol=0.05)
    assert scan.nuisance["light_azimuth"] == pytest.approx(-50.6317, abs=1e-3)


def test_seeds_subjects_and_levels_differ() -> None:
    scans = [SOURCE.load(name) for name in ("s001_fear_4", "s001_fear_3", "s000_fear_4")]
    scans.append(SyntheticSource(seed=6, subjects=3, intensities=(4,)).load("s001_fear_4"))
    assert len({scan.texture.tobytes() for scan in scans}) == len(scans)
    assert len({scan.vertices.tobytes() for scan in scans}) == len(scans)


def test_the_source_describes_what_decides_its_scans() -> None:
    assert SOURCE.shareable
    described = {
        "kind": "synthetic",
        "version": GENERATOR_VERSION,
        "seed": 5,
        "subjects": 3,
        "intensities": [3, 4],
        "clean": False,
    }
    assert SOURCE.describe() == described
    assert replace(SOURCE, neutral=True, variant="light").describe() == described | {
        "neutral": True,
        "variant": "light",
    }


def test_each_subject_has_one_neutral_scan_where_it_is_asked_for() -> None:
    source = replace(SOURCE, neutral=True)
    assert sorted(set(source.ids()) - set(SOURCE.ids())) == ["s000_neutral_0", "s001_neutral_0", "s002_neutral_0"]
    calm, angry = source.load("s001_neutral_0"), source.load("s001_surprise_4")
    assert (calm.subject, calm.expression, calm.intensity) == ("s001", "neutral", 0)

    def opening(scan: Scan) -> float:
        lips = scan.landmarks[rows("inner_mouth")]
        return float(lips[2, 1] - lips[6, 1])

    assert opening(calm) < opening(angry) - 5


def test_variants_show_other_faces_light_or_surfaces() -> None:
    wanted = "s000_happiness_4"
    standard = SOURCE.load(wanted)
    others = {name: replace(SOURCE, variant=name).load(wanted) for name in VARIANTS if name != "standard"}
    assert others.keys() == {"light", "sensor", "population"}
    light, sensor, population = (others[name] for name in ("light", "sensor", "population"))
    assert (light.texture != standard.texture).any()
    assert (light.vertices == standard.vertices).all()
    assert (sensor.texture == standard.texture).all()
    assert sensor.vertices.shape == standard.vertices.shape
    assert (sensor.vertices[:, 2] != standard.vertices[:, 2]).any()
    assert np.abs(population.vertices - standard.vertices).max() > 3  # somebody else


@given(number=st.integers(0, 2), expression=st.sampled_from(EXPRESSIONS), level=st.sampled_from((3, 4)))
@settings(max_examples=6)
def test_scans_are_well_formed(number: int, expression: str, level: int) -> None:
    scan = SOURCE.load(f"s{number:03d}_{expression}_{level}")
    assert scan.vertices.dtype == np.float32
    assert np.isfinite(scan.vertices).all()
    assert scan.faces.min() >= 0
    assert scan.faces.max() < len(scan.vertices)
    assert scan.uv_faces.shape == scan.faces.shape
    assert scan.uv_faces.max() < len(scan.uv)
    assert (scan.uv >= 0).all()
    assert (scan.uv <= 1).all()
    assert scan.texture.dtype == np.uint8
    assert scan.landmark_names == LANDMARKS_83
    assert scan.landmarks.shape == (83, 3)
    assert all(isinstance(level, float) for level in scan.nuisance.values())


def test_heads_have_human_size(clean_scans: list[Scan]) -> None:
    for scan in clean_scans:
        pupils = [scan.landmarks[rows(group)].mean(axis=0) for group in ("right_eye", "left_eye")]
        assert 50 < np.linalg.norm(pupils[0] - pupils[1]) < 75
        chin = scan.landmarks[rows("jaw")][:, 1].min()
        assert 180 < scan.vertices[:, 1].max() - chin < 280
        assert np.abs(pupils[0] + pupils[1]).max() / 2 < 60  # the face is about the origin


def test_what_the_sensor_sees_faces_it(clean_scans: list[Scan]) -> None:
    across = np.linspace(-45, 45, 25)
    places = np.stack(np.meshgrid(across, across, [200.0]), axis=-1).reshape(-1, 3)
    for scan in clean_scans[::6]:
        mesh = trimesh.Trimesh(scan.vertices, scan.faces, process=False)
        hit = mesh.ray.intersects_first(places, np.tile([0.0, 0.0, -1.0], (len(places), 1)))
        assert (hit >= 0).all()
        assert (mesh.face_normals[hit, 2] > 0).mean() > 0.98


def test_landmarks_lie_near_the_surface_as_far_as_the_annotator_errs(clean_scans: list[Scan]) -> None:
    for scan in clean_scans:
        nearest = distance_to_vertices(scan.landmarks, scan.vertices)
        assert np.median(nearest) < 3.0
        assert nearest.max() < 9.0


def test_landmarks_of_the_two_sides_mirror_each_other(clean_scans: list[Scan]) -> None:
    for scan in clean_scans:
        assert (scan.landmarks[rows("right_eye"), 0] < scan.landmarks[rows("left_eye"), 0].min()).all()
        assert (scan.landmarks[rows("right_brow"), 1] > scan.landmarks[rows("outer_mouth"), 1].max()).all()


def test_clean_scans_have_no_failure(clean_scans: list[Scan]) -> None:
    for scan in clean_scans:
        assert scan.nuisance["texture_failure"] == scan.nuisance["depth_failure"] == 0
        assert 20 < scan.texture.mean() < 235


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"subjects": 0}, "subjects = 0"),
        ({"intensities": ()}, r"intensities = \[\]"),
        ({"intensities": (0, 3)}, r"intensities = \[0, 3\]"),
        ({"intensities": (5,)}, r"intensities = \[5\]"),
        ({"intensities": (3, 3)}, "twice"),
        ({"seed": -1}, "seed = -1"),
        ({"variant": "lights"}, "variant = 'lights' is not known.*light"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(UserError, match=named):
        SyntheticSource(**({"seed": 0, "subjects": 2, "intensities": (3, 4)} | options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "scan_id", ["s003_anger_3", "s000_anger_2", "s000_joy_3", "s0_anger_3", "s000_neutral_0", "x", ""]
)
def test_a_scan_that_is_not_there_is_named(scan_id: str) -> None:
    with pytest.raises(UserError, match="not in this source"):
        SOURCE.load(scan_id)


def distance_to_vertices(points: NDArray[np.float32], vertices: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.array([np.linalg.norm(vertices - point, axis=1).min() for point in points])
