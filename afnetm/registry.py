"""The registry of methods: those that installed packages register, this project's own among them, and files."""

import sys
import warnings
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from afnetm.contract.declared import check_declared
from afnetm.errors import UserError
from afnetm.installation import METHODS
from afnetm.method import Method
from afnetm.method_files import add_to_environment, method_files
from afnetm.plugins import Plugins, Point

#: Where this project's own strategies are, in a checkout and where a wheel puts them.
_STRATEGIES = Path(__file__).parents[1] / "baselines"


class Registry(Plugins[Method]):
    """Methods by name: entry points, and files with a method each."""

    group, noun = METHODS, "method"

    def check(self, name: str, kind: Any, *, said: str) -> None:
        """As every method is held to (`afnetm.contract.declared`)."""
        check_declared(name, kind, said=said)

    def open(self, point: Point) -> Any:
        """Loads the class that a point names; this project's own strategies from where this package was installed.

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


@cache
def registry() -> Registry:
    """Installed methods and those in files that the environment lists, looked up once per process."""
    return Registry([*entry_points(group=METHODS), *method_files()])


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
        UserError: as `Plugins.find`.
    """
    return registry().find(name)


@cache
def methods() -> dict[str, type[Method]]:
    """The registered methods by name, sorted; one that cannot be used is warned about and left out."""
    kinds, faults = registry().load()
    for fault in faults.values():
        warnings.warn(f"left out: {fault}", stacklevel=2)
    return kinds
