"""Rows of the leaderboard: the numbers of each suite's own tables, a row a method; nothing is computed twice."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reports.data.results import Provenance
from reports.tables.compared import Compared
from reports.tables.inputs import inputs_of
from reports.tables.significance import verdict

#: Inputs that rows can be filtered by; of each a column that is ``"yes"``, ``"no"`` or, where it is not known, empty.
INPUTS = ("texture", "depth", "masks", "landmarks")
_ENDS = ("", "_low", "_high")
_MEASURES = ("accuracy", "macro_f1", "worst", "relative", "elsewhere", "difference")
_SCORES = [f"{name}{end}" for name in _MEASURES for end in _ENDS]
#: Columns of `rows`, in order. Another measure is a name here, and a column in `reports.leaderboard.table`.
COLUMNS = [
    *("suite", "data_set", "method", "title", "rank", "place", "alike", "control"),
    *_SCORES,
    *("p_holm", "verdict", "worst_class", "parameters", "train_seconds", "inputs", "tuning", *INPUTS),
]


def rows(one: Compared, data_set: str = "") -> pd.DataFrame:
    """One row a method of a suite, the most accurate method first, failed ones last.

    Args:
        one: the suite.
        data_set: the name of its dataset, where it is to be called otherwise.

    Columns:
        suite, data_set, method, title (`Provenance.titles`); rank (by accuracy within the suite, equal scores share
        the better one) and place (``"best"``, ``"second"`` or empty); alike (whether accuracy does not differ
        significantly from the suite's best), control (whether it is the suite's);
        accuracy, macro_f1, worst (the lowest recall of all classes; ``worst_class`` is which), relative (mean relative
        robustness), elsewhere (the mean accuracy in other datasets than the suite's) and difference (accuracy minus
        the control's), shares of 1, each with the ends of its 95 % interval;
        p_holm and verdict of the primary test against the control; parameters; train_seconds (mean of a run's
        training); inputs (`reports.tables.inputs.inputs_of`); tuning (``"tuned"``, ``"defaults"``, ``"suite's
        settings"``, or empty where that is not known), and `INPUTS`. NaN or empty where a suite does not have it, in
        all scores of a method that was tried and has no result.
    """
    plan, results = one.results.provenance, one.results
    scored = {str(row["method"]): row for row in one.table.to_dict("records")}
    pairs = one.pairs[one.pairs["method_b"] == results.control]
    p = dict(zip(pairs["method_a"], pairs["p_holm"], strict=True))
    ranks = one.table.set_index("method")["accuracy"].rank(method="min", ascending=False).to_dict()
    robust = one.evaluated.table if len(results.evaluations) and one.evaluated.whole else None
    abroad = one.elsewhere.table if len(results.cross_dataset) and one.elsewhere.whole else None
    relative, elsewhere = _named(robust, "relative", "relative"), _named(abroad, "mean", "elsewhere")
    found = []
    for method in [*results.methods, *results.failed_methods]:
        row: dict[str, Any] = {
            "suite": plan.suite,
            "data_set": data_set or str(plan.dataset["name"]),
            "method": method,
            "title": plan.titles[method],
            "alike": method in one.marks.alike,
            "control": method == results.control,
            **_about(plan, method),
        }
        if own := scored.get(method):
            row |= {name: own[name] for name in (*_SCORES, "parameters", "train_seconds") if name in own}
            row |= _worst(own, results.classes) | relative.get(method, {}) | elsewhere.get(method, {})
            row |= {"rank": ranks[method], "place": one.marks.places.get("accuracy", {}).get(method, "")}
            row |= {"p_holm": p.get(method, np.nan)}
            row["verdict"] = verdict(row["difference"], row["p_holm"])
        found.append(row)
    return typed(found).sort_values("accuracy", ascending=False, kind="stable", na_position="last", ignore_index=True)


def typed(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as a frame: `COLUMNS`, with NaN or empty what a row does not have."""
    frame = pd.DataFrame(records, columns=COLUMNS)
    texts = ["place", "verdict", "worst_class"]
    frame[texts] = frame[texts].fillna("")
    return frame.astype(dict.fromkeys([*_SCORES, "rank", "p_holm", "parameters", "train_seconds"], "float64"))


def _named(table: pd.DataFrame | None, key: str, name: str) -> dict[str, dict[str, float]]:
    """By method a score of a table, `key`, and the ends of its interval, as the leaderboard names them."""
    if table is None:
        return {}
    return {row["method"]: {f"{name}{end}": row[f"{key}{end}"] for end in _ENDS} for row in table.to_dict("records")}


def _worst(scores: Mapping[Any, Any], classes: Sequence[str]) -> dict[str, Any]:
    """The class of the lowest recall, the first of equals."""
    recalls = {name: scores[f"recall_{name}"] for name in classes if not np.isnan(scores[f"recall_{name}"])}
    if not recalls:
        return {}
    worst = min(recalls, key=lambda name: recalls[name])
    return {"worst_class": worst} | {f"worst{end}": scores[f"recall_{worst}{end}"] for end in _ENDS}


def _about(plan: Provenance, method: str) -> dict[str, str]:
    """Inputs of a method at test time and how it was set, as far as it is known."""
    about = plan.methods[method]
    read = about.get("inputs")
    known = {name: "" if read is None else "yes" if name in read else "no" for name in INPUTS}
    return {"inputs": inputs_of(about), "tuning": _tuning(plan, method), **known}


def _tuning(plan: Provenance, method: str) -> str:
    if plan.files:
        return ""
    search = plan.search
    if search is not None and (method in search.given if search.params_file else search.spaces.get(method)):
        return "tuned"
    return "suite's settings" if plan.methods[method].get("changed") else "defaults"
