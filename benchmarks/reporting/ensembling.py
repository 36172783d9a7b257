"""Stored predictions that ensembles need beside a comparison's: of best trials on inner folds, of default settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.store import Store
from benchmarks.reporting.sound import Gathered, Sound, gathered, read_sound
from reports.data.ensembling import StoredPredictions, check_inner
from reports.data.usable import diverged
from reports.schema import PREDICTIONS, ReportError, probabilities

_WHY = "Predictions beside the comparison are left out: they contradict one another or the comparison."
#: Of predictions that cannot be used.
CONTRADICTING = StoredPredictions(lacking={"inner": _WHY, "defaults": _WHY})


@dataclass(frozen=True, eq=False)
class Beside:
    """Predictions as they are stored, with subjects' names or the pseudonyms that they came with.

    Attributes:
        inner: as of `StoredPredictions`.
        defaults: the same.
        records: ``result.json`` of each run that they come from, by key.
        lacking: as of `StoredPredictions`.
    """

    inner: pd.DataFrame = field(default_factory=pd.DataFrame)
    defaults: pd.DataFrame = field(default_factory=pd.DataFrame)
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)


def read_beside(manifest: Manifest, store: Store, done: set[str]) -> Beside:
    """Stored predictions beside a suite that was tuned; of others there are none, and none are lacking."""
    if not manifest.tuning:
        return Beside()
    lacking = {}
    wanted, found = _best_trials(manifest), _read(manifest.defaults, store, done)
    inner = _read(wanted, store, done)
    if len(inner.records) < len(wanted):
        lacking["inner"] = (
            f"There is no greedy ensemble: of the best trials' runs on inner folds {len(inner.records)} of "
            f"{len(wanted)} are in this home. To train the others: afnetm search {manifest.suite}."
        )
    if len(found.records) < len(manifest.defaults):
        lacking["defaults"] = (
            f"There are no rows with default settings: {len(found.records)} of {len(manifest.defaults)} runs with them "
            f"are in this home. To train the others: afnetm run {manifest.suite} --set search.defaults=true."
        )
    records = {listed.key: one.result for listed, one in [*inner.records, *found.records]}
    return Beside(_columns(inner.predictions), _columns(found.predictions), records, lacking)


def stored(
    inner: pd.DataFrame, defaults: pd.DataFrame, lacking: Mapping[str, str], tested: pd.DataFrame
) -> StoredPredictions:
    """The same if they go with the predictions that were `tested`; they never cost the report of these."""
    try:
        found = StoredPredictions(inner=inner, defaults=defaults, lacking=lacking)
        check_inner(found.inner, tested)
    except ReportError:  # which may name a scan, and so a subject
        return CONTRADICTING
    return found


def _best_trials(manifest: Manifest) -> list[ListedRun]:
    """The runs that scored the best trials of the suite's own studies, with the outer fold that each is for."""
    return [
        ListedRun(str(key), study["method"], study["repeat"], study["fold"])
        for study in manifest.tuning.get("studies", [])
        if study["search"] == 0
        for key in study.get("best_runs", ())
    ]


def _read(wanted: Sequence[ListedRun], store: Store, done: set[str]) -> Gathered:
    read = [(listed, read_sound(listed, store)) for listed in wanted if listed.key in done]
    found = gathered([(listed, one) for listed, one in read if isinstance(one, Sound)])
    return found.without(diverged(found.predictions, found.curves)) if found.records else found


def _columns(predictions: pd.DataFrame) -> pd.DataFrame:
    return predictions[[*PREDICTIONS, *probabilities(predictions)]] if len(predictions) else pd.DataFrame()
