"""Keys of runs, computed without torch, so that records from elsewhere can be held to theirs."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: What decides a run's result; `benchmarks.plans.runs.Run` says what each is.
DECIDING = (
    *("dataset", "intensities", "protocol", "repeat", "fold", "method", "version", "hyperparameters", "encoder"),
    *("training", "device", "inner", "reseed", "procedure", "detector", "evaluation"),
)
#: Younger than many records, and left out where they say nothing.
_YOUNGER = ("inner", "reseed", "procedure", "detector", "evaluation")
#: Made once: making one takes a fifth of a key's time, and a plan may have 100,000.
_SORTED = json.JSONEncoder(sort_keys=True)
#: What a setting of the training configuration is where a key does not say it. A new setting is added here with the
#: value under which nothing changes, and no record is lost by it. No value here ever changes, not with its own default
#: either: keys that leave it out would mean something else.
UNSAID: Mapping[str, Any] = {
    "epochs": 30,
    "batch_size": 32,
    "learning_rate": 1e-3,
    "pretrained_factor": 1.0,
    "weight_decay": 0.05,
    "gradient_clip": 1.0,
    "warmup": 0.1,
    "label_smoothing": 0.1,
    "precision": "float32",
    "channels_last": True,
    "compile": False,
    "graph": False,
    "sampling": "shuffled",
    "augmentation": {
        "rotation": 3.0,
        "scale": 0.03,
        "shift": 0.02,
        "flip": 0.5,
        "brightness": 0.1,
        "contrast": 0.1,
        "depth_shift": 2.0,
    },
}


def deciding(run: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that decide a run's result and nothing else: those of `DECIDING`, without what a key leaves unsaid.

    Args:
        run: those fields, as they are in a `Run` or in its ``result.json``; others are passed over.
    """
    said = {name: run.get(name) for name in DECIDING if run.get(name) or name not in _YOUNGER}
    if evaluation := said.get("evaluation"):  # another dataset is its content, whatever it is called
        said["evaluation"] = {name: value for name, value in evaluation.items() if name != "dataset"}
    return said | {"training": _said(run["training"], UNSAID)}


def run_key(run: Mapping[str, Any]) -> str:
    """Twenty hexadecimal digits: the head of the SHA-256 of what decides a result, as JSON with sorted keys."""
    return hashlib.sha256(_SORTED.encode(deciding(run)).encode()).hexdigest()[:20]


def _said(settings: Mapping[str, Any], unsaid: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ from `unsaid`, in inner tables likewise; a table with nothing left is left out."""
    said = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            below = unsaid.get(name)
            if inner := _said(value, below if isinstance(below, Mapping) else {}):
                said[name] = inner
        elif name not in unsaid or value != unsaid[name]:
            said[name] = value
    return said
