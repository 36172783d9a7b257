"""Tables in every width: names stay, numbers and what is in brackets are never broken, nothing sticks out."""

import io
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from benchmarks.terminal.tables import Blocks, Fitted

TITLES = [
    "Method",
    "Accuracy, % (95 %)",
    "Folds, %",
    "Macro-F1, % (95 %)",
    "Δ vs afnetm, points (95 %)",
    "Parameters",
    "FLOPs",
    "Training, s",
    "Test, ms/scan",
]
INTERVAL = ["51.0 (47.2, 54.9)", "51.0 ± 3.4", "50.2 (46.4, 54.0)", "-6.1 (-8.3, -3.8)"]
CELLS = [*INTERVAL, "702 k", "99.1 M", "12", "0.8"]
#: The most important columns first.
IMPORTANCE = ["Accuracy", "Δ vs", "Macro-F1", "Parameters", "FLOPs", "Training", "Test", "Folds"]
WIDTHS = [40, 60, 80, 120, 200]


def lines(formatted: RenderableType, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(formatted)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def comparison(*names: str) -> pd.DataFrame:
    return pd.DataFrame([[name, *CELLS] for name in names], columns=TITLES)


def table(width: int, *names: str) -> list[str]:
    return lines(Fitted(comparison(*names), IMPORTANCE), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_comparison_has_every_name_and_what_fits_whole(width: int) -> None:
    names = ["texture", "masks-random", "fused-at-4"]
    formatted = table(width, *names)
    assert [line.split()[0] for line in formatted[-3:]] == names
    assert all(line.split(maxsplit=1)[1].startswith("51.0 (47.2, 54.9)") for line in formatted[-3:])
    assert "(95 %)" in "\n".join(formatted)
    assert not re.search(r"\(95$|^ *%\)", "\n".join(formatted), re.MULTILINE)
    assert all(len(line) <= width for line in formatted)


def test_the_wider_the_more_of_it() -> None:
    assert "Δ vs afnetm," not in "\n".join(table(40, "late"))
    assert "Δ vs afnetm," in "\n".join(table(60, "late"))
    assert "99.1 M" in table(200, "late")[-1]
    assert all(cell in table(200, "late")[-1] for cell in CELLS)


@given(names=st.lists(st.text("ab-", min_size=1, max_size=60), min_size=1, unique=True), width=st.integers(20, 150))
def test_no_name_is_ever_cut(names: list[str], width: int) -> None:
    formatted = table(width, *names)
    assert all(len(line) <= width for line in formatted)
    left = "".join(
        line.split("  ")[0].strip() for line in formatted[formatted.index(next(r for r in formatted if "51.0" in r)) :]
    )
    assert left == "".join(names)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_overview_keeps_every_suite(width: int) -> None:
    suites = [f"synthetic-{n}, % (95 %)" for n in range(7)]
    frame = pd.DataFrame([["late", *[f"5{n}.0 (47.2, 54.9)" for n in range(7)]]], columns=["Method", *suites])
    formatted = lines(Blocks(frame), width)
    text = "\n".join(formatted)
    for n in range(7):
        assert f"synthetic-{n}, %" in text
        assert f"5{n}.0" in text
    assert all(len(line) <= width for line in formatted)
    assert ("(47.2, 54.9)" in text) == (width >= 150)
