"""Every two methods compared: how far apart they are, and what each test says about it.

One test is primary, before any result is seen: sign flips over subjects, because subjects are what is independent, and
the corrected t-test over folds, the field's convention, rests on a guess at how folds correlate that makes it miss real
differences (docs/statistics.md has both calibrated). What is called different is so by that test, adjusted by Holm.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.statistics.bayes import posterior
from reports.statistics.bootstrap import improvement
from reports.statistics.fold_tests import corrected_t
from reports.statistics.multiple_testing import holm
from reports.statistics.paired import Pair
from reports.statistics.subject_tests import sign_flip, signed_rank

#: Columns of ``pairwise.csv``, in order.
COLUMNS = [
    *("method_a", "method_b", "difference", "low", "high"),
    *("p_corrected_t", "p_holm", "p_permutation_subjects", "p_wilcoxon_subjects", "probability_of_improvement"),
    *("rope_left", "rope", "rope_right"),
]
_MORE = [
    *("folds", "subjects", "equal", "fold_mean", "fold_low", "fold_high"),
    *("improvement_low", "improvement_high", "why"),
]
#: The primary test.
PRIMARY = "p_permutation_subjects"


def pairwise(results: Results) -> pd.DataFrame:
    """One row a pair of methods with finished runs: each other one and the control first, in the suite's order.

    Everything is over the folds that both have finished; a difference is method_a minus method_b, a share of 1. NaN
    stands where a test cannot say anything, and ``why`` says why.

    Columns:
        Those of `COLUMNS`: difference of accuracy over all scans with the ends of its 95 % interval over resampled
        subjects; p two-sided; ``p_holm`` adjusts the primary test, in rows with the control over these, in the others
        over all rows; ``probability_of_improvement``: that a subject is told better by method_a; ``rope_left``: that
        method_b is better by more than the region of practical equivalence, ``rope_right``: that method_a is.
        Beside them folds and subjects (compared on), equal (subjects without a difference), fold_mean, fold_low and
        fold_high (the folds' mean difference with the corrected t-test's interval), improvement_low and
        improvement_high (the ends of the probability's 95 % interval), why ("" where nothing is missing).
    """
    names = results.methods
    others = [name for name in names if name != results.control]
    pairs = [(name, results.control) for name in others if results.control in names] + [*combinations(others, 2)]
    rope = results.provenance.rope / 100.0
    rows = [{"method_a": a, "method_b": b} | _row(results.pairing.pair(a, b), rope) for a, b in pairs]
    found = pd.DataFrame(rows, columns=[*COLUMNS, *_MORE])
    with_control = found["method_b"].eq(results.control).to_numpy()
    primary = found[PRIMARY].to_numpy(dtype=np.float64)
    found["p_holm"] = np.where(with_control, holm(np.where(with_control, primary, np.nan)), holm(primary))
    return found


def displayed_pairwise(found: pd.DataFrame) -> pd.DataFrame:
    """`pairwise` as a reader meets it, all text."""
    rows = []
    for row in found.to_dict("records"):
        gap = [formats.points(row[name]) for name in ("difference", "low", "high")]
        rows.append(
            {
                "Method A": str(row["method_a"]),
                "Method B": str(row["method_b"]),
                "A minus B, points (95 %)": formats.ranged(*gap),
                "p, adjusted": formats.p_value(row["p_holm"]),
                "p, permutation": formats.p_value(row["p_permutation_subjects"]),
                "p, Wilcoxon": formats.p_value(row["p_wilcoxon_subjects"]),
                "p, corrected t": formats.p_value(row["p_corrected_t"]),
                "P(A > B)": formats.chance(row["probability_of_improvement"]),
                "P(B better)": formats.chance(row["rope_left"]),
                "P(ROPE)": formats.chance(row["rope"]),
                "P(A better)": formats.chance(row["rope_right"]),
            }
        )
    return pd.DataFrame(rows)


def _row(pair: Pair, rope: float) -> dict[str, object]:
    if not len(pair.folds):
        return {"folds": 0, "subjects": 0, "equal": 0, "why": "no fold is finished by both"}
    gap, sizes = pair.accuracy, {"n_train": pair.n_train, "n_test": pair.n_test}
    test, parts = corrected_t(pair.folds, **sizes), posterior(pair.folds, **sizes, rope=rope)
    row: dict[str, object] = {
        **{"folds": len(pair.folds), "subjects": len(pair.subjects), "equal": int((pair.subjects == 0.0).sum())},
        **{"difference": gap.value, "low": gap.low, "high": gap.high},
        **{"fold_mean": float(test.mean), "fold_low": float(test.low), "fold_high": float(test.high)},
        **{"rope_left": float(parts.left), "rope": float(parts.inside), "rope_right": float(parts.right)},
        "p_corrected_t": float(test.p),
    }
    why = []
    if np.isnan(test.error):
        message = "all fold differences are identical" if len(pair.folds) > 1 else "one fold alone is finished by both"
        why.append(f"{message}: t-test and posterior are undefined")
    if len(pair.subjects) < 2:
        why.append("one subject alone is tested, so there is no interval and no test over subjects")
    else:
        better = improvement(pair.subjects)
        row |= {
            "p_permutation_subjects": float(sign_flip(pair.subjects)),
            "p_wilcoxon_subjects": float(signed_rank(pair.subjects)),
        }
        row |= {"probability_of_improvement": better.value}
        row |= {"improvement_low": better.low, "improvement_high": better.high}
        if not pair.subjects.any():
            why.append("all subject differences are zero: the signed-rank test is undefined")
    return row | {"why": "; ".join(why)}
