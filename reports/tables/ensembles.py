"""Ensembles of the methods of a suite, from stored predictions: with default settings, tuned, and tuned and weighted.

No row is a method: none is ranked, and no p of theirs is in an adjustment. What a row is made of was decided before its
test scans were predicted, or on inner folds: of the subjects who were trained on, or who are never tested.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports import formats
from reports.data.results import Results
from reports.data.search import METRICS
from reports.schema import PROBABILITY, probabilities
from reports.statistics.clustered import Cells, Estimate
from reports.statistics.ensembling import STEPS, averaged, greedy
from reports.statistics.paired import Pairing
from reports.statistics.scores import macro_f1
from reports.table import Table, TableColumn, rows_of
from reports.tables.inputs import annotated
from reports.tables.scores import INTERVALS

#: Columns of ``ensembles.csv``, in order.
COLUMNS = [
    *("settings", "prediction", "weights", "methods", "folds"),
    *("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "macro_f1_high"),
    *("difference", "difference_low", "difference_high", "p_two_way"),
]
_PLACE = ["repeat", "fold"]
#: Where one search is for all outer folds.
_ALL = (-1, -1)
#: So many methods are named in a cell.
_NAMED = 4
#: By outer fold, a weight of each member.
Weights = Mapping[tuple[int, int], NDArray[np.float64]]


def members(results: Results) -> list[str]:
    """The methods that ensembles are made of, in the suite's order.

    They read texture or depth of a face and no annotation of test scans, and have probabilities; none where it is not
    known what methods read.
    """
    return [name for name, why in _left_out(results).items() if not why]


def _left_out(results: Results) -> dict[str, str]:
    """The reason for which each method is in no ensemble; empty where it may be in one."""
    known = results.predictions.set_index("method")[probabilities(results.predictions)].notna().all(axis=1)
    known = known.groupby(level=0).all()
    given = annotated(results.described)

    def why(name: str) -> str:
        if not {"texture", "depth"} & {*results.provenance.methods[name].get("inputs", ())}:
            return "reads neither texture nor depth"
        if name in given:
            return "reads annotations of test scans"
        return "" if known[name] else "has no probabilities"

    return {name: why(name) for name in results.methods}


def inner_weights(inner: pd.DataFrame, names: Sequence[str]) -> Weights:
    """Weights by greedy selection, by the outer fold that they are for, from predictions of inner folds alone.

    Folds in which a method has none, or has other scans than the rest, are left out.
    """
    return {place: greedy(shares) for place, shares in _true_shares(inner, names)}


def ensembles(results: Results) -> pd.DataFrame:
    """One row an ensemble or what it is held against, those with default settings first; none of fewer than 2 methods.

    All are over the folds that every member has finished.

    Columns:
        Those of `COLUMNS`: settings (``"default"``, ``"tuned"``, or ``"the suite's"`` where nothing was tuned),
        prediction (what is averaged), weights (the mean over folds of each method's, as text), methods (how many have
        any), folds (tested ones); accuracy and macro_f1 over all scans, difference of accuracy to the control, all
        shares of 1 with their 95 % intervals; p_two_way of the primary test, two-sided and not adjusted. NaN where that
        is undefined, or the control has none of these folds.
    """
    names = members(results)
    aligned = _aligned(results.predictions, names, classes=results.classes) if len(names) > 1 else None
    if aligned is None:
        return pd.DataFrame(columns=COLUMNS)
    rows = [_scored(results, *row) for row in _rows(results, names, aligned)]
    return pd.DataFrame(rows, columns=COLUMNS)


@dataclass(frozen=True, eq=False)
class _Aligned:
    """Predictions of several methods on the same scans.

    Attributes:
        scans: a row a scan that was tested, N of them: repeat, fold, scan, subject, expression.
        probabilities: ``(M, N, C)``.
    """

    scans: pd.DataFrame
    probabilities: NDArray[np.float64]

    @property
    def places(self) -> list[tuple[int, int]]:
        """Repeat and fold of each scan."""
        return list(zip(self.scans["repeat"], self.scans["fold"], strict=True))


def _aligned(
    predictions: pd.DataFrame, names: Sequence[str], *, classes: Sequence[str], like: _Aligned | None = None
) -> _Aligned | None:
    """Predictions over the folds that all these methods have; None where there is none, or not each scan of `like`."""
    if predictions.empty or not {*names} <= {*predictions["method"]}:
        return None
    key = [*_PLACE, "scan"]
    own = {name: predictions[predictions["method"] == name] for name in names}
    places = [pd.MultiIndex.from_frame(frame[_PLACE].drop_duplicates()) for frame in own.values()]
    common: pd.MultiIndex = reduce(lambda one, other: one.intersection(other), places)
    if like is not None:
        common = pd.MultiIndex.from_frame(like.scans[_PLACE].drop_duplicates())
    kept = {}
    for name, frame in own.items():
        inside = frame[pd.MultiIndex.from_frame(frame[_PLACE]).isin(common)]
        kept[name] = inside.sort_values(key, kind="stable", ignore_index=True)
    scans = kept[names[0]][[*key, "subject", "expression"]] if like is None else like.scans
    if scans.empty or any(not frame[key].equals(scans[key]) for frame in kept.values()):
        return None
    columns = [f"{PROBABILITY}{name}" for name in classes]
    shares = np.stack([frame.reindex(columns=columns).to_numpy(dtype=np.float64) for frame in kept.values()])
    return None if np.isnan(shares).any() else _Aligned(scans, shares)


def _true_shares(inner: pd.DataFrame, names: Sequence[str]) -> Iterator[tuple[tuple[int, int], NDArray[np.float64]]]:
    """By outer fold, each method's probabilities ``(M, N)`` of the true classes of the scans of its inner folds."""
    if inner.empty:
        return
    classes = [name.removeprefix(PROBABILITY) for name in probabilities(inner)]
    for (repeat, fold), frame in inner.groupby(["repeat", "fold"]):
        if (found := _aligned(frame, names, classes=classes)) is not None:
            true = pd.Index(classes).get_indexer(pd.Index(found.scans["expression"]))
            yield (int(str(repeat)), int(str(fold))), found.probabilities[:, np.arange(len(true)), true]


def _rows(
    results: Results, names: Sequence[str], tested: _Aligned
) -> Iterator[tuple[str, str, _Aligned, Sequence[str], Weights]]:
    """Settings, prediction, members' probabilities, members and their weights of each row."""
    search, stored = results.provenance.search, results.stored
    folds = dict.fromkeys(tested.places)
    mean: Weights = dict.fromkeys(folds, np.full(len(names), 1.0 / len(names)))
    every = f"mean of {len(names)} methods"
    if search is None:
        yield "the suite's", every, tested, names, mean
        return
    single = _chosen(results, names, list(folds))
    one = "the method best on inner folds"
    plain = _aligned(stored.defaults, names, classes=results.classes, like=tested)
    if plain is not None:
        if single:
            yield "default", one, plain, names, single
        yield "default", every, plain, names, mean
    if single:
        yield "tuned", one, tested, names, single
    yield "tuned", every, tested, names, mean
    found = inner_weights(stored.inner, names)
    if weights := _for_all(found, list(folds)):
        yield "tuned", f"greedy ensemble of {len(names)} methods", tested, names, weights


def _for_all(found: Weights, folds: Sequence[tuple[int, int]]) -> Weights:
    """Weights found, one for each of these folds; none at all where one has none."""
    whole = {place: found.get(place, found.get(_ALL)) for place in folds}
    return {} if any(one is None for one in whole.values()) else {p: w for p, w in whole.items() if w is not None}


def _chosen(results: Results, names: Sequence[str], folds: Sequence[tuple[int, int]]) -> Weights:
    """A weight of 1 for the method whose study has the best inner score, the first of equals, in each fold."""
    studies = results.studies
    own = studies[(studies["search"] == 0) & studies["method"].isin(names)]
    found = {}
    for (repeat, fold), frame in own.groupby(["repeat", "fold"]):
        values = frame.set_index("method")["best_value"].reindex(list(names)).to_numpy(dtype=np.float64)
        if not np.isnan(values).any():
            found[int(str(repeat)), int(str(fold))] = np.eye(len(names))[int(values.argmax())]
    return _for_all(found, folds)


def _scored(
    results: Results, settings: str, prediction: str, of: _Aligned, names: Sequence[str], weights: Weights
) -> dict[str, object]:
    """The row of an ensemble."""
    each = np.stack([weights[place] for place in of.places], axis=1)
    predicted = averaged(of.probabilities, each).argmax(axis=1)
    frame = of.scans.assign(method="ensemble", predicted=np.asarray(results.classes)[predicted])
    cells = Cells(frame, results.classes, single=results.provenance.single)
    f1 = cells.estimate(cells.grouped.confusions, macro_f1)
    gap = _against_control(results, frame)
    used = dict(zip(names, np.mean(list(weights.values()), axis=0), strict=True))
    used = {name: float(weight) for name, weight in used.items() if weight > 0.0}
    row: dict[str, object] = {"settings": settings, "prediction": prediction, "methods": len(used)}
    row["weights"] = ", ".join(
        f"{name} {weight:.2f}" for name, weight in sorted(used.items(), key=lambda pair: -pair[1])
    )
    row["folds"] = len(weights)
    for key, found in (("accuracy", cells.accuracy), ("macro_f1", f1), ("difference", gap)):
        row |= {key: found.interval.value, f"{key}_low": found.interval.low, f"{key}_high": found.interval.high}
    return row | {"p_two_way": gap.p}


def _against_control(results: Results, frame: pd.DataFrame) -> Estimate:
    """Difference of an ensemble's accuracy to the control's, over the folds that it was made on."""
    own = results.folds[results.folds["method"] == results.control]
    right = (frame["expression"] == frame["predicted"]).groupby([frame[name] for name in _PLACE])
    sizes = own.set_index(_PLACE)[["n_train", "n_test"]]
    folds = right.mean().rename("accuracy").reset_index().join(sizes, on=_PLACE, how="inner")
    if folds.empty:
        return Estimate(np.nan, np.nan, np.nan, "the control has none of these folds")
    # The control is renamed: a method may be called as the ensemble is here.
    both = pd.concat([folds.assign(method="ensemble"), own.assign(method="control")], ignore_index=True)
    theirs = results.predictions[results.predictions["method"] == results.control]
    frames = [frame.merge(folds[_PLACE]), theirs.assign(method="control")]
    whole = pd.concat(frames, ignore_index=True)
    return Pairing(both, whole, single=results.provenance.single).pair("ensemble", "control").accuracy


def ensembles_table(results: Results, found: pd.DataFrame) -> Table:
    """`ensembles`, a row each."""
    plan, names = results.provenance, members(results)

    def share(key: str, title: str) -> TableColumn:
        ends = (f"{key}_low", f"{key}_high")
        return TableColumn(key=key, title=title, unit="%", format=formats.percent, ends=ends, brackets="95 %")

    columns = [
        TableColumn(key="row", title="Settings and prediction"),
        share("accuracy", "Accuracy"),
        share("macro_f1", "Macro-F1"),
        TableColumn(
            key="difference",
            title="Difference",
            unit="points",
            format=formats.points,
            ends=("difference_low", "difference_high"),
            brackets="95 %",
            page="Difference, points",
        ),
        TableColumn(key="p_two_way", title="p, two-way", format=formats.p_value, better="lower", paper="p (two-way)"),
        TableColumn(key="weights", title="Weights", media=("text", "page")),
    ]
    shown = found.assign(
        row=found["settings"] + ": " + found["prediction"], weights=[_shortened(text) for text in found["weights"]]
    )
    notes = [*_made_of(results, names, found), *_lacking(results, found)]
    return Table(
        name="ensembles",
        title="Ensembles",
        columns=columns,
        rows=rows_of(columns, shown),
        numbers=found,
        notes=notes,
        caption=f"Ensembles of the methods ({plan.called}).",
        paper_notes=[INTERVALS, *notes],
        sorts=False,
    )


def _lacking(results: Results, found: pd.DataFrame) -> list[str]:
    """Sentences on rows that a search could have and that are not there."""
    search, why = results.provenance.search, results.stored.lacking
    if search is None:
        return []
    said = []
    if "default" not in set(found["settings"]):
        said.append(why.get("defaults", "There are no rows with default settings: not each fold has all runs of them."))
    if not search.params_file and not found["prediction"].str.startswith("greedy").any():
        said.append(why.get("inner", "There is no greedy ensemble: not each method has an inner score for each fold."))
    return list(dict.fromkeys(said))


def _shortened(weights: str) -> str:
    """The largest weights, and how many more there are."""
    each = weights.split(", ")
    return weights if len(each) <= _NAMED + 1 else f"{', '.join(each[:_NAMED])} and {len(each) - _NAMED} more"


def _made_of(results: Results, names: Sequence[str], found: pd.DataFrame) -> Iterator[str]:
    """Sentences on the rows that a reader must know."""
    plan = results.provenance
    yield f"Differences are to the method {results.control}, with the primary test's p, not adjusted."
    yield "An ensemble is not a method: none is ranked, and none counts in the adjustment of p-values of methods."
    yield f"Averaged are the probabilities of {formats.names(names)}."
    if others := [f"{name} ({why})" for name, why in _left_out(results).items() if why]:
        yield f"Left out: {formats.names(others)}."
    every, folds = results.folds[_PLACE].drop_duplicates().shape[0], int(found["folds"].max())
    if folds < every:
        yield f"Rows are over {folds} of {every} folds: those that all of these methods have finished."
    predictions = " ".join(found["prediction"])
    if plan.search is not None and "inner" in predictions:
        metric = METRICS[plan.search.metric]
        yield (
            f"The method best on inner folds has the best inner {metric} of all searches for that outer fold; with "
            "default settings, the same method is shown."
        )
    if plan.search is not None and "greedy" in predictions:
        yield (
            f"The greedy ensemble adds {STEPS} times, with replacement, the method that lowers the log loss of the "
            "averaged probabilities most, and ends at its best step; it saw the inner folds' predictions alone, which "
            "are of no tested subject. Weights are means over folds."
        )
