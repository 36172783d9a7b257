"""Numbers and words as a reader meets them: the same on the page, in the tables and in the terminal."""

import json
import math
from collections.abc import Sequence

#: What stands where there is no number.
NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
#: As in the full model.
CHECK = "\N{CHECK MARK}"
#: Not told apart from the best.
ALIKE = "\N{DAGGER}"
#: Not the same thing in all suites.
DIFFERS = "\N{DOUBLE DAGGER}"
#: A method whose exact form is a reading of its paper.
READING = "\N{SECTION SIGN}"
#: So many methods are named in a sentence; more are counted.
NAMED = 6


def in_a_line(text: str, most: int = 300) -> str:
    """Text by somebody else, a library's message say, as far as one line of `most` characters can show it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 as a percentage without its sign: ``0.7134`` is ``71.3``."""
    return NOTHING if math.isnan(share) else f"{100.0 * share:.{digits}f}"


def score(value: float, low: float, high: float) -> str:
    """A score with its interval, all shares of 1: ``71.3 % (66.0 to 76.1)``; an undefined interval is left out."""
    ends = "" if math.isnan(low) else f" ({percent(low)} to {percent(high)})"
    return f"{percent(value)} %{ends}"


def ranged(value: str, low: str, high: str) -> str:
    """A printed score with its printed interval in brackets; an undefined interval is left out."""
    return value if low == NOTHING else f"{value} ({low}, {high})"


def points(share: float) -> str:
    """A difference of shares in signed percentage points: ``-0.0123`` is ``−1.2``."""
    if math.isnan(share):
        return NOTHING
    text = f"{100.0 * share:+.1f}"
    return "0.0" if float(text) == 0.0 else text.replace("-", MINUS)


def p_value(value: float) -> str:
    """A p with three decimals: ``0.0341`` is ``0.034``, ``0.0001`` is ``<0.001``."""
    return NOTHING if math.isnan(value) else "<0.001" if value < 0.0005 else f"{value:.3f}"


def chance(value: float) -> str:
    """A probability with two decimals, never more certain than it is: ``0.998`` is ``>0.99``."""
    if math.isnan(value) or value in {0.0, 1.0}:
        return NOTHING if math.isnan(value) else f"{value:.0f}"
    return "<0.01" if value < 0.005 else ">0.99" if value >= 0.995 else f"{value:.2f}"


def number(value: float) -> str:
    """A count with three significant digits and an SI prefix: ``1234567`` is ``1.23 M``."""
    for power, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * power:
            return f"{_three(value / power)} {prefix}"
    return NOTHING if math.isnan(value) else f"{value:.0f}"


def decimal(value: float) -> str:
    """A calibration error or Brier score with three decimals: ``0.0341`` is ``0.034``."""
    return NOTHING if math.isnan(value) else f"{value:.3f}"


def memory(value: float) -> str:
    """Bytes with three significant digits: ``812345678`` is ``812 MB``."""
    if math.isnan(value):
        return NOTHING
    return f"{number(value)}B" if value >= 999.5 else f"{value:.0f} B"


def seconds(value: float) -> str:
    """Seconds with three significant digits, no unit: ``12.34`` is ``12.3``."""
    return NOTHING if math.isnan(value) else _three(value)


def duration(value: float) -> str:
    """Seconds with three significant digits in the unit that suits them: ``12345.6`` is ``3.43 h``."""
    for each, unit in ((3600.0, "h"), (60.0, "min")):
        if value >= each:
            return f"{_three(value / each)} {unit}"
    return f"{_three(value)} s"


def setting(value: object) -> str:
    """A setting as a reader would type it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def names(several: Sequence[str]) -> str:
    """One or more names in a sentence: ``a, b and c``."""
    return several[0] if len(several) == 1 else f"{', '.join(several[:-1])} and {several[-1]}"


def several(methods: Sequence[str]) -> str:
    """Methods in a sentence: up to `NAMED` by name, more by their number."""
    return names(methods) if len(methods) <= NAMED else f"{len(methods)} methods"


def _three(value: float) -> str:
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f}"
