"""What suites say together, in sentences, and what a reader must know before believing it."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from reports.formats import UNLIKE, names, percent
from reports.multi_suite.facts import differing
from reports.multi_suite.ranking import verdict, why_no_ranking
from reports.multi_suite.suites import Together
from reports.multi_suite.versus_control import LOSS, WIN, tallies
from reports.statistics.ranks import Ranks
from reports.tables import summary


def cautions(together: Together) -> str:
    """What is wrong with the records of any suite, to stand at every table: ``incomplete, mixed``; or nothing."""
    return summary.cautions([notice for one in together.suites for notice in summary.notices(one.results)])


def notices(together: Together, facts: pd.DataFrame) -> list[str]:
    """What makes several suites less than they look; `facts` is `reports.multi_suite.facts.facts`."""
    found = []
    for one, suite in zip(together.suites, together.names, strict=True):
        if kinds := summary.cautions(summary.notices(one.results)):
            found.append(f"The records of {suite} are {kinds}: its own report says how.")
    return [*found, *_data_sets(together), *_methods(together), *_controls(together), *_differing(facts)]


def findings(together: Together, fought: pd.DataFrame, ranks: Ranks | None) -> list[str]:
    """Who leads where and on average, who beats the control, and what ranks say.

    `fought` is `reports.multi_suite.versus_control.against`, `ranks` is `reports.multi_suite.ranking.ranking`.
    """
    found = [*_leaders(together), *_means(together)]
    if tally := tallies(together, fought):
        better = [method for method, counts in tally.items() if counts[WIN]]
        worse = [method for method, counts in tally.items() if counts[LOSS]]
        told = [f"{names(of)} significantly {how}" for of, how in ((better, "better"), (worse, "worse")) if of]
        where = f"against {together.control} in any suite"
        text = (
            f"In at least one suite: {'; '.join(told)} than {together.control}."
            if told
            else f"No significant win or loss {where}."
        )
        found.append(text)
    return [*found, *(verdict(ranks) if ranks else [why_no_ranking(together)])]


CAVEATS = ("Intervals and tests are each suite's own, over its subjects; nothing is adjusted over suites.",)


def complete(together: Together) -> str:
    """Which methods every suite has."""
    some = [method for method in together.methods if method not in together.everywhere]
    every = f"Every suite has {names(together.everywhere)}" if together.everywhere else "No method is in every suite"
    return f"{every}; not every one has {names(some)}." if some else f"{every}."


def averaged(together: Together) -> str:
    """Over what means are, or why there are none."""
    count = len(together.data_sets)
    if count < 2:
        return "All suites are on one dataset, so there is no mean over datasets."
    if not together.shared:
        return "No method is on every dataset and the same in all suites, so there is no mean over datasets."
    several = any(len(suites) > 1 for suites in together.data_sets.values())
    counted = " A dataset with several suites counts once, by the mean over those that have the method." * several
    return f"Means are over {count} datasets, of the methods that all of them have.{counted}"


def _leaders(together: Together) -> Iterable[str]:
    """Who has the highest accuracy where; methods of equal accuracy share it."""
    led: dict[str, list[str]] = {}
    for one, suite in zip(together.suites, together.names, strict=True):
        best = [method for method, place in one.marks.places["accuracy"].items() if place == "best"]
        if best:
            led.setdefault(f"{names(best)} {'has' if len(best) == 1 else 'share'}", []).append(suite)
    if led:
        everywhere = len(led) == 1 and len(next(iter(led.values()))) == len(together.suites)
        where = ["in every suite" if everywhere else f"in {names(suites)}" for suites in led.values()]
        (first, *others), (there, *elsewhere) = led, where
        rest = (f"{best} it {in_which}" for best, in_which in zip(others, elsewhere, strict=True))
        yield "; ".join([f"{first} the highest accuracy {there}", *rest]) + "."


def _means(together: Together) -> Iterable[str]:
    means = together.means.sort_values(ascending=False, kind="stable")
    if means.empty:
        yield averaged(together)
        return
    score = f"{percent(means.iloc[0])} %"
    best = [str(method) for method, mean in means.items() if mean == means.iloc[0]]
    where, same = f"Over {len(together.data_sets)} datasets", "on all of them and the same in all suites"
    if len(means) == 1:
        yield f"{where} {best[0]}, the only method {same}, has a mean of {score}."
        return
    of = f"of the {len(means)} methods that are {same}, {score}"
    have = "has" if len(best) == 1 else "share"
    rest = means.iloc[len(best) :]
    after = f"; {rest.index[0]} is next with {percent(rest.iloc[0])} %" if len(rest) else ""
    yield f"{where} {names(best)} {have} the highest mean accuracy {of}{after}."


def _data_sets(together: Together) -> Iterable[str]:
    for name, suites in together.data_sets.items():
        if len(suites) > 1:
            yield f"{names(suites)} are on one dataset, {name}: they are not independent, and count once."
            has = {one.results.provenance.suite: one.results.methods for one in together.suites}
            fewer = [method for method in together.shared if not all(method in has[suite] for suite in suites)]
            if fewer and len(fewer) < len(together.shared):
                yield f"On {name} the scores of {names(fewer)} are over fewer suites than those of other methods."
    akin: dict[object, list[str]] = {}
    for one, suite in zip(together.suites, together.names, strict=True):
        if people := _people(one.results.provenance.dataset["source"]):
            akin.setdefault(people, []).append(together.data_set(suite))
    for sets in akin.values():
        if len(several := list(dict.fromkeys(sets))) > 1:
            yield f"The datasets {names(several)} come from one source: they share people, and are not independent."


def _people(source: Any) -> tuple[object, ...]:
    """What decides who is in a dataset, as far as its source says: a seed, a real dataset's name, a list of files."""
    kind = source.get("kind")
    listed = source.get("listing") if kind == "folder" else None
    return (kind, source.get("seed"), listed) if kind else ()


def _methods(together: Together) -> Iterable[str]:
    labels = list(dict.fromkeys(one.method for one in together.unlike))
    if labels:
        what = names(list(dict.fromkeys(one.what for one in together.unlike)))
        one = f"{names(labels)} {'is' if len(labels) == 1 else 'are'}"
        yield f"{UNLIKE} {one} not the same in all suites ({what}), and so in no mean, tally or rank."


def _controls(together: Together) -> Iterable[str]:
    control = together.control
    pairs = list(zip(together.suites, together.names, strict=True))
    lacking = [suite for one, suite in pairs if control not in one.results.methods]
    others = [suite for one, suite in pairs if one.results.control != control and suite not in lacking]
    if lacking:
        yield f"{control}, the control, has no results in {names(lacking)}: nothing there is compared with it."
    if others:
        yield f"The control of {names(others)} is another: p against {control} are adjusted over all pairs there."


def _differing(facts: pd.DataFrame) -> Sequence[str]:
    what = differing(facts)
    told = "compare methods within one suite only, as a difference between suites may come from any of these"
    return [f"Suites differ in {names([name[0].lower() + name[1:] for name in what])}; {told}."] if what else []
