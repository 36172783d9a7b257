import pytest

from benchmarks.cli.variadic import spread

OPTIONS = ("--methods", "--levels")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("run quick --methods a b c", "run quick --methods a --methods b --methods c"),
        ("run quick --methods a --workers 2", "run quick --methods a --workers 2"),
        ("make x --levels 3 4 --size 96", "make x --levels 3 --levels 4 --size 96"),
        ("run quick --methods a b --methods c", "run quick --methods a --methods b --methods c"),
        ("run quick --workers 2 3", "run quick --workers 2 3"),
        ("run quick --methods", "run quick --methods"),
        ("run --methods=a quick", "run --methods=a quick"),
    ],
)
def test_values_in_a_row_become_options_in_a_row(given: str, expected: str) -> None:
    assert spread(given.split(), options=OPTIONS) == expected.split()
