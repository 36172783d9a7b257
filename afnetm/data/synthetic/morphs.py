"""Targets as one array over the coarse head."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.synthetic.assets import Morph
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
