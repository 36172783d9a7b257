"""Keys of units, computed without torch, so that records from elsewhere can be held to theirs."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: What decides a unit's result; `benchmarks.plans.units.Unit` says what each is.
DECIDING = (
    *("cohort", "intensities", "protocol", "repeat", "fold", "method", "version", "hyperparameters", "encoder"),
    *("recipe", "device", "inner", "reseed"),
)
#: Younger than many records, and left out where they say nothing.
_YOUNGER = ("inner", "reseed")


def unit_key(unit: Mapping[str, Any]) -> str:
    """Twenty hexadecimal digits: the head of the SHA-256 of what decides a result, as JSON with sorted keys.

    Args:
        unit: the fields of `DECIDING`, as they are in a `Unit` or in its ``result.json``; others are passed over.
    """
    said = {name: unit.get(name) for name in DECIDING if unit.get(name) or name not in _YOUNGER}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:20]
