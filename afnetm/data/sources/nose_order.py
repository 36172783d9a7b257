"""The order of the nose's twelve rows among the 83 landmarks, rows 36 to 47, on which published programs disagree.

menpo's labeller has the nose's two sides, three points each, and then the six of the nostrils. Deep-MVLM's list and a
program for BU-4DFE (mirror pairs 36-47, 37-46 ... 41-42) have one outline: from one side of the root down over the wing
and the base and up to the other side; by Deep-MVLM the wing is its fourth point. So no order is relied upon: all are
tried on every scan of a dataset, and the one with the least median misfit of eyes and nose is the dataset's. Which
side comes first does not matter to the pose and is told for the record.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.pose import MAX_MISFIT_MM, find_anchors, fit_anchors
from afnetm.data.regions import landmark_set
from afnetm.errors import UserError

#: The known orders by name: where in a file's twelve rows the first side (root, middle, wing), the second side and the
#: nostrils of `LANDMARKS_83` are. What is neither root, middle nor wing only widens the nose's region, so that it may
#: stand for any point of the nostrils.
ORDERS = {
    "two sides, then the nostrils": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    "the nostrils, then two sides": (11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
    "one outline with the wings at rows 38 and 45": (0, 1, 2, 11, 10, 9, 3, 4, 5, 6, 7, 8),
    "one outline with the wings at rows 39 and 44": (0, 1, 3, 11, 10, 8, 2, 4, 5, 6, 7, 9),
}
#: Of these twelve, where each is with the sides exchanged.
_MIRRORED = (3, 4, 5, 0, 1, 2, 11, 10, 9, 8, 7, 6)
#: How far the nose's sides may be from each other's mirror image, root mean square, mm. Of 200 synthetic scans the
#: worst has 6.0; in another of the known orders the best has 16, and of 10,000 arrangements at random one in a thousand
#: less than 8.5. By eyes and nose alone, 7 % of scans in an order that nobody knows passed for faces.
MAX_ASYMMETRY_MM = 10.0
_SET = landmark_set(LANDMARKS_83)
_EYES = [slice(0, 8), slice(8, 16)]
_NOSE = np.arange(36, 48)


@dataclass(frozen=True, kw_only=True)
class NoseOrder:
    """The order of a dataset's nose rows.

    Attributes:
        name: of `ORDERS`.
        mirrored: whether most scans begin with the side of the nose that is next to rows 8 to 15, not to rows 0 to 7.
        medians: of every order, the median misfit over the dataset's scans, mm.
        scans: how many these were; 0 where there are none, and `name` is the first order.
    """

    name: str
    mirrored: bool
    medians: dict[str, float]
    scans: int

    def describe(self) -> dict[str, Any]:
        """A JSON object for the dataset info."""
        first = "rows 8 to 15" if self.mirrored else "rows 0 to 7"
        medians = {name: round(median, 2) for name, median in self.medians.items()}
        return {"order": self.name, "first_side": f"next to {first}", "median_misfit_mm": medians, "scans": self.scans}

    def apply(self, points: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        """Landmarks ``(83, 3)`` mm in the order of `LANDMARKS_83`, from `points` in this order.

        Where the eyes or the nose lack a point nothing can be compared, and the pose fit decides.

        Raises:
            UserError: begins with `name`: the scan fits badly in this order, or better in another.
        """
        found = _reordered(points, self.name, mirrored=self.mirrored)
        if not _whole(points):
            return found
        pose = fit_anchors(find_anchors(found, _SET))
        other, least = self._best_otherwise(points)
        if pose.misfit > min(MAX_MISFIT_MM, least):
            raise UserError(
                f"{name}: its eyes and nose differ from an average face by {pose.misfit:.1f} mm with rows 36 to 47 in "
                f"the dataset's order ({self.name}), by {least:.1f} mm in another ({other}) "
                f"(root mean square; allowed: up to {MAX_MISFIT_MM:g} in the dataset's order, lengths in mm)"
            )
        if (asymmetry := _asymmetry(found)) > MAX_ASYMMETRY_MM or not _runs_down(pose.apply(found)):
            raise UserError(
                f"{name}: rows 36 to 47 do not form a nose in the dataset's order ({self.name}): its sides are off "
                f"each other's mirror image by {asymmetry:.1f} mm (root mean square; allowed: up to "
                f"{MAX_ASYMMETRY_MM:g}, and sides that run down from the root)"
            )
        return found

    def _best_otherwise(self, points: NDArray[np.float32]) -> tuple[str, float]:
        """The order that fits `points` best of those that find the nose's root elsewhere, and its misfit, mm."""
        others = [name for name in ORDERS if _roots(name) != _roots(self.name)]
        misfits = _misfits(points)
        best = min(others, key=lambda name: misfits[name])
        return best, misfits[best]


def choose_order(scans: Iterable[NDArray[np.float32]]) -> NoseOrder:
    """The order that fits a dataset as a whole: the one of the least median misfit.

    Args:
        scans: the landmarks ``(83, 3)`` mm of one scan after the other, as their files have them. One that lacks a
            point of the eyes or the nose is passed over.
    """
    misfits: list[dict[str, float]] = []
    begun: list[dict[str, bool]] = []
    for points in filter(_whole, scans):
        misfits.append(_misfits(points))
        begun.append({name: _crosses(_reordered(points, name, mirrored=False)) for name in ORDERS})
    if not misfits:
        return NoseOrder(name=next(iter(ORDERS)), mirrored=False, medians={}, scans=0)
    medians = {name: float(np.median([one[name] for one in misfits])) for name in ORDERS}
    best = min(medians, key=lambda name: medians[name])
    mirrored = 2 * sum(one[best] for one in begun) > len(begun)
    return NoseOrder(name=best, mirrored=mirrored, medians=medians, scans=len(misfits))


def in_order(points: NDArray[np.float32], name: str, *, mirrored: bool) -> NDArray[np.float32]:
    """Landmarks ``(83, 3)`` in the order of `LANDMARKS_83`, put into another of `ORDERS`: what `apply` undoes."""
    found = points.copy()
    found[_rows(name, mirrored=mirrored)] = points[_NOSE]
    return found


def _reordered(points: NDArray[np.float32], name: str, *, mirrored: bool) -> NDArray[np.float32]:
    found = points.copy()
    found[_NOSE] = points[_rows(name, mirrored=mirrored)]
    return found


def _rows(name: str, *, mirrored: bool) -> NDArray[np.intp]:
    """The rows of a file in this order that are rows 36 to 47 of `LANDMARKS_83`."""
    rows = np.array(ORDERS[name])
    return np.asarray(_NOSE[rows[list(_MIRRORED)] if mirrored else rows])


def _roots(name: str) -> set[int]:
    """Rows, of the twelve, of the two ends of the nose at its root."""
    return {ORDERS[name][0], ORDERS[name][3]}


def _whole(points: NDArray[np.float32]) -> bool:
    """Whether no point of the eyes and the nose is missing."""
    return bool(np.isfinite(points[[*range(16), *_NOSE]]).all())


def _misfits(points: NDArray[np.float32]) -> dict[str, float]:
    """The misfit of the pose in every order, mm; it is the same in both directions."""
    return {name: fit_anchors(find_anchors(_reordered(points, name, mirrored=False), _SET)).misfit for name in ORDERS}


def _asymmetry(points: NDArray[np.float32]) -> float:
    """Distance of the nose from its mirror image in the plane between the eyes, root mean square, mm."""
    first, second = (points[rows].mean(0, np.float64) for rows in _EYES)
    nose, across = points[_NOSE] - (first + second) / 2, (second - first) / np.linalg.norm(second - first)
    image = nose[list(_MIRRORED)]
    image -= 2 * (image @ across)[:, None] * across
    return float(np.sqrt(((nose - image) ** 2).sum(1).mean()))


def _runs_down(upright: NDArray[np.float64]) -> bool:
    """Whether the middle of either side of the nose is between its ends in height."""
    root, middle, wing = upright[_NOSE[:6], 1].reshape(2, 3).T
    return bool(((root - middle) * (middle - wing) > 0).all())


def _crosses(points: NDArray[np.float32]) -> bool:
    """Whether the first side of the nose is next to the second eye."""
    eyes = [points[rows].mean(0) for rows in _EYES]
    sides = points[_NOSE[:6]].reshape(2, 3, 3).mean(1)
    return bool((sides[1] - sides[0]) @ (eyes[1] - eyes[0]) < 0)
