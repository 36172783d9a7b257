"""Trained networks as MLflow's models: files that `afnetm.load_model` reads, of which none is code, and an example."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet
from safetensors.numpy import save

from afnetm.data.dataset import open_dataset
from afnetm.errors import UserError
from afnetm.zipped import Folder

#: Of a stored run, what makes its trained network again.
WEIGHTS, RESULT = "weights.safetensors", "result.json"
_NOTE = """The trained network of this run; nothing in it is code that loading would run.

```py
import afnetm, mlflow

mlflow.set_tracking_uri(URI)
trained = afnetm.load_model(mlflow.artifacts.download_artifacts("models:/{model}"))
probabilities = trained.predict(afnetm.open_dataset(DIR))
```

Classes, in the order of the probabilities: {classes}."""
_EXAMPLE = """

`input_example.safetensors` has one test scan as a dataset stores it, {size} px: `texture`, `depth` and `planes`."""


def model_files(folder: Folder, example: Folder | bytes | None) -> dict[str, Folder | bytes]:
    """Files of the model of a stored run that kept its weights, by name; `example` is an `input_example`."""
    files: dict[str, Folder | bytes] = {name: folder / name for name in (WEIGHTS, RESULT)}
    return files if example is None else files | {"input_example.safetensors": example}


def model_note(model: str, result: Mapping[str, Any], *, example: bool) -> str:
    """Description of a model of MLflow's, in Markdown: how it is loaded, and what it answers."""
    said = _NOTE.format(model=model, classes=", ".join(result["classes"]))
    return said + (_EXAMPLE.format(size=result["size"]) if example else "")


def model_name(name: str) -> str:
    """A run's name without what MLflow has in no name of a model."""
    return re.sub(r"[/:.%\"']", "-", name)


def input_example(folder: Folder, dataset: Path) -> bytes | None:
    """The first test scan of a stored run: ``texture`` uint8 ``(1, 3, S, S)``, ``depth`` uint16 and ``planes`` uint8
    ``(1, 1, S, S)``, as safetensors; None where its dataset is not there. It shows a face.
    """
    try:
        data = open_dataset(dataset)
    except UserError:
        return None
    scan = pyarrow.parquet.read_table(pyarrow.BufferReader((folder / "predictions.parquet").read_bytes()))["scan"][0]
    rows = (data.table["id"] == scan.as_py()).to_numpy().nonzero()[0]
    if not len(rows):
        return None
    row = slice(rows[0], rows[0] + 1)
    return bytes(save({name: getattr(data, name)[row].copy() for name in ("texture", "depth", "planes")}))
