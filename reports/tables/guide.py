"""Guide to the tests: the question that each answers, and its assumptions."""

from dataclasses import dataclass

from reports import formats
from reports.table import Table, plain_table


@dataclass(frozen=True)
class Guidance:
    """A question, what answers it, in which columns of ``pairwise.csv``, and what must hold for it to be right."""

    asks: str
    answer: str
    columns: tuple[str, ...]
    assumes: str


PRIMARY = (
    "The primary test, specified before any result, is a t-test of the mean paired difference with two-way clustered "
    "variance: by subject and by training run. All intervals use the same variance: that of a difference excludes zero "
    "exactly where the unadjusted p is below 0.05."
)
#: What neither test nor intervals can know.
LIMIT = (
    "Not covered: what training runs share because their training sets overlap, in folds and in repeats of the same "
    "subjects."
)

GUIDE = (
    Guidance(
        "Do two methods differ, for subjects like these?",
        "t-test with two-way clustered variance, the primary test, Holm-adjusted",
        ("p_two_way", "p_holm"),
        "Subjects are independent, and so are training runs but for the subjects that they test: what they share by "
        "overlapping training sets is not covered.",
    ),
    Guidance(
        "Do these very training runs differ, for subjects like these?",
        "Paired permutation (sign-flip) test on subjects",
        ("p_permutation_subjects",),
        "Subjects are independent, and were the methods equal, either sign of a subject's difference would be as "
        "likely. Conditional on these training runs: variance between training seeds is not covered.",
    ),
    Guidance(
        "The same, robust to a few subjects with large differences",
        "Wilcoxon signed-rank test on subjects",
        ("p_wilcoxon_subjects",),
        "As above. It compares ranks: with skewed differences it may disagree with the difference of means.",
    ),
    Guidance(
        "Do two methods differ, by the field's usual test?",
        "Corrected repeated k-fold t-test (Nadeau and Bengio)",
        ("p_corrected_t",),
        "The differences of any two folds correlate by the share of scans tested in a fold (an assumption), and are "
        "roughly normal. Mostly conservative.",
    ),
    Guidance(
        "How large is the difference?",
        "Interval of the primary test, by its standard error and degrees of freedom",
        ("difference", "low", "high", "standard_error", "degrees_of_freedom"),
        "As for the primary test. Not adjusted for multiple comparisons.",
    ),
    Guidance(
        "How small a difference could have been found?",
        "Smallest difference detected with 80 % power at 5 %, unadjusted",
        ("detectable",),
        "The variance is the one found here. Adjustment for multiple comparisons needs a larger difference.",
    ),
    Guidance(
        "How often is a subject classified better by one method?",
        "Probability of improvement over subjects, ties half",
        ("probability_of_improvement",),
        "Subjects are independent. It says how often, not by how much.",
    ),
    Guidance(
        "Are they practically equivalent?",
        "Bayesian correlated t-test with a region of practical equivalence",
        ("rope_left", "rope", "rope_right"),
        "As for the corrected t-test, and before the data any difference is taken to be as likely as any other. A "
        "large p-value never implies this.",
    ),
    Guidance(
        "Which methods are better over datasets?",
        "Friedman's test and Nemenyi's critical difference",
        (),
        "Datasets are independent, and five or more.",
    ),
)


def guide_table() -> Table:
    """`GUIDE`, a row a question."""
    heads = ["Question", "Answered by", "In pairwise.csv", "What it assumes"]
    rows = [(one.asks, one.answer, ", ".join(one.columns) or formats.NOTHING, one.assumes) for one in GUIDE]
    return plain_table("guide", "Table of questions, tests and what they assume", heads, rows)
