"""Evidence of methods beside their predictions, from records: weights, attention, Grad-CAM."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import load

from afnetm.data.maps import SHOWN_CELLS
from afnetm.zipped import Folder

_AUXILIARY, _GRADCAM = "auxiliary_outputs.safetensors", "gradcam.safetensors"
_ATTENTION = "attention"
#: Encoders of timm's whose cells see what is around their upper left corner, not around their middle: their strided
#: layers look at pixels 0, 2, 4 and so on, and as far to the one side of each as to the other.
_CORNERED = re.compile(r"resnet\d+")


@dataclass(frozen=True, eq=False)
class Map:
    """A map of one training: the mean over its scans, and ``shift`` (`reports.data.results.Results.maps`)."""

    values: NDArray[np.float64]
    shift: float


def importance(record: Folder, *, scans: int) -> dict[str, NDArray[np.float64]]:
    """The weights of ``texture`` and ``depth``, each ``(scans,)``, of the record in a folder; none if it has none.

    Raises:
        ValueError: they are something else.
    """
    found = _arrays(record / _AUXILIARY, lambda name: name == "importance")
    if not found:
        return {}
    values = found["importance"].astype(np.float64)
    if values.shape != (scans, 2) or not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError("weights are not two numbers from 0 to 1 per scan")
    return dict(zip(("texture", "depth"), values.T, strict=True))


def maps(record: Folder, result: Mapping[str, Any]) -> dict[tuple[str, str], Map]:
    """The mean map of the record in a folder, by kind (attention, gradcam) and stream.

    Raises:
        ValueError: one is not finite.
    """
    attention = _arrays(record / _AUXILIARY, lambda name: name.startswith(_ATTENTION))
    evidence = _arrays(record / _GRADCAM, lambda name: name != "rows")
    named = {("attention", name.removeprefix(_ATTENTION).strip("_") or "both"): of for name, of in attention.items()}
    found = {}
    for place, array in (named | {("gradcam", name): of for name, of in evidence.items()}).items():
        if array.ndim == 3 and len(array):
            mean = array.mean(axis=0, dtype=np.float64)
            if not np.isfinite(mean).all():
                raise ValueError("maps are not finite")
            found[place] = Map(_small(mean), _shift(result, wide=array.shape[2]))
    return found


def mean_maps(records: Iterable[tuple[str, Mapping[tuple[str, str], Map]]]) -> pd.DataFrame:
    """`reports.data.results.Results.maps`: the mean of each map, over the scans of each training and over trainings.

    A map of some trainings that is not as large as that of the first of the method is left out.

    Args:
        records: of each training its method and its `maps`.
    """
    gathered: dict[tuple[str, str, str], list[Map]] = {}
    for method, found in records:
        for (kind, stream), one in found.items():
            gathered.setdefault((method, kind, stream), []).append(one)
    rows = []
    for (method, kind, stream), several in gathered.items():
        alike = [one.values for one in several if one.values.shape == several[0].values.shape]
        place = {"method": method, "kind": kind, "stream": stream, "trainings": len(alike)}
        place |= {"shift": several[0].shift}
        for (row, column), value in np.ndenumerate(np.mean(alike, axis=0)):
            rows.append(place | {"row": row, "column": column, "value": float(value)})
    return pd.DataFrame(rows)


def _shift(result: Mapping[str, Any], *, wide: int) -> float:
    """``shift`` of a map that was so `wide` before it was made small, in cells of what it is then; NaN if not known."""
    known = _CORNERED.fullmatch(result.get("encoder", {}).get("name", ""))
    return 0.5 * min(1.0, SHOWN_CELLS / wide) if known else np.nan


def _small(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A map ``(h, w)`` as one at most `SHOWN_CELLS` wide and high: of the cells that fall into one, the mean."""
    for axis in (axis for axis in (0, 1) if values.shape[axis] > SHOWN_CELLS):
        parts = np.array_split(values, SHOWN_CELLS, axis=axis)
        values = np.stack([part.mean(axis=axis) for part in parts], axis=axis)
    return values


def _arrays(path: Folder, wanted: Callable[[str], bool]) -> dict[str, NDArray[np.float32]]:
    if not path.is_file():
        return {}
    return {name: array for name, array in load(path.read_bytes()).items() if wanted(name)}
