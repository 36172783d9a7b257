"""Modules and repositories of methods, as installed packages name them; none of them is imported."""

import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from afnetm.installation import METHODS

#: Labels of a repository among a package's addresses, in letters alone, as package registries know them.
_REPOSITORY = ("source", "sourcecode", "repository", "github")


def with_modules(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Recorded methods with what is known of each that an installed package registers under its name.

    That is its ``module`` and, where the package names its repository (``[project.urls]`` of its pyproject.toml), the
    ``repository``.
    """
    points = {point.name: point for point in entry_points(group=METHODS)}
    found = {label: points.get(about.get("name", "")) for label, about in methods.items()}
    return {label: {**about, **(_where(point) if (point := found[label]) else {})} for label, about in methods.items()}


def _where(point: EntryPoint) -> dict[str, str]:
    address = _repository(point)
    return {"module": point.module} | ({"repository": address} if address else {})


def _repository(point: EntryPoint) -> str:
    """Address of the repository of the package that registers a method; empty where it names none."""
    for line in (point.dist.metadata.get_all("Project-URL") or ()) if point.dist else ():
        label, _, address = (part.strip() for part in line.partition(","))
        if re.sub(r"[^a-z]", "", label.lower()) in _REPOSITORY and re.match(r"https?://", address):
            return str(address)
    return ""
