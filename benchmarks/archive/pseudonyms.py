"""A stored run without names: subjects have the pseudonyms that reports give them, and no order tells who they are."""

import io
import json
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import load, save

from benchmarks.records.store import PICTURE
from reports.data.pseudonyms import PREFIXES, identity, words


def pseudonymous_record(files: Mapping[str, bytes], *, secret: str) -> dict[str, bytes]:
    """The files of a stored run, by name, with pseudonyms; arrays that may show a face are left out.

    Its scans are in the order of their pseudonyms, and whatever goes along with them as well. ``result.json`` says
    ``pseudonyms``, which secret they were made with (`reports.data.pseudonyms.identity`); a run that says so already is
    left as it is.
    """
    result = json.loads(files["result.json"])
    if result.get("pseudonyms"):
        return dict(files)
    predictions = pd.read_parquet(io.BytesIO(files["predictions.parquet"]))
    own = {column: words(predictions[column].unique(), column=column, secret=secret) for column in PREFIXES}
    hidden = predictions.assign(**{column: predictions[column].map(found) for column, found in own.items()})
    order = np.argsort(hidden["scan"].to_numpy(), kind="stable")
    found = dict(files)
    found["result.json"] = json.dumps(result | {"pseudonyms": identity(secret)}, indent=1).encode()
    found["predictions.parquet"] = hidden.iloc[order].to_parquet(index=False)
    if "auxiliary_outputs.safetensors" in files:
        found |= _auxiliary_outputs(found.pop("auxiliary_outputs.safetensors"), order)
    if "gradcam.safetensors" in files:
        found["gradcam.safetensors"] = _gradcam(files["gradcam.safetensors"], order)
    return found


def _auxiliary_outputs(data: bytes, order: NDArray[np.intp]) -> dict[str, bytes]:
    kept = {name: array[order] for name, array in load(data).items() if math.prod(array.shape[1:]) < PICTURE}
    return (
        {"auxiliary_outputs.safetensors": save({name: np.ascontiguousarray(array) for name, array in kept.items()})}
        if kept
        else {}
    )


def _gradcam(data: bytes, order: NDArray[np.intp]) -> bytes:
    arrays = load(data)
    place = np.argsort(order)[arrays["rows"]].astype(np.int64)  # where each row is now
    rising = np.argsort(place)
    return save(
        {**{name: np.ascontiguousarray(array[rising]) for name, array in arrays.items()}, "rows": place[rising]}
    )
