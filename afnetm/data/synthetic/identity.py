"""Who a subject is: the shape of the head and the colours it is painted with.

Shape is a sum of the base model's targets: a convex mixture over ancestry, gender, age and weight ("macro" targets)
and a few of the many local ones (nose, chin, eyes ...).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from afnetm.data.synthetic.assets import data_folder, read_base, read_target
from afnetm.data.synthetic.head import head
from afnetm.data.synthetic.morphs import MorphBank

ANCESTRIES = ("african", "asian", "caucasian")
GENDERS = ("female", "male")
AGES = ("young", "old")
WEIGHTS = ("min", "average", "max")
#: Folders of the local targets that show on a face from the front.
LOCAL_FOLDERS = ("cheek", "chin", "eyebrows", "eyes", "forehead", "head", "mouth", "nose")
#: How many local targets one subject has, and how far each goes at most (1 is the sculptor's extreme).
LOCAL_COUNT, LOCAL_REACH = 32, 0.6
#: Left out: whole-head shifts (undone by the pose fit), the back of the head, and lids pushed off the eyeball.
LOCAL_EXCLUDED = ("head-trans", "head-back", "head-angle", "mouth-trans-in", "eye-push", "eye-trans", "eye-scale")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One subject.

    Attributes:
        shape: weight of each target of `shape_bank`.
        female: 0 (male) to 1 (female).
        age: 0 (young) to 1 (old).
        melanin: 0 (fair) to 1 (dark).
        redness: 0 to 1, blood in cheeks, nose and ears.
        hair_melanin: 0 (blond) to 1 (black).
        hair_red: 0 to 1.
        hair_grey: 0 to 1.
        hairline: mm, shift of the hairline upwards.
        hair_length: mm, how far hair stands off the scalp.
        brow_thickness: 1 is average.
        brow_shift: mm, upwards.
        brow_density: 0 to 1.
        lip_contrast: 0 to 1.
        lipstick: 0 to 1.
        beard: 0 (shaven) to 1 (full).
        stubble: 0 to 1, the shadow of a shaven beard.
        freckles: 0 to 1.
        wrinkles: how deep wrinkles are, 1 is average.
        iris: 0 to 1, position on the scale from dark brown over green to blue.
    """

    shape: dict[str, float]
    female: float
    age: float
    melanin: float
    redness: float
    hair_melanin: float
    hair_red: float
    hair_grey: float
    hairline: float
    hair_length: float
    brow_thickness: float
    brow_shift: float
    brow_density: float
    lip_contrast: float
    lipstick: float
    beard: float
    stubble: float
    freckles: float
    wrinkles: float
    iris: float


@cache
def shape_bank() -> MorphBank:
    """Every target an identity may use, on the coarse head."""
    names = [f"macrodetails/{ancestry}-{gender}-{age}" for ancestry in ANCESTRIES for gender in GENDERS for age in AGES]
    names += [
        f"macrodetails/universal-{gender}-{age}-averagemuscle-{weight}weight"
        for gender in GENDERS
        for age in AGES
        for weight in WEIGHTS
    ]
    names += [name for directions in local_axes().values() for pair in directions for name in pair]
    return MorphBank.read(names, read_target)


@cache
def local_axes() -> dict[str, tuple[tuple[str, ...], ...]]:
    """The local targets by axis: an axis has one or two directions, a direction one target or a left and a right one.

    ``{"nose-hump": (("nose/nose-hump-decr",), ("nose/nose-hump-incr",)), ...}``
    """
    axes: dict[str, dict[str, list[str]]] = {}
    for folder in LOCAL_FOLDERS:
        for path in sorted((data_folder() / "mpfb2/targets" / folder).glob("*.target.gz")):
            name = path.name.removesuffix(".target.gz")
            plain = name.removeprefix("l-").removeprefix("r-")
            if not plain.startswith(LOCAL_EXCLUDED):
                axis, _, direction = plain.rpartition("-")
                axes.setdefault(axis, {}).setdefault(direction, []).append(f"{folder}/{name}")
    return {axis: tuple(tuple(names) for names in directions.values()) for axis, directions in axes.items()}


def draw_identity(rng: np.random.Generator) -> Identity:
    """Somebody new."""
    ancestry = rng.dirichlet([0.6] * len(ANCESTRIES))
    female = float(np.clip(rng.choice([0.15, 0.85]) + rng.uniform(-0.15, 0.15), 0, 1))
    age = float(rng.beta(1.3, 2.5))
    weight = float(np.clip(rng.normal(0, 0.45), -1, 1))
    melanin = float(np.clip(ancestry @ [0.85, 0.3, 0.14] + rng.normal(0, 0.08), 0.02, 1))
    dark_hair = float(np.clip(ancestry @ [1.0, 0.97, rng.uniform(0.2, 0.95)], 0, 1))
    man = female < 0.5
    bearded = man and rng.random() < 0.35
    return Identity(
        shape=_macro_weights(ancestry, female, age, weight) | _local_weights(rng),
        female=female,
        age=age,
        melanin=melanin,
        redness=float(rng.beta(2, 3)),
        hair_melanin=dark_hair,
        hair_red=float(rng.beta(1, 6) * ancestry[2]),
        hair_grey=float(np.clip((age - 0.5) * 2.2 + rng.normal(0, 0.12), 0, 1)),
        hairline=float(rng.normal(0, 4) + (rng.random() * 12 * age if man else -3)),
        hair_length=float(rng.uniform(2, 9) if man else rng.uniform(7, 15)),
        brow_thickness=float(np.clip(rng.normal(1.15 if man else 0.85, 0.18), 0.5, 1.6)),
        brow_shift=float(rng.normal(0, 1.2)),
        brow_density=float(np.clip(rng.normal(0.8 if man else 0.7, 0.14), 0.35, 1)),
        lip_contrast=float(np.clip(rng.normal(0.45 if man else 0.62, 0.16), 0.1, 1)),
        lipstick=float(rng.beta(1.2, 2)) if not man and rng.random() < 0.4 else 0.0,
        beard=float(rng.uniform(0.45, 1)) if bearded else 0.0,
        stubble=float(rng.uniform(0, 0.6)) if man else 0.0,
        freckles=float(rng.beta(1, 4) * (1 - melanin)),
        wrinkles=float(rng.uniform(0.8, 1.6)),
        iris=float(np.clip(rng.beta(1.2, 1.2) * ancestry[2] + rng.normal(0, 0.06), 0, 1)),
    )


def neutral_vertices(identity: Identity) -> NDArray[np.float64]:
    """The subject's coarse head ``(C, 3)`` at rest, mm, base frame, moved so that the eyes' midpoint is the base's."""
    moved = head().coarse + shape_bank().blend(identity.shape)
    eyes = np.isin(head().kept, eye_vertices())
    return np.asarray(moved + (head().coarse[eyes].mean(axis=0) - moved[eyes].mean(axis=0)))


@cache
def eye_vertices() -> NDArray[np.int64]:
    """Indices of the eyeballs' vertices in the base mesh."""
    base = read_base()
    return np.unique(base.quads[(base.groups == 1) | (base.groups == 2)])


def _macro_weights(ancestry: NDArray[np.float64], female: float, age: float, weight: float) -> dict[str, float]:
    genders = dict(zip(GENDERS, (female, 1 - female), strict=True))
    ages = dict(zip(AGES, (1 - age, age), strict=True))
    heavy = dict(zip(WEIGHTS, (max(-weight, 0), 1 - abs(weight), max(weight, 0)), strict=True))
    weights = {
        f"macrodetails/{name}-{gender}-{years}": float(share) * genders[gender] * ages[years]
        for name, share in zip(ANCESTRIES, ancestry, strict=True)
        for gender in GENDERS
        for years in AGES
    }
    weights |= {
        f"macrodetails/universal-{gender}-{years}-averagemuscle-{kilos}weight": genders[gender] * ages[years] * share
        for gender in GENDERS
        for years in AGES
        for kilos, share in heavy.items()
    }
    return weights


def _local_weights(rng: np.random.Generator) -> dict[str, float]:
    axes = local_axes()
    weights = {}
    for axis in rng.choice(sorted(axes), size=LOCAL_COUNT, replace=False):
        directions = axes[str(axis)]
        amount = rng.uniform(0, LOCAL_REACH)
        for name in directions[rng.integers(len(directions))]:
            weights[name] = float(amount * rng.uniform(0.8, 1.0))  # the two sides of a face are not quite alike
    return weights
