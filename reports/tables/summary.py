"""What the results say, in sentences, and what a reader must know before believing them."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from reports.data.left_out import LeftOut
from reports.data.results import Results
from reports.data.search import tuned
from reports.formats import duration, names, number, percent, points
from reports.statistics.bootstrap import Interval
from reports.tables.ablation import outcome
from reports.tables.apart import like_the_best
from reports.tables.tuning import uneven

#: Of made-up faces: what they are, and what it means.
SYNTHETIC = (
    "These faces are synthetic.",
    "The ranking below is about made-up faces and says nothing about real ones.",
)
#: With fewer subjects percentile intervals are noticeably too narrow (see the coverage test).
FEW_SUBJECTS = 20
#: So many things that are left out are named at the top of the page.
_NAMED = 4


def notices(results: Results) -> list[str]:
    """What makes these results less than they look: units or studies missing, failed or uneven, versions mixed."""
    plan = results.provenance
    found = []
    if plan.done < plan.planned:
        found.append(f"Incomplete: {plan.done} of {plan.planned} planned units are done.")
    if plan.failed:
        units = f"{len(plan.failed)} units" if len(plan.failed) > 1 else "1 unit"
        found.append(f"Failed: {units} raised an error; what and why is listed under “How it was made”.")
    if plan.left_out:
        found.append(left_out(plan.left_out))
    tested = {
        frozenset(zip(units["repeat"], units["fold"], strict=True)) for _, units in results.folds.groupby("method")
    }
    if len(tested) > 1:
        found.append(
            "Unequal: methods were tested on different folds. Each score is over the method's own folds; differences "
            "are over the folds that both have."
        )
    found += uneven(results)
    found += [
        f"Mixed: units were made with more than one {what} ({', '.join(seen)})."
        for what, seen in (
            *((f"version of {name}", versions) for name, versions in plan.versions.items()),
            ("commit of the code", [commit[:10] for commit in plan.commits]),
            ("kind of device", plan.devices),
            ("machine", plan.hardware),
        )
        if len(seen) > 1
    ]
    return found


def left_out(parts: Sequence[LeftOut]) -> str:
    """What could not be used: the first few by name."""
    shown = [f"{one.place}: {one.what}, as {one.reason}" for one in parts[:_NAMED]]
    rest = len(parts) - len(shown)
    more = [f"and {rest} more, listed under “How it was made”"] if rest else []
    return f"Left out: {'; '.join([*shown, *more])}."


def cautions(notices: Sequence[str]) -> str:
    """The kinds of `notices`, to stand at every table that they touch: ``incomplete, mixed``; nothing where none is."""
    return ", ".join(dict.fromkeys(notice.partition(":")[0].lower() for notice in notices))


def findings(results: Results, table: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """Who leads, by how much, from whom the declared test tells it apart, what that costs, and what an ablation found.

    `table` is `reports.tables.comparison.comparison`, `pairs` is `reports.tables.pairwise.pairwise`. The leader's
    difference to the next in line is given with its paired interval.
    """
    scores = {
        str(method): Interval(*score)
        for method, *score in table[["method", "accuracy", "accuracy_low", "accuracy_high"]].itertuples(index=False)
    }
    leader, *others = sorted(scores, key=lambda method: -scores[method].value)
    best = scores[leader]
    score = f"{percent(best.value)} % (95 % interval {percent(best.low)} to {percent(best.high)})"
    if others:
        gaps = {other: results.pairing.pair(leader, other).accuracy for other in others}
        ties = [method for method in others if scores[method].value == best.value]
        leads = f"{names([leader, *ties])} share" if ties else f"{leader} has"
        text = [
            f"{leads} the highest accuracy: {score}.",
            *_standing(gaps, like_the_best(leader, pairs, control=results.control)),
            *outcome(results, pairs),
            *_costs(table, [leader, others[0]]),
        ]
    else:
        text = [f"{leader}, the only method here, reaches an accuracy of {score}.", *_costs(table, [leader])]
    tested = results.predictions.drop_duplicates(["repeat", "scan"])["expression"]  # a protocol may leave scans out
    chance = float(tested.value_counts(normalize=True).max())
    guessing = [method for method, found in scores.items() if not found.low > chance]
    verdict = f"{names(guessing)} cannot be told from that" if guessing else "every method is above that"
    return [*text, f"Always naming the commonest expression would give {percent(chance)} %; {verdict}."]


def caveats(results: Results) -> list[str]:
    """How far the intervals may be believed, and whether methods were tuned."""
    subjects = results.predictions["subject"].nunique()
    source = (
        f"Intervals come from resampling the {subjects} tested subjects: how scores would move with other subjects, "
        "not with other trainings."
    )
    several = (
        "Intervals are not adjusted for several comparisons, as p under “Statistics” are: one in twenty misses by "
        "chance, and a leader picked by looking is flattered."
    )
    text = [source, several] if len(results.methods) > 1 else [source]
    if subjects < FEW_SUBJECTS:
        text.append(f"With fewer than {FEW_SUBJECTS} subjects such intervals are too narrow.")
    plan = results.provenance
    return [*text, "Whether methods were tuned is not known." if plan.files else tuned(plan.search)]


def _costs(table: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """What these methods cost, in one sentence; none where nothing of it is known."""
    told = []
    for method in methods:
        row = table[table["method"] == method].iloc[0]
        parameters = [f"{number(row['parameters'])} parameters"] if row["parameters"] > 0 else []
        if known := [*parameters, *([f"{duration(row['seconds'])} a unit"] if row["seconds"] > 0 else [])]:
            told.append(f"{method} costs {' and '.join(known)}")
    return [f"{'; '.join(told)}."] if told else []


def _standing(gaps: Mapping[str, Interval], alike: Sequence[str]) -> list[str]:
    """The leader's lead: over the next in line in numbers, over each of the others in words."""
    apart = [other for other in gaps if other not in alike]
    unclear = [other for other in gaps if other in alike]
    second, gap = next(iter(gaps.items()))
    if math.isnan(gap.value):
        text = [f"No fold is finished by both it and {second}, which comes next."]
    else:
        by = f"{points(gap.value)} points ({points(gap.low)} to {points(gap.high)})"
        verdict = "zero lies outside" if gap.low > 0.0 else "zero lies within, so this is no clear lead"
        text = [f"The difference to {second}, which comes next, is {by}: {verdict}."]
    if apart:
        rest = f", not from {names(unclear)}" if unclear else ""
        return [*text, f"The declared test tells it apart from {names(apart)}{rest}."]
    return [*text, f"The declared test does not tell it apart from {names(unclear)}."]
