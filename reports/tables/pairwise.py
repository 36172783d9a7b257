"""Every two methods compared: how far apart they are, and what each test says about it.

One test is primary, before any result is seen: the t-test of the mean difference whose variance is clustered by subject
and by training. Tests on subjects take these trainings for the only ones, and call equal methods different where
training is a matter of luck; the corrected t-test over folds, the field's convention, rests on a guess at how folds
correlate that makes it miss real differences (docs/statistics.md has all calibrated). What is called different is so by
the primary test, adjusted by Holm.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.statistics.clustered import POWER, Estimate
from reports.statistics.fold_tests import corrected_t, posterior
from reports.statistics.multiple_testing import LEVEL, holm
from reports.statistics.paired import Pair
from reports.statistics.subject_tests import improvement, sign_flip, signed_rank
from reports.table import Table, TableColumn, rows_of
from reports.tables.guide import LIMIT
from reports.tables.scores import INTERVALS

#: Columns of ``pairwise.csv``, in order.
COLUMNS = [
    *("method_a", "method_b", "difference", "low", "high"),
    *("p_corrected_t", "p_holm", "p_permutation_subjects", "p_wilcoxon_subjects", "probability_of_improvement"),
    *("rope_left", "rope", "rope_right"),
    *("p_two_way", "standard_error", "degrees_of_freedom", "detectable"),
]
_MORE = ["folds", "subjects", "equal", "why"]
#: The primary test.
PRIMARY = "p_two_way"


def pairwise(results: Results) -> pd.DataFrame:
    """One row a pair of methods with finished runs: each other one and the control first, in the suite's order.

    Everything is over the folds that both have finished; a difference is method_a minus method_b, a share of 1. NaN
    stands where a test cannot say anything, and ``why`` says why.

    Columns:
        Those of `COLUMNS`: difference of accuracy over all scans with the ends of its 95 % interval; p two-sided;
        ``p_holm`` adjusts the primary test, in rows with the control over these, in the others over all rows;
        ``probability_of_improvement``: that a subject is classified better by method_a; ``rope_left``: that method_b is
        better by more than the region of practical equivalence, ``rope_right``: that method_a is; ``p_two_way``: the
        primary test, which the interval agrees with, with its ``standard_error`` and ``degrees_of_freedom``;
        ``detectable``: the smallest difference that it detects with 80 % power at 5 %, unadjusted.
        Beside them folds and subjects (compared on), equal (subjects without a difference), why ("" where nothing is
        missing).
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


def pairwise_table(results: Results, pairs: pd.DataFrame, *, notes: Sequence[str] = ()) -> Table:
    """`pairwise`, a row a pair."""
    plan = results.provenance
    heads = [TableColumn(key=key, title=title) for key, title in (("method_a", "Method A"), ("method_b", "Method B"))]
    columns = [*heads, *_columns("A", "B")]
    tests = (
        "two-way: t-test with variance clustered by subject and training run, pre-specified; conditional on these "
        "training runs: perm., paired permutation (sign-flip) test on subjects, and rank, Wilcoxon signed-rank test on "
        "subjects; corr. t: corrected repeated k-fold t-test"
    )
    family = f"over the comparisons with {plan.titles[results.control]}, in other rows over all pairs"
    rope = f"Bayesian correlated t-test, the same meaning within ±{plan.rope:g} pp"
    return Table(
        name="pairwise",
        title="Statistics",
        columns=columns,
        rows=rows_of(columns, pairs),
        numbers=pairs[COLUMNS],
        notes=[*detection(pairs, results.control), LIMIT, *notes],
        caption=f"Pairwise comparison of methods ({plan.called}).",
        paper_notes=[
            f"A minus B: difference in accuracy in percentage points (pp). {INTERVALS}",
            f"{tests}. Holm: the first, adjusted {family}.",
            f"P(A > B): probability that A classifies a subject better, ties half. Last three columns: {rope}.",
            *detection(pairs, results.control, called=plan.titles[results.control]),
            LIMIT,
            *notes,
        ],
        titles=plan.titles,
    )


def control_table(results: Results, pairs: pd.DataFrame) -> Table:
    """The comparisons of each other method with the control, as the page has them."""
    own, control = pairs[pairs["method_b"] == results.control], results.control
    rope, count = results.provenance.rope, len(own)
    family = f"over the {count} comparison{'s' if count != 1 else ''} here, bold below {LEVEL}"
    equal = f"at most {rope:g} percentage point{'s' if rope != 1 else ''} either way"
    return _page_table(
        [TableColumn(key="method_a", title="Method"), *_columns("method", control)],
        own,
        label="Table of each other method against the control",
        notes=[
            "All values are over the folds that both have finished.",
            f"Differences are the method minus {control}, as under “Comparison”, with unadjusted 95 % intervals.",
            f"An interval excludes zero exactly where the unadjusted p of the primary test is below {LEVEL}.",
            f"p-values are two-sided; the adjusted one is the primary test's by Holm's procedure {family}.",
            "The permutation test is conditional on these training runs, whose variance it does not cover.",
            f"Practically equivalent means a difference of {equal}.",
            "These three probabilities are conditional on the folds and the corrected t-test's model.",
        ],
    )


def others_table(results: Results, pairs: pd.DataFrame) -> Table:
    """All other pairs, as the page has them."""
    own = pairs[pairs["method_b"] != results.control]
    family = f"The adjustment here is over all {len(pairs)} pairs of methods"
    return _page_table(
        [TableColumn(key="pair", title="Methods"), *_columns("first", "second")],
        own.assign(pair=own["method_a"] + " and " + own["method_b"]),
        label="Table of the other pairs of methods",
        notes=[f"Differences are the first minus the second. {family}, because readers select pairs after the fact."],
    )


def detection(pairs: pd.DataFrame, control: str, *, called: str = "") -> list[str]:
    """Smallest difference that the primary test could have found, in a sentence; none where there is no telling.

    Against the control, if `pairs`, as of `pairwise`, has it: by the variance of each comparison, alone and at the
    level that Holm's procedure asks of the smallest of all p. The control may be `called` otherwise.
    """
    with_control = pairs[pairs["method_b"] == control]
    family = pairs if with_control.empty else with_control
    known = family[family["standard_error"] > 0.0]
    if known.empty:
        return []
    errors = [Estimate(np.nan, *row) for row in known[["standard_error", "degrees_of_freedom"]].itertuples(index=False)]
    count = int(family[PRIMARY].notna().sum())
    alone, first = (_range([error.detectable(level) for error in errors]) for level in (LEVEL, LEVEL / count))
    whose = "between two methods" if with_control.empty else f"from {called or control}"
    text = f"Smallest difference {whose} that the primary test detects with {100.0 * POWER:g} % power: "
    text += f"{alone} percentage points at {100.0 * LEVEL:g} %"
    adjusted = f" ({first} at {100.0 * LEVEL / count:.2g} %, where Holm's adjustment over {count} comparisons begins)"
    return [f"{text}{adjusted if count > 1 else ''}."]


def _range(values: Sequence[float]) -> str:
    low, high = ("more than 100" if value > 1.0 else formats.percent(value) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _page_table(columns: Sequence[TableColumn], pairs: pd.DataFrame, *, label: str, notes: Sequence[str]) -> Table:
    rows = rows_of(columns, pairs)
    return Table(name="pairs", title="", columns=columns, rows=rows, notes=notes, label=label, look="whole dense")


def _columns(first: str, second: str) -> list[TableColumn]:
    """Columns on two methods."""

    def p(key: str, title: str, paper: str, **more: Any) -> TableColumn:
        return TableColumn(key=key, title=title, format=formats.p_value, better="lower", paper=paper, **more)

    def chance(key: str, title: str, **more: Any) -> TableColumn:
        return TableColumn(key=key, title=title, format=formats.chance, **more)

    better = f"P({first} > {second})"
    unbroken = "\N{NO-BREAK SPACE}"
    return [
        TableColumn(
            key="difference",
            title=f"{first} minus {second}",
            unit="points",
            format=formats.points,
            ends=("low", "high"),
            brackets="95 %",
            page="Difference, points",
        ),
        p("p_holm", "p, adjusted", "p (Holm)", strong=lambda row: row["p_holm"] < LEVEL),
        p(PRIMARY, "p, two-way", "p (two-way)"),
        TableColumn(
            key="detectable",
            title="Detectable",
            unit="points",
            format=formats.percent,
            better="lower",
            media=("text", "page"),
            note="Detectable: the smallest difference that the primary test, unadjusted, detects with 80 % power at "
            "5 %, given the variance found here.",
        ),
        p("p_permutation_subjects", "p, permutation", "p (perm.)"),
        p("p_wilcoxon_subjects", "p, Wilcoxon", "p (rank)", media=("text", "paper")),
        p("p_corrected_t", "p, corrected t", f"p (corr.{unbroken}t)", page=f"p, corrected{unbroken}t"),
        chance("probability_of_improvement", better, paper=better.replace(" ", unbroken)),
        chance("rope_left", f"P({second} better)"),
        chance("rope", "P(ROPE)", paper="P(same)"),
        chance("rope_right", f"P({first} better)"),
    ]


def _row(pair: Pair, rope: float) -> dict[str, object]:
    if not len(pair.folds):
        return {"folds": 0, "subjects": 0, "equal": 0, "why": "no fold is finished by both"}
    gap, sizes = pair.accuracy, {"n_train": pair.n_train, "n_test": pair.n_test}
    test, parts = corrected_t(pair.folds, **sizes), posterior(pair.folds, **sizes, rope=rope)
    row: dict[str, object] = {
        **{"folds": len(pair.folds), "subjects": len(pair.subjects), "equal": int((pair.subjects == 0.0).sum())},
        **{"difference": gap.value, "low": gap.interval.low, "high": gap.interval.high},
        **{"p_two_way": gap.p, "standard_error": gap.error, "degrees_of_freedom": gap.freedom},
        **{"detectable": gap.detectable(), "p_corrected_t": float(test.p)},
        **{"rope_left": float(parts.left), "rope": float(parts.inside), "rope_right": float(parts.right)},
    }
    why = []
    if gap.why:
        why.append(f"{gap.why}, so there is no interval{'' if gap.p == 1.0 else ' and no primary test'}")
    if np.isnan(test.error):
        message = "all fold differences are identical" if len(pair.folds) > 1 else "one fold alone is finished by both"
        why.append(f"{message}: corrected t-test and posterior are undefined")
    if len(pair.subjects) > 1:
        row |= {
            "p_permutation_subjects": float(sign_flip(pair.subjects)),
            "p_wilcoxon_subjects": float(signed_rank(pair.subjects)),
            "probability_of_improvement": improvement(pair.subjects),
        }
        if not pair.subjects.any():
            why.append("all subject differences are zero: the signed-rank test is undefined")
    return row | {"why": "; ".join(why)}
