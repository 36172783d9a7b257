"""JSON from elsewhere: parsed strictly, and held to a shape, so that whatever is wrong with it is one line."""

import json
import math
import unicodedata
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from afnetm.errors import UserError
from reports.formats import in_a_line

_DEPTH = 32
_LARGEST = 2**63 - 1  # of an integer that a table can hold
#: What no text has here: controls, halves of pairs, line ends that are not ASCII's.
_ODD = ("Cc", "Cs", "Zl", "Zp")
_SPACES = "\n\r\t"

Shape = TypeVar("Shape", bound=BaseModel)


def dumps(value: Any) -> bytes:
    """`value` as JSON for people, its keys in their order."""
    return json.dumps(value, indent=1).encode()


def parsed(data: bytes, where: str) -> Any:
    """JSON's value, in which every number is finite and of 64 bits, every text can be printed, and no key is twice.

    Raises:
        UserError: it is not that; `where` is what the message begins with.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in pairs:
            if key in found:
                raise ValueError(f"key {key[:80]!a} is there twice")
            found[key] = inner
        return found

    try:
        value = json.loads(data.decode(), parse_constant=refuse, object_pairs_hook=unique)
        _check(value, "", 0)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON as it is written here: {in_a_line(str(error))}") from None
    return value


def shaped(shape: type[Shape], value: Any, where: str) -> Shape:
    """`value` as a `shape`.

    Raises:
        UserError: it is not one; names the key, its value, and what is allowed.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = in_a_line(".".join(map(str, first["loc"]))) or "all of it"
        if first["type"] == "missing":
            raise UserError(f"{where}: {key} is missing") from None
        if first["type"] == "model_type":
            raise UserError(f"{where}: {key} should be an object with keys") from None
        given = json.dumps(first["input"], default=str)
        formatted = given if len(given) < 80 else f"{given[:76]} ..."
        said = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{where}: {key} = {formatted}: {said[:1].lower()}{said[1:]}") from None


def _check(value: Any, at: str, depth: int) -> None:
    if depth > _DEPTH:
        raise ValueError(f"deeper than {_DEPTH} levels")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, f"the key {key[:80]!a}", depth)
            _check(inner, f"{at}.{key[:80]}" if at else key[:80], depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, at, depth + 1)
    elif isinstance(value, str):
        odd = next((c for c in value if c not in _SPACES and unicodedata.category(c) in _ODD), None)
        if odd is not None:
            raise ValueError(f"{at} has the character {odd!a}, which cannot be printed")
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"{at} is an integer of more than 64 bits")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{at} is not a finite number")
