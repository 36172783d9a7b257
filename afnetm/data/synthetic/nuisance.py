"""Nuisance factors of a scan, as numbers: pose, light, camera, range sensor, annotator, and failures of both sensors.

Factors are drawn here and applied in `lighting`, `camera`, `depth_sensor` and `annotator`. The two failures and their
severities are drawn independently of each other and of everything else: without them one modality always does as well
as both.
"""

from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from afnetm.data.synthetic.variants import STANDARD, VARIANTS

#: How often the camera and the range sensor fail.
TEXTURE_FAILURE_RATE, DEPTH_FAILURE_RATE = 0.3, 0.5
#: The kinds of texture failure: 0 is none.
TEXTURE_FAILURES = ("none", "dark", "overexposed", "motion blur", "occluder")
#: Errors of landmarks where all can be seen, and share of the face at rest where nothing can.
LANDMARK_JITTER_MM, LANDMARK_SHIFT_MM, LANDMARK_MISTAKEN, LANDMARK_SHRINKAGE = 1.0, 0.8, 0.18, 0.9
#: Share of the usual factors that clean scans keep.
CLEAN_SHARE = 0.35


@dataclass(frozen=True, kw_only=True)
class Nuisance:
    """The factors of one scan; every field is recorded in `afnetm.data.scan.Scan.nuisance` under its name.

    Attributes:
        yaw, pitch, roll: the head's turn before the sensors, degrees.
        gaze_yaw, gaze_pitch: the eyes' turn in the head, degrees.
        light_azimuth, light_elevation: where the lamp stands, degrees to the viewer's right and upwards.
        light_ambient: share of the light that comes from everywhere, 0 to 1.
        light_warmth: colour cast, -1 (bluish) to 1 (reddish).
        gloss: shine of the skin, 0 to 1.
        exposure: stops.
        blur_mm: standard deviation of the camera's blur on the face.
        texture_noise: standard deviation of the camera's noise in linear light at mid grey.
        texture_failure: 0 or 1.
        texture_failure_kind: index into `TEXTURE_FAILURES`.
        texture_failure_severity: 0 (none, or hardly any) to 1 (little is left).
        depth_lowpass_mm: standard deviation, roughly, of the range sensor's smoothing.
        depth_noise_mm: standard deviation of its noise on a surface that faces it; up to five times that when it fails.
        depth_quantum_mm: its step.
        depth_stripes: share of its noise that lies in stripes along the rows, 0 to 1.
        depth_dropout: share of the surface lost in hair.
        depth_holes: number of small holes, left open.
        depth_failure: 0 or 1.
        depth_failure_severity: 0 (none, or hardly any) to 1 (little is left).
        depth_closed_holes: number of large holes that it has closed smoothly; 1 to 3 when it fails.
        landmark_jitter_mm: standard deviation of a landmark's own error across the line of sight where all can be seen.
        landmark_shift_mm: the same of the error that a region's landmarks share.
        landmark_mistaken: the same of action units that are taken to act, or not to, by whoever places landmarks.
        landmark_shrinkage: share of the face at rest in landmarks of which nothing can be seen, 0 to 1.
    """

    yaw: float
    pitch: float
    roll: float
    gaze_yaw: float
    gaze_pitch: float
    light_azimuth: float
    light_elevation: float
    light_ambient: float
    light_warmth: float
    gloss: float
    exposure: float
    blur_mm: float
    texture_noise: float
    texture_failure: float
    texture_failure_kind: float
    texture_failure_severity: float
    depth_lowpass_mm: float
    depth_noise_mm: float
    depth_quantum_mm: float
    depth_stripes: float
    depth_dropout: float
    depth_holes: float
    depth_failure: float
    depth_failure_severity: float
    depth_closed_holes: float
    landmark_jitter_mm: float
    landmark_shift_mm: float
    landmark_mistaken: float
    landmark_shrinkage: float

    def factors(self) -> dict[str, float]:
        """The factors by name."""
        return asdict(self)

    def without(self, *groups: str) -> "Nuisance":
        """These factors with the nuisances of `groups` (keys of `GROUPS`) at their ideal."""
        return replace(self, **{name: getattr(IDEAL, name) for group in groups for name in GROUPS[group]})


#: Even light from the front, perfect sensors.
IDEAL = Nuisance(
    **{field.name: 0.0 for field in fields(Nuisance)} | {"light_elevation": 20.0, "light_ambient": 0.55, "gloss": 0.3}
)
#: What can be switched off together to see what it costs.
GROUPS: dict[str, tuple[str, ...]] = {
    "pose": ("yaw", "pitch", "roll"),
    "gaze": ("gaze_yaw", "gaze_pitch"),
    "light": ("light_azimuth", "light_elevation", "light_ambient", "gloss"),
    "colour": ("light_warmth", "exposure"),
    "camera": ("blur_mm", "texture_noise"),
    "texture_failure": ("texture_failure", "texture_failure_kind", "texture_failure_severity"),
    "depth_sensor": ("depth_lowpass_mm", "depth_noise_mm", "depth_quantum_mm", "depth_stripes"),
    "dropout": ("depth_dropout", "depth_holes"),
    "depth_failure": ("depth_failure", "depth_failure_severity", "depth_closed_holes"),
    "landmark_error": ("landmark_jitter_mm", "landmark_shift_mm", "landmark_mistaken", "landmark_shrinkage"),
}


def draw_nuisance(rng: np.random.Generator, *, clean: bool = False, variant: str = STANDARD) -> Nuisance:
    """The factors of one scan, from a stream of its own; `clean`: no failure and `CLEAN_SHARE` of the rest."""
    fails_texture, fails_depth = rng.random(2) < (TEXTURE_FAILURE_RATE, DEPTH_FAILURE_RATE)
    texture_severity, depth_severity = rng.random(2)
    of = VARIANTS[variant]
    drawn = Nuisance(
        yaw=rng.normal(0, 3.0),
        pitch=rng.normal(0, 2.5),
        roll=rng.normal(0, 2.0),
        gaze_yaw=rng.normal(0, 5.0),
        gaze_pitch=rng.normal(0, 3.0),
        light_azimuth=float(np.clip(rng.normal(0, of.light_azimuth), -80, 80)),
        light_elevation=rng.normal(*of.light_elevation),
        light_ambient=rng.uniform(*of.light_ambient),
        light_warmth=float(np.clip(rng.normal(0, of.light_warmth), -1, 1)),
        gloss=rng.uniform(0, 1),
        exposure=rng.normal(0, of.exposure),
        blur_mm=abs(rng.normal(0, of.blur_mm)),
        texture_noise=rng.uniform(*of.texture_noise),
        texture_failure=float(fails_texture),
        texture_failure_kind=float(fails_texture * rng.integers(1, len(TEXTURE_FAILURES))),
        texture_failure_severity=float(fails_texture * texture_severity),
        depth_lowpass_mm=rng.uniform(*of.depth_lowpass_mm),
        depth_noise_mm=rng.uniform(*of.depth_noise_mm),
        depth_quantum_mm=rng.uniform(*of.depth_quantum_mm),
        depth_stripes=of.depth_stripes,
        depth_dropout=rng.uniform(0, of.depth_dropout),
        depth_holes=float(rng.integers(0, 3)),
        depth_failure=float(fails_depth),
        depth_failure_severity=float(fails_depth * depth_severity),
        depth_closed_holes=float(fails_depth * rng.integers(1, 4)),
        landmark_jitter_mm=LANDMARK_JITTER_MM,
        landmark_shift_mm=LANDMARK_SHIFT_MM,
        landmark_mistaken=LANDMARK_MISTAKEN,
        landmark_shrinkage=LANDMARK_SHRINKAGE,
    )
    if not clean:
        return drawn
    mild = {
        name: ideal + CLEAN_SHARE * (getattr(drawn, name) - ideal)
        for name, ideal in IDEAL.factors().items()
        if name not in GROUPS["landmark_error"]
    }
    mild["depth_holes"] = 0.0
    return replace(drawn, **mild).without("texture_failure", "depth_failure")
