"""Graded corruptions of a face's maps, by which trained models are tested: one file each, in a folder of its group.

    from afnetm.corruptions import corrupted, corruptions

    blurred = corrupted(dataset, dataset.rows, corruptions()["blur"], severity=3)

``docs/corruptions.md`` shows them all.
"""

from afnetm.corruptions.applying import corrupted
from afnetm.corruptions.availability import unavailable
from afnetm.corruptions.corruption import Corruption, Group, MapCorruption, ScanCorruption
from afnetm.corruptions.registry import corruptions, find_corruption

__all__ = [
    "Corruption",
    "Group",
    "MapCorruption",
    "ScanCorruption",
    "corrupted",
    "corruptions",
    "find_corruption",
    "unavailable",
]
