"""Scans that were rendered again, kept in a folder: one takes a quarter of a second, and all models are given it."""

import hashlib
import json
import os
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.numpy import load, save

from afnetm.corruptions.corruption import Corruption
from afnetm.data.maps import RENDERING_VERSION, RenderedMaps


def keep(
    folder: Path,
    names: Sequence[str],
    render: Callable[[int], RenderedMaps],
    *,
    of: Corruption,
    value: float,
    seed: int,
) -> list[RenderedMaps]:
    """The maps of scans with a corruption, rendered where they are not in `folder` yet, and then kept there.

    Several processes may ask for the same ones: each renders a part of them.

    Args:
        folder: is made where it is not there.
        names: what tells each scan from all others, of any dataset.
        render: gives the maps of the scan at a place among `names`.
        of, value, seed: the corruption, how strong it is, and the seed of its draws.
    """
    folder.mkdir(parents=True, exist_ok=True)
    said = [of.name, of.version, value, seed, RENDERING_VERSION]
    files = [folder / f"{_digest([*said, name])}.safetensors" for name in names]
    found: dict[int, RenderedMaps] = {}
    left = deque(range(len(files)))
    busy = 0
    while left:
        place = left.popleft()
        maps = _read(files[place])
        if maps is None:
            # Others are at work on it: what nobody is at work on comes first, and then they are waited for.
            lock = FileLock(f"{files[place]}.lock", timeout=0 if busy <= len(left) else -1)
            try:
                with lock:
                    maps = _read(files[place])
                    if maps is None:
                        maps = render(place)
                        _write(files[place], maps)
                Path(lock.lock_file).unlink(missing_ok=True)
            except Timeout:
                busy += 1
                left.append(place)
                continue
        busy = 0
        found[place] = maps
    return [found[place] for place in range(len(files))]


def _digest(said: list[object]) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:20]


def _read(file: Path) -> RenderedMaps | None:
    """The maps in a file; None where it is not there, or damaged."""
    try:
        arrays = load(file.read_bytes())
        return RenderedMaps(**arrays)
    except (OSError, SafetensorError, TypeError):
        return None


def _write(file: Path, maps: RenderedMaps) -> None:
    arrays = {name: np.ascontiguousarray(array) for name, array in vars(maps).items() if array is not None}
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(save(arrays))
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)
