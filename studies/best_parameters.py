"""Best parameters as a file: what a search chose, in TOML that can be read, edited and given back."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Comment

from afnetm.errors import UserError
from studies.space import PREFIX

#: The repeat and fold that settings are for; None for all.
Where = tuple[int, int] | None

#: Bytes: ten times what ten thousand best trials take.
_LARGEST = 20_000_000
#: Characters of what a file says of where it comes from.
_LONGEST = 500

_ALL = "all"
#: The one key of a file that is no method's table.
_FOUND_BY = "found_by"
_RECIPE = PREFIX.removesuffix(".")


@dataclass(frozen=True)
class BestParameters:
    """Settings that a method is trained with.

    Attributes:
        label: the method's in its suite.
        where: for which outer repeat and fold.
        params: by parameter: hyper-parameters, and keys of the training configuration after `studies.space.PREFIX`.
        told: where it comes from, a line for the reader of the file.
    """

    label: str
    where: Where
    params: Mapping[str, Any]
    message: str = ""


@dataclass(frozen=True)
class ParameterFile:
    """The content of a file of best parameters.

    Attributes:
        best_parameters: by method and fold.
        found_by: the search that they come from, as a report shall say it; empty where the file does not say.
    """

    best_parameters: Sequence[BestParameters]
    found_by: str = ""


def written(best_parameters: Iterable[BestParameters], *, suite: str, found_by: str = "") -> str:
    """The text of a file of best parameters."""
    best_parameters = list(best_parameters)
    document = tomlkit.document()
    document.add(_comment(f"What a search chose for suite '{suite}'. It can be edited, and given back:"))
    document.add(_comment(f"afnetm run {suite} --params THIS-FILE"))
    if found_by and _FOUND_BY not in {best.label for best in best_parameters}:
        document.add(_FOUND_BY, tomlkit.item(_line(found_by)[:_LONGEST]))
    for best in best_parameters:
        table = tomlkit.table()
        if best.message:
            table.add(_comment(best.message))
        for name, value in best.params.items():
            key = [_RECIPE, name.removeprefix(PREFIX)] if name.startswith(PREFIX) else [name]
            table.append(tomlkit.key(key), value)
        of_label = document.setdefault(best.label, tomlkit.table(is_super_table=True))
        of_label[place(best.where)] = table
    return tomlkit.dumps(document)


def read_best_parameters(path: Path) -> ParameterFile:
    """Best parameters from a file; what their settings may be is not checked here.

    Raises:
        UserError: it cannot be read, or is not of this form.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise UserError(f"params file '{path}' cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise UserError(f"params file '{path}' has more than {_LARGEST // 10**6} MB: not what a search wrote")
    try:
        tables = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # a number of too many digits is a plain ValueError
        raise UserError(f"{path.name}: not valid TOML: {error}") from None
    found, found_by = [], ""
    if isinstance(tables.get(_FOUND_BY), str):
        found_by = tables.pop(_FOUND_BY)
        if not found_by.isprintable() or len(found_by) > _LONGEST:
            raise UserError(f"{path.name}: {_FOUND_BY}: not a printable line of at most {_LONGEST} characters")
    for label, places in tables.items():
        for name, settings in _table(places, path, label).items():
            where = _where(name, path, label)
            params = dict(_table(settings, path, f"{label}.{name}"))
            config = _table(params.pop(_RECIPE, {}), path, f"{label}.{name}.{_RECIPE}")
            found.append(BestParameters(label, where, params | {PREFIX + key: value for key, value in config.items()}))
    return ParameterFile(found, found_by)


def place(where: Where) -> str:
    """``all``, or repeat and fold as in a study's name: ``0-2``."""
    return _ALL if where is None else f"{where[0]}-{where[1]}"


def _line(text: str) -> str:
    """The text on one line, whatever a label has in it."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _comment(text: str) -> Comment:
    return tomlkit.comment(_line(text))


def _where(name: str, path: Path, label: str) -> Where:
    if name == _ALL:
        return None
    if not re.fullmatch(r"(0|[1-9]\d{0,5})-(0|[1-9]\d{0,5})", name, re.ASCII):
        raise UserError(f"{path.name}: {label}.{name}: not a fold; write '{_ALL}', or repeat and fold such as '0-2'")
    repeat, fold = name.split("-")
    return int(repeat), int(fold)


def _table(value: object, path: Path, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{path.name}: {key} = {value!r} is not a table")
    return value
