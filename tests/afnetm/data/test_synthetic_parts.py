"""The generator's parts: subdivision, streams, action units, nuisance, wrinkles, sensors."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.rendering import render
from afnetm.data.scan import EXPRESSIONS
from afnetm.data.synthetic.expression import (
    ACTION_UNITS,
    PROTOTYPES,
    STRENGTHS,
    closed,
    displacement,
    draw_actions,
    draw_episode,
    draw_manner,
)
from afnetm.data.synthetic.head import head
from afnetm.data.synthetic.landmarks import anchors
from afnetm.data.synthetic.making import make_scan
from afnetm.data.synthetic.nuisance import (
    DEPTH_FAILURE_RATE,
    GROUPS,
    IDEAL,
    TEXTURE_FAILURE_RATE,
    TEXTURE_FAILURES,
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


@given(seed=st.integers(0, 10**6))
def test_clean_is_milder_and_never_fails(seed: int) -> None:
    usual, clean = draw_nuisance(stream(seed, "n")), draw_nuisance(stream(seed, "n"), clean=True)
    assert clean.texture_failure == clean.texture_failure_kind == clean.depth_failure == clean.depth_closed_holes == 0
    for name, ideal in IDEAL.factors().items():
        if name not in GROUPS["landmark_jitter"]:
            assert abs(getattr(clean, name) - ideal) <= abs(getattr(usual, name) - ideal)
    assert clean.landmark_jitter_mm == usual.landmark_jitter_mm


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
    still = replace(calm, landmark_jitter_mm=0.0)
    usual = make_scan(seed=0, number=0, expression="surprise", intensity=4, nuisance=still)
    blind = make_scan(
        seed=0,
        number=0,
        expression="surprise",
        intensity=4,
        nuisance=replace(still, texture_failure=1.0, texture_failure_kind=1.0),
    )
    assert (blind.vertices == usual.vertices).all()
    assert blind.texture.mean() < 0.5 * usual.texture.mean()
    shaken = make_scan(
        seed=0,
        number=0,
        expression="surprise",
        intensity=4,
        nuisance=replace(still, depth_failure=1.0, depth_closed_holes=3.0),
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
