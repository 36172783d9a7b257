"""Methods in files that belong to no package: named on the command line, in the environment, or beside a suite."""

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from afnetm.errors import UserError

#: The environment variable that lists them, separated as in ``PATH``; worker processes inherit it.
VARIABLE = "AFNETM_METHOD_FILES"


@dataclass(frozen=True)
class MethodFile:
    """A file with one method, in place of an entry point: both have a name and a value, and are loaded.

    Attributes:
        path: of the file, absolute; its stem is the method's name and the module's.
    """

    path: Path

    @property
    def name(self) -> str:
        """The method's name: the stem of the file."""
        return self.path.stem

    @property
    def value(self) -> str:
        """The file's path, as messages show it."""
        return str(self.path)

    @property
    def module(self) -> str:
        """The name of the file's module."""
        return self.path.stem

    def load(self) -> Any:
        """Runs the file and returns its method's class.

        Raises:
            UserError: a module of that name is installed, or the file has not one method.
        """
        from afnetm.method import Method  # torch

        spec = find_spec(self.module)
        if spec is not None and (spec.origin is None or Path(spec.origin).resolve() != self.path):
            raise UserError(f"'{self.module}' is the name of another module that Python finds; rename the file")
        folder = str(self.path.parent)
        if folder not in sys.path:
            sys.path.append(folder)  # last: what stands beside the file hides nothing that is installed
        if self.module not in sys.modules:
            spec = spec_from_file_location(self.module, self.path)
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[self.module] = module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[self.module]
                raise
        found = [one for one in vars(sys.modules[self.module]).values() if _is_own(one, self.module, Method)]
        named = [one for one in found if getattr(one, "name", None) == self.name] or found
        if len(named) != 1:
            raise UserError(f"has {len(named)} subclasses of afnetm.Method; one is needed, with name = '{self.name}'")
        return named[0]


def method_files() -> list[MethodFile]:
    """Those that the environment lists."""
    return [MethodFile(Path(one)) for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one]


def add_to_environment(path: Path) -> MethodFile:
    """Lists one more, for this process and those that it starts.

    Raises:
        UserError: there is no such file, or its name is none that a method can have.
    """
    said = f"method file '{path}'"
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise UserError(f"{said}: its name has to be the method's, letters, digits and _, and end in .py")
    if not path.is_file():
        raise UserError(f"{said} does not exist")
    file = MethodFile(path.resolve())
    if file not in method_files():
        os.environ[VARIABLE] = os.pathsep.join([*(one.value for one in method_files()), file.value])
    return file


def _is_own(one: object, module: str, kind: type) -> bool:
    return isinstance(one, type) and issubclass(one, kind) and one.__module__ == module
