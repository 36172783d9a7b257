"""A subject's identity: the shape of the head and the colours of skin, hair, lips and irises."""

from dataclasses import dataclass

import numpy as np

from afnetm.data.synthetic.shape import local_weights, macro_weights
from afnetm.data.synthetic.variants import STANDARD, VARIANTS


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The appearance of a synthetic subject.

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


def draw_identity(rng: np.random.Generator, variant: str = STANDARD) -> Identity:
    """A subject's identity, drawn at random."""
    of = VARIANTS[variant]
    ancestry = rng.dirichlet(of.ancestry)
    female = float(np.clip(rng.choice([0.15, 0.85]) + rng.uniform(-0.15, 0.15), 0, 1))
    age = float(rng.beta(*of.age))
    weight = float(np.clip(rng.normal(0, 0.45), -1, 1))
    melanin = float(np.clip(ancestry @ [0.85, 0.3, 0.14] + rng.normal(0, 0.08), 0.02, 1))
    dark_hair = float(np.clip(ancestry @ [1.0, 0.97, rng.uniform(0.2, 0.95)], 0, 1))
    man = female < 0.5
    bearded = man and rng.random() < 0.35
    return Identity(
        shape=macro_weights(ancestry, female, age, weight) | local_weights(rng),
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
