"""Findings of a report, in sentences, and what a reader must know before believing them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from reports.data.results import Provenance, Results
from reports.data.search import origin
from reports.data.usable import LeftOut
from reports.formats import NAMED, duration, names, number, percent, points, several
from reports.statistics.clustered import Estimate, Interval
from reports.statistics.multiple_testing import LEVEL
from reports.tables.ablation import outcome
from reports.tables.guide import LIMIT
from reports.tables.inputs import annotated, differing, not_annotated, poses
from reports.tables.significance import like_the_best
from reports.tables.tuning import uneven

#: Of synthetic faces: what they are, and what it means.
SYNTHETIC = (
    "These faces are synthetic.",
    "The ranking below is about synthetic faces and says nothing about real ones.",
)
#: So many things that are left out are named at the top of the page.
_LISTED = 4
_DEFAULTS = (
    "No method was tuned on this dataset: methods run with their own defaults, which are those of their papers or, "
    "where these say nothing, customary values"
)


def notices(results: Results) -> list[str]:
    """Limitations of results: runs or studies missing, failed or uneven, versions mixed."""
    plan = results.provenance
    found = []
    if plan.done < plan.planned:
        found.append(f"Incomplete: {plan.done} of {plan.planned} planned runs are done.")
    if plan.failed:
        runs = f"{len(plan.failed)} runs" if len(plan.failed) > 1 else "1 run"
        found.append(f"Failed: {runs} raised an error; what and why is listed under “Reproducibility”.")
    if plan.left_out:
        found.append(left_out(plan.left_out))
    if given := annotated(results.described):
        found.append(
            f"Annotated: {several(given)} read annotations of test scans, which no automatic system has; their "
            "accuracy is not that of automatic recognition."
        )
    if given := not_annotated(results.described):
        landmarks = plan.dataset["landmarks"]
        found.append(
            f"Not annotated: the suite gives annotated masks or landmarks to {several(given)}, but "
            f"{landmarks['found']} of {plan.dataset['scans']} scans of the dataset came without landmarks. They were "
            "found in the scans' own pictures, which is no annotation."
        )
    tested = {frozenset(zip(runs["repeat"], runs["fold"], strict=True)) for _, runs in results.folds.groupby("method")}
    if len(tested) > 1:
        found.append(
            "Unequal: methods were tested on different folds. Each score is over the method's own folds; differences "
            "are over the folds that both have."
        )
    found += uneven(results)
    found += [
        f"Mixed: runs were made with more than one {what} ({', '.join(seen)})."
        for what, seen in (
            *((f"version of {name}", versions) for name, versions in plan.versions.items()),
            ("commit of the code", [commit[:10] for commit in plan.commits]),
            ("device", plan.devices),
            ("number of workers per GPU, on which times depend", plan.gpu_workers),
            ("machine", plan.hardware),
        )
        if len(seen) > 1
    ]
    return found


def notices_by_suite(several: Iterable[Results]) -> list[str]:
    """The `notices` of several suites, each beginning with its suite's name."""
    return [
        f"{results.provenance.suite}, {notice[0].lower()}{notice[1:]}"
        for results in several
        for notice in notices(results)
    ]


def synthetic(suites: Mapping[str, bool]) -> tuple[str, str] | None:
    """`SYNTHETIC` where the faces of all suites are, of some of several which and what it means; None of none."""
    found = [suite for suite, made in suites.items() if made]
    if len(found) in (0, len(suites)):
        return SYNTHETIC if found else None
    return f"The faces of {names(found)} are synthetic.", "What methods do on them says nothing about real ones."


def left_out(parts: Sequence[LeftOut]) -> str:
    """Results that could not be used: the first few by name."""
    formatted = [f"{one.place}: {one.what} ({one.reason})" for one in parts[:_LISTED]]
    rest = len(parts) - len(formatted)
    more = [f"{rest} more, which are listed under “Reproducibility”"] if rest else []
    return f"Partial: what could not be used is left out, namely {'; '.join([*formatted, *more])}."


def cautions(notices: Sequence[str]) -> str:
    """The kinds of `notices`, to stand at every table that they touch: ``incomplete, mixed``; nothing where none is."""
    return ", ".join(dict.fromkeys(notice.partition(":")[0].lower() for notice in notices))


def findings(results: Results, table: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """Leader, margin, significance, costs, and the ablation's outcome, in sentences.

    `table` is `reports.tables.comparison.comparison`, `pairs` is `reports.tables.pairwise.pairwise`. Equal accuracies
    are a tie, and nobody's lead.
    """
    scores = {
        str(method): Interval(*score)
        for method, *score in table[["method", "accuracy", "accuracy_low", "accuracy_high"]].itertuples(index=False)
    }
    leader, *others = sorted(scores, key=lambda method: -scores[method].value)
    best = scores[leader]
    score = f"{percent(best.value)} %{_ends(best, percent)}"
    if others:
        equal = [method for method in others if scores[method].value == best.value]
        behind = [method for method in others if method not in equal]
        alike = like_the_best(leader, pairs, control=results.control)
        text = [
            _tie([leader, *equal], best, everyone=not behind)
            if equal
            else f"{leader} has the highest accuracy: {score}.",
            *(_standing(results, leader, behind, alike) if behind else []),
            *outcome(results, pairs),
            *_costs(table, [leader, others[0]]),
        ]
    else:
        text = [f"{leader}, the only method here, reaches an accuracy of {score}.", *_costs(table, [leader])]
    tested = results.predictions.drop_duplicates(["repeat", "scan"])["expression"]  # a protocol may leave scans out
    chance = float(tested.value_counts(normalize=True).max())
    return [*text, f"Majority-class baseline: {percent(chance)} %; {_above(chance, scores)}."]


def _above(chance: float, scores: Mapping[str, Interval]) -> str:
    """Clauses on intervals that are not above chance, and on methods that have none."""
    guessing = [method for method, found in scores.items() if found.low <= chance]
    unknown = [method for method, found in scores.items() if math.isnan(found.low)]
    if not guessing and not unknown:
        return "every method exceeds it"
    do = "does" if len(guessing) == 1 else "do"
    text = [f"{names(guessing)} {do} not significantly exceed it"] if guessing else []
    text += [f"of {names(unknown)}, without an interval, it cannot be said"] if unknown else []
    return "; ".join(text)


def caveats(results: Results) -> list[str]:
    """Caveats on intervals, and whether methods were tuned."""
    subjects = results.predictions["subject"].nunique()
    runs = int(results.folds.groupby("method").size().max())
    over = (
        f"the variance between {runs} training runs" if runs > 1 else "no variance of training, with one training run"
    )
    text = [f"Intervals reflect the sampling of {subjects} tested subjects and {over} per method.", LIMIT]
    text += protocol(results.provenance)
    if len(results.methods) > 1:
        text.append(
            "Intervals are not adjusted for multiple comparisons, as p under “Statistics” are: about 5 % of such "
            "intervals miss the true value, and selecting the best method after the fact biases its score upward."
        )
    plan = results.provenance
    guide = "landmarks" if plan.dataset.get("landmarks") else "masks"
    fitted = [f"{clause} (docs/{guide}.md)."] if (clause := poses(plan)) else []
    return [*text, *differing(results.described), *fitted, *tuned(plan)]


def protocol(plan: Provenance) -> list[str]:
    """Split into training and test, where it is no k-fold cross-validation over subjects, in sentences."""
    found, folds, repeats = [], plan.protocol.get("folds"), plan.protocol.get("repeats", 1)
    if name := plan.protocol.get("split"):
        form = "training and test set" if folds == 1 else f"{folds} folds"
        form += f" in {repeats} repeats" if repeats > 1 else ""
        found.append(f"Split: {form} of the suite's own file ({name}, {plan.protocol.get('split_digest', '')[:8]}).")
    if group := plan.protocol.get("group"):
        found.append(
            f"Subjects with one value of the column “{group}” are one subject in splits, intervals and tests, called "
            "as the first of them."
        )
    if plan.single:
        found.append(
            "There is one training run per method: intervals and the primary test are over subjects, given these "
            "networks (one-way clustered), and say nothing about other training sets or seeds; deviations over folds, "
            "the corrected t-test and the posterior cannot be computed."
        )
    return found


def _costs(table: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """Costs of these methods, in one sentence; empty where nothing of them is known."""
    message = []
    for method in methods:
        row = table[table["method"] == method].iloc[0]
        parameters = [f"{number(row['parameters'])} parameters"] if row["parameters"] > 0 else []
        if known := [*parameters, *([f"{duration(row['seconds'])} per run"] if row["seconds"] > 0 else [])]:
            message.append(f"{method} has {' and '.join(known)}")
    return [f"{'; '.join(message)}."] if message else []


def _tie(best: Sequence[str], score: Interval, *, everyone: bool) -> str:
    """Sentence on methods of equal accuracy; the intervals are each one's own."""
    return f"{names(best)} have the same{'' if everyone else ', the highest,'} accuracy: {percent(score.value)} %."


def _standing(results: Results, leader: str, behind: Sequence[str], alike: Sequence[str]) -> list[str]:
    """Lead over the next in line, and over which methods it is significant."""
    gap = results.pairing.pair(leader, behind[0]).accuracy
    family = "the comparisons with it" if leader == results.control else "all pairs"  # as in `like_the_best`
    significance = _significance(leader, behind, alike, family=family)
    return [_gap(leader, behind[0], gap, significant=behind[0] not in alike), significance]


def _gap(leader: str, second: str, estimate: Estimate, *, significant: bool) -> str:
    """Distance of the next in line to the leader, with its interval."""
    gap = estimate.interval
    if math.isnan(gap.value):
        return f"No fold is finished by both {leader} and {second}, which comes next."
    by = f"{points(gap.value)} percentage points{_ends(gap, points)}"
    excludes = "the interval excludes zero" if significant else "the interval, which is not adjusted, excludes zero"
    verdict = excludes if gap.low > 0.0 else "zero is in the interval, so this is not conclusive"
    if math.isnan(gap.low):
        verdict = f"it has no interval, because {estimate.why}"
    ahead = "" if gap.value > 0.0 else f" over the folds that both have finished, where {leader} is not ahead"
    return f"The difference from {second}, which comes next, is {by}{ahead}: {verdict}."


def _ends(score: Interval, form: Callable[[float], str]) -> str:
    """The ends of an interval behind its value; nothing where there is none."""
    return "" if math.isnan(score.low) else f" (95 % interval {form(score.low)} to {form(score.high)})"


def _significance(leader: str, others: Sequence[str], alike: Sequence[str], *, family: str) -> str:
    """From whom the pre-specified test tells the leader apart, adjusted over `family`, which is said."""
    test = f"two-way clustered t-test, Holm-adjusted over {family}, p {{}} {LEVEL}"
    apart = [other for other in others if other not in alike]
    unclear = [other for other in others if other in alike]
    if not apart:
        those = names(unclear) if len(unclear) <= NAMED else f"any of the {len(unclear)} others"
        return f"{leader} does not differ significantly from {those} ({test.format('≥')})."
    those = f"all {len(apart)} others" if not unclear and len(apart) > NAMED else several(apart)
    rest = f", but not from {several(unclear)}" if unclear else ""
    return f"{leader} differs significantly from {those} ({test.format('<')}){rest}."


def tuned(plan: Provenance) -> list[str]:
    """Extent of tuning of hyper-parameters, in sentences."""
    if plan.files:
        return ["Whether methods were tuned is not known."]
    if plan.search is not None and plan.search.params_file:
        others = [name for name in plan.methods if name not in plan.search.given]
        who = several(list(plan.search.given)) if others else "every method"
        rest = [f"The settings of {several(others)} are the suite's."] if others else []
        return [f"Tuned: hyper-parameters of {who} are those of {origin(plan.search)}.", *rest]
    if plan.search is not None:
        return [f"Every method was tuned by the same rules, {plan.search.budget}, without its tested subjects."]
    set_here = [name for name, about in plan.methods.items() if about.get("changed")]
    theirs = [f"The suite sets hyper-parameters of {several(set_here)}."] if set_here else []
    return [f"{_DEFAULTS}.", *theirs, "Tuned on this dataset, methods may rank otherwise."]
