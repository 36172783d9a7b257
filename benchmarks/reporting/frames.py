"""Records as data frames, which is all that a report reads."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from afnetm.data.cohort import Cohort
from benchmarks.records.ledger import Entry, Ledger, cohort_secret
from benchmarks.records.store import Store
from benchmarks.reporting.evidence import mean_maps, with_importance
from benchmarks.reporting.scans import Pictures, cohort_here, levels, names_in
from reports.data.pseudonyms import PREFIXES, identity, words
from reports.data.results import Axis, Provenance, Results
from reports.data.search import Search
from reports.schema import ReportError

_FOLD = ("seed", "n_train", "n_test", "accuracy", "macro_f1", "parameters", "flops")


def results(
    ledger: Ledger, store: Store, *, created: str, with_faces: bool = False, cohort: Path | None = None
) -> Results:
    """What a suite's finished units found, and how it was made.

    Args:
        ledger: the suite.
        store: its records.
        created: printed as it is.
        with_faces: whether subjects may be named and shown though the cohort is not shareable.
        cohort: where it is, or would be; what it has recorded of its scans goes with the weights that these were given,
            and where they may be shown it has their pictures.

    Raises:
        reports.schema.ReportError: the records contradict each other.
    """
    done, failed = store.done(), store.failed()
    entries = [entry for entry in ledger.units if entry.key in done]
    records = [store.result(entry.key) for entry in entries]
    tables = [with_importance(store.predictions(entry.key), store.folder(entry.key)) for entry in entries]
    predictions = _gather(entries, tables)
    by_key = {entry.key: record for entry, record in zip(entries, records, strict=True)}
    here = cohort_here(cohort, ledger.cohort["fingerprint"]) if cohort else None
    predictions, secret, names = _veiled(predictions, by_key, ledger, here)
    scans = {word: names.get(word, word) for word in predictions.get("scan", pd.Series(dtype=str)).unique()}
    folds = [
        {
            "suite": ledger.suite,
            **_where(entry),
            **{name: record[name] for name in _FOLD},
            "seconds": record["seconds"] + record["test_seconds"],
            "train_seconds": record["seconds"],
            "test_seconds": record["test_seconds"],
            "peak_memory": record.get("peak_memory"),  # records had none at first
        }
        for entry, record in zip(entries, records, strict=True)
    ]
    source = ledger.cohort["source"]
    synthetic = source.get("kind") == "synthetic" or source.get("made_up", False)
    return Results(
        folds=pd.DataFrame(folds),
        predictions=predictions,
        curves=_gather(entries, [store.curves(entry.key) for entry in entries]),
        studies=_studies(ledger),
        selection=_selection(ledger, store, done),
        importances=predictions.dropna(subset="texture") if "texture" in predictions else pd.DataFrame(),
        levels=levels(here, scans) if here and "texture" in predictions else pd.DataFrame(),
        maps=mean_maps(entries, store),
        # An imported ledger may call shareable what this home's own cohort does not.
        faces=Pictures(here, scans) if here and (here.shareable or with_faces) else {},
        provenance=Provenance(
            suite=ledger.suite,
            description=ledger.description,
            suite_toml=ledger.text,
            cohort=ledger.cohort,
            protocol=ledger.resolved["protocol"],
            versions=_versions(records),
            hardware=_distinct(records, "hardware"),
            commits=_distinct(records, "commit"),
            devices=_distinct(records, "device_name"),
            planned=len(ledger.units),
            done=len(entries),
            failed=[
                (e.method, e.repeat, e.fold, store.failure(e.key)["reason"])
                for e in ledger.units
                if e.key in failed and e.key not in done
            ],
            created=created,
            synthetic=synthetic,
            methods=ledger.methods,
            control=ledger.control,
            recipe=_recipe(ledger.resolved),
            rope=ledger.resolved.get("rope", 1.0),
            axes={name: Axis(**axis) for name, axis in ledger.axes.items()},
            added=ledger.added,
            search=_search(ledger.tuning) if ledger.tuning else None,
            with_faces=with_faces,
            secret=secret,
            names=names if with_faces else {},
        ),
    )


def _search(tuning: Mapping[str, Any]) -> Search:
    spec = tuning["spec"]
    return Search(
        **{name: spec[name] for name in ("selection", "sampler", "pruner", "metric", "folds", "seed")},
        budget=f"{tuning['budget']} a study",
        spaces=tuning["spaces"],
        params_file=tuning["given"],
    )


def _studies(ledger: Ledger) -> pd.DataFrame:
    """The studies that chose something."""
    rows = [study for study in ledger.tuning.get("studies", []) if study["best_trial"] is not None]
    return pd.DataFrame([row | {"params": json.dumps(row["params"])} for row in rows])


def _selection(ledger: Ledger, store: Store, done: set[str]) -> pd.DataFrame:
    """The trainings of winners, those of the comparison first; none where no search was repeated."""
    if not ledger.extras:
        return pd.DataFrame()
    entries = [entry for entry in [*ledger.units, *ledger.extras] if entry.key in done]
    rows = [
        {
            "method": entry.method,
            "repeat": entry.repeat,
            "fold": entry.fold,
            "search": entry.search,
            "reseed": entry.reseed,
            "accuracy": store.result(entry.key)["accuracy"],
        }
        for entry in entries
    ]
    return pd.DataFrame(rows)


def _recipe(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Encoder and training of a suite, a setting a key: ``training.augmentation.flip``."""
    return dict(_leaves({name: resolved.get(name, {}) for name in ("encoder", "training")}))


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield above + name, value


def _where(entry: Entry) -> dict[str, Any]:
    return {"unit": entry.key, "method": entry.method, "repeat": entry.repeat, "fold": entry.fold}


def _gather(entries: Sequence[Entry], tables: Sequence[pa.Table]) -> pd.DataFrame:
    """One table of every record, one below the other, each row saying whose it is."""
    if not tables:
        return pd.DataFrame()
    lengths = [table.num_rows for table in tables]
    whole: pd.DataFrame = pa.concat_tables(tables, promote_options="permissive").to_pandas(ignore_metadata=True)
    for column in ("unit", "method", "repeat", "fold"):
        values = pd.Series([_where(entry)[column] for entry in entries])
        whole[column] = values.repeat(lengths).to_numpy()
    return whole


def _veiled(
    predictions: pd.DataFrame, records: Mapping[str, Mapping[str, Any]], ledger: Ledger, here: Cohort | None
) -> tuple[pd.DataFrame, str | None, dict[str, str]]:
    """Predictions in which subjects who may not be named have pseudonyms, the secret that is left to use, the names.

    What is computed of them is so the same whoever reads it: subjects are resampled in the order of these words.
    `records`, by key, may have come under pseudonyms (`benchmarks.travel`), and fit those whose secret is the same.
    Their names are known to who has the cohort, as its digests are the secret.

    Raises:
        reports.schema.ReportError: it is not the same for all of them.
    """
    came = {key: str(record["pseudonyms"]) for key, record in records.items() if record.get("pseudonyms")}
    if ledger.cohort["shareable"] or predictions.empty or not (came or ledger.secret):
        return predictions, ledger.secret, {}
    bare = ~predictions["unit"].isin(list(came))
    if len({*came.values(), *([identity(ledger.secret)] if bare.any() else [])}) > 1:
        raise ReportError("predictions: subjects have names or pseudonyms of different secrets, allowed is one secret")
    names: dict[str, str] = {}
    if bare.any():
        for column in PREFIXES:
            own = words(predictions.loc[bare, column].unique(), column=column, secret=ledger.secret)
            predictions[column] = predictions[column].where(~bare, predictions[column].map(own))
            names |= {word: name for name, word in own.items()}
    if here is not None:
        fitting = (secret for secret in (ledger.secret, cohort_secret(here)) if identity(secret) in came.values())
        names |= next((names_in(here, secret) for secret in fitting), {})
    return predictions, None, names


def _distinct(records: Sequence[dict[str, Any]], name: str) -> list[str]:
    return sorted({str(record[name]) for record in records})


def _versions(records: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    seen: dict[str, set[str]] = {}
    for record in records:
        for name, version in record["versions"].items():
            seen.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in seen.items()}
