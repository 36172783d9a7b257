"""The generator's parts: subdivision, streams, action units, nuisance, wrinkles, sensors, annotator."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from afnetm.data.ellipse import Ellipse
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.pose import MAX_MISFIT_MM, fit_pose
from afnetm.data.rendering import render
from afnetm.data.scan import EXPRESSIONS
from afnetm.data.synthetic import VARIANTS, SyntheticSource
from afnetm.data.synthetic.annotator import REGIONS, doubt, place
from afnetm.data.synthetic.depth_sensor import measure
from afnetm.data.synthetic.expression import (
    ACTION_UNITS,
    PROTOTYPES,
    STRAY_UNITS,
    STRENGTHS,
    closed,
    displacement,
    draw_actions,
    draw_episode,
    draw_manner,
)
from afnetm.data.synthetic.failures import draw_large_holes, draw_occluders
from afnetm.data.synthetic.head import head
from afnetm.data.synthetic.landmarks import anchors, front_points
from afnetm.data.synthetic.making import make_scan
from afnetm.data.synthetic.nuisance import (
    DEPTH_FAILURE_RATE,
    GROUPS,
    IDEAL,
    TEXTURE_FAILURE_RATE,
    TEXTURE_FAILURES,
    Nuisance,
    draw_nuisance,
)
from afnetm.data.synthetic.subdivision import loop_matrix
from afnetm.data.synthetic.wrinkles import DRIVERS, relief
from afnetm.seeding import stream


def landmarks_of(actions: dict[int, float]) -> NDArray[np.float64]:
    coarse = closed(head().coarse) + displacement(actions)
    return anchors().locate(np.asarray(head().subdivide @ coarse))


def rows(group: str) -> list[int]:
    return [row for row, name in enumerate(LANDMARKS_83) if name.startswith(group)]


MOUTH, BROWS, EYES = rows("outer_mouth"), rows("right_brow") + rows("left_brow"), rows("right_eye") + rows("left_eye")
CORNERS = [MOUTH[0], MOUTH[6]]
CHIN = rows("jaw")[7]


@given(seed=st.integers(0, 2**32 - 1), height=st.sampled_from([-2.0, -0.4, 0.0, 0.4]))
@settings(max_examples=20)
def test_loop_subdivision_agrees_with_trimesh(seed: int, height: float) -> None:
    sphere = trimesh.creation.icosphere(subdivisions=2)
    kept = sphere.faces[(sphere.vertices[sphere.faces, 2] > height).any(axis=1)]  # a ball, or a cap with a rim
    used, faces = np.unique(kept, return_inverse=True)
    places = np.random.default_rng(seed).normal(size=(len(used), 3))
    mesh = trimesh.Trimesh(places, faces.reshape(-1, 3), process=False)
    matrix, children = loop_matrix(np.asarray(mesh.faces), len(places))
    expected = mesh.subdivide_loop(iterations=1)
    mine = trimesh.Trimesh(matrix @ places, children, process=False)
    np.testing.assert_allclose(np.sort(mine.area_faces), np.sort(expected.area_faces), rtol=1e-8, atol=1e-10)


def test_loop_subdivision_keeps_constants() -> None:
    ones = np.ones(len(head().coarse))
    np.testing.assert_allclose(head().subdivide @ ones, 1.0)
    assert len(head().faces) == 4 * len(head().triangles)


@given(seed=st.integers(0, 10**9), name=st.text(max_size=8), number=st.integers(0, 10**6))
def test_streams_depend_on_their_names_alone(seed: int, name: str, number: int) -> None:
    draw = stream(seed, name, number).random(4)
    assert (draw == stream(seed, name, number).random(4)).all()
    assert (draw != stream(seed, name, number + 1).random(4)).any()
    assert (draw != stream(seed + 1, name, number).random(4)).any()
    assert (draw != stream(seed, name, str(number)).random(4)).any()


@pytest.mark.parametrize(
    ("unit", "points", "axis", "sign"),
    [
        (1, [BROWS[0], BROWS[10]], 1, 1),
        (2, [BROWS[4], BROWS[14]], 1, 1),
        (4, BROWS, 1, -1),
        (10, [MOUTH[2], MOUTH[4]], 1, 1),
        (12, CORNERS, 1, 1),
        (15, CORNERS, 1, -1),
        (26, [CHIN], 1, -1),
        (27, [CHIN], 1, -1),
    ],
)
def test_action_units_move_what_they_should(unit: int, points: list[int], axis: int, sign: int) -> None:
    rest, moved = landmarks_of({}), landmarks_of({unit: 1.0})
    assert (sign * (moved - rest)[points, axis]).mean() > 1.0


def test_smiles_and_stretches_widen_the_mouth_and_wide_eyes_open() -> None:
    rest = landmarks_of({})

    def width(points: NDArray[np.float64]) -> float:
        return float(points[CORNERS[1], 0] - points[CORNERS[0], 0])

    def opening(points: NDArray[np.float64]) -> float:
        return float(points[EYES[2], 1] - points[EYES[6], 1])

    assert width(landmarks_of({12: 1.0})) > width(rest) + 3
    assert width(landmarks_of({20: 1.0})) > width(rest) + 3
    assert opening(landmarks_of({5: 1.0})) > opening(rest) + 1
    assert opening(landmarks_of({43: 1.0})) < opening(rest) - 3


def test_a_wider_jaw_drop_lowers_the_chin_further() -> None:
    heights = [landmarks_of({27: amount})[CHIN, 1] for amount in (0.0, 0.3, 0.6, 1.0)]
    assert (np.diff(heights) < -2).all()


def test_prototypes_name_known_action_units_and_every_expression() -> None:
    assert tuple(PROTOTYPES) == EXPRESSIONS
    for prototypes in PROTOTYPES.values():
        assert len(prototypes) == 2
        for prototype in prototypes:
            assert set(prototype) <= set(ACTION_UNITS)


@given(seed=st.integers(0, 10**6), expression=st.sampled_from(EXPRESSIONS))
def test_higher_levels_are_stronger_on_average(seed: int, expression: str) -> None:
    manner = draw_manner(stream(seed, "manner"))
    episode = draw_episode(expression, stream(seed, "episode"))
    total = []
    for level in range(len(STRENGTHS) + 1):
        draws = [draw_actions(manner, episode, level, stream(seed, level, k)) for k in range(30)]
        total.append(np.mean([sum(actions.get(unit, 0.0) for unit in episode) for actions in draws]))
        assert all(0 <= amount <= 1.3 for actions in draws for amount in actions.values())
    assert (np.diff(total) > 0).all()


def test_nobody_acts_when_neutral() -> None:
    manner = draw_manner(stream(3, "manner"))
    episode = draw_episode("neutral", stream(3, "episode"))
    assert episode == {}
    assert draw_actions(manner, episode, 0, stream(3, "actions")) == manner.bias


def test_failures_come_at_their_rates_and_independently() -> None:
    draws = [draw_nuisance(stream(0, "nuisance", k)) for k in range(6000)]
    texture = np.array([draw.texture_failure for draw in draws])
    depth = np.array([draw.depth_failure for draw in draws])
    assert abs(texture.mean() - TEXTURE_FAILURE_RATE) < 0.025  # four standard errors
    assert abs(depth.mean() - DEPTH_FAILURE_RATE) < 0.026
    assert abs(np.corrcoef(texture, depth)[0, 1]) < 0.052
    kinds = np.bincount([int(draw.texture_failure_kind) for draw in draws], minlength=len(TEXTURE_FAILURES))
    assert kinds[0] == (texture == 0).sum()
    assert (kinds[1:] > 400).all()
    holes = np.array([draw.depth_closed_holes for draw in draws])
    assert set(holes[depth == 1]) == {1.0, 2.0, 3.0}
    assert set(holes[depth == 0]) == {0.0}


def test_failures_are_of_every_severity_and_the_two_are_independent() -> None:
    draws = [draw_nuisance(stream(0, "nuisance", k)) for k in range(6000)]
    both = [draw for draw in draws if draw.texture_failure and draw.depth_failure]
    severities = np.array([(draw.texture_failure_severity, draw.depth_failure_severity) for draw in both])
    for column in severities.T:
        shares = np.histogram(column, bins=4, range=(0, 1))[0] / len(column)
        np.testing.assert_allclose(shares, 0.25, atol=0.07)  # four standard errors
    assert abs(np.corrcoef(severities.T)[0, 1]) < 4 / np.sqrt(len(both))
    for draw in draws:
        assert bool(draw.texture_failure_severity) == bool(draw.texture_failure)
        assert bool(draw.depth_failure_severity) == bool(draw.depth_failure)


@given(seed=st.integers(0, 10**6))
def test_clean_is_milder_and_never_fails(seed: int) -> None:
    usual, clean = draw_nuisance(stream(seed, "n")), draw_nuisance(stream(seed, "n"), clean=True)
    assert clean.texture_failure == clean.texture_failure_kind == clean.depth_failure == clean.depth_closed_holes == 0
    for name, ideal in IDEAL.factors().items():
        if name not in GROUPS["landmark_error"]:
            assert abs(getattr(clean, name) - ideal) <= abs(getattr(usual, name) - ideal)
    assert clean.landmark_jitter_mm == usual.landmark_jitter_mm > 0


def test_every_nuisance_belongs_to_one_group_that_can_be_switched_off() -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted(IDEAL.factors())
    assert draw_nuisance(stream(0, "n")).without(*GROUPS) == IDEAL


def test_wrinkles_deepen_with_action_units_and_age() -> None:
    flat = relief({}, 0.0, 1.0)
    assert not flat.any()
    for family, (_, driven) in DRIVERS.items():
        unit = max(driven, key=lambda unit: driven[unit])
        assert np.ptp(relief({unit: 1.0}, 0.0, 1.0)) > 0.3, family
    assert np.ptp(relief({}, 1.0, 1.0)) > np.ptp(relief({}, 0.3, 1.0))


def test_sensors_fail_alone() -> None:
    calm = draw_nuisance(stream(0, "n"), clean=True)
    still = calm.without("landmark_error")
    usual = make_scan(seed=0, number=0, expression="surprise", intensity=4, nuisance=still)
    blind = make_scan(
        seed=0,
        number=0,
        expression="surprise",
        intensity=4,
        nuisance=replace(still, texture_failure=1.0, texture_failure_kind=1.0, texture_failure_severity=1.0),
    )
    assert (blind.vertices == usual.vertices).all()
    assert blind.texture.mean() < 0.5 * usual.texture.mean()
    shaken = make_scan(
        seed=0,
        number=0,
        expression="surprise",
        intensity=4,
        nuisance=replace(still, depth_failure=1.0, depth_failure_severity=1.0, depth_closed_holes=3.0),
    )
    assert (shaken.texture == usual.texture).all()
    assert (shaken.vertices[:, :2] == usual.vertices[:, :2]).all()
    assert np.abs(shaken.vertices[:, 2] - usual.vertices[:, 2]).std() > 0.5
    # Seen from the front, the failing range sensor leaves the picture where it was.
    pictures = [render(scan, size=64).texture.astype(float) for scan in (usual, shaken)]
    assert np.median(np.abs(pictures[0] - pictures[1])) < 3


def test_neutral_faces_keep_their_mouths_shut() -> None:
    for number in range(4):
        scan = make_scan(seed=0, number=number, expression="neutral", intensity=0, nuisance=IDEAL)
        inner = scan.landmarks[rows("inner_mouth")]
        assert abs(inner[2, 1] - inner[6, 1]) < 6


def spoilt(**factors: float) -> Nuisance:
    """A scan with the usual errors of landmarks and nothing else wrong but `factors`."""
    usual = draw_nuisance(stream(0, "n"))
    return replace(IDEAL, **{name: getattr(usual, name) for name in GROUPS["landmark_error"]} | factors)


@pytest.mark.parametrize("kind", range(1, len(TEXTURE_FAILURES)))
def test_the_more_severe_a_failure_the_worse_the_picture(kind: int) -> None:
    def picture(severity: float) -> NDArray[np.float64]:
        nuisance = replace(IDEAL, texture_failure_kind=float(kind), texture_failure_severity=severity)
        scan = make_scan(seed=0, number=0, expression="fear", intensity=4, nuisance=nuisance)
        return scan.texture.astype(np.float64)

    sound = picture(0.0)
    losses = [np.abs(picture(severity) - sound).mean() for severity in (0.05, 0.4, 1.0)]
    assert losses[0] < 0.5 * losses[2]
    assert losses[0] < losses[1] < losses[2]


def test_landmarks_err_more_the_more_either_sensor_fails() -> None:
    true = anchors().locate(head().vertices)
    rng = np.random.default_rng(0)

    def error(**factors: float) -> float:
        nuisance = spoilt(**factors)
        doubts = doubt(true, nuisance, occluders=[], holes=[])
        placed = [place(true, true, doubts, nuisance, rng) for _ in range(60)]
        return float(np.sqrt(np.mean((np.array(placed) - true) ** 2)))

    dark = [error(texture_failure_kind=1.0, texture_failure_severity=level) for level in (0.0, 0.5, 1.0)]
    noisy = [error(depth_failure_severity=level) for level in (0.0, 0.5, 1.0)]
    assert dark[0] < 2
    assert (np.diff(dark) > 0.2).all()
    assert (np.diff(noisy) > 0.1).all()
    assert noisy[2] < dark[2]  # landmarks are found in the picture


def test_landmarks_of_a_region_err_together_and_others_independently() -> None:
    true = anchors().locate(head().vertices)
    dark = spoilt(texture_failure_kind=1.0, texture_failure_severity=0.8)
    nuisance, rng = replace(dark, landmark_mistaken=0.0), np.random.default_rng(0)
    doubts = doubt(true, nuisance, occluders=[], holes=[])
    errors = np.array([place(true, true, doubts, nuisance, rng) for _ in range(400)])[..., 0] - true[:, 0]
    alike = np.corrcoef(errors.T)
    brow, mouth = rows("left_brow"), rows("outer_mouth")
    assert alike[np.ix_(brow, brow)].min() > 0.2
    assert alike[np.ix_(brow, brow)].mean() > 0.5
    assert np.abs(alike[np.ix_(brow, mouth)]).max() < 4 / np.sqrt(400)
    assert sum(len(rows(group)) for region in REGIONS for group in region) == len(LANDMARKS_83)


def test_mistaken_action_units_change_the_form_of_a_region_as_faces_do() -> None:
    true = anchors().locate(head().vertices)
    nuisance = replace(spoilt(), landmark_jitter_mm=0.0, landmark_shift_mm=0.0)
    placed = place(true, true, np.zeros(len(true)), nuisance, np.random.default_rng(0))
    moves = np.array([landmarks_of({unit: 1.0}) - landmarks_of({}) for unit in STRAY_UNITS]).reshape(
        len(STRAY_UNITS), -1
    )
    _, rest, _, _ = np.linalg.lstsq(moves.T, (placed - true).ravel(), rcond=None)
    assert np.abs(placed - true).max() > 0.5
    assert rest.sum() < 1e-12


def test_what_cannot_be_seen_is_guessed_from_the_face_at_rest() -> None:
    true, resting = landmarks_of({27: 1.0, 2: 1.0}), landmarks_of({})
    sure = replace(spoilt(), landmark_jitter_mm=0.0, landmark_shift_mm=0.0, landmark_mistaken=0.0)
    blind = replace(sure, texture_failure_kind=1.0, texture_failure_severity=1.0)
    rng = np.random.default_rng(0)
    for nuisance, share in ((sure, 0.0), (blind, sure.landmark_shrinkage)):
        doubts = doubt(true, nuisance, occluders=[], holes=[])
        np.testing.assert_allclose(
            place(true, resting, doubts, nuisance, rng), true + share * (resting - true), atol=1e-9
        )


def test_a_thing_or_a_hole_hides_the_landmarks_under_it_alone() -> None:
    true = anchors().locate(head().vertices)
    thing = Ellipse(front_points()[MOUTH].mean(axis=0), (32.0, 15.0), 0.0)
    hidden = doubt(true, spoilt(texture_failure_kind=4.0, texture_failure_severity=0.2), occluders=[thing], holes=[])
    assert (hidden[rows("inner_mouth")] == 1).all()
    assert (hidden[EYES + BROWS] == 0).all()
    hole = Ellipse(true[MOUTH].mean(axis=0)[:2], (32.0, 15.0), 0.0)
    lost = doubt(true, spoilt(depth_failure_severity=0.2), occluders=[], holes=[hole])
    assert lost[rows("inner_mouth")].min() > lost[EYES + BROWS].max() > 0


def test_the_area_of_what_hides_a_face_grows_with_the_severity() -> None:
    def areas(severity: float) -> tuple[float, float]:
        things = spoilt(texture_failure_kind=4.0, texture_failure_severity=severity)
        holes = spoilt(depth_closed_holes=2.0, depth_failure_severity=severity)
        drawn = draw_occluders(things, stream(1, "o")), draw_large_holes(holes, head().vertices, stream(1, "h"))
        assert all(drawn)
        return tuple(sum(float(np.prod(ellipse.radii)) for ellipse in found) for found in drawn)

    (quarter, hole), (thing, most) = areas(0.25), areas(1.0)
    assert quarter == pytest.approx(0.25 * thing)
    assert 0.25 * most < hole < most


@pytest.mark.parametrize("severity", [0.0, 0.02])
def test_the_mildest_failure_of_the_range_sensor_hardly_changes_the_surface(severity: float) -> None:
    rng = np.random.default_rng(0)
    front = head().members("skin") & (head().normals(head().vertices)[:, 2] > 0.5)
    for number in range(12):  # holes all over the face
        mild = replace(IDEAL, depth_failure_severity=severity, depth_closed_holes=3.0)
        holes = draw_large_holes(mild, head().vertices, stream(number, "holes"))
        measured, _ = measure(head().vertices, mild, holes, rng)
        moved = np.abs(measured - head().vertices)[:, 2]
        assert moved[front].max() < 8
        assert np.median(moved) < 0.1


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_scan_is_too_spoilt_for_the_pose_fit(variant: str) -> None:
    """Landmarks with everything wrong; what they lie on, texture and depth, has no say in the fit."""
    source = SyntheticSource(seed=3, subjects=4, intensities=(4,), variant=variant)
    worst = replace(spoilt(texture_failure_kind=1.0, texture_failure_severity=1.0), depth_failure_severity=1.0)
    for number in range(source.subjects):
        scan = make_scan(seed=3, number=number, expression="fear", intensity=4, nuisance=worst, variant=variant)
        assert fit_pose(scan).misfit < MAX_MISFIT_MM
        assert scan.nuisance["landmark_error_mm"] > 3
