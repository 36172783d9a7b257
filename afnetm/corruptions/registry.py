"""The registry of corruptions: a file each in this package's folders, and those that installed packages register."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any

from afnetm.corruptions.corruption import Corruption
from afnetm.corruptions.declared import faults
from afnetm.errors import UserError
from afnetm.installation import CORRUPTIONS
from afnetm.plugins import Plugins, Point

_HERE = Path(__file__).parent
#: The order in which they are listed.
_GROUPS = ("texture", "depth", "both", "landmarks", "modality")


@dataclass(frozen=True)
class _File:
    """A file of this package with one corruption, in place of an entry point."""

    group: str
    name: str

    @property
    def module(self) -> str:
        """The name of the file's module."""
        return f"{__package__}.{self.group}.{self.name}"

    @property
    def value(self) -> str:
        """As messages show it."""
        return self.module

    def load(self) -> Any:
        """The class in the file."""
        own = [
            one for one in vars(import_module(self.module)).values() if getattr(one, "__module__", "") == self.module
        ]
        kinds = [one for one in own if isinstance(one, type) and issubclass(one, Corruption)]
        if len(kinds) != 1:
            raise UserError(f"{self.module} has {len(kinds)} subclasses of Corruption; one is needed")
        return kinds[0]


class Corruptions(Plugins[Corruption]):
    """Corruptions by name."""

    group, noun = CORRUPTIONS, "corruption"

    def check(self, name: str, kind: Any, *, said: str) -> None:
        """As every corruption is held to (`afnetm.corruptions.declared`)."""
        for fault in faults(name, kind):
            raise UserError(f"{said}: {fault}")


def _files() -> Iterator[Point]:
    for group in _GROUPS:
        for path in sorted((_HERE / group).glob("*.py")):
            if path.stem != "__init__":
                yield _File(group, path.stem)


@cache
def registry() -> Corruptions:
    """This package's corruptions and installed ones, looked up once per process."""
    return Corruptions([*_files(), *entry_points(group=CORRUPTIONS)])


@cache
def find_corruption(name: str) -> Corruption:
    """The corruption registered as `name`.

    Raises:
        UserError: there is none, or it cannot be loaded, or is not declared as it should be.
    """
    return registry().find(name)()


@cache
def corruptions() -> Mapping[str, Corruption]:
    """All corruptions by name: of texture, of depth, of both, of landmarks, of a modality; by name in each group.

    Raises:
        UserError: one cannot be loaded, or is not declared as it should be.
    """
    found = [find_corruption(name) for name in registry().names]
    return MappingProxyType({one.name: one for one in sorted(found, key=lambda one: _GROUPS.index(one.of))})
