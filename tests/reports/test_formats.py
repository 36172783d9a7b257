import math

import pytest

from reports import formats

COUNTS = {
    0: "0",
    950: "950",
    999.6: "1.00 k",
    701_000: "701 k",
    999_700: "1.00 M",
    1_234_567: "1.23 M",
    2.5e9: "2.50 G",
}


@pytest.mark.parametrize(("value", "text"), COUNTS.items())
def test_counts_keep_three_digits(value, text):
    assert formats.number(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0123, "+1.2"), (-0.0123, "\N{MINUS SIGN}1.2"), (-0.0001, "0.0"), (math.nan, "\N{EN DASH}")]
)
def test_points_have_a_sign_and_no_minus_zero(share, text):
    assert formats.points(share) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0341, "0.034"), (0.0004, "<0.001"), (1.0, "1.000"), (math.nan, "\N{EN DASH}")]
)
def test_a_small_p_is_not_zero(p, text):
    assert formats.p_value(p) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.931, "0.93"), (0.997, ">0.99"), (0.003, "<0.01"), (0.0, "0"), (1.0, "1"), (math.nan, "\N{EN DASH}")],
)
def test_a_chance_is_no_more_certain_than_it_is(value, text):
    assert formats.chance(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0.00 s"), (59.9, "59.9 s"), (60.0, "1.00 min"), (754.0, "12.6 min"), (432e3, "120 h")]
)
def test_durations_are_in_the_run_that_suits_them(seconds, text):
    assert formats.duration(seconds) == text
