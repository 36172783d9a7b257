"""Records as data frames, which is all that a report reads."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.home import Home
from benchmarks.ledger import Entry, Ledger
from benchmarks.store import Store
from reports.results import Axis, Provenance, Results
from reports.search import Search

_FOLD = ("seed", "n_train", "n_test", "accuracy", "macro_f1", "parameters", "flops")


def results(ledger: Ledger, home: Home, *, created: str, with_faces: bool = False) -> Results:
    """What a suite's finished units found, and how it was made.

    Args:
        ledger: the suite.
        home: where its records are.
        created: printed as it is.
        with_faces: whether subjects may be named though the cohort is not shareable.

    Raises:
        reports.schema.ReportError: the records contradict each other.
    """
    store = Store(home)
    done, failed = store.done(), store.failed()
    entries = [entry for entry in ledger.units if entry.key in done]
    records = [store.result(entry.key) for entry in entries]
    folds = [
        {
            "suite": ledger.suite,
            **_where(entry),
            **{name: record[name] for name in _FOLD},
            "seconds": record["seconds"] + record["test_seconds"],
        }
        for entry, record in zip(entries, records, strict=True)
    ]
    source = ledger.cohort["source"]
    synthetic = source.get("kind") == "synthetic" or source.get("made_up", False)
    return Results(
        folds=pd.DataFrame(folds),
        predictions=_gather(entries, store, "predictions.parquet"),
        curves=_gather(entries, store, "curves.csv"),
        studies=_studies(ledger),
        selection=_selection(ledger, store, done),
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
            axes={name: Axis(**axis) for name, axis in ledger.axes.items()},
            added=ledger.added,
            search=_search(ledger.tuning) if ledger.tuning else None,
            with_faces=with_faces,
            secret=ledger.secret,
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


def _where(entry: Entry) -> dict[str, Any]:
    return {"unit": entry.key, "method": entry.method, "repeat": entry.repeat, "fold": entry.fold}


def _gather(entries: Sequence[Entry], store: Store, name: str) -> pd.DataFrame:
    """The same file of every record, one below the other, each row saying whose it is."""
    frames = [_read(store.folder(entry.key) / name) for entry in entries]
    if not frames:
        return pd.DataFrame()
    lengths = [len(frame) for frame in frames]
    whole = pd.concat(frames, ignore_index=True)
    for column in ("unit", "method", "repeat", "fold"):
        values = pd.Series([_where(entry)[column] for entry in entries])
        whole[column] = values.repeat(lengths).to_numpy()
    return whole


def _read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def _distinct(records: Sequence[dict[str, Any]], name: str) -> list[str]:
    return sorted({str(record[name]) for record in records})


def _versions(records: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    seen: dict[str, set[str]] = {}
    for record in records:
        for name, version in record["versions"].items():
            seen.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in seen.items()}
