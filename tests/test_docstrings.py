"""The examples in docstrings run, and say what comes of them; those of strategies say whose code was read."""

import doctest
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from afnetm.method import Method
from afnetm.registry import methods

ROOT = Path(__file__).parents[1]
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("afnetm", "baselines", "studies", "benchmarks", "reports")
    for path in (ROOT / package).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
]


#: Its example needs a folder of scans: `tests/afnetm/data/test_registry.py` runs it.
NEEDS_A_FOLDER = "afnetm.data.scan_source"


@pytest.mark.parametrize("module", [module for module in WITH_EXAMPLES if module != NEEDS_A_FOLDER])
def test_an_example_does_what_it_says(module: str) -> None:
    found = doctest.testmod(import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted
    assert not found.failed


def test_classes_that_users_subclass_have_one() -> None:
    assert {"afnetm.method", NEEDS_A_FOLDER} <= set(WITH_EXAMPLES)


@pytest.mark.parametrize("kind", methods().values(), ids=methods())
def test_a_strategy_names_the_commits_of_the_code_that_was_read_or_says_that_none_is_there(kind: type[Method]) -> None:
    said = " ".join((sys.modules[kind.__module__].__doc__ or "").split())
    named, read = re.findall(r"github\.com/\S+\w", said), re.findall(r"github\.com/\S+, commit [0-9a-f]{7}\b", said)
    assert len(read) == len(named)
    assert named or "no code" in said.lower()
