"""The synthetic source: a cohort of made-up subjects, each scan decided by the seed and the generator's version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.synthetic.camera import expose
from afnetm.data.synthetic.expression import LEVELS, closed, displacement, draw_actions, draw_manner, gaze
from afnetm.data.synthetic.hair import grow
from afnetm.data.synthetic.head import ORIGIN, head
from afnetm.data.synthetic.identity import draw_identity, neutral_vertices
from afnetm.data.synthetic.landmarks import anchors
from afnetm.data.synthetic.lighting import illuminate
from afnetm.data.synthetic.nuisance import Nuisance, draw_nuisance
from afnetm.data.synthetic.painting import paint
from afnetm.data.synthetic.ranger import measure
from afnetm.data.synthetic.seeds import stream
from afnetm.data.synthetic.wrinkles import relief
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
        nuisance = draw_nuisance(self.seed, subject, expression, level, clean=self.clean)
        return make_scan(seed=self.seed, subject=subject, expression=expression, level=level, nuisance=nuisance)

    def _parse(self, scan_id: str) -> tuple[int, str, int]:
        if scan_id not in self.ids():
            raise UserError(f"scan {scan_id!r} is not in this source; its scans are named like {self.ids()[0]!r}")
        subject, expression, level = scan_id.split("_")
        return int(subject[1:]), expression, int(level)


def make_scan(*, seed: int, subject: int, expression: str, level: int, nuisance: Nuisance) -> Scan:
    """One scan under given disturbances; `expression` may be ``"neutral"`` (with `level` 0), which no source yields."""
    model, identity = head(), draw_identity(seed, subject)
    actions = draw_actions(seed, subject, expression, level)
    coarse = closed(neutral_vertices(identity)) + displacement(actions, lead=draw_manner(seed, subject).lead)
    coarse += gaze(nuisance.gaze_yaw, nuisance.gaze_pitch)
    surface = grow(np.asarray(model.subdivide @ coarse), identity) - ORIGIN
    surface = (
        surface @ Rotation.from_euler("yxz", [nuisance.yaw, -nuisance.pitch, nuisance.roll], degrees=True).as_matrix().T
    )

    def chance(purpose: str) -> np.random.Generator:
        return stream(seed, purpose, subject, expression, level)

    wrinkles = relief(actions, identity.age, 1.0)
    light = illuminate(paint(identity, stream(seed, "paint", subject)), surface, wrinkles, nuisance)
    measured, seen = measure(surface, nuisance, chance("range sensor"))
    landmarks = anchors().locate(surface)
    landmarks += chance("annotator").normal(0, 1, landmarks.shape) * nuisance.landmark_jitter_mm
    return Scan(
        id=f"s{subject:03d}_{expression}_{level}",
        subject=f"s{subject:03d}",
        expression=expression,
        intensity=level,
        vertices=measured.astype(np.float32),
        faces=model.faces[seen],
        uv=model.uv,
        uv_faces=model.uv_faces[seen],
        texture=expose(light, nuisance, chance("camera")),
        landmarks=landmarks.astype(np.float32),
        landmark_names=LANDMARKS_83,
        nuisance=nuisance.levels(),
    )
