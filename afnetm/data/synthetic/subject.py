"""One subject, put together from the seed: the parts that all of its scans share."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from afnetm.data.synthetic.expression import Manner, closed, draw_manner
from afnetm.data.synthetic.identity import Identity, draw_identity
from afnetm.data.synthetic.painting import paint
from afnetm.data.synthetic.seeds import stream
from afnetm.data.synthetic.shape import shaped_head


@dataclass(frozen=True, eq=False)
class Subject:
    """A subject.

    Attributes:
        identity: who it is.
        manner: how it moves.
        resting: ``(C, 3)`` float64, the coarse head at rest with closed lips, mm, base frame.
        albedo: ``(320, 304, 3)`` float32, linear light; read-only.
    """

    identity: Identity
    manner: Manner
    resting: NDArray[np.float64]
    albedo: NDArray[np.float32]


@lru_cache(maxsize=2)  # scans come subject by subject
def subject(seed: int, number: int) -> Subject:
    """The subject `number` of `seed`; each aspect has a random stream of its own."""
    identity = draw_identity(stream(seed, "identity", number))
    albedo = paint(identity, stream(seed, "paint", number))
    albedo.flags.writeable = False
    return Subject(
        identity=identity,
        manner=draw_manner(stream(seed, "manner", number)),
        resting=closed(shaped_head(identity.shape)),
        albedo=albedo,
    )
