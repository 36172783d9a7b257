"""Faces as NumPy arrays: one file per scan, ``SUBJECT_EXPRESSION_INTENSITY.npz``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afnetm import Scan, ScanSource
from afnetm.data.landmarks import LANDMARKS_83

ARRAYS = ("vertices", "faces", "uv", "uv_faces", "texture", "landmarks")


@dataclass(frozen=True, kw_only=True)
class Arrays(ScanSource):
    """Faces as NumPy arrays with the 83 landmarks, in mm."""

    name = "arrays"
    folder: Path
    #: Whether neutral scans are a class, too.
    neutral: bool = True

    def ids(self) -> Sequence[str]:
        """The names of the files without their ending."""
        found = sorted(path.stem for path in self.folder.glob("*.npz"))
        return [name for name in found if self.neutral or "_neutral_" not in name]

    def load(self, scan_id: str) -> Scan:
        """One file; an error in it is the reason why its scan is left out."""
        subject, expression, intensity = scan_id.split("_")
        with np.load(self.folder / f"{scan_id}.npz") as file:
            arrays = {name: file[name] for name in ARRAYS}
        labels = {"subject": subject, "expression": expression, "intensity": int(intensity)}
        return Scan(id=scan_id, **labels, **arrays, landmark_names=LANDMARKS_83)
