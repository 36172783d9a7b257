"""Significant differences between methods, and what a reader of their p-values must know."""

import numpy as np
import pandas as pd

from reports.statistics.multiple_testing import LEVEL, holm
from reports.tables.pairwise import PRIMARY

#: What the primary test finds of a method and the control.
WIN, TIE, LOSS = "win", "tie", "loss"


def verdict(difference: float, p: float) -> str:
    """``"win"`` where a method's difference from the control is significant and above 0, ``"loss"``, or ``"tie"``.

    Empty where the two could not be compared.

    Args:
        difference: of accuracy, NaN where there is none.
        p: the primary test's, adjusted; NaN where it says nothing.
    """
    if np.isnan(difference):
        return ""
    if p < LEVEL and difference:
        return WIN if difference > 0 else LOSS
    return TIE


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
    """Remarks on p-values: subjects without a difference, and one repeat alone."""
    tested = pairs[pairs[PRIMARY].notna()]
    if tested.empty:
        return []
    found, subjects = [], int(tested["subjects"].max())
    if equal := int(tested["equal"].max()):
        found.append(
            f"Up to {equal} of {subjects} subjects are classified equally well by both methods of a pair: the signed-"
            "rank test ranks and then drops them (Pratt); in the probability of improvement they count half."
        )
    if repeats == 1:
        found.append(
            "With one repeat every subject is tested by one training run of a method, so that the primary test is the "
            "t-test over folds: more repeats would average training variance (seed) and detect smaller differences."
        )
    return found


def _named(rows: pd.DataFrame, *, of: int) -> str:
    if len(rows) == of > 1:
        return "All pairs"
    names = [f"{a} and {b}" for a, b in zip(rows["method_a"], rows["method_b"], strict=True)]
    return "; ".join(names if len(names) < 5 else [*names[:3], f"{len(names) - 3} more pairs"])
