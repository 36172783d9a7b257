"""Records as data frames, which is all that a report reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from afnetm.data.dataset import FaceDataset
from benchmarks.records.manifest import Manifest, dataset_secret
from benchmarks.records.store import Store
from benchmarks.reporting.ensembling import CONTRADICTING, Beside, read_beside, stored
from benchmarks.reporting.evaluations import Evaluations, read_evaluations
from benchmarks.reporting.evidence import mean_maps
from benchmarks.reporting.provenance import provenance
from benchmarks.reporting.scans import Pictures, attributes, dataset_here, names_in, nuisance_factors
from benchmarks.reporting.sound import Gathered, Sound, gathered, read_sound, where
from reports.data.ensembling import StoredPredictions
from reports.data.pseudonyms import PREFIXES, identity, unnamed, words
from reports.data.results import Results
from reports.data.usable import LeftOut, diverged, faults
from reports.schema import ReportError, probabilities

_FOLD = ("seed", "n_train", "n_test", "accuracy", "macro_f1")
#: What is measured or counted, and missing in records of some time or another.
_MEASURED = ("parameters", "flops", "test_seconds", "peak_memory")


def results(
    manifest: Manifest,
    store: Store,
    *,
    created: str,
    with_faces: bool = False,
    dataset: Path | None = None,
    by: Sequence[str] = (),
    pages: Mapping[str, str] | None = None,
) -> Results:
    """Results of a suite's finished runs, and how they were made.

    Of records that are damaged, diverged or contradict themselves, what cannot be used is left out and named
    (`Provenance.left_out`); the others are reported.

    Args:
        manifest: the suite.
        store: its records.
        created: printed as it is.
        with_faces: whether subjects may be named and shown though the dataset is not shareable.
        dataset: where it is, or would be; what it has recorded of its scans goes with the weights that these were
            given, and where they may be shown it has their pictures.
        by: attributes of its scans that accuracy is to be given by, too.
        pages: addresses of what else is known of methods, by method.

    Raises:
        reports.schema.ReportError: the records contradict each other, or none can be used.
    """
    done = store.done()
    read = [(listed, read_sound(listed, store)) for listed in manifest.runs if listed.key in done]
    lost = [one for _, one in read if isinstance(one, LeftOut)]
    found = gathered([(listed, one) for listed, one in read if isinstance(one, Sound)], lost)
    found = found.without(diverged(found.predictions, found.curves))
    make = partial(
        _results,
        manifest,
        store,
        done,
        created=created,
        with_faces=with_faces,
        dataset=dataset,
        by=by,
        pages=pages or {},
    )
    try:
        return make(found)
    except ReportError:
        if not found.records or not (bad := faults(_folds(manifest, found), found.predictions, found.curves)):
            raise
    formatted = bool(manifest.dataset["shareable"]) or with_faces
    return make(
        found.without(
            {run: f"its record is inconsistent: {why if formatted else unnamed(why)}" for run, why in bad.items()}
        )
    )


def _folds(manifest: Manifest, found: Gathered) -> pd.DataFrame:
    rows = [
        {
            "suite": manifest.suite,
            **where(listed),
            **{name: one.result[name] for name in _FOLD},
            **{name: one.result.get(name) for name in _MEASURED},
            "seconds": _sum(one.result.get("seconds"), one.result.get("test_seconds")),
            "train_seconds": one.result.get("seconds"),
        }
        for listed, one in found.records
    ]
    return pd.DataFrame(rows)


def _sum(*parts: float | None) -> float | None:
    return None if None in parts else sum(part for part in parts if part is not None)


def _results(
    manifest: Manifest,
    store: Store,
    done: set[str],
    found: Gathered,
    *,
    created: str,
    with_faces: bool,
    dataset: Path | None,
    by: Sequence[str],
    pages: Mapping[str, str],
) -> Results:
    """The results of these records."""
    if not found.records:
        first = f": {found.left_out[0].place}: {found.left_out[0].reason}" if found.left_out else ""
        raise ReportError(f"no finished run can be used{first}")
    here = dataset_here(dataset, manifest.dataset["fingerprint"]) if dataset else None
    by_key = {listed.key: one.result for listed, one in found.records}
    predictions, secret, names = _veiled(_calibrated(found.predictions, manifest), by_key, manifest, here)
    beside = read_beside(manifest, store, done)
    used = {(listed.method, listed.repeat, listed.fold) for listed, _ in found.records}
    evaluated = read_evaluations(manifest.evaluations, store, done, used)
    answers, elsewhere = evaluated.answers, _elsewhere(evaluated, manifest)
    calibration, bare = evaluated.calibration, _without_probabilities(manifest)
    if len(answers):
        answers = _veiled(answers, evaluated.records, manifest, here)[0]
        answers = answers.assign(confidence=answers["confidence"].mask(answers["method"].isin(bare)))
        calibration = calibration[~calibration["method"].isin(bare)]
    scans = {word: names.get(word, word) for word in predictions["scan"].unique()}
    return Results(
        folds=_folds(manifest, found),
        predictions=predictions,
        curves=found.curves,
        studies=_studies(manifest),
        selection=_selection(manifest, store, done, found),
        importances=predictions.dropna(subset="texture") if "texture" in predictions else pd.DataFrame(),
        nuisance_factors=nuisance_factors(here, scans) if here else pd.DataFrame(),
        attributes=attributes(here, scans, by),
        maps=mean_maps((listed.method, one.maps) for listed, one in found.records),
        # An imported manifest may call shareable what this home's own dataset does not.
        faces=Pictures(here, scans) if here and (here.shareable or with_faces) else {},
        stored=_stored(beside, predictions, manifest, here),
        evaluations=answers,
        corruptions=evaluated.corruptions,
        calibration=calibration,
        cross_dataset=elsewhere,
        provenance=provenance(
            manifest,
            store,
            [one.result for _, one in found.records],
            left_out=[*found.left_out, *evaluated.left_out],
            pages=pages,
            created=created,
            with_faces=with_faces,
            secret=secret,
            names=names if with_faces else {},
        ),
    )


def _elsewhere(evaluated: Evaluations, manifest: Manifest) -> pd.DataFrame:
    """Answers of models in other datasets, whose subjects have pseudonyms where they may not be named."""
    found = []
    for name, own in evaluated.cross_dataset.groupby("dataset", sort=False) if len(evaluated.cross_dataset) else ():
        about = manifest.others[str(name)]
        records = {key: evaluated.records[key] for key in own["unit"].unique()}
        found.append(_veiled(own, records, replace(manifest, dataset=about, secret=about["secret"]), None)[0])
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _calibrated(predictions: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Predictions without the probabilities of methods whose scores are none: the softmax of margins, say."""
    rows = predictions["method"].isin(_without_probabilities(manifest))
    return predictions.assign(**{name: predictions[name].mask(rows) for name in probabilities(predictions)})


def _without_probabilities(manifest: Manifest) -> list[str]:
    return [label for label, about in manifest.methods.items() if not about.get("probabilities", True)]


def _stored(
    beside: Beside, predictions: pd.DataFrame, manifest: Manifest, here: FaceDataset | None
) -> StoredPredictions:
    """Predictions for ensembles beside `predictions`, whose subjects are called as there."""
    try:
        inner, defaults = (
            _veiled(frame, {key: beside.records[key] for key in frame["unit"].unique()}, manifest, here)[0]
            if len(frame)
            else frame
            for frame in (beside.inner, beside.defaults)
        )
    except ReportError:
        return CONTRADICTING
    return stored(inner, defaults, beside.lacking, predictions)


def _studies(manifest: Manifest) -> pd.DataFrame:
    """The studies that chose something."""
    rows = [study for study in manifest.tuning.get("studies", []) if study["best_trial"] is not None]
    return pd.DataFrame([row | {"params": json.dumps(row["params"])} for row in rows])


def _selection(manifest: Manifest, store: Store, done: set[str], found: Gathered) -> pd.DataFrame:
    """The trainings of best trials, those of the comparison first; none where no search was repeated.

    Those beside the comparison that diverged or are damaged are passed over, as the trainings are there to be averaged.
    """
    if not manifest.additional:
        return pd.DataFrame()
    read = [(listed, read_sound(listed, store)) for listed in manifest.additional if listed.key in done]
    beside = gathered([(listed, one) for listed, one in read if isinstance(one, Sound)])
    beside = beside.without(diverged(beside.predictions, beside.curves))
    rows = [
        {
            "method": listed.method,
            "repeat": listed.repeat,
            "fold": listed.fold,
            "search": listed.search,
            "reseed": listed.reseed,
            "accuracy": one.result["accuracy"],
        }
        for listed, one in [*found.records, *beside.records]
    ]
    return pd.DataFrame(rows)


def _veiled(
    predictions: pd.DataFrame, records: Mapping[str, Mapping[str, Any]], manifest: Manifest, here: FaceDataset | None
) -> tuple[pd.DataFrame, str | None, dict[str, str]]:
    """Predictions in which subjects who may not be named have pseudonyms, the secret that is left to use, the names.

    What is computed of them is so the same whoever reads it, to the last bit of a sum over subjects. `records`, by key,
    may have come under pseudonyms (`benchmarks.archive`), and fit those whose secret is the same. Their names are known
    to who has the dataset, as its digests are the secret.

    Raises:
        reports.schema.ReportError: it is not the same for all of them.
    """
    came = {key: str(record["pseudonyms"]) for key, record in records.items() if record.get("pseudonyms")}
    if manifest.dataset["shareable"] or predictions.empty or not (came or manifest.secret):
        return predictions, manifest.secret, {}
    bare = ~predictions["unit"].isin(list(came))
    if len({*came.values(), *([identity(manifest.secret)] if bare.any() else [])}) > 1:
        raise ReportError("predictions: subjects have names or pseudonyms of different secrets, allowed is one secret")
    names: dict[str, str] = {}
    if bare.any():
        for column in (one for one in PREFIXES if one in predictions):
            own = words(predictions.loc[bare, column].unique(), column=column, secret=manifest.secret)
            predictions = predictions.assign(**{column: predictions[column].where(~bare, predictions[column].map(own))})
            names |= {word: name for name, word in own.items()}
    if here is not None:
        fitting = (secret for secret in (manifest.secret, dataset_secret(here)) if identity(secret) in came.values())
        names |= next((names_in(here, secret) for secret in fitting), {})
    return predictions, None, names
