"""The registry: methods by the names under which packages register them, loaded and checked when they are asked for."""

import sys
import warnings
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from afnetm.blame import error_message
from afnetm.contract.declared import check_declared
from afnetm.errors import UserError, suggestion
from afnetm.installation import GROUP, how_to_register
from afnetm.method import Method
from afnetm.method_files import MethodFile, add_to_environment, method_files

#: Where this project's own strategies are, in a checkout and where a wheel puts them.
_STRATEGIES = Path(__file__).parents[1] / "baselines"


class Registry:
    """Entry points and files by name.

    Args:
        points: of the group `GROUP`, and files with a method each; the same one may be there several times, as a
            package is found on several ways.

    Raises:
        UserError: one name is registered twice.
    """

    def __init__(self, points: Iterable[EntryPoint | MethodFile]) -> None:
        self._points: dict[str, EntryPoint | MethodFile] = {}
        for point in sorted(points, key=lambda one: (one.name, one.value)):
            first = self._points.setdefault(point.name, point)
            if first.value != point.value:
                raise UserError(f"method '{point.name}' is registered twice: {first.value} and {point.value}")

    @property
    def names(self) -> list[str]:
        """All, sorted."""
        return list(self._points)

    def find(self, name: str) -> type[Method]:
        """The method registered as `name`.

        Raises:
            UserError: there is none; or it cannot be imported, or is not declared as a method should be: says which
                line of which file, and what mends it.
        """
        if name not in self._points:
            hints = [how_to_register(name), suggestion(name, self._points)]
            raise UserError("; ".join([f"method '{name}' is not registered", *filter(None, hints)]))
        point = self._points[name]
        said = f"method '{name}' ({point.value})"
        try:
            kind = _load(point)
        except (Exception, SystemExit) as error:  # any plug-in, any error: the others must still run
            hints = [error_message(error, point.module), how_to_register(name, registered=point.value)]
            raise UserError(f"{said} cannot be loaded: {'; '.join(filter(None, hints))}") from error
        check_declared(name, kind, said=said)
        found: type[Method] = kind
        return found

    def load(self) -> tuple[dict[str, type[Method]], dict[str, str]]:
        """Every method that can be used, by name, and of the others why they cannot."""
        kinds, faults = {}, {}
        for name in self._points:
            try:
                kinds[name] = self.find(name)
            except UserError as error:
                faults[name] = str(error)
        return kinds, faults


@cache
def registry() -> Registry:
    """What is installed, and the files that the environment lists, looked up once a process."""
    return Registry([*entry_points(group=GROUP), *method_files()])


def add_method_file(path: Path) -> str:
    """Registers the method in a file, for this process and its workers, and returns its name.

    Raises:
        UserError: there is no such file, its name is none of a method, or another method has it.
    """
    file = add_to_environment(path)
    for cached in (registry, find_method, methods):
        cached.cache_clear()
    registry()  # refuses a name that is taken
    return file.name


@cache
def find_method(name: str) -> type[Method]:
    """The method registered as `name`, looked at once a process.

    Raises:
        UserError: as `Registry.find`.
    """
    return registry().find(name)


@cache
def methods() -> dict[str, type[Method]]:
    """The registered methods by name, sorted; one that cannot be used is warned about and left out."""
    kinds, faults = registry().load()
    for fault in faults.values():
        warnings.warn(f"left out: {fault}", stacklevel=2)
    return kinds


def _load(point: EntryPoint | MethodFile) -> Any:
    """What a point names; of this project's own strategies those that were installed with this package.

    Their package has a common name, and a notebook's folder, in which Python looks first, may have another one.
    """
    if point.module.partition(".")[0] != _STRATEGIES.name or not _STRATEGIES.is_dir():
        return point.load()
    sys.path.insert(0, str(_STRATEGIES.parent))
    try:
        there = Path(import_module(_STRATEGIES.name).__file__ or "").parent
    finally:
        sys.path.pop(0)
    if there != _STRATEGIES:
        raise UserError(f"Python has loaded another package '{there.name}', {there}; rename it, or start elsewhere")
    return point.load()
