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

#: Seconds that another process may take for a scan until it is rendered here as well.
_PATIENCE = 30.0


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
            # What nobody is at work on comes first; then others are waited for, but not for ever: where the file system
            # has no locks, one may outlive who took it.
            waits = busy > len(left)
            lock = FileLock(f"{files[place]}.lock", timeout=_PATIENCE if waits else 0)
            try:
                with lock:
                    maps = _read(files[place]) or _rendered(place, render, files[place])
                Path(lock.lock_file).unlink(missing_ok=True)
            except Timeout:
                if not waits:
                    busy += 1
                    left.append(place)
                    continue
                maps = _rendered(place, render, files[place])
        busy = 0
        found[place] = maps
    return [found[place] for place in range(len(files))]


def _digest(said: list[object]) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:20]


def _rendered(place: int, render: Callable[[int], RenderedMaps], file: Path) -> RenderedMaps:
    maps = render(place)
    _write(file, maps)
    return maps


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
