"""Annotations of configuration classes in words: what a key of a TOML file may be."""

import json
import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_PLAIN = {int: "integer", float: "number", str: "text", bool: "`true` or `false`"}
_MANY = {int: "integers", float: "numbers", str: "texts"}


def is_table(kind: Any) -> bool:
    """Whether a type is read from a table of its own."""
    return isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind))


def keys_of(kind: type) -> dict[str, tuple[Any, Any]]:
    """Each key of a table: its annotation, with constraints, and its default; ``...`` where it has none.

    Args:
        kind: a pydantic model or a dataclass.
    """
    hints = get_type_hints(kind, include_extras=True)
    if issubclass(kind, BaseModel):
        defaults = {
            name: ... if field.is_required() else field.get_default(call_default_factory=True)
            for name, field in kind.model_fields.items()
        }
    else:
        made = kind()
        defaults = {field.name: getattr(made, field.name) for field in fields(kind)}
    return {name: (hints[name], default) for name, default in defaults.items()}


def allowed(annotation: Any) -> str:
    """The values of an annotation: ``integer, 1 to 10000``, ``"tpe"``, ``"random"`` or ``"gp"``."""
    kinds = [kind for kind in _choices(annotation) if kind is not type(None)]
    literals = [value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]
    others = [_one(kind) for kind in kinds if get_origin(kind) is not Literal]
    return _either([*others, *(f"`{toml(value)}`" for value in literals)])


def toml(value: Any) -> str:
    """A value as a TOML file has it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _choices(annotation: Any) -> list[Any]:
    if get_origin(annotation) in {Union, types.UnionType}:
        return [kind for one in get_args(annotation) for kind in _choices(one)]
    return [annotation]


def _one(kind: Any) -> str:
    constraints: Sequence[Any] = ()
    if get_origin(kind) is Annotated:
        kind, *constraints = get_args(kind)
        if len(_choices(kind)) > 1 or get_origin(kind) is Annotated:
            return allowed(kind)
    limits = _limits(constraints)
    if get_origin(kind) is tuple:
        inner, *_ = get_args(kind)
        return _array(inner, limits)
    if get_origin(kind) is dict or is_table(kind) or kind is Any:
        return "table"
    return _PLAIN[kind] + _range(limits, whole=kind is int)


def _array(inner: Any, limits: dict[str, Any]) -> str:
    (kind,), constraints = _choices(inner), ()
    if get_origin(kind) is Annotated:
        kind, *constraints = get_args(kind)
    if get_origin(kind) is Literal:
        values = f"of {_either([f'`{toml(value)}`' for value in get_args(kind)])}"
    elif is_table(kind):
        values = "of tables"
    else:
        values = f"of {_MANY[kind]}{_range(_limits(constraints), whole=kind is int).replace(',', ' from', 1)}"
    return f"array {values}{', not empty' if limits.get('min_length') else ''}"


def _limits(constraints: Sequence[Any]) -> dict[str, Any]:
    parts = [part for one in constraints for part in (one.metadata if isinstance(one, FieldInfo) else [one])]
    return {
        name: getattr(part, name)
        for part in parts
        for name in ("ge", "gt", "le", "lt", "min_length")
        if getattr(part, name, None) is not None
    }


def _range(limits: dict[str, Any], *, whole: bool) -> str:
    """Limits in words, after a comma; empty without any."""
    low, above, high, below = (limits.get(name) for name in ("ge", "gt", "le", "lt"))
    if whole and below == 2**63:  # of a seed
        below = None
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    words = [
        f"{word} {limit:,}"
        for word, limit in (("at least", low), ("above", above), ("at most", high), ("below", below))
        if limit is not None
    ]
    return f", {' and '.join(words)}" if words else ""


def _either(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
