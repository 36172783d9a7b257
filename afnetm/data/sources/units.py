"""Units of length of people's files: the numbers of each in mm, and which one a face says that it is in."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from afnetm.data.plausible import MAX_EXTENT_MM, MIN_EXTENT_MM
from afnetm.data.pose import TEMPLATE_MM, find_anchors, lacks
from afnetm.data.regions import landmark_set
from afnetm.errors import UserError

#: The units that files may be in.
Unit = Literal["um", "mm", "cm", "m", "inch"]
#: Millimetres in each.
MILLIMETRES: dict[Unit, float] = {"um": 0.001, "mm": 1.0, "cm": 10.0, "m": 1000.0, "inch": 25.4}
_WORDS: dict[Unit, str] = {
    "um": "micrometres", "mm": "millimetres", "cm": "centimetres", "m": "metres", "inch": "inches"
}  # fmt: skip
#: A face whose eyes and nose are this many times as large as the average one, or as small, is none in this unit. Units
#: are further apart: the nearest two, centimetres and inches, by 2.5.
_MOST_APART = 1.5
#: The longest side of the box around most scans of a face, mm: the face alone to a person's upper body.
_USUAL_MM = (120.0, 800.0)


def check_face(points: NDArray[np.floating], names: tuple[str, ...], unit: Unit, file: str) -> None:
    """Refuses landmarks whose eyes and nose are those of a face in another unit than `unit`.

    Landmarks that do not suffice for a pose are let through, for the pose fit to refuse.

    Args:
        points: ``(L, 3)``, NaN where one is missing, in the mm that they have if the file is in `unit`.
        names: of the rows, a known set.
        unit: in which the file is said to be.
        file: begins the error.

    Raises:
        UserError: names the unit that fits and the option that reads it.
    """
    known = landmark_set(names)
    if lacks(points, known):
        return
    anchors = find_anchors(points, known)
    average = np.array([np.array(TEMPLATE_MM[kind]) * (2 * side - 1, 1, 1) for kind, side in anchors])
    size = _radius(np.stack(list(anchors.values()))) / MILLIMETRES[unit]
    times = {one: size * millimetres / _radius(average) for one, millimetres in MILLIMETRES.items()}
    nearest = min(times, key=lambda one: max(times[one], 1 / max(times[one], 1e-9)))
    if nearest != unit and 1 / _MOST_APART <= times[nearest] <= _MOST_APART:
        raise UserError(
            f"{file}: its eyes and nose spread over {size:.3g} {unit}, those of an average face over "
            f"{_radius(average):.3g} mm; {_advice([nearest])}"
        )


def check_extent(vertices: NDArray[np.floating], unit: Unit, file: str) -> None:
    """Refuses a mesh that is as large as a face in another unit than `unit`.

    Args:
        vertices: ``(V, 3)`` in the mm that they have if the file is in `unit`.
        unit: in which the file is said to be.
        file: begins the error.

    Raises:
        UserError: names the units that fit and the option that reads them.
    """
    extent = float(np.ptp(vertices.astype(np.float64), axis=0).max()) / MILLIMETRES[unit]
    if MIN_EXTENT_MM <= extent * MILLIMETRES[unit] <= MAX_EXTENT_MM:
        return
    low, high = _USUAL_MM
    fitting: list[Unit] = [one for one, millimetres in MILLIMETRES.items() if low <= extent * millimetres <= high]
    if fitting:
        raise UserError(
            f"{file}: its vertices extend over {extent:.3g} {unit} (allowed: {MIN_EXTENT_MM:g} to {MAX_EXTENT_MM:g} "
            f"mm); {_advice(fitting)}"
        )


def _advice(units: list[Unit]) -> str:
    words = " or ".join(_WORDS[unit] for unit in units)
    return f"it seems to be in {words}, which are read with {' or '.join(f'--unit {unit}' for unit in units)}"


def _radius(points: NDArray[np.floating]) -> float:
    """Root mean square distance of `points` ``(n, 3)`` from their centre."""
    return float(np.sqrt(((points - points.mean(0)) ** 2).sum(1).mean()))
