"""Best parameters as a file: what a search chose, in TOML that can be read, edited and given back."""

import re
import tomllib
from collections.abc import Iterable, Mapping
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

_ALL = "all"
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


def written(best_parameters: Iterable[BestParameters], *, suite: str) -> str:
    """The text of a file of best parameters."""
    document = tomlkit.document()
    document.add(_comment(f"What a search chose for suite '{suite}'. It can be edited, and given back:"))
    document.add(_comment(f"afnetm run {suite} --params THIS-FILE"))
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


def read_best_parameters(path: Path) -> list[BestParameters]:
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
    found = []
    for label, places in tables.items():
        for name, settings in _table(places, path, label).items():
            where = _where(name, path, label)
            params = dict(_table(settings, path, f"{label}.{name}"))
            config = _table(params.pop(_RECIPE, {}), path, f"{label}.{name}.{_RECIPE}")
            found.append(BestParameters(label, where, params | {PREFIX + key: value for key, value in config.items()}))
    return found


def place(where: Where) -> str:
    """``all``, or repeat and fold as in a study's name: ``0-2``."""
    return _ALL if where is None else f"{where[0]}-{where[1]}"


def _comment(text: str) -> Comment:
    """On one line, whatever a label has in it."""
    return tomlkit.comment("".join(letter if letter.isprintable() else " " for letter in text))


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
