"""Seeds and streams by named axes: what is drawn depends on what it is for, never on the order in which things run."""

import hashlib
import json

import numpy as np


def derive_seed(**axes: str | int) -> int:
    """A seed in 0..2**63-1 that depends on every axis's name and value and on nothing else.

    The first eight bytes of the SHA-256 of the axes as JSON with sorted keys, the sign bit cleared, so that torch,
    numpy and SQLite all take it.

    >>> derive_seed(method="concat", repeat=0, fold=1) == derive_seed(fold=1, repeat=0, method="concat")
    True
    """
    text = json.dumps(axes, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *axes: str | int) -> np.random.Generator:
    """The random stream of `seed` along `axes`, for example ``stream(0, "subject", 3, "skin")``.

    Distinct axes give independent streams (a SHA-256 of the names feeds `numpy.random.SeedSequence`), so that adding
    subjects, levels or a new axis leaves every other stream as it was.
    """
    name = "/".join(f"{type(axis).__name__}:{axis}" for axis in axes)
    digest = hashlib.sha256(name.encode()).digest()
    words = np.frombuffer(digest, dtype="<u4")
    return np.random.default_rng([seed, *(int(word) for word in words)])
