"""One word a thing: names and texts use the glossary of CONTRIBUTING.md, none of the words that it replaced."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("afnetm", "baselines", "studies", "benchmarks", "reports", "scripts")
SUITES = sorted((ROOT / "benchmarks" / "suites").glob("*.toml"))
SOURCES = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
TEXTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "tutorials").glob("*.md"),
    *(ROOT / "docs" / "reference").rglob("*.md"),
    *(ROOT / "reports" / "page" / "templates").glob("*.html"),
    *SUITES,
]

#: Words that names may not have, alone or as a part of them.
REPLACED = [
    "cohort",
    "card",
    "unit",
    "ledger",
    "entry",
    "told",
    "shown",
    "resident",
    "recipe",
    "penalty",
    "extras",
    "winner",
    "winners",
    "studied",
    "question",
    "travel",
    "arrivals",
    "veil",
    "together",
    "apart",
    "several",
    "spread",
    "unlike",
    "jobs",
    "running",
    "album",
    "portraits",
    "ranger",
    "canvas",
]
#: The same words in another sense: action units and units of measurement, entry points, pip's extras, columns of
#: tables.
OTHER_SENSE = re.compile(
    r"action_?units?|stray_?units|face_unit|unit_bank|depth_unit_mm|^_?units?$|(training|choosing|both|alone)_units"
    r"|entry_?points?|^_?several$|entry|questions?",
    re.IGNORECASE,
)
#: What texts may not say.
PHRASES = (
    r"cohorts?\b|ledgers?\b|made-up|declared test|sign flips|signed ranks|told (right|apart|as)|tells? .{0,40} apart"
    r"|zero lies|nobody ahead|counting alike|no error bar|recalled, not|shares of 1|how it was made|taken for\b"
    r"|where methods looked|had to go by|were weighed|never trained twice|costs its own"
)


def parts(name: str) -> list[str]:
    """``open_cohort`` and ``OpenCohort`` are open and cohort."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return [part.lower() for part in words.split("_") if part]


def names(path: Path) -> Iterator[str]:
    """What a module defines: itself, its classes, functions, their parameters and their fields."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        if isinstance(node, ast.arg):
            yield node.arg
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_has_a_word_that_was_replaced(path: Path) -> None:
    assert not {name for name in names(path) if set(parts(name)) & set(REPLACED) and not OTHER_SENSE.search(name)}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_says_it_in_words_that_were_replaced(path: Path) -> None:
    text = " ".join(path.read_text(encoding="utf-8").split())
    assert not [match[0] for match in re.finditer(PHRASES, text, re.IGNORECASE)]


def messages(path: Path) -> Iterator[str]:
    """The texts in a module's code, docstrings aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_message_says_it_in_words_that_were_replaced(path: Path) -> None:
    assert not [text for text in messages(path) if re.search(PHRASES, text, re.IGNORECASE)]


@pytest.mark.parametrize("package", PACKAGES)
def test_first_lines_of_docstrings_say_what_a_thing_is(package: str) -> None:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = [
        (path.relative_to(ROOT), node)
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, kinds)
    ]
    assert len(nodes) > 10
    asking = re.compile(r"(What(ever)?|Which|Who(se)?|How|Where|When|Why)\b")
    assert not [(str(path), text) for path, node in nodes if asking.match(text := ast.get_docstring(node) or "")]


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_no_suite_has_a_key_that_was_replaced(path: Path) -> None:
    def keys(table: dict[str, object]) -> Iterator[str]:
        for key, value in table.items():
            yield key
            if isinstance(value, dict):
                yield from keys(value)

    assert not set(keys(tomllib.loads(path.read_text(encoding="utf-8")))) & {"cohort", "levels", *REPLACED}


def test_a_method_s_file_has_its_registered_name() -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["afnetm.methods"]
    assert {name: value.partition(":")[0].rpartition(".")[2] for name, value in points.items()} == {
        n: n for n in points
    }
