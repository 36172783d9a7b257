"""Landmarks predicted from rendered maps by a linear model: for whoever has not installed the landmark models.

Ridge regression of shrunk texture and depth predicts the landmarks in the pose of the maps. It learns from annotated
landmarks, so from training subjects only. The training scans themselves get predictions of models that have not seen
their subjects, and so err as test scans do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM
from afnetm.data.regions import LANDMARK_SETS
from afnetm.errors import UserError

#: Rises whenever what is predicted changes.
REGRESSOR_VERSION = 1
#: Folds of subjects for the predictions of training scans.
FOLDS = 5
#: Pixels along a side of the shrunk maps.
_SIDE = 32
#: Strength of the ridge for each scan, over standardised pixels: of steps of about 3 the best over all regions, on 360
#: scans of 60 synthetic subjects (seed 5) in five folds.
_STRENGTH = 35.0
#: Depth beyond this from the plane of the eyes, and where there is nothing, is this, mm.
_DEEPEST_MM = 60.0


@dataclass(frozen=True, eq=False)
class LandmarkRegressor:
    """A fitted regressor (`fit_landmarks`)."""

    pipeline: Pipeline

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.floating[Any]]]) -> Self:
        """The regressor whose `arrays` these are.

        Raises:
            UserError: they are no regressor's.
        """
        shapes = {name: array.shape for name, array in arrays.items()}
        inputs, outputs = shapes.get("mean", (0,)), shapes.get("bias", (0,))
        fitting = {"mean": inputs, "scale": inputs, "weight": outputs + inputs, "bias": outputs}
        if shapes != fitting or len(inputs + outputs) != 2 or outputs[0] not in {3 * len(s) for s in LANDMARK_SETS}:
            raise UserError(f"landmarks: {shapes} are the shapes of no landmark regressor")
        scaler, ridge = StandardScaler(), Ridge()
        scaler.mean_, scaler.scale_, scaler.n_features_in_ = arrays["mean"], arrays["scale"], inputs[0]
        ridge.coef_, ridge.intercept_, ridge.n_features_in_ = arrays["weight"], arrays["bias"], inputs[0]
        return cls(make_pipeline(scaler, ridge))

    @property
    def arrays(self) -> dict[str, NDArray[np.floating[Any]]]:
        """All that was fitted, by name: mean and scale ``(F,)`` of its inputs, weight ``(3 L, F)`` and bias."""
        scaler, ridge = (step for _, step in self.pipeline.steps)
        return {"mean": scaler.mean_, "scale": scaler.scale_, "weight": ridge.coef_, "bias": ridge.intercept_}

    def predict(self, texture: NDArray[np.uint8], depth: NDArray[np.uint16]) -> NDArray[np.float32]:
        """The landmarks ``(N, L, 3)`` float32 mm, in the maps' pose, of maps as in `fit_landmarks`; none is missing."""
        found: NDArray[np.float64] = self.pipeline.predict(_features(texture, depth))
        return found.reshape(len(texture), -1, 3).astype(np.float32)


def fit_landmarks(
    texture: NDArray[np.uint8], depth: NDArray[np.uint16], landmarks: NDArray[np.floating[Any]]
) -> LandmarkRegressor:
    """A regressor of `landmarks`; the same one for the same arrays.

    Args:
        texture: ``(N, 3, S, S)``, as an `afnetm.data.dataset.FaceDataset` has it; two scans or more.
        depth: ``(N, 1, S, S)``.
        landmarks: ``(N, L, 3)`` mm, in the maps' pose. A missing one (NaN) counts as the mean of those there.

    Raises:
        UserError: fewer than two scans, or a landmark that none of them has.
    """
    if len(texture) < 2:
        raise UserError(f"landmarks: {len(texture)} scans to learn from (allowed: 2 or more)")
    known = np.isfinite(landmarks)
    if not known.any(0).all():
        raise UserError(f"landmarks: rows {np.flatnonzero(~known.any(0).all(1)).tolist()} are missing in every scan")
    whole = np.where(known, landmarks, np.nanmean(landmarks, axis=0, dtype=np.float64))
    pipeline = make_pipeline(StandardScaler(), Ridge(_STRENGTH * len(texture)))
    return LandmarkRegressor(pipeline.fit(_features(texture, depth), whole.reshape(len(whole), -1)))


def out_of_fold(
    texture: NDArray[np.uint8],
    depth: NDArray[np.uint16],
    landmarks: NDArray[np.floating[Any]],
    subjects: NDArray[np.str_],
) -> NDArray[np.float32]:
    """The landmarks ``(N, L, 3)`` of every scan, each predicted by a regressor of other subjects' scans.

    Args:
        texture: as in `fit_landmarks`.
        depth: as there.
        landmarks: as there.
        subjects: ``(N,)``; `FOLDS` folds of them, or one a subject where there are fewer.

    Raises:
        UserError: fewer than two subjects, or as `fit_landmarks` does.
    """
    count = len(np.unique(subjects))
    if count < 2:
        raise UserError(f"landmarks: {count} subjects to learn from (allowed: 2 or more)")
    found = np.empty(landmarks.shape, np.float32)
    for rest, fold in GroupKFold(min(FOLDS, count)).split(subjects, groups=subjects):
        found[fold] = fit_landmarks(texture[rest], depth[rest], landmarks[rest]).predict(texture[fold], depth[fold])
    return found


def _features(texture: NDArray[np.uint8], depth: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Brightness of each scan to zero mean and unit deviation, its slopes, depth and its slopes, at `_SIDE` pixels."""
    grey = _shrunk(texture.mean(1, dtype=np.float32))
    grey = (grey - grey.mean((1, 2), keepdims=True)) / (grey.std((1, 2), keepdims=True) + 1)
    millimetres = DEPTH_ZERO_MM + (depth[:, 0].astype(np.float32) - 1) * DEPTH_STEP_MM
    deep = np.where(depth[:, 0] > 0, millimetres, -_DEEPEST_MM).clip(-_DEEPEST_MM, _DEEPEST_MM)
    surface = _shrunk(deep.astype(np.float32))
    slopes = np.gradient(surface, WINDOW_MM / surface.shape[-1], axis=(1, 2))
    planes = [grey, *np.gradient(grey, axis=(1, 2)), surface, *(slope.clip(-2, 2) for slope in slopes)]
    return np.concatenate([plane.reshape(len(plane), -1) for plane in planes], axis=1).astype(np.float32)


def _shrunk(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of the blocks of pixels that `planes` ``(N, S, S)`` are cut into, at most `_SIDE` along a side."""
    size = planes.shape[-1]
    starts = np.linspace(0, size, min(_SIDE, size), endpoint=False).astype(int)
    widths = np.diff([*starts, size]).astype(np.float32)
    sums = np.add.reduceat(np.add.reduceat(planes, starts, axis=1), starts, axis=2)
    return np.asarray(sums / (widths[:, None] * widths))
