"""The overview of a dataset: a summary that can be shared with people who do not have the dataset.

Counts and measures alone, in words that are this program's own: no faces, and no names of people, files or folders.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from afnetm.data.dataset_files import MEASURES, MISFIT, landmark_counts, summary
from afnetm.data.reasons import grouped, in_own_words

#: What is told of the description of a source, and within it of the nose's order; another entry may be anything.
_STATED = ("kind", "synthetic", "intensities", "frames", "every", "version", "clean", "nose")
_NOSE = ("order", "first_side", "median_misfit_mm", "scans")
_PICTURE = ["texture_width", "texture_height"]


def overview(table: pd.DataFrame, reasons: Iterable[str], source: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object on the scans in a dataset's `table`, the `reasons` why others were refused, and their `source`.

    source ({kind, ...; of BU-3DFE, nose: the order of the landmarks' rows and the median misfit in each known one}),
    scans, subjects, classes ({expression: scans}), intensities ({intensity: scans, 0 where unknown}), scans_a_subject,
    regions ({region: scans that have it}), landmarks ({given, found: scans}, where some came without), misfit_mm,
    misfits ({"2 to 3 mm": scans}), vertices, triangles, pictures ({"512 x 512": scans}, the eight commonest), refused,
    reasons (a list of {scans, reason}). What was measured is given as {least, p5, median, p95, most}; it is left out
    where it is not known.
    """
    refused = grouped(reasons)
    found: dict[str, Any] = {
        "source": {key: _plain(source[key]) for key in _STATED if key in source},
        **summary(table),
        "intensities": {
            str(level): int(count) for level, count in table["intensity"].value_counts().sort_index().items()
        },
        "scans_a_subject": _quantiles(table["subject"].value_counts()),
    }
    if (landmarks := landmark_counts(table))["found"]:
        found["landmarks"] = landmarks
    if len(table) and set(MEASURES) <= set(table.columns):
        found |= {name: _quantiles(table[name]) for name in (MISFIT, "vertices", "triangles")}
        whole = Counter(table[MISFIT].astype(int))
        found["misfits"] = {f"{mm} to {mm + 1} mm": whole[mm] for mm in range(max(whole) + 1)}
        sizes = Counter(f"{width:.0f} x {height:.0f}" for width, height in table[_PICTURE].to_numpy())
        found["pictures"] = dict(sizes.most_common(8))
    found["refused"] = sum(count for count, _ in refused)
    found["reasons"] = [{"scans": count, "reason": reason} for count, reason in refused]
    return found


def _plain(value: Any) -> Any:
    """`value`, its texts in the program's own words."""
    match value:
        case str():
            return in_own_words(value)
        case dict():
            return {key if key in _NOSE else in_own_words(key): _plain(one) for key, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case _:
            return value


def _quantiles(values: "pd.Series[Any]") -> dict[str, float]:
    """Least, 5th percentile, median, 95th percentile and most of `values`; nothing where there are none."""
    quantiles = {"least": 0.0, "p5": 0.05, "median": 0.5, "p95": 0.95, "most": 1.0}
    return {name: round(float(values.quantile(q)), 2) for name, q in quantiles.items()} if len(values) else {}
