"""Plug-ins that a checkout's ``pyproject.toml`` names and its installation does not know yet."""

import json
import shlex
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: The entry-point groups in which this project and any other package name their methods and their datasets' sources,
#: and any other package its corruptions.
METHODS, DATASETS, CORRUPTIONS = "afnetm.methods", "afnetm.datasets", "afnetm.corruptions"
#: Where this project has its own; its corruptions need no entry points.
_FOLDERS = {METHODS: "baselines", DATASETS: "afnetm/data/sources"}


def how_to_register(name: str, *, group: str = METHODS, registered: str | None = None) -> str:
    """Instructions to register the plug-in `name`, where a checkout or a file has it; else empty.

    Args:
        name: that was asked for.
        group: of its entry point.
        registered: what the installed packages have under it.
    """
    for folder in _checkouts():
        named = _named(folder / "pyproject.toml", group).get(name)
        if named is not None and named != registered:
            command = ["uv", "pip", "install", "--python", sys.executable, "--no-deps", "-e", str(folder)]
            return (
                f"{folder / 'pyproject.toml'} has it as {named}, and was edited after it was installed: install it "
                f"again (nox does): {shlex.join(command)}"
            )
        file = folder / _FOLDERS.get(group, "") / f"{name}.py"
        if group in _FOLDERS and registered is None and named is None and name.isidentifier() and _there(file):
            module = f"{_FOLDERS[group].replace('/', '.')}.{name}"
            return f'{file} is there: name its class in {folder / "pyproject.toml"}, {name} = "{module}:CLASS"'
    here = Path(f"{name}.py")
    if group == METHODS and registered is None and name.isidentifier() and _there(here):
        return f"{here} is here: name it with --method-file {here}"
    return ""


def _there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # no name that a file may have
        return False


def _checkouts() -> Iterator[Path]:
    """Folders of packages that are installed editable, and the current one, each once."""
    folders = {Path.cwd(): None}
    for distribution in distributions():
        try:
            origin = json.loads(distribution.read_text("direct_url.json") or "{}")
            if origin.get("dir_info", {}).get("editable"):
                folders[Path(unquote(urlsplit(origin["url"]).path))] = None
        except (OSError, ValueError, KeyError, AttributeError):  # somebody's damaged package says nothing about ours
            continue
    yield from folders


def _named(pyproject: Path, group: str) -> dict[str, str]:
    try:
        named = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["entry-points"][group]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return named if isinstance(named, dict) else {}
