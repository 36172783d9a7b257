"""The registry of datasets' sources: those that installed packages register, this project's own among them."""

import inspect
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from afnetm.data.scan_source import ScanSource
from afnetm.errors import UserError
from afnetm.installation import DATASETS
from afnetm.plugins import Plugins
from afnetm.strict import OwnError, parse

_DECORATE = "decorate it with @dataclass(frozen=True, kw_only=True)"


class OptionError(UserError):
    """An option that a source does not have, needs or refuses; the message begins with the option."""


class Sources(Plugins[ScanSource]):
    """Sources by name."""

    group, noun = DATASETS, "dataset source"

    def check(self, name: str, kind: Any, *, said: str) -> None:
        """A `ScanSource` that is whole, with its own name, a docstring, and a folder."""
        if not (isinstance(kind, type) and issubclass(kind, ScanSource)):
            raise UserError(f"{said} is not a subclass of afnetm.ScanSource; make it one")
        if getattr(kind, "name", None) != name:
            raise UserError(f"{said}: name = {getattr(kind, 'name', None)!r}; make it {name!r}, or register it so")
        if abstract := sorted(kind.__abstractmethods__):
            raise UserError(f"{said} does not define {', '.join(abstract)}; define it")
        if not is_dataclass(kind) or "folder" not in options_of(kind, all_fields=True):
            raise UserError(f"{said} has no field 'folder: Path'; {_DECORATE}, and give it one")
        if not (vars(kind).get("__doc__") or "").strip() or str(kind.__doc__).startswith(f"{kind.__name__}("):
            raise UserError(f"{said} has no docstring; say in its first line what the dataset is")


@cache
def sources() -> Sources:
    """Installed dataset sources, looked up once per process."""
    return Sources(entry_points(group=DATASETS))


def options_of(kind: type[ScanSource], *, all_fields: bool = False) -> dict[str, bool]:
    """The options of a source, by name: whether each must be given."""
    needed = {
        one.name: one.default is MISSING and one.default_factory is MISSING
        for one in fields(kind)  # type: ignore[arg-type]
    }
    return {name: must for name, must in needed.items() if all_fields or name != "folder"}


def summary_of(kind: type[ScanSource]) -> str:
    """The first line of a source's docstring."""
    return inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]


def open_source(name: str, folder: Path | str, **options: Any) -> ScanSource:
    """The registered dataset `name`, with its files in `folder`.

    Args:
        name: ``"bu3dfe"``, ``"bu4dfe"``, ``"bosphorus"``, ``"folder"``, or what an installed package registers.
        folder: where the files are.
        options: the fields of the source's class.

    Raises:
        UserError: there is no such source or folder.
        OptionError: an option that it does not have, needs or refuses.
    """
    kind = sources().find(name)
    known = options_of(kind)
    for option in options:
        if option not in known:
            has = f"its options: {', '.join(known)}" if known else "it has no options"
            raise OptionError(f"{option}: not for '{name}'; {has}")
    for option, needed in known.items():
        if needed and option not in options:
            raise OptionError(f"{option}: needed for '{name}'")
    try:
        source: ScanSource = parse(kind, {"folder": str(folder), **options})
    except OwnError:
        raise
    except UserError as error:
        raise OptionError(str(error)) from None
    return source
