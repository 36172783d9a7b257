"""Published results: what papers report on a dataset, read from ``published.toml``; none was measured here."""

import tomllib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reports import formats
from reports.schema import ReportError
from reports.table import Table, TableColumn, rows_of

_FILE = Path(__file__).parent / "published.toml"
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
_Name = Annotated[str, Field(min_length=1)]


class _Result(BaseModel):
    """One figure of one paper."""

    model_config = _STRICT

    method: _Name
    year: Annotated[int, Field(ge=1990, le=2100)]
    dataset: Literal["bu3dfe", "bosphorus"]
    protocol: Literal["P1", "P2"] | None = None
    accuracy: Annotated[float, Field(gt=1, le=100)]
    source: _Name
    checked: bool


class _Literature(BaseModel):
    model_config = _STRICT

    results: list[_Result]


def published(dataset: str, *, file: Path = _FILE) -> pd.DataFrame:
    """Published results on `dataset` (the ``kind`` of its source), in the file's order; possibly none.

    Columns:
        method, year, dataset, protocol (``"P1"``, ``"P2"``, or empty where it is not known), accuracy (a share of 1),
        source, checked (read in the paper's abstract; else recalled, and no page that could be read confirms it).

    Raises:
        ReportError: the file is not right; names the result, counted from 1, and the key.
    """
    try:
        found = _Literature.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).results
    except tomllib.TOMLDecodeError as error:
        raise ReportError(f"{file.name}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise ReportError(f"{file.name}: {_message(error)}") from None
    keys = [(one.method, one.year, one.dataset, one.protocol) for one in found]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise ReportError(f"{file.name}: result {index + 1} is there twice: {', '.join(map(str, key))}")
    rows = [one.model_dump() for one in found if one.dataset == dataset]
    table = pd.DataFrame(rows, columns=list(_Result.model_fields))
    return table.assign(protocol=table["protocol"].fillna(""), accuracy=(table["accuracy"] / 100).round(6))


def published_table(found: pd.DataFrame) -> Table:
    """`published`, a row a figure, and whether it could be verified."""
    columns = [
        TableColumn(key="method", title="Method"),
        TableColumn(key="accuracy", title="Accuracy", unit="%", format=partial(formats.percent, digits=2)),
        TableColumn(key="protocol", title="Protocol"),
        TableColumn(key="year", title="Year"),
        TableColumn(key="source", title="Source"),
    ]
    rows = rows_of(columns, found.assign(protocol=found["protocol"].replace("", "not known")))
    for row, checked in zip(rows, found["checked"], strict=True):
        row[1] = replace(row[1], below="in its abstract" if checked else "from memory, unverified")
    return Table(
        name="published",
        title="Published results",
        columns=columns,
        rows=rows,
        numbers=found,
        notes=["A figure “in its abstract” was read there; one “from memory” could not be verified."],
        look="text",
        sorts=False,
    )


def _message(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ", ".join(f"result {part + 1}" if isinstance(part, int) else f"key '{part}'" for part in first["loc"][-2:])
    wording = {"missing": "it is missing", "extra_forbidden": "there is no such key"}
    fault = wording.get(first["type"], f"{first['msg']}, found {first['input']!r}")
    return f"{where}: {fault}"
