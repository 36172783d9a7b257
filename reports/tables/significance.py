"""Significant differences between methods, and what a reader of their p-values must know."""

import numpy as np
import pandas as pd

from reports.formats import p_value
from reports.statistics.multiple_testing import LEVEL, holm
from reports.statistics.subject_tests import EXACT, FLIPS
from reports.tables.pairwise import PRIMARY


def like_the_best(best: str, pairs: pd.DataFrame, *, control: str) -> list[str]:
    """Methods that do not differ significantly, by the primary test, from `best`, in the order of `pairs`.

    Against the control, who was named beforehand, Holm's adjustment is over the comparisons with it. Any other method
    was picked by looking, so the adjustment is over all pairs. Who could not be compared is not told apart.

    Args:
        best: the method with the highest score.
        pairs: `reports.tables.pairwise.pairwise`.
        control: the suite's.
    """
    with_best = (pairs["method_a"] == best) | (pairs["method_b"] == best)
    family = with_best if best == control else pd.Series(True, index=pairs.index)
    adjusted = pd.Series(holm(pairs.loc[family, PRIMARY].to_numpy(dtype=np.float64)), index=pairs.index[family])
    alike = pairs[with_best & ~(adjusted.reindex(pairs.index) < LEVEL)]
    return [b if a == best else a for a, b in zip(alike["method_a"], alike["method_b"], strict=True)]


def missing(pairs: pd.DataFrame) -> list[str]:
    """Reasons for missing values of `reports.tables.pairwise.pairwise`, a sentence each."""
    lacking = pairs[pairs["why"] != ""]
    return [f"{_named(rows, of=len(pairs))}: {why}." for why, rows in lacking.groupby("why", sort=False)]


def remarks(pairs: pd.DataFrame, *, repeats: int) -> list[str]:
    """Remarks on p-values: how small they can get, subjects without a difference, and too few repeats."""
    tested = pairs[pairs[PRIMARY].notna()]
    if tested.empty:
        return []
    found = []
    comparisons, subjects = int((pairs["method_b"] == pairs["method_b"].iloc[0]).sum()), int(tested["subjects"].max())
    least = comparisons * (2.0 ** (1 - subjects) if subjects <= EXACT else 1.0 / (FLIPS + 1))
    if least >= LEVEL:
        several = f" and {comparisons} comparisons" if comparisons > 1 else ""
        message = f"the adjusted p cannot be below {p_value(min(least, 1.0))}: no difference can be significant"
        found.append(f"With {subjects} subjects{several} {message}.")
    if equal := int(tested["equal"].max()):
        found.append(
            f"Up to {equal} of {subjects} subjects are classified equally well by both methods of a pair: the signed-"
            "rank test ranks and then drops them (Pratt); in the probability of improvement they count half."
        )
    if repeats == 1:
        found.append(
            "With one repeat, training variance (seed) is not averaged out, and tests on subjects do not account for "
            "it: where training varies much, they are anti-conservative."
        )
    return found


def _named(rows: pd.DataFrame, *, of: int) -> str:
    if len(rows) == of > 1:
        return "All pairs"
    names = [f"{a} and {b}" for a, b in zip(rows["method_a"], rows["method_b"], strict=True)]
    return "; ".join(names if len(names) < 5 else [*names[:3], f"{len(names) - 3} more pairs"])
