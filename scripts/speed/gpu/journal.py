"""``gpu.json``: what every cell found, whole on disk as soon as there is one more."""

import json
from pathlib import Path
from typing import Any

from afnetm.errors import UserError
from benchmarks.records.home import write_text


class Journal:
    """The file in the folder `out`; what earlier calls wrote there stays before what this one adds.

    It holds ``{"calls": [{"arguments", "cells": [...]}, ...]}``, and of a cell ``part``, ``cell``, ``status``,
    ``seconds``, ``found``, and ``error`` and ``traceback`` where it did not end well.

    Raises:
        UserError: there is a file of that name and it is another.
    """

    def __init__(self, out: Path, arguments: dict[str, Any]) -> None:
        self.path = out / "gpu.json"
        self._cells: list[dict[str, Any]] = []
        self._calls = [*_earlier(self.path), {"arguments": arguments, "cells": self._cells}]
        self._write()

    def add(self, cell: dict[str, Any]) -> None:
        """Appends one cell; when this returns, it is on disk."""
        self._cells.append(cell)
        self._write()

    @property
    def cells(self) -> list[dict[str, Any]]:
        """Those of this call."""
        return list(self._cells)

    def _write(self) -> None:
        write_text(self.path, json.dumps({"calls": self._calls}, indent=1) + "\n")


def _earlier(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        calls: list[dict[str, Any]] = list(json.loads(path.read_text(encoding="utf-8"))["calls"])
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} is not of this command; move it away, or choose another --out") from None
    return calls
