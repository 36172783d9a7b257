"""The reference of the site has all that the code has."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field
from typer.main import get_command

from afnetm.registry import methods
from benchmarks.cli.app import app

ROOT = Path(__file__).parents[2]
SUITES = sorted((ROOT / "benchmarks" / "suites").glob("*.toml"))

sys.path.insert(0, str(ROOT / "docs" / "extensions"))
from allowed_values import allowed  # noqa: E402
from command_reference import command_reference  # noqa: E402
from key_reference import axis_reference, method_reference, suite_reference  # noqa: E402


def anchors(text: str) -> set[str]:
    """Ids that MyST reads as such: a dot would begin a class."""
    return set(re.findall(r"\]\{#([\w-]+)\}", text))


def keys(table: dict[str, Any], outer: str = "") -> Iterator[str]:
    for key, value in table.items():
        name = f"{outer}-{key}" if outer else key
        if isinstance(value, dict):
            yield from keys(value, name)
        else:
            yield name


@pytest.fixture(scope="module")
def suites() -> str:
    return suite_reference()


@pytest.fixture(scope="module")
def hyperparameters() -> str:
    return method_reference()


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_key_that_a_suite_uses_is_described(path: Path, suites: str, hyperparameters: str) -> None:
    described = anchors(suites) | anchors(hyperparameters)
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    labels = tables.pop("methods", {})
    assert not {key for key in keys(tables) if key != "extends" and not key.startswith("axes-")} - described
    kinds = {(table.get("method", label), key) for label, table in labels.items() for key in table}
    named = {(kind, key) for kind, key in kinds if key not in {"method", "title"}}
    assert not {
        f"methods-{kind}-{key}"
        for kind, key in named
        if not {f"methods-{kind}-{key}", f"methods-LABEL-{key}"} & described
    }


def test_no_key_is_without_its_meaning(suites: str, hyperparameters: str) -> None:
    for text in (suites, axis_reference(), hyperparameters):
        assert len(re.findall(r"^: [\w`]", text, re.MULTILINE)) == len(anchors(text)) > 1


def test_every_method_has_a_section(hyperparameters: str) -> None:
    for name, kind in methods().items():
        section = hyperparameters.split(f"## {kind.title or name}: `{name}`\n")[1].partition("\n## ")[0]
        assert kind.source in section
        assert set(kind.space) <= {anchor.rpartition("-")[2] for anchor in anchors(section)}


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (bool, "`true` or `false`"),
        (Annotated[int, Field(ge=1, le=10_000)], "integer, 1 to 10,000"),
        (Annotated[float, Field(gt=0, le=1)], "number, above 0 and at most 1"),
        (Annotated[float, Field(gt=0)] | None, "number, above 0"),
        (Annotated[int, Field(ge=0, lt=2**63)], "integer, at least 0"),
        (Literal["tpe", "random"], '`"tpe"` or `"random"`'),
        (Literal[8, 16] | None, "`8` or `16`"),
        (tuple[str, ...], "array of texts"),
        (
            Annotated[tuple[Annotated[int, Field(ge=1, le=4)], ...], Field(min_length=1)],
            "array of integers from 1 to 4, not empty",
        ),
    ],
)
def test_annotations_are_put_into_words(annotation: Any, words: str) -> None:
    assert allowed(annotation) == words


def test_every_option_of_every_command_is_there() -> None:
    def commands(words: str, group: Any) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from commands(f"{words} {name}", command)
            else:
                yield f"{words} {name}", command

    text = command_reference()
    assert len(anchors(text)) == text.count("{#")
    found = list(commands("afnetm", get_command(app)))
    assert len(found) > 20
    for words, command in found:
        section = text.split(f"## `{words}`\n")[1].split("\n## ")[0]
        for param in command.params:
            for option in param.opts:
                assert not option.startswith("--") or option == "--help" or f"`{option}" in section
