"""What the results say, in sentences, and what a reader must know before believing them."""

import math
from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

from reports.formats import percent, points
from reports.results import Provenance, Results
from reports.statistics import Interval, accuracy, paired

#: Percentile intervals from fewer subjects are noticeably too narrow.
FEW_SUBJECTS = 20


def notices(results: Results) -> list[str]:
    """What makes these results less than they look: units missing or failed, versions or machines mixed."""
    plan = results.provenance
    found = []
    if plan.done < plan.planned:
        found.append(f"Incomplete: {plan.done} of {plan.planned} planned units are done.")
    if plan.failed:
        units = f"{len(plan.failed)} units" if len(plan.failed) > 1 else "1 unit"
        found.append(f"Failed: {units} raised an error; what and why is listed under “How it was made”.")
    tested = {
        frozenset(zip(units["repeat"], units["fold"], strict=True)) for _, units in results.folds.groupby("method")
    }
    if len(tested) > 1:
        found.append(
            "Methods were tested on different folds. Their scores are over their own folds; differences are over the "
            "folds that both have."
        )
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


def findings(results: Results, table: pd.DataFrame) -> list[str]:
    """Who leads, by how much, and whether the intervals allow saying so; `table` is `reports.tables.comparison`.

    The leader is compared with each other method by the paired interval of their difference.
    """
    scores = {str(row["method"]): row for row in table.to_dict("records")}
    ranked = sorted(scores, key=lambda method: -scores[method]["accuracy"])
    leader = ranked[0]
    best = scores[leader]
    score = (
        f"{percent(best['accuracy'])} % (95 % interval {percent(best['accuracy_low'])} to "
        f"{percent(best['accuracy_high'])})."
    )
    if len(ranked) == 1:
        return [f"{leader}, the only method, reaches an accuracy of {score}", *_chance(results.provenance, scores)]
    text = [f"{leader} has the highest accuracy: {score}"]
    gaps = {other: paired(results.predictions, leader, other, accuracy) for other in ranked[1:]}
    text += _standing(leader, gaps)
    return text + _chance(results.provenance, scores)


def caveats(results: Results) -> list[str]:
    """How far these intervals may be believed."""
    subjects = results.predictions["subject"].nunique()
    text = [
        (
            f"Intervals come from resampling the {subjects} tested subjects: how scores would move with other subjects, not "
            "with other trainings. Several comparisons are made and none is corrected for: one interval in twenty misses by "
            "chance, and a leader picked by looking is flattered."
        )
    ]
    if subjects < FEW_SUBJECTS:
        text.append(f"With fewer than {FEW_SUBJECTS} subjects such intervals are too narrow.")
    return text


def _standing(leader: str, gaps: dict[str, Interval]) -> list[str]:
    apart = [other for other, gap in gaps.items() if gap.excludes_zero and gap.value > 0.0]
    unclear = [other for other in gaps if other not in apart]
    text = []
    second, gap = next(iter(gaps.items()))
    if math.isnan(gap.value):
        text.append(f"It shares no finished fold with {second}, which comes next.")
    else:
        by = f"{points(gap.value)} points ({points(gap.low)} to {points(gap.high)})"
        verdict = "zero lies outside" if second in apart else "zero lies within, so this is no clear lead"
        text.append(f"Its difference to {second}, which comes next, is {by}: {verdict}.")
    if apart:
        text.append(f"These results tell it apart from {_list(apart)}.")
    if unclear:
        text.append(f"It is not told apart from {_list(unclear)}.")
    return text


def _chance(plan: Provenance, scores: dict[str, "dict[Hashable, Any]"]) -> list[str]:
    classes = plan.cohort["classes"]
    chance = max(classes.values()) / sum(classes.values())
    guessing = [method for method, row in scores.items() if not row["accuracy_low"] > chance]
    text = f"Always naming the commonest expression would give {percent(chance)} %"
    return [f"{text}; {_list(guessing)} cannot be told from that." if guessing else f"{text}; all are above that."]


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
