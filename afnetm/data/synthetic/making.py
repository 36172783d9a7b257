"""Making a scan: a subject acts, light falls, two sensors and an annotator look."""

import numpy as np
from scipy.spatial.transform import Rotation

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import Scan
from afnetm.data.synthetic.camera import expose
from afnetm.data.synthetic.depth_sensor import measure
from afnetm.data.synthetic.expression import displacement, draw_actions, draw_episode, gaze
from afnetm.data.synthetic.hair import grow
from afnetm.data.synthetic.head import ORIGIN, head
from afnetm.data.synthetic.landmarks import anchors
from afnetm.data.synthetic.lighting import illuminate
from afnetm.data.synthetic.names import scan_name
from afnetm.data.synthetic.nuisance import Nuisance
from afnetm.data.synthetic.seeds import stream
from afnetm.data.synthetic.subject import subject
from afnetm.data.synthetic.wrinkles import relief


def make_scan(*, seed: int, number: int, expression: str, intensity: int, nuisance: Nuisance) -> Scan:
    """The scan of subject `number` showing `expression` at `intensity` (1 to 4) under the disturbances `nuisance`.

    `expression` may be ``"neutral"`` (with `intensity` 0) as well, which no source yields. The annotator sees the true
    surface and errs in all three directions: landmarks lie near the measured surface, not on it.
    """
    person, model = subject(seed, number), head()

    def chance(purpose: str) -> np.random.Generator:
        return stream(seed, purpose, number, expression, intensity)

    episode = draw_episode(expression, stream(seed, "episode", number, expression))
    actions = draw_actions(person.manner, episode, intensity, chance("actions"))
    coarse = person.resting + displacement(actions, lead=person.manner.lead)
    coarse += gaze(nuisance.gaze_yaw, nuisance.gaze_pitch)
    surface = grow(np.asarray(model.subdivide @ coarse), person.identity) - ORIGIN
    turn = Rotation.from_euler("yxz", [nuisance.yaw, -nuisance.pitch, nuisance.roll], degrees=True)
    surface = surface @ turn.as_matrix().T

    wrinkles = relief(actions, person.identity.age, person.identity.wrinkles)
    light = illuminate(person.albedo, surface, wrinkles, nuisance)
    measured, seen = measure(surface, nuisance, chance("range sensor"))
    landmarks = anchors().locate(surface)
    landmarks += chance("annotator").normal(0, 1, landmarks.shape) * nuisance.landmark_jitter_mm
    return Scan(
        id=scan_name(number, expression, intensity),
        subject=f"s{number:03d}",
        expression=expression,
        intensity=intensity,
        vertices=measured.astype(np.float32),
        faces=model.faces[seen],
        uv=model.uv,
        uv_faces=model.uv_faces[seen],
        texture=expose(light, nuisance, chance("camera")),
        landmarks=landmarks.astype(np.float32),
        landmark_names=LANDMARKS_83,
        nuisance=nuisance.factors(),
    )
