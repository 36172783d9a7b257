"""Random streams by named axes: what a stream yields depends on its names alone, never on what was drawn before."""

import hashlib

import numpy as np


def stream(seed: int, *axes: str | int) -> np.random.Generator:
    """The random stream of `seed` along `axes`, for example ``stream(0, "subject", 3, "skin")``.

    Distinct axes give independent streams (a SHA-256 of the names feeds `numpy.random.SeedSequence`), so that adding
    subjects, levels or a new axis leaves every other stream as it was.
    """
    name = "/".join(f"{type(axis).__name__}:{axis}" for axis in axes)
    digest = hashlib.sha256(name.encode()).digest()
    words = np.frombuffer(digest, dtype="<u4")
    return np.random.default_rng([seed, *(int(word) for word in words)])
