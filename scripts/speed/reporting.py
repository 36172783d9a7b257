"""Cost of the report of 10,000 records: 20 methods, 10 folds, 60 synthetic subjects; with evaluations and without."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from afnetm.corruptions import corruptions, find_corruption
from afnetm.data.scan import EXPRESSIONS
from benchmarks.plans.suite import load_suite
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.store import Evidence, Record, Store
from scripts.speed.counting import cost

METHODS, REPEATS, FOLDS = 20, 50, 10
#: Of the trainings that are evaluated: with the corruptions that there are, as many records as without.
EVALUATED_REPEATS, SEVERITIES = 2, 5
SUBJECTS, SCANS, EPOCHS = 60, 12, 60
#: What an encoder of 224 px pictures has at its third stage and at its last.
ATTENTION, GRADCAM = 14, 7
#: As a suite's runs have them: MLflow keeps each as a parameter.
_SETTINGS = load_suite("quick").model_dump(mode="json", include={"protocol", "encoder", "training"})


def report(folder: Path) -> dict[str, float]:
    """`afnetm report` of 10,000 runs whose records nobody trained: wall-clock seconds, memory, the page's size."""
    return _cost(Home(folder), repeats=REPEATS, corruptions=[])


def report_of_evaluations(folder: Path) -> dict[str, float]:
    """The same of 400 runs, each of which is evaluated on every corruption."""
    return _cost(Home(folder), repeats=EVALUATED_REPEATS, corruptions=list(corruptions()))


def _cost(home: Home, *, repeats: int, corruptions: Sequence[str]) -> dict[str, float]:
    made = fabricate(home, repeats=repeats, corruptions=corruptions)
    spent = cost(home.path, "report", made.suite)
    return {
        "runs": len(made.runs),
        "evaluations": len(made.evaluations),
        "report, s": spent["elapsed"],
        "processor time, s": spent["seconds"],
        "memory, GiB": spent["memory"],
        "page, MB": (home.report(made.suite) / "index.html").stat().st_size / 1e6,
    }


def fabricate(home: Home, *, repeats: int = REPEATS, corruptions: Sequence[str] = ()) -> Manifest:
    """Writes the suite's manifest and its records: methods differ a little, subjects and scans a lot, by a seed."""
    generator = np.random.default_rng(0)
    names = [f"method-{number:02d}" for number in range(METHODS)]
    scans = pd.DataFrame(
        [(f"s{s:02d}", EXPRESSIONS[n // 2], 3 + n % 2) for s in range(SUBJECTS) for n in range(SCANS)],
        columns=["subject", "expression", "intensity"],
    )
    scans.insert(0, "scan", [f"{row.subject}-{row.Index:03d}" for row in scans.itertuples()])
    ease = np.repeat(generator.normal(1.5, 1.0, SUBJECTS), SCANS) + generator.normal(0.0, 1.0, len(scans))
    drawn = [generator.permutation(SUBJECTS) % FOLDS for _ in range(repeats)]
    store, runs, evaluations = Store(home), list[ListedRun](), list[ListedRun]()
    for number, name in enumerate(names):
        for repeat, fold in np.ndindex(repeats, FOLDS):
            tested = np.repeat(drawn[repeat] == fold, SCANS)
            given = scans[tested], ease[tested] + 0.05 * number, generator
            runs.append(ListedRun(_key(len(runs)), name, repeat, fold))
            store.write(runs[-1].key, _record(name, repeat, fold, *given))
            for corruption in corruptions:
                key = _key(len(evaluations), "e")
                evaluations.append(ListedRun(key, name, repeat, fold, corruption=corruption))
                store.write(key, _evaluation(name, repeat, fold, corruption, *given))
    about = {"version": 1, "summary": "fabricated", "source": "nobody", "hyperparameters": {}}
    about |= {"inputs": ["texture", "depth"], "masks": ""}  # so that there is an ensemble of them
    manifest = Manifest(
        suite="many",
        text="",
        resolved={"protocol": {"folds": FOLDS, "repeats": repeats, "seed": 0, "subjects": None}},
        description="Records that nobody trained.",
        control=names[-1],
        dataset={
            "name": "synthetic",
            "scans": len(scans),
            "subjects": SUBJECTS,
            "classes": dict.fromkeys(EXPRESSIONS, SUBJECTS * 2),
            "size": 224,
            "fingerprint": "0" * 64,
            "shareable": True,
            "source": {"kind": "synthetic"},
        },
        methods=dict.fromkeys(names, about),
        runs=runs,
        evaluations=evaluations,
    )
    manifest.save(home)
    return manifest


def _key(number: int, kind: str = "0") -> str:
    """A key of its own, in one of the 256 folders of records."""
    return f"{number % 256:02x}{kind}{number:017x}"


def _predictions(scans: pd.DataFrame, ease: np.ndarray, generator: np.random.Generator) -> pd.DataFrame:
    """Predictions of a method for these scans, whose right class gets `ease` more."""
    true = scans["expression"].map(EXPRESSIONS.index).to_numpy()
    logits = generator.normal(0.0, 1.0, (len(scans), len(EXPRESSIONS)))
    logits[np.arange(len(scans)), true] += ease
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    predicted = np.array(EXPRESSIONS)[shares.argmax(axis=1)]
    return scans.assign(predicted=predicted, **{f"p_{e}": shares[:, n] for n, e in enumerate(EXPRESSIONS)})


def _result(name: str, repeat: int, fold: int, predictions: pd.DataFrame) -> dict[str, object]:
    right = predictions["predicted"] == predictions["expression"]
    return {
        **_SETTINGS,
        **{"version": 1, "device": "cpu", "intensities": None, "hyperparameters": {}},
        **{"seed": 0, "n_train": (SUBJECTS - SUBJECTS // FOLDS) * SCANS, "n_test": len(predictions)},
        **{"accuracy": float(right.mean()), "macro_f1": 0.5, "parameters": 1, "flops": 1},
        **{"seconds": 100.0, "test_seconds": 1.0, "peak_memory": None, "pseudonyms": None},
        **{"versions": {"torch": "none"}, "hardware": "none", "commit": "none", "device_name": "none"},
        **{"method": name, "repeat": repeat, "fold": fold, "finished": 1.7e9},
    }


def _record(
    name: str, repeat: int, fold: int, scans: pd.DataFrame, ease: np.ndarray, generator: np.random.Generator
) -> Record:
    """A record with all that an AFNet-M of 224 px leaves: weights of the streams, attention, Grad-CAM."""
    predictions = _predictions(scans, ease, generator)
    epochs = np.arange(EPOCHS)
    learnt = 1.0 - np.exp(-(epochs + 1.0) / 20.0)
    curves = pd.DataFrame(
        {"epoch": epochs, "loss": 1.8 * (1.0 - learnt), "accuracy": learnt, "learning_rate": 1e-3 * (1.0 - learnt)}
    )
    weight = generator.random(len(scans), dtype=np.float32)
    auxiliary_outputs = {
        "importance": np.stack([weight, 1.0 - weight], axis=1),
        "attention": generator.random((len(scans), ATTENTION, ATTENTION), dtype=np.float32),
    }
    maps = {stream: generator.random((6, GRADCAM, GRADCAM), dtype=np.float32) for stream in ("texture", "depth")}
    result = _result(name, repeat, fold, predictions)
    return Record(result, predictions, curves, auxiliary_outputs, Evidence(np.arange(6), maps))


def _evaluation(
    name: str,
    repeat: int,
    fold: int,
    corruption: str,
    scans: pd.DataFrame,
    ease: np.ndarray,
    generator: np.random.Generator,
) -> Record:
    """A record of an evaluation: at every severity the right class has less of what it had."""
    at = [
        _predictions(scans, ease * (1 - severity / (SEVERITIES + 1)), generator).assign(severity=severity)
        for severity in range(1, SEVERITIES + 1)
    ]
    predictions = pd.concat(at, ignore_index=True)
    said = {
        "evaluation": {"corruption": corruption, "severities": [float(n) for n in range(1, SEVERITIES + 1)], "seed": 0},
        "corruption": {"title": corruption, "group": find_corruption(corruption).of, "unit": ""},
    }
    weight = generator.random(len(predictions), dtype=np.float32)
    return Record(
        {**_result(name, repeat, fold, predictions), **said},
        predictions,
        pd.DataFrame({"severity": np.arange(1, SEVERITIES + 1), "accuracy": 0.5}),
        {"importance": np.stack([weight, 1.0 - weight], axis=1)},
    )
