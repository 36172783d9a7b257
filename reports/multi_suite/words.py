"""Findings over several suites, in sentences, and what a reader must know before believing them."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from reports.formats import DIFFERS, names, percent
from reports.multi_suite.facts import differing
from reports.multi_suite.ranking import verdict, why_no_ranking
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.versus_control import tallies
from reports.statistics.ranks import Ranks
from reports.tables import summary
from reports.tables.significance import LOSS, WIN


def cautions(multi: MultiSuite) -> str:
    """Faults in the records of any suite, to stand at every table: ``incomplete, mixed``; or nothing."""
    return summary.cautions([notice for one in multi.suites for notice in summary.notices(one.results)])


def notices(multi: MultiSuite, facts: pd.DataFrame) -> list[str]:
    """Limitations of several suites; `facts` is `reports.multi_suite.facts.facts`."""
    found = summary.notices_by_suite(one.results for one in multi.suites)
    return [*found, *_data_sets(multi), *_methods(multi), *_controls(multi), *_differing(facts)]


def findings(multi: MultiSuite, fought: pd.DataFrame, ranks: Ranks | None) -> list[str]:
    """Leaders by suite and on average, wins over the control, and ranks, in sentences.

    `fought` is `reports.multi_suite.versus_control.versus_control`, `ranks` is `reports.multi_suite.ranking.ranking`.
    """
    found = [*_leaders(multi), *_means(multi)]
    if tally := tallies(multi, fought):
        better = [method for method, counts in tally.items() if counts[WIN]]
        worse = [method for method, counts in tally.items() if counts[LOSS]]
        message = [f"{names(of)} significantly {how}" for of, how in ((better, "better"), (worse, "worse")) if of]
        where = f"against {multi.control} in any suite"
        text = (
            f"In at least one suite: {'; '.join(message)} than {multi.control}."
            if message
            else f"No significant win or loss {where}."
        )
        found.append(text)
    return [*found, *(verdict(ranks) if ranks else [why_no_ranking(multi)])]


CAVEATS = ("Intervals and tests are each suite's own, over its subjects; nothing is adjusted over suites.",)


def complete(multi: MultiSuite) -> str:
    """Methods that every suite has."""
    some = [method for method in multi.methods if method not in multi.everywhere]
    every = f"Every suite has {names(multi.everywhere)}" if multi.everywhere else "No method is in every suite"
    return f"{every}; not every one has {names(some)}." if some else f"{every}."


def averaged(multi: MultiSuite) -> str:
    """Over what means are, or why there are none."""
    count = len(multi.data_sets)
    if count < 2:
        return "All suites are on one dataset, so there is no mean over datasets."
    if not multi.shared:
        return "No method is on every dataset and the same in all suites, so there is no mean over datasets."
    text = f"Means are over {count} datasets, of the methods that all of them have."
    if any(len(suites) > 1 for suites in multi.data_sets.values()):
        text += " A dataset with several suites counts once, by the mean over those that have the method."
    return text


def _leaders(multi: MultiSuite) -> Iterable[str]:
    """Suites led by each method, by accuracy; methods of equal accuracy share a lead."""
    led: dict[str, list[str]] = {}
    for one, suite in zip(multi.suites, multi.names, strict=True):
        best = [method for method, place in one.marks.places["accuracy"].items() if place == "best"]
        if best:
            led.setdefault(f"{names(best)} {'has' if len(best) == 1 else 'share'}", []).append(suite)
    if led:
        everywhere = len(led) == 1 and len(next(iter(led.values()))) == len(multi.suites)
        where = ["in every suite" if everywhere else f"in {names(suites)}" for suites in led.values()]
        (first, *others), (there, *elsewhere) = led, where
        rest = (f"{best} it {in_which}" for best, in_which in zip(others, elsewhere, strict=True))
        yield "; ".join([f"{first} the highest accuracy {there}", *rest]) + "."


def _means(multi: MultiSuite) -> Iterable[str]:
    means = multi.means.sort_values(ascending=False, kind="stable")
    if means.empty:
        yield averaged(multi)
        return
    score = f"{percent(means.iloc[0])} %"
    best = [str(method) for method, mean in means.items() if mean == means.iloc[0]]
    where, same = f"Over {len(multi.data_sets)} datasets", "on all of them and the same in all suites"
    if len(means) == 1:
        yield f"{where} {best[0]}, the only method {same}, has a mean of {score}."
        return
    of = f"of the {len(means)} methods that are {same}, {score}"
    have = "has" if len(best) == 1 else "share"
    rest = means.iloc[len(best) :]
    after = f"; {rest.index[0]} is next with {percent(rest.iloc[0])} %" if len(rest) else ""
    yield f"{where} {names(best)} {have} the highest mean accuracy {of}{after}."


def _data_sets(multi: MultiSuite) -> Iterable[str]:
    for name, suites in multi.data_sets.items():
        if len(suites) > 1:
            yield f"{names(suites)} are on one dataset, {name}: they are not independent, and count once."
            has = {one.results.provenance.suite: one.results.methods for one in multi.suites}
            fewer = [method for method in multi.shared if not all(method in has[suite] for suite in suites)]
            if fewer and len(fewer) < len(multi.shared):
                yield f"On {name} the scores of {names(fewer)} are over fewer suites than those of other methods."
    akin: dict[object, list[str]] = {}
    for one, suite in zip(multi.suites, multi.names, strict=True):
        if people := _people(one.results.provenance.dataset["source"]):
            akin.setdefault(people, []).append(multi.data_set(suite))
    for sets in akin.values():
        if len(several := list(dict.fromkeys(sets))) > 1:
            yield f"The datasets {names(several)} come from one source: they share people, and are not independent."


def _people(source: Any) -> tuple[object, ...]:
    """Origin of a dataset's subjects, as far as its source says: a seed, a real dataset's name, a list of files."""
    kind = source.get("kind")
    listed = source.get("listing") if kind == "folder" else None
    return (kind, source.get("seed"), listed) if kind else ()


def _methods(multi: MultiSuite) -> Iterable[str]:
    labels = list(dict.fromkeys(one.method for one in multi.method_differences))
    if labels:
        what = names(list(dict.fromkeys(one.what for one in multi.method_differences)))
        one = f"{names(labels)} {'is' if len(labels) == 1 else 'are'}"
        yield f"{DIFFERS} {one} not the same in all suites ({what}), and so in no mean, tally or rank."


def _controls(multi: MultiSuite) -> Iterable[str]:
    control = multi.control
    pairs = list(zip(multi.suites, multi.names, strict=True))
    lacking = [suite for one, suite in pairs if control not in one.results.methods]
    others = [suite for one, suite in pairs if one.results.control != control and suite not in lacking]
    if lacking:
        yield f"{control}, the control, has no results in {names(lacking)}: nothing there is compared with it."
    if others:
        yield f"The control of {names(others)} is another: p against {control} are adjusted over all pairs there."


def _differing(facts: pd.DataFrame) -> Sequence[str]:
    what = differing(facts)
    message = "compare methods within one suite only, as a difference between suites may come from any of these"
    return [f"Suites differ in {names([name[0].lower() + name[1:] for name in what])}; {message}."] if what else []
