"""Numbers as they are written elsewhere: with a decimal comma, in percent, whole ones with a point."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reports.schema import Column, ReportError, probabilities

#: Cells without a number, or without an expression.
EMPTY = ("", "nan", "NaN", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "None", "none", "-", "\N{EN DASH}")
#: Shares above this are in percent. Those between 1 and this are neither.
_PERCENT = 1.5
#: What may be thousands as well as decimals: ``1,402``.
_THOUSANDS = r"[+-]?[1-9]\d{0,2}([.,])\d{3}(\1\d{3})*"


def numbers(
    where: Mapping[str, str], texts: Mapping[str, Any], columns: Mapping[str, Column]
) -> tuple[dict[str, Any], list[str]]:
    """Columns of text as numbers, NaN where a cell is empty, and how they are spelt otherwise than with a point.

    Args:
        where: by column, what errors call it.
        texts: the columns of a file, each a series of text.
        columns: what they shall hold.

    Raises:
        ReportError: text stands for a number, or a number may be another.
    """
    odd = {name: pd.to_numeric(values, errors="coerce").isna() & ~values.isin(EMPTY) for name, values in texts.items()}
    comma = _has_decimal_comma([values[odd[name]] for name, values in texts.items()], list(texts.values()))
    found, remarks = {}, ["its numbers have a decimal comma"] if comma else []
    for name, values in texts.items():
        found[name], percent = _parsed(where[name], values, columns[name], odd[name], comma=comma)
        if percent:
            remarks.append(f"its {name} has percent signs")
    return found, remarks


def _parsed(where: str, values: Any, column: Column, odd: Any, *, comma: bool) -> tuple[Any, bool]:
    """A column as numbers, and whether some had a percent sign; `odd` are those that are not plain numbers."""
    plain, signed = values.mask(values.isin(EMPTY)), None
    if odd.any():
        if is_share(column) and (signed := odd & values.str.endswith("%")).any():
            plain = plain.mask(signed, plain.str.removesuffix("%").str.rstrip())
        if comma:
            plain = plain.str.replace(",", ".", regex=False)
    number = pd.to_numeric(plain, errors="coerce")
    bad = number.isna() & plain.notna()
    if column.kind == "integer":
        bad |= values.str.fullmatch(_THOUSANDS)
        number = whole(number)
    if bad.any():
        raise ReportError(_refused(where, values, bad, column))
    if signed is None or not signed.any():
        return number, False
    return number.mask(signed, number / 100.0), True


def _has_decimal_comma(odd: list[Any], texts: list[Any]) -> bool:
    """Whether commas are decimal ones: no number of the file has a point, and not all commas may part thousands."""
    commas = pd.concat([values[values.str.contains(",", regex=False)] for values in odd]) if odd else pd.Series([])
    if commas.empty or any(values.str.contains(".", regex=False).any() for values in texts):
        return False
    return not bool(commas.str.fullmatch(_THOUSANDS).all())


def _refused(where: str, values: Any, bad: Any, column: Column) -> str:
    row = int(np.argmax(bad))
    text = str(values.iloc[row])
    kind = {"integer": "a whole number", "number": "a number"}[column.kind]
    marks = " with a point, or in all of the file a comma, for decimals, and no mark between thousands"
    return f"{where} is {text!r} in row {row}, allowed is {kind}{marks if set(text) & set('.,') else ''}"


def is_share(column: Column) -> bool:
    """Whether a column holds shares of 1."""
    return column.kind == "number" and (column.low, column.high) == (0.0, 1.0)


def whole(values: Any) -> Any:
    """Floats that are all whole numbers, ``3.0``, as integers; all others as they are."""
    if not pd.api.types.is_float_dtype(values) or values.isna().any():
        return values
    made = values.abs().lt(2**53) & (values % 1.0 == 0.0)
    return values.astype("int64") if made.all() else values


def in_shares(found: Mapping[str, Any], columns: Mapping[str, Column]) -> tuple[dict[str, Any], list[str]]:
    """Those columns of shares that are in percent as shares of 1, and which; probabilities are so together or not."""
    shares = [name for name in found if is_share(columns[name]) and pd.api.types.is_numeric_dtype(found[name])]
    together = probabilities(shares)
    groups = [*([name] for name in shares if name not in together), together]
    percent = [group for group in groups if any(_above(found[name]) for name in group)]
    made = {name: found[name] / 100.0 for group in percent for name in group}
    message = ["its probabilities are" if group is together else f"its {group[0]} is" for group in percent]
    return made, [f"{what} in percent" for what in message]


def _above(values: Any) -> bool:
    return bool(((values > _PERCENT) & np.isfinite(values)).any())


def places(values: "pd.Series[float]") -> int | None:
    """To how many decimals shares are rounded, if to 3 to 6; None where they have more, or none is known."""
    known = values.dropna()
    if known.empty:
        return None
    return next((n for n in range(3, 7) if (known * 10.0**n - (known * 10.0**n).round()).abs().max() < 0.01), None)
