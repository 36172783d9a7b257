"""Plug-ins: classes by the names under which packages register them, loaded and checked when they are asked for."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from afnetm.blame import error_message
from afnetm.errors import UserError, suggestion
from afnetm.installation import how_to_register

_Class = TypeVar("_Class")


class Point(Protocol):
    """An entry point, or what stands in place of one."""

    @property
    def name(self) -> str:
        """Of the plug-in."""

    @property
    def value(self) -> str:
        """Location of its class, as messages show it."""

    @property
    def module(self) -> str:
        """In which its class is."""

    def load(self) -> Any:
        """Its class."""


class Plugins(ABC, Generic[_Class]):
    """The entry points of a group, by name.

    Args:
        points: of the group; the same one may be there several times, as a package is found on several ways.

    Raises:
        UserError: two packages register one name.
    """

    #: Of the entry points, and what messages call one of them.
    group: ClassVar[str]
    noun: ClassVar[str]

    def __init__(self, points: Iterable[Point]) -> None:
        self._points: dict[str, Point] = {}
        for point in sorted(points, key=lambda one: (one.name, one.value)):
            first = self._points.setdefault(point.name, point)
            if first.value != point.value:
                raise UserError(f"{self.noun} '{point.name}' is registered twice: {first.value} and {point.value}")

    @abstractmethod
    def check(self, name: str, kind: Any, *, said: str) -> None:
        """Refuses a class that would fail later; raises `UserError` whose message begins with `said`."""

    def open(self, point: Point) -> Any:
        """Loads the class that a point names."""
        return point.load()

    @property
    def names(self) -> list[str]:
        """All, sorted."""
        return list(self._points)

    def find(self, name: str) -> type[_Class]:
        """The class registered as `name`.

        Raises:
            UserError: there is none; or it cannot be imported, or is not declared as it should be: says which line of
                which file, and what mends it.
        """
        if name not in self._points:
            hints = [how_to_register(name, group=self.group), suggestion(name, self._points)]
            raise UserError("; ".join([f"{self.noun} '{name}' is not registered", *filter(None, hints)]))
        point = self._points[name]
        said = f"{self.noun} '{name}' ({point.value})"
        try:
            kind = self.open(point)
        except (Exception, SystemExit) as error:  # any plug-in, any error: the others must still run
            hint = how_to_register(name, group=self.group, registered=point.value)
            hints = [error_message(error, point.module), hint]
            raise UserError(f"{said} cannot be loaded: {'; '.join(filter(None, hints))}") from error
        self.check(name, kind, said=said)
        found: type[_Class] = kind
        return found

    def load(self) -> tuple[dict[str, type[_Class]], dict[str, str]]:
        """Every class that can be used, by name, and of the others why they cannot."""
        kinds, faults = {}, {}
        for name in self._points:
            try:
                kinds[name] = self.find(name)
            except UserError as error:
                faults[name] = str(error)
        return kinds, faults
