"""Expressions as facial action units: which act, how strongly, and how they move the face.

Prototypes follow EMFACS (Ekman and Friesen's emotional FACS) as commonly tabulated; the mapping of action units (AU) to
the model's ARKit face units is ours.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from afnetm.data.synthetic.assets import read_face_unit
from afnetm.data.synthetic.head import head
from afnetm.data.synthetic.shape import MorphBank
from afnetm.data.synthetic.variants import STANDARD, VARIANTS

#: Action unit -> the face units that show it, with their weights. ``*`` stands for Left and Right.
ACTION_UNITS: dict[int, dict[str, float]] = {
    1: {"browInnerUp": 1.0},
    2: {"browOuterUp*": 1.0},
    4: {"browDown*": 1.3},
    5: {"eyeWide*": 1.0},
    6: {"cheekSquint*": 1.0},
    7: {"eyeSquint*": 1.0},
    9: {"noseSneer*": 1.3},
    10: {"mouthUpperUp*": 1.0},
    12: {"mouthSmile*": 1.0},
    14: {"mouthDimple*": 1.0},
    15: {"mouthFrown*": 1.0},
    16: {"mouthLowerDown*": 1.0},
    17: {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.5},
    20: {"mouthStretch*": 1.0},
    22: {"mouthFunnel": 1.0},
    23: {"mouthRollLower": 0.6, "mouthRollUpper": 0.6, "mouthPress*": 0.3, "mouthFrown*": 0.2},
    24: {"mouthPress*": 0.7, "mouthFrown*": 0.4},
    25: {"mouthLowerDown*": 0.4, "jawOpen": 0.06},
    26: {"jawOpen": 0.4},
    27: {"jawOpen": 0.85},
    43: {"eyeBlink*": 1.0},
}
#: The prototypes of each expression: action unit -> (strength at full intensity, probability of taking part).
PROTOTYPES: dict[str, tuple[dict[int, tuple[float, float]], ...]] = {
    "anger": (
        {4: (1.2, 1.0), 5: (0.6, 0.9), 7: (0.8, 1.0), 23: (0.9, 1.0), 24: (0.7, 0.9), 17: (0.5, 0.5)},
        {4: (1.2, 1.0), 7: (0.9, 1.0), 10: (0.6, 0.9), 22: (0.4, 0.8), 25: (0.8, 1.0), 26: (0.5, 0.9), 5: (0.5, 0.5)},
    ),
    "disgust": (
        {9: (1.0, 1.0), 10: (0.8, 1.0), 17: (0.7, 1.0), 4: (0.5, 0.6), 7: (0.6, 0.6)},
        {9: (1.0, 1.0), 10: (0.9, 1.0), 16: (0.6, 0.9), 25: (0.7, 1.0), 15: (0.6, 0.6), 26: (0.4, 0.5)},
    ),
    "fear": (
        {1: (1.0, 1.0), 2: (0.6, 1.0), 4: (0.6, 1.0), 5: (1.0, 1.0), 20: (0.9, 1.0), 25: (0.7, 1.0)},
        {1: (1.0, 1.0), 2: (0.6, 1.0), 4: (0.6, 1.0), 5: (1.0, 1.0), 20: (0.8, 1.0), 26: (0.5, 1.0), 25: (0.6, 0.6)},
    ),
    "happiness": (
        {6: (0.9, 1.0), 12: (0.9, 1.0)},
        {6: (1.0, 1.0), 12: (1.0, 1.0), 25: (0.9, 1.0), 26: (0.35, 0.6)},
    ),
    "sadness": (
        {1: (1.0, 1.0), 4: (0.5, 1.0), 15: (1.0, 1.0), 17: (0.5, 0.5)},
        {1: (1.0, 1.0), 4: (0.6, 1.0), 15: (0.9, 1.0), 17: (0.8, 1.0), 43: (0.3, 0.6), 7: (0.4, 0.5)},
    ),
    "surprise": (
        {1: (1.0, 1.0), 2: (1.0, 1.0), 5: (0.8, 1.0), 26: (0.9, 1.0), 25: (0.5, 0.6)},
        {1: (1.0, 1.0), 2: (1.0, 1.0), 5: (0.9, 1.0), 27: (0.9, 1.0)},
    ),
}
#: Action units that may stir without meaning anything.
STRAY_UNITS = (1, 2, 4, 5, 6, 7, 10, 12, 14, 15, 17, 20, 24, 25)
#: Degrees that the model's eyes turn at weight 1, roughly.
FULL_GAZE = 25.0
#: The middle of the upper and the lower lip's rim, vertices of the base mesh.
LIP_RIMS = (520, 523)
#: Share of the full strength at the intensities 1 to 4.
STRENGTHS = (0.28, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Manner:
    """Parameters of one subject's expressions.

    Attributes:
        expressivity: factor of all movements.
        gain: of each action unit.
        bias: of the face at rest, by action unit.
        lead: of the left side over the right one; 1 is even.
    """

    expressivity: float
    gain: dict[int, float]
    bias: dict[int, float]
    lead: float


def draw_manner(rng: np.random.Generator, variant: str = STANDARD) -> Manner:
    """A subject's own way of making expressions, drawn at random."""
    of = VARIANTS[variant]
    expressivity = float(np.clip(rng.lognormal(*of.expressivity), *of.expressivity_range))
    gain = {unit: float(np.clip(rng.normal(1, of.strength_deviation), 0.5, 1.5)) for unit in ACTION_UNITS}
    habits = rng.choice([1, 2, 4, 6, 7, 12, 15, 17, 24], size=3, replace=False)
    bias = {int(unit): float(abs(rng.normal(0, 0.15))) for unit in habits}
    return Manner(expressivity, gain, bias, float(np.clip(rng.normal(1, 0.07), 0.8, 1.2)))


def draw_episode(expression: str, rng: np.random.Generator) -> dict[int, float]:
    """Draws the action units of one expression of a subject: action unit -> strength at full intensity.

    One of the expression's prototypes; ``"neutral"`` has none. The intensities of a subject's expression share it.
    """
    prototypes = PROTOTYPES.get(expression, ({},))
    prototype = prototypes[rng.integers(len(prototypes))]
    chances = rng.random(len(prototype))
    taking_part = zip(prototype.items(), chances, strict=True)
    return {unit: strength for (unit, (strength, probability)), chance in taking_part if chance < probability}


def draw_actions(
    manner: Manner, episode: dict[int, float], intensity: int, rng: np.random.Generator
) -> dict[int, float]:
    """Action unit -> activation (0 to 1.3) of one scan of `episode` at `intensity` (0, nothing but habits, to 4).

    On top come the subject's resting habits and, unless `intensity` is 0, three action units that mean nothing.
    """
    actions = dict(manner.bias)
    if intensity > 0:
        for unit, strength in episode.items():
            amount = (
                strength * STRENGTHS[intensity - 1] * manner.expressivity * manner.gain[unit] * rng.uniform(0.75, 1.2)
            )
            actions[unit] = actions.get(unit, 0.0) + amount
        for unit in rng.choice(STRAY_UNITS, size=3, replace=False):
            actions[int(unit)] = actions.get(int(unit), 0.0) + rng.uniform(0, 0.4)
    return {unit: float(min(amount, 1.3)) for unit, amount in actions.items()}


@cache
def unit_bank() -> MorphBank:
    """The face units on the coarse head."""
    names = {name for units in ACTION_UNITS.values() for unit in units for name in _sides(unit)}
    names |= {f"eyeLook{way}{side}" for way in ("In", "Out", "Up", "Down") for side in ("Left", "Right")}
    return MorphBank.read(sorted(names | {"mouthClose"}), read_face_unit)


def displacement(actions: dict[int, float], *, lead: float = 1.0) -> NDArray[np.float64]:
    """Displacement of the coarse head by `actions`: ``(C, 3)`` mm; `lead` multiplies the left, divides the right."""
    weights: dict[str, float] = {}
    for action, amount in actions.items():
        for unit, weight in ACTION_UNITS[action].items():
            for name in _sides(unit):
                side = lead if name.endswith("Left") else 1 / lead if name.endswith("Right") else 1.0
                weights[name] = weights.get(name, 0.0) + amount * weight * side
    return unit_bank().blend(weights)


def gaze(yaw: float, pitch: float) -> NDArray[np.float64]:
    """Displacement of eyes and lids by a gaze `yaw` degrees to the viewer's right, `pitch` upwards: ``(C, 3)`` mm."""
    across, up = yaw / FULL_GAZE, pitch / FULL_GAZE
    weights = {
        "eyeLookOutLeft": max(across, 0),
        "eyeLookInRight": max(across, 0),
        "eyeLookInLeft": max(-across, 0),
        "eyeLookOutRight": max(-across, 0),
    }
    for side in ("Left", "Right"):
        weights |= {f"eyeLookUp{side}": max(up, 0), f"eyeLookDown{side}": max(-up, 0)}
    return unit_bank().blend(weights)


def closed(coarse: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coarse head at rest with its lips just touching: identities leave them a little open or overlapping."""
    upper, lower = np.searchsorted(head().kept, LIP_RIMS)
    shut = unit_bank().deltas[unit_bank().index["mouthClose"]]
    travel = shut[lower, 1] - shut[upper, 1]
    gap = coarse[upper, 1] - coarse[lower, 1]
    return np.asarray(coarse + np.clip((gap + 0.5) / travel, -0.03, 0.15) * shut)


def _sides(unit: str) -> tuple[str, ...]:
    return (unit.replace("*", "Left"), unit.replace("*", "Right")) if "*" in unit else (unit,)
