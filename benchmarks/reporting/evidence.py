"""What methods show of themselves beside their answers, from records: weights, attention, Grad-CAM."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from safetensors import safe_open

from benchmarks.records.ledger import Entry
from benchmarks.records.store import Store

_EXTRAS, _GRADCAM = "extras.safetensors", "gradcam.safetensors"
_ATTENTION = "attention"
#: Encoders of timm's whose cells see what is around their upper left corner, not around their middle: their strided
#: layers look at pixels 0, 2, 4 and so on, and as far to the one side of each as to the other.
_CORNERED = re.compile(r"resnet\d+")
#: Maps are at most so wide, as Grad-CAM's are in records: what is shown of a face, and no picture of it.
_WIDEST = 14


def with_importance(predictions: pa.Table, record: Path) -> pa.Table:
    """`predictions` of the record in folder `record`, with its weights as ``texture`` and ``depth`` if it has any."""
    found = _arrays(record / _EXTRAS, lambda name: name == "importance")
    if not found:
        return predictions
    for name, values in zip(("texture", "depth"), found["importance"].T.astype(np.float64), strict=True):
        predictions = predictions.append_column(name, pa.array(values))
    return predictions


def mean_maps(entries: Iterable[Entry], store: Store) -> pd.DataFrame:
    """`reports.data.results.Results.maps`: the mean of each map, over the scans of each training and over trainings.

    A map of some trainings that is not as large as that of the first of the method is left out.
    """
    sums: dict[tuple[str, str, str], list[NDArray[np.float64]]] = {}
    shifts: dict[tuple[str, str, str], float] = {}
    for entry in entries:
        folder = store.folder(entry.key)
        attention = _arrays(folder / _EXTRAS, lambda name: name.startswith(_ATTENTION))
        evidence = _arrays(folder / _GRADCAM, lambda name: name != "rows")
        found = {
            ("attention", name.removeprefix(_ATTENTION).strip("_") or "both"): of for name, of in attention.items()
        }
        for (kind, stream), array in (found | {("gradcam", name): of for name, of in evidence.items()}).items():
            if array.ndim == 3 and len(array):
                of = entry.method, kind, stream
                if of not in sums:
                    shifts[of] = _shift(store.result(entry.key), wide=array.shape[2])
                sums.setdefault(of, []).append(_small(array.mean(axis=0, dtype=np.float64)))
    rows = []
    for (method, kind, stream), maps in sums.items():
        alike = [one for one in maps if one.shape == maps[0].shape]
        place = {"method": method, "kind": kind, "stream": stream, "trainings": len(alike)}
        place |= {"shift": shifts[method, kind, stream]}
        for (row, column), value in np.ndenumerate(np.mean(alike, axis=0)):
            rows.append(place | {"row": row, "column": column, "value": float(value)})
    return pd.DataFrame(rows)


def _shift(result: Mapping[str, Any], *, wide: int) -> float:
    """``shift`` of a map that was so `wide` before it was made small, in cells of what it is then; NaN if not known."""
    known = _CORNERED.fullmatch(result.get("encoder", {}).get("name", ""))
    return 0.5 * min(1.0, _WIDEST / wide) if known else np.nan


def _small(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A map ``(h, w)`` as one at most `_WIDEST` wide and high: of the cells that fall into one, the mean."""
    for axis in (axis for axis in (0, 1) if values.shape[axis] > _WIDEST):
        parts = np.array_split(values, _WIDEST, axis=axis)
        values = np.stack([part.mean(axis=axis) for part in parts], axis=axis)
    return values


def _arrays(path: Path, wanted: Callable[[str], bool]) -> dict[str, NDArray[np.float32]]:
    if not path.is_file():
        return {}
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys() if wanted(name)}  # noqa: SIM118 - no mapping
