"""Checks of a corruption's declarations, made when it is loaded: all that planning and tables need."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, get_args

from afnetm.corruptions.corruption import Group, MapCorruption, ScanCorruption


def faults(name: str, kind: Any) -> Iterator[str]:
    """Faults of the class registered as `name`, a sentence each with what mends it; none where it is right.

    What comes after the first may rest on its being mended.
    """
    if not (isinstance(kind, type) and issubclass(kind, MapCorruption | ScanCorruption)):
        yield "is not a subclass of afnetm.corruptions.MapCorruption or ScanCorruption; make it one"
    if abstract := sorted(kind.__abstractmethods__):
        yield f"does not define {', '.join(abstract)}; define it"
    lacking = [key for key in ("name", "title", "of", "severities", "meaning") if not hasattr(kind, key)]
    if lacking:
        yield f"has no {', '.join(lacking)}; set them as class attributes"
    if kind.name != name:
        yield f"name = {kind.name!r}; make it {name!r}, or register it so"
    if type(kind.version) is not int or kind.version < 1:
        yield f"version = {kind.version!r}; make it an integer, counted from 1"
    if kind.of not in get_args(Group):
        yield f"of = {kind.of!r}; make it one of {', '.join(map(repr, get_args(Group)))}"
    for key in ("title", "meaning", "unit"):
        text = getattr(kind, key)
        if not isinstance(text, str) or not text.isprintable() or not (text.strip() or key == "unit"):
            yield f"{key} = {text!r}; make it a text of one line that can be printed, tables show it"
    values = kind.severities
    if not isinstance(values, tuple) or len(values) not in {1, 5}:
        yield f"severities = {values!r}; make it a tuple of five numbers, or of one where there are no grades"
    if not all(type(value) is float and math.isfinite(value) for value in values):
        yield f"severities = {values!r}; make each a finite float"
    steps = [after - before for before, after in pairwise(values)]
    if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
        yield f"severities = {values!r}; order them from mild to strong"
