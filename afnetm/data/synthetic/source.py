"""The synthetic source: a cohort of made-up subjects, each scan decided by the seed and the generator's version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.synthetic.expression import LEVELS, displacement, draw_actions, draw_manner
from afnetm.data.synthetic.head import ORIGIN, head
from afnetm.data.synthetic.identity import draw_identity, neutral_vertices
from afnetm.data.synthetic.landmarks import anchors
from afnetm.data.synthetic.painting import paint
from afnetm.errors import UserError

#: Rises whenever a scan of the same seed changes.
GENERATOR_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class SyntheticSource:
    """Scans of `subjects` made-up people with six expressions at the intensities `levels` (of 1 to 4).

    A subject, and each of its scans, is the same whatever `subjects` and `levels` are and whatever was loaded before;
    the same bits on one machine and set of library versions.

    Raises:
        UserError: for fewer than one subject, no level, or a level that is repeated or not 1 to 4.
    """

    seed: int
    subjects: int
    levels: tuple[int, ...]
    clean: bool = False

    def __post_init__(self) -> None:
        if self.subjects < 1:
            raise UserError(f"subjects = {self.subjects}: at least 1 is needed")
        if self.seed < 0:
            raise UserError(f"seed = {self.seed}: it must be 0 or more")
        allowed = range(1, len(LEVELS) + 1)
        if not self.levels or any(level not in allowed for level in self.levels):
            raise UserError(f"levels = {list(self.levels)}: one or more of 1, 2, 3, 4 are allowed")
        if len(set(self.levels)) < len(self.levels):
            raise UserError(f"levels = {list(self.levels)}: a level is named twice")

    @property
    def shareable(self) -> bool:
        """True: nobody is shown."""
        return True

    def describe(self) -> dict[str, Any]:
        """What decides the scans."""
        return {
            "kind": "synthetic",
            "version": GENERATOR_VERSION,
            "seed": self.seed,
            "subjects": self.subjects,
            "levels": list(self.levels),
            "clean": self.clean,
        }

    def ids(self) -> Sequence[str]:
        """``s000_anger_3`` ...: subject by subject, expression by expression, level by level."""
        return [
            f"s{subject:03d}_{expression}_{level}"
            for subject in range(self.subjects)
            for expression in EXPRESSIONS
            for level in self.levels
        ]

    def load(self, scan_id: str) -> Scan:
        """The scan called `scan_id`; raises `UserError` where this source has no such scan."""
        subject, expression, level = self._parse(scan_id)
        return make_scan(seed=self.seed, subject=subject, expression=expression, level=level, clean=self.clean)

    def _parse(self, scan_id: str) -> tuple[int, str, int]:
        if scan_id not in self.ids():
            raise UserError(f"scan {scan_id!r} is not in this source; its scans are named like {self.ids()[0]!r}")
        subject, expression, level = scan_id.split("_")
        return int(subject[1:]), expression, int(level)


def make_scan(*, seed: int, subject: int, expression: str, level: int, clean: bool) -> Scan:
    """One scan; `expression` may be ``"neutral"`` (with `level` 0), which no source yields."""
    identity = draw_identity(seed, subject)
    actions = draw_actions(seed, subject, expression, level)
    model = head()
    coarse = neutral_vertices(identity) + displacement(actions, lead=draw_manner(seed, subject).lead)
    vertices = np.asarray(model.subdivide @ coarse) - ORIGIN
    texture = paint(identity)
    return Scan(
        id=f"s{subject:03d}_{expression}_{level}",
        subject=f"s{subject:03d}",
        expression=expression,
        intensity=level,
        vertices=vertices.astype(np.float32),
        faces=model.faces,
        uv=model.uv,
        uv_faces=model.uv_faces,
        texture=texture,
        landmarks=anchors().locate(vertices).astype(np.float32),
        landmark_names=LANDMARKS_83,
    )
