"""Damage: what happens to files on disks, on the way, and by those who edit them."""

import struct
from collections.abc import Callable, Iterator

import numpy as np
import pytest

EXTREMES = [b"\xff" * 2, b"\0\0", b"\xff" * 4, struct.pack("<d", np.nan), struct.pack("<d", 1e308), b"\r", b"#", b"-"]


def mutations(content: bytes, *, count: int, seed: int) -> Iterator[bytes]:
    """`content` cut, overwritten, with bits flipped, pieces repeated, dropped or replaced by extremes."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        changed = bytearray(content)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(0, min(len(changed), 60) if rng.random() < 0.5 else len(changed)))
            match rng.integers(5):
                case 0:
                    del changed[at:]
                case 1:
                    changed[at] ^= 1 << int(rng.integers(8))
                case 2:
                    piece = EXTREMES[rng.integers(len(EXTREMES))]
                    changed[at : at + len(piece)] = piece
                case 3:
                    del changed[at : at + int(rng.integers(1, 20))]
                case 4:
                    changed[at:at] = changed[at : at + int(rng.integers(1, 20))]
            if not changed:
                break
        yield bytes(changed)


@pytest.fixture(name="mutations", scope="session")
def mutations_fixture() -> Callable[..., Iterator[bytes]]:
    return mutations
