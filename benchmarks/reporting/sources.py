"""Modules of methods, as installed packages register them; none of them is imported."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from afnetm.installation import METHODS


def with_modules(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Recorded methods with the ``module`` of each that an installed package registers under its name."""
    modules = {point.name: point.module for point in entry_points(group=METHODS)}
    found = {label: modules.get(about.get("name", "")) for label, about in methods.items()}
    return {label: {**about, "module": found[label]} if found[label] else about for label, about in methods.items()}
