"""Landmarks of scans that a model is asked about, compared with those of the scans that it was trained on.

Poses follow from landmarks, and so do the masks of some methods. Landmarks that are found differ from given ones by
several millimetres and degrees (docs/landmarks.md), so that a model answers less well for scans of the other kind.
"""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
from pydantic import ConfigDict

from afnetm.data.dataset_files import landmark_counts, landmark_sets
from afnetm.data.scan import PoseSource
from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.strict import STRICT


@dataclass(frozen=True, kw_only=True)
class LandmarkOrigins:
    """Origins of the landmarks of a dataset's scans.

    Attributes:
        given: number of scans that came with landmarks.
        found: number of scans in which they were found.
        sets: numbers of rows of the landmark sets that there are, ascending; empty where they are not known.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    given: int
    found: int
    sets: tuple[int, ...] = ()


def origins_of(table: pd.DataFrame) -> LandmarkOrigins:
    """The origins in a dataset's table."""
    return LandmarkOrigins(**landmark_counts(table), sets=tuple(landmark_sets(table)))


def check_landmarks(method: Method, trained: LandmarkOrigins | None, asked: LandmarkOrigins, *, name: str) -> None:
    """Refuses landmarks of a set whose rows mean other points than those that a method has learnt to read.

    Args:
        method: of the model.
        trained: of the scans that it was trained on; None where they are not known.
        asked: of the scans that it is asked about.
        name: of the latter, in the error.

    Raises:
        UserError: the method reads landmarks that come with the scans, and these are of another set.
    """
    if trained is None or not trained.sets or method.masks != "annotated" or "landmarks" not in method.inputs:
        return
    if other := set(asked.sets) - set(trained.sets):
        raise UserError(
            f"{name}: sets of {_listed(other)} landmarks; '{method.name}' reads landmarks, and was trained on sets of "
            f"{_listed(trained.sets)}, whose rows are other points"
        )


def landmark_warning(
    method: Method,
    trained: LandmarkOrigins | None,
    asked: LandmarkOrigins,
    *,
    trained_pose: PoseSource,
    asked_pose: str,
) -> str:
    """Differences of the landmarks that predictions may suffer from, in one line; empty where there is none.

    Args:
        method: of the model.
        trained: of the scans that it was trained on; None where they are not known.
        asked: of the scans that it is asked about.
        trained_pose, asked_pose: which landmarks the poses were fitted to (`afnetm.data.making.Making.pose`).
    """
    scans = asked.given + asked.found
    before = trained or LandmarkOrigins(given=int(trained_pose == "annotated"), found=int(trained_pose == "detected"))
    detected = scans if asked_pose == "detected" else asked.found
    said = []
    if trained_pose == "detected" and detected < scans:
        said.append(f"poses are fitted to annotated landmarks{_in(scans - detected, scans)} (in training: detected)")
    if trained_pose == "annotated" and not before.found and detected:
        said.append(f"poses are fitted to detected landmarks{_in(detected, scans)} (in training: annotated)")
    if method.masks == "annotated" and not {"masks", "landmarks"}.isdisjoint(method.inputs):
        if trained and not before.given and asked.given:
            said.append(f"masks are of given landmarks{_in(asked.given, scans)} (in training: found)")
        if not before.found and asked.found:
            said.append(f"masks are of found landmarks{_in(asked.found, scans)} (in training: given)")
    if not said and before.sets and (other := set(asked.sets) - set(before.sets)):
        said.append(f"landmarks are of sets of {_listed(other)} (in training: {_listed(before.sets)})")
    return f"{', '.join(said)}; accuracy may be below the measured one" if said else ""


def _in(some: int, scans: int) -> str:
    return "" if some == scans else f" in {some} of {scans} scans"


def _listed(sets: set[int] | tuple[int, ...]) -> str:
    return ", ".join(map(str, sorted(sets)))
