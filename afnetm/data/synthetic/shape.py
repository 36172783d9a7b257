"""The shape of a head as weights of the base model's targets.

A convex mixture over ancestry, gender, age and weight ("macro" targets) and a few of the many local targets (nose,
chin, eyes ...).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from afnetm.data.synthetic.assets import Morph, data_folder, read_base, read_target
from afnetm.data.synthetic.head import head


@dataclass(frozen=True, eq=False)
class MorphBank:
    """Named displacements of the coarse head: `deltas` ``(N, C, 3)`` float32, mm, row by row as `index` says."""

    index: dict[str, int]
    deltas: NDArray[np.float32]

    @classmethod
    def read(cls, names: Sequence[str], reader: Callable[[str], Morph]) -> "MorphBank":
        """Reads the targets `names` with `reader` and keeps what moves the head."""
        kept = head().kept
        place = np.full(int(kept.max()) + 1, -1)
        place[kept] = np.arange(len(kept))
        deltas = np.zeros((len(names), len(kept), 3), dtype=np.float32)
        for row, name in enumerate(names):
            morph = reader(name)
            inside = morph.indices < len(place)
            at = place[morph.indices[inside]]
            deltas[row, at[at >= 0]] = morph.deltas[inside][at >= 0]
        return cls({name: row for row, name in enumerate(names)}, deltas)

    def blend(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """The weighted sum of the named displacements, ``(C, 3)`` mm."""
        total = np.zeros(self.deltas.shape[1:])
        for name, weight in weights.items():
            if weight:
                total += weight * self.deltas[self.index[name]]
        return total


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


@cache
def shape_bank() -> MorphBank:
    """Every target a shape may use, on the coarse head."""
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


def macro_weights(ancestry: NDArray[np.float64], female: float, age: float, weight: float) -> dict[str, float]:
    """Weights of the macro targets.

    `ancestry` ``(3,)`` are shares of `ANCESTRIES` that sum to 1, `female` and `age` 0 to 1, `weight` -1 to 1.
    """
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


def local_weights(rng: np.random.Generator) -> dict[str, float]:
    """Weights of `LOCAL_COUNT` local targets drawn at random; the two sides of a face are not quite alike."""
    axes = local_axes()
    weights = {}
    for axis in rng.choice(sorted(axes), size=LOCAL_COUNT, replace=False):
        directions = axes[str(axis)]
        amount = rng.uniform(0, LOCAL_REACH)
        for name in directions[rng.integers(len(directions))]:
            weights[name] = float(amount * rng.uniform(0.8, 1.0))
    return weights


def shaped_head(weights: Mapping[str, float]) -> NDArray[np.float64]:
    """The coarse head ``(C, 3)`` with targets at `weights`, mm, base frame, the eyes' midpoint kept in its place."""
    moved = head().coarse + shape_bank().blend(weights)
    eyes = np.isin(head().kept, eye_vertices())
    return np.asarray(moved + (head().coarse[eyes].mean(axis=0) - moved[eyes].mean(axis=0)))


@cache
def eye_vertices() -> NDArray[np.int64]:
    """Indices of the eyeballs' vertices in the base mesh."""
    base = read_base()
    return np.unique(base.quads[(base.groups == 1) | (base.groups == 2)])
