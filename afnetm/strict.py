"""Strict reading of configuration: an unknown key, a wrong type or a number out of range is an error, never a guess."""

import json
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from afnetm.blame import error_message
from afnetm.errors import UserError, suggestion

#: Set as ``__pydantic_config__`` on plain dataclasses that are read from suites, so that pydantic checks them so.
STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class OwnError(UserError):
    """Error raised by a check of a class's own, its ``__post_init__`` say, where every type is right."""


_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument"}
_MISSING = {"missing", "missing_argument"}
_NO_TABLE = {"model_type", "dataclass_type", "dict_type", "model_attributes_type"}
#: Of a value that is shown.
_LETTERS = 80


def parse(kind: Any, value: Any, *, table: str = "", file: str = "") -> Any:
    """`value`, made of what TOML or JSON can hold, as a `kind`, strictly.

    Args:
        kind: a type that pydantic can check: a model, a dataclass with `STRICT`, or one of these or None.
        value: a mapping of keys.
        table: dotted, where it stands in its file; empty for a whole file.
        file: what errors call it; empty where there is none.

    Raises:
        UserError: one line that names file, table, key, value, and what is allowed.
        OwnError: what a check of the class's own raised, and where.
    """
    try:
        # By way of JSON, because strict validation of Python values refuses lists where tuples are meant.
        return _adapter(kind).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        # A key that is spelt wrong leaves another one missing: it is the former that has to be mended.
        first = min(error.errors(include_url=False), key=lambda one: one["type"] not in _UNKNOWN)
        if first["type"] in {"value_error", "assertion_error"}:
            own = _own(first["ctx"]["error"], kind, [table, *map(str, first["loc"])])
            raise OwnError(_of(file, own)) from error
        raise UserError(_of(file, _message(first, kind, table))) from None
    except UserError as error:  # begins with the key
        raise OwnError(_of(file, f"{table}.{error}" if table else str(error))) from None
    except (Exception, SystemExit) as error:  # a plug-in's may raise anything
        raise OwnError(_of(file, _own(error, kind, [table]))) from error


def formatted(value: Any) -> str:
    """A value as JSON has it, as far as a line can show it."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 4]} ..."


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)  # milliseconds, for each inner fold of each trial of a search


def _of(file: str, message: str) -> str:
    return f"{file}: {message}" if file else message


def _message(first: ErrorDetails, kind: Any, table: str) -> str:
    path = [*filter(None, [table]), *map(str, first["loc"])]
    where = ".".join(path)
    if first["type"] in _UNKNOWN:
        *outer, key = map(str, first["loc"])
        return f"{where}: unknown key; {suggestion(key, _keys(kind, outer))}"
    if first["type"] in _MISSING:
        return f"{where}: missing"
    if first["type"] in _NO_TABLE:
        return f"{where} = {formatted(first['input'])} is not a table; write [{where}]"
    return f"{where} = {formatted(first['input'])}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def _own(error: BaseException, kind: Any, path: list[str]) -> str:
    where = ".".join(filter(None, path))
    said = error_message(error, getattr(kind, "__module__", ""))
    return f"{where}: {said}" if where else said


def _keys(kind: Any, path: list[str]) -> list[str]:
    """The keys that the table at `path` below `kind` may have."""
    if get_origin(kind) in {Union, UnionType}:
        kind = next(k for k in get_args(kind) if k is not type(None))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        inner: dict[str, Any] = {k: v.annotation for k, v in kind.model_fields.items()}
    elif is_dataclass(kind):
        hints = get_type_hints(kind)
        inner = {field.name: hints[field.name] for field in fields(kind)}
    else:  # tables in a list, or by any name in a mapping, whose last type is theirs
        return _keys(get_args(kind)[0 if get_origin(kind) is tuple else -1], path[1:])
    return _keys(inner[path[0]], path[1:]) if path else list(inner)
