"""The tables of a search: what each method's studies spent and found, and the settings that they chose."""

import json
from collections.abc import Sequence
from dataclasses import replace
from statistics import median_low
from typing import Any

import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.data.search import METRICS, Search
from reports.schema import ReportError
from reports.table import Cell, Table, TableColumn, rows_of

_FOLD = ["repeat", "fold"]
_SPENT = ["complete", "pruned", "failed"]
_TUNING = [
    "method",
    "dimensions",
    "studies",
    "trials",
    *_SPENT,
    "runs",
    "seconds",
    "best",
    "best_low",
    "best_high",
    "tested",
    "optimism",
]
_PARAMETERS = ["method", "parameter", "searched", "chosen", "among"]


def tuning(results: Results) -> pd.DataFrame:
    """One row a method with studies, in the suite's order.

    Scores are shares of 1, of the metric that was maximised. Where searches are repeated, only best trials of the first
    are the suite's: ``best`` to ``optimism`` are about these.

    Columns:
        method, dimensions (parameters searched), studies; trials, those of them complete, pruned and failed, runs (the
        trainings that scored them) and seconds (of these), summed over studies; best
        (mean of the studies' best inner scores), best_low, best_high (their range); tested (mean of the best trials'
        test scores on the outer folds), optimism (inner minus tested score, mean over what is tested); NaN where
        nothing is.
    """
    search = _search(results)
    rows = []
    for method in _methods(results):
        own = results.studies[results.studies["method"] == method]
        first = own[own["search"] == 0]
        tests = results.folds.loc[results.folds["method"] == method, [*_FOLD, search.metric]]
        pairs = tests.merge(first, on=_FOLD) if search.selection == "nested" else tests.merge(first, how="cross")
        best, tested = first["best_value"], pairs[search.metric]
        row: dict[str, object] = {"method": method, "dimensions": len(search.spaces.get(method, {}))}
        row |= {"studies": len(own), "trials": int(own[_SPENT].to_numpy().sum()), "seconds": own["seconds"].sum()}
        row |= {name: int(own[name].sum()) for name in (*_SPENT, "runs")}
        row |= {"best": best.mean(), "best_low": best.min(), "best_high": best.max()}
        rows.append(row | {"tested": tested.mean(), "optimism": (pairs["best_value"] - tested).mean()})
    return pd.DataFrame(rows, columns=_TUNING)


def parameters(results: Results) -> pd.DataFrame:
    """One row a parameter that was searched, or is given in a file; chosen are the best trials of the first searches.

    Columns, all text:
        method, parameter, searched (its range; empty where a file gives it),
        chosen (the median of numbers, the lower one of two, so that a study
        did choose it; else the most frequent value; empty where none has the parameter), among (the range of chosen
        numbers, or how many studies chose that value: ``"4 of 5"``; empty where there is one study).
    """
    rows = []
    search = _search(results)
    for method in _methods(results):
        studies = results.studies[(results.studies["method"] == method) & (results.studies["search"] == 0)]
        best_trials = [*search.given.get(method, ()), *map(json.loads, studies["params"])]
        given = dict.fromkeys((name for best_trial in best_trials for name in best_trial), "")
        for parameter, searched in (given | dict(search.spaces.get(method, {}))).items():
            chosen, among = _typical(
                [best_trial[parameter] for best_trial in best_trials if parameter in best_trial], len(best_trials)
            )
            row = {"method": method, "parameter": parameter, "searched": searched}
            rows.append(row | {"chosen": chosen, "among": among})
    return pd.DataFrame(rows, columns=_PARAMETERS, dtype="str")


def shared(found: pd.DataFrame, *, methods: int) -> dict[str, str]:
    """Parameters that all `methods` searched alike, such as keys of training, with ranges; `found` is `parameters`."""
    pairs = found[["parameter", "searched"]].value_counts(sort=False)
    return dict(pairs.index[pairs == methods])


def tuning_table(results: Results) -> Table:
    """`tuning`, a row a method."""
    found, metric = tuning(results), METRICS[_search(results).metric]

    def count(key: str, title: str, **more: Any) -> TableColumn:
        return TableColumn(key=key, title=title, format=str, **more)

    columns = [
        TableColumn(key="method", title="Method"),
        count("dimensions", "Dimensions"),
        count("studies", "Studies"),
        count("trials", "Trials"),
        count("complete", "Complete"),
        count("pruned", "Pruned"),
        count("failed", "Failed", better="lower"),
        count("runs", "Training runs"),
        TableColumn(key="seconds", title="Time", format=formats.duration, better="lower", paper="Training time"),
        TableColumn(
            key="best",
            title=f"Best inner {metric}",
            unit="%",
            format=formats.percent,
            ends=("best_low", "best_high"),
            brackets="range",
        ),
        TableColumn(key="tested", title=f"Tested {metric}", unit="%", format=formats.percent),
        TableColumn(
            key="optimism",
            title="Inner minus tested",
            unit="points",
            format=formats.points,
            better="lower",
            note="Inner minus tested is the optimism of selecting the best of several trials, less what inner runs "
            "lose by training on fewer subjects.",
        ),
    ]
    rows = [
        [replace(cell, ends=() if len(set(cell.ends)) == 1 else cell.ends) for cell in row]
        for row in rows_of(columns, found)
    ]
    searches = results.studies["search"].nunique()
    summed = f" and over {searches} searches; all else is of the first search, whose best trials are compared above"
    spent = (
        "Dimensions are the parameters searched. Trials, training runs and time (of their training and test; processor "
        "time on a CPU) are summed over studies"
    )
    notes = [
        f"{spent}{summed if searches > 1 else ''}.",
        "The inner score is that of each study's best trial: the mean over studies, and their range.",
        "The tested score is the mean over outer folds.",
    ]
    caption = "Hyper-parameter search by method"
    return _table(results, "tuning", columns, rows, found, caption, page_notes=notes, label="Tuning table")


def parameters_table(results: Results) -> Table:
    """`parameters`, a row a parameter."""
    found = parameters(results)
    titles = {**{name: name.capitalize() for name in _PARAMETERS}, "among": "Over studies"}
    columns = [TableColumn(key=key, title=title) for key, title in titles.items()]
    return _table(
        results, "parameters", columns, rows_of(columns, found), found, "Searched and chosen hyper-parameters"
    )


def chosen_table(results: Results) -> Table:
    """`parameters` as the page has them: a row a method, a column for what all methods searched alike."""
    found, methods = parameters(results), _methods(results)
    alike = shared(found, methods=len(methods))
    columns = [
        TableColumn(key="method", title="Method"),
        *(TableColumn(key=name, title=name, under=_searched(searched)) for name, searched in alike.items()),
        TableColumn(key="own", title="Its own" if alike else "Parameters"),
    ]
    rows = []
    for method in methods:
        chosen = {row["parameter"]: row for row in found[found["method"] == method].to_dict("records")}
        of_all = [chosen.pop(name) for name in alike]
        cells = [Cell(text=row["chosen"] or formats.NOTHING, below=row["among"]) for row in of_all]
        own = [
            (
                f"{row['parameter']} {row['chosen'] or formats.NOTHING}",
                "; ".join(filter(None, (row["among"], _searched(row["searched"])))),
            )
            for row in chosen.values()
        ]
        rows.append([Cell(text=method), *cells, Cell(text=formats.NOTHING, lines=own)])
    return Table(
        name="chosen",
        title="Parameters of the file" if _search(results).given else "What was searched and what was chosen",
        columns=columns,
        rows=rows,
        label="Table of what was searched and chosen",
        look="text chosen",
        sorts=False,
    )


def _searched(among: str) -> str:
    """Range of a search before a reader's eyes; empty where a value was given."""
    return f"searched {among}" if among else ""


def _table(
    results: Results,
    name: str,
    columns: Sequence[TableColumn],
    rows: Sequence[Sequence[Cell]],
    numbers: pd.DataFrame,
    caption: str,
    **more: Any,
) -> Table:
    plan = results.provenance
    return Table(
        name=name,
        title="Tuning",
        columns=columns,
        rows=rows,
        numbers=numbers,
        caption=f"{caption} ({plan.called}).",
        titles=plan.titles,
        look="whole",
        **more,
    )


def settings(results: Results) -> "pd.Series[Any]":
    """For each row of `Results.selection` the setting that was trained, as text that is equal for equal settings."""
    nested = _search(results).selection == "nested"
    on = ["method", *(_FOLD if nested else []), "search"]
    chosen = results.studies[on].assign(setting=[_same(params) for params in results.studies["params"]])
    found: pd.Series[Any] = results.selection[on].merge(chosen, on=on, how="left")["setting"]
    return found


def uneven(results: Results) -> list[str]:
    """Inequalities of budgets: trials, failures, studies that are missing."""
    search = results.provenance.search
    if search is None or search.params_file:
        return []
    studies, methods = results.studies, list(results.provenance.methods)
    found = []
    rounds = max(studies["search"].nunique(), 1)
    places = pd.concat([frame[_FOLD].drop_duplicates() for frame in (studies, results.folds)])
    each = rounds * (len(places.drop_duplicates()) if search.selection == "nested" else 1)
    missing = {name: each - int((studies["method"] == name).sum()) for name in methods}
    if lacking := sum(missing.values()):
        found.append(f"Missing studies: {lacking} of {each * len(methods)} ({_by(missing)}).")
    trials = studies[_SPENT].sum(axis=1)
    rule = search.trials_per_dimension
    share = trials / [(len(search.spaces.get(method, {})) if rule else 0) or 1 for method in studies["method"]]
    if share.nunique() > 1:
        low, high = (f"{trials.iloc[at]} ({studies['method'].iloc[at]})" for at in (share.argmin(), share.argmax()))
        found.append(f"Uneven budgets: by “{search.budget}” studies had from {low} to {high} trials.")
    failed = {name: int(studies.loc[studies["method"] == name, "failed"].sum()) for name in methods}
    if raised := sum(failed.values()):
        found.append(f"Failed trials: {raised} of {trials.sum()} raised an error and chose nothing ({_by(failed)}).")
    return found


def _search(results: Results) -> Search:
    if results.provenance.search is None:
        raise ReportError("search: None, allowed for tables of it is a search")
    return results.provenance.search


def _methods(results: Results) -> list[str]:
    searched = {*results.studies["method"], *_search(results).given}
    return [name for name in results.provenance.methods if name in searched]


def _by(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)


def _same(params: str) -> str:
    return json.dumps(json.loads(params), sort_keys=True)


def _typical(values: Sequence[Any], studies: int) -> tuple[str, str]:
    """The value that stands for all, and how the others lie about it."""
    if not values:
        return "", ""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        low, high = _number(min(values)), _number(max(values))
        if low != high:
            return _number(median_low(values)), f"{low} to {high}"
        values = [low] * len(values)
    texts = [_text(value) for value in values]
    # Of equally frequent ones the first in the order of folds, which has nothing to do with their scores.
    often = max(texts, key=texts.count)
    return often, "" if studies == 1 else f"{texts.count(often)} of {studies}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
