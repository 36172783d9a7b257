"""The registry: methods by the names under which packages register them, loaded and checked when they are asked for."""

import warnings
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from afnetm.blame import error_message
from afnetm.contract.declared import check_declared
from afnetm.errors import UserError, suggestion
from afnetm.installation import GROUP, how_to_register
from afnetm.method import Method


class Registry:
    """Entry points by name.

    Args:
        points: of the group `GROUP`; the same one may be there several times, as a package is found on several ways.

    Raises:
        UserError: two packages register one name.
    """

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        self._points: dict[str, EntryPoint] = {}
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
            kind = point.load()
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
    """What is installed, looked up once a process."""
    return Registry(entry_points(group=GROUP))


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
