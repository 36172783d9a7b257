"""Fingerprints: what a scan's maps and a dataset's content are, in 64 hexadecimal digits."""

import hashlib
import json

import numpy as np
import pandas as pd

from afnetm.data.maps import RenderedMaps

#: The columns that a dataset's fingerprint covers: what training and evaluation see. Maps are in by their digest.
COVERED = ("id", "subject", "expression", "intensity", "sha256")


def maps_sha256(maps: RenderedMaps) -> str:
    """SHA-256 over texture, depth (little-endian) and planes, in this order, row by row."""
    digest = hashlib.sha256()
    for array in (maps.texture, maps.depth.astype("<u2", copy=False), maps.planes):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def dataset_fingerprint(table: pd.DataFrame, *, size: int, format_version: int) -> str:
    """SHA-256 over the labels and digests of a dataset's scans, in their order; its name and age do not matter."""
    digest = hashlib.sha256(f"{format_version} {size}\n".encode())
    for row in table.loc[:, list(COVERED)].itertuples(index=False):
        digest.update((json.dumps([*row[:3], int(row[3]), row[4]]) + "\n").encode())
    return digest.hexdigest()
