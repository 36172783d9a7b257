"""Which test answers which question, and what it assumes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question, what answers it, in which columns of ``pairwise.csv``, and what must hold for it to be right."""

    asks: str
    answer: str
    columns: tuple[str, ...]
    assumes: str


DECLARED = (
    "The declared test is by sign flips over subjects, chosen before any result: subjects are what is independent, "
    "while the corrected t-test, the field's convention, rests on a guess at how folds correlate that makes it miss "
    "differences that are there."
)

GUIDE = (
    Question(
        "Are two methods different, for people like these?",
        "Sign flips over subjects, the declared test, adjusted by Holm",
        ("p_permutation_subjects", "p_holm"),
        "Subjects are independent, and were the methods equal, either sign of a subject's difference would be as "
        "likely. Speaks of these trainings: what others would give is not in it.",
    ),
    Question(
        "The same, if a few subjects with large differences shall not decide",
        "Wilcoxon's signed ranks over subjects",
        ("p_wilcoxon_subjects",),
        "As above. It compares ranks: with skewed differences it may disagree with the difference of means.",
    ),
    Question(
        "Are two methods different, as the field tests it?",
        "Corrected repeated k-fold t-test (Nadeau and Bengio)",
        ("p_corrected_t",),
        "Any two folds' differences correlate by the share of scans tested in a fold, a guess, and are roughly normal. "
        "Mostly cautious: it misses differences that are there.",
    ),
    Question(
        "How large is the difference?",
        "Interval by a bootstrap that resamples subjects",
        ("difference", "low", "high"),
        "Subjects are independent, and 20 or more: with fewer it is too narrow. Not adjusted for several comparisons.",
    ),
    Question(
        "How often is a subject told better by the one?",
        "Probability of improvement over subjects, ties half",
        ("probability_of_improvement",),
        "Subjects are independent. It says how often, not by how much.",
    ),
    Question(
        "Are they practically the same?",
        "Bayesian correlated t-test with a region of practical equivalence",
        ("rope_left", "rope", "rope_right"),
        "As for the corrected t-test, and before the data any difference is taken to be as likely as any other. A "
        "large p never says this.",
    ),
    Question(
        "Which methods are better over datasets?",
        "Friedman's test and Nemenyi's critical difference",
        (),
        "Datasets are independent, and five or more.",
    ),
)
