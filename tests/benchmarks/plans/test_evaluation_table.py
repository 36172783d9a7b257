"""The table [evaluation] of a suite."""

from collections.abc import Sequence

import pytest

from afnetm import corruptions as library
from afnetm.errors import UserError
from benchmarks.plans.suite import parse_suite


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["blurr"], "corruption 'blurr' .*blur"),
        (["blur", "blur"], 'evaluation.corruptions = "blur": named twice'),
        ([], "evaluation: neither corruptions nor datasets"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line(given: Sequence[str], message: str) -> None:
    tables = {
        "description": "a test",
        "dataset": {"name": "x"},
        "protocol": {"folds": 2},
        "methods": {"concat": {}},
        "evaluation": {"corruptions": given},
    }
    with pytest.raises(UserError, match=message) as caught:
        parse_suite(tables, name="s", text="", file="s.toml")
    assert "\n" not in str(caught.value)


def test_all_stands_for_every_corruption() -> None:
    tables = {
        "description": "a test",
        "dataset": {"name": "x"},
        "protocol": {"folds": 2},
        "methods": {"concat": {}},
        "evaluation": {"corruptions": "all"},
    }
    suite = parse_suite(tables, name="s", text="", file="s.toml")
    assert suite.evaluation is not None
    assert suite.evaluation.corruptions == tuple(library.corruptions())
