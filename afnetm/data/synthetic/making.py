"""Generating a scan: expression, light, both sensors and the annotator's landmarks."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import Scan
from afnetm.data.synthetic.annotator import doubt, place
from afnetm.data.synthetic.camera import expose
from afnetm.data.synthetic.depth_sensor import measure
from afnetm.data.synthetic.expression import Manner, closed, displacement, draw_actions, draw_episode, draw_manner, gaze
from afnetm.data.synthetic.failures import draw_large_holes, draw_occluders
from afnetm.data.synthetic.hair import grow
from afnetm.data.synthetic.head import ORIGIN, head
from afnetm.data.synthetic.identity import Identity, draw_identity
from afnetm.data.synthetic.landmarks import anchors
from afnetm.data.synthetic.lighting import illuminate
from afnetm.data.synthetic.nuisance import Nuisance
from afnetm.data.synthetic.painting import paint
from afnetm.data.synthetic.shape import shaped_head
from afnetm.data.synthetic.source import scan_name
from afnetm.data.synthetic.variants import STANDARD
from afnetm.data.synthetic.wrinkles import relief
from afnetm.seeding import stream


@dataclass(frozen=True, eq=False)
class Subject:
    """A synthetic subject: what all of its scans share.

    Attributes:
        identity: who it is.
        manner: how it moves.
        resting: ``(C, 3)`` float64, the coarse head at rest with closed lips, mm, base frame.
        albedo: ``(320, 304, 3)`` float32, linear light; read-only.
    """

    identity: Identity
    manner: Manner
    resting: NDArray[np.float64]
    albedo: NDArray[np.float32]


@lru_cache(maxsize=2)  # scans come subject by subject
def subject(seed: int, number: int, variant: str) -> Subject:
    """The subject `number` of `seed` in `variant`; each aspect has a random stream of its own."""
    identity = draw_identity(stream(seed, "identity", number), variant)
    albedo = paint(identity, stream(seed, "paint", number))
    albedo.flags.writeable = False
    return Subject(
        identity=identity,
        manner=draw_manner(stream(seed, "manner", number), variant),
        resting=closed(shaped_head(identity.shape)),
        albedo=albedo,
    )


def make_scan(
    *, seed: int, number: int, expression: str, intensity: int, nuisance: Nuisance, variant: str = STANDARD
) -> Scan:
    """The scan of subject `number` showing `expression` at `intensity` (1 to 4) under the disturbances `nuisance`.

    `expression` may be ``"neutral"`` (with `intensity` 0) as well. Landmarks lie near the measured surface, not on it;
    how far they are from where they belong is recorded as ``landmark_error_mm``, root mean square.
    """
    person, model = subject(seed, number, variant), head()

    def chance(purpose: str) -> np.random.Generator:
        return stream(seed, purpose, number, expression, intensity)

    episode = draw_episode(expression, stream(seed, "episode", number, expression))
    actions = draw_actions(person.manner, episode, intensity, chance("actions"))
    coarse = person.resting + displacement(actions, lead=person.manner.lead)
    coarse += gaze(nuisance.gaze_yaw, nuisance.gaze_pitch)
    turn = Rotation.from_euler("yxz", [nuisance.yaw, -nuisance.pitch, nuisance.roll], degrees=True).as_matrix()
    surface = (grow(np.asarray(model.subdivide @ coarse), person.identity) - ORIGIN) @ turn.T

    wrinkles = relief(actions, person.identity.age, person.identity.wrinkles)
    light = illuminate(person.albedo, surface, wrinkles, nuisance)
    occluders = draw_occluders(nuisance, chance("occluders"))
    holes = draw_large_holes(nuisance, surface, chance("large holes"))
    measured, seen = measure(surface, nuisance, holes, chance("range sensor"))
    true = anchors().locate(surface)
    resting = (anchors().locate(np.asarray(model.subdivide @ person.resting)) - ORIGIN) @ turn.T
    doubts = doubt(true, nuisance, occluders=occluders, holes=holes)
    landmarks = place(true, resting, doubts, nuisance, chance("annotator"))
    error = np.sqrt(((landmarks - true) ** 2).sum(axis=1).mean())
    return Scan(
        id=scan_name(number, expression, intensity),
        subject=f"s{number:03d}",
        expression=expression,
        intensity=intensity,
        vertices=measured.astype(np.float32),
        faces=model.faces[seen],
        uv=model.uv,
        uv_faces=model.uv_faces[seen],
        texture=expose(light, nuisance, occluders, chance("camera")),
        landmarks=landmarks.astype(np.float32),
        landmark_names=LANDMARKS_83,
        nuisance=nuisance.factors() | {"landmark_error_mm": float(error)},
    )
