"""Cost of the report of a large comparison: 20 methods, 50 repeats of 10 folds, 60 synthetic subjects."""

from pathlib import Path

import numpy as np
import pandas as pd

from afnetm.data.scan import EXPRESSIONS
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.store import Evidence, Record, Store
from scripts.speed.counting import cost

METHODS, REPEATS, FOLDS = 20, 50, 10
SUBJECTS, SCANS, EPOCHS = 60, 12, 60
#: What an encoder of 224 px pictures has at its third stage and at its last.
ATTENTION, GRADCAM = 14, 7


def report(folder: Path) -> dict[str, float]:
    """`afnetm report` of 10,000 runs whose records nobody trained: wall-clock seconds, memory, the page's size."""
    home = Home(folder)
    made = fabricate(home)
    spent = cost(folder, "report", made.suite)
    return {
        "runs": len(made.runs),
        "report, s": spent["elapsed"],
        "processor time, s": spent["seconds"],
        "memory, GiB": spent["memory"],
        "page, MB": (home.report(made.suite) / "index.html").stat().st_size / 1e6,
    }


def fabricate(home: Home) -> Manifest:
    """Writes the suite's manifest and its records: methods differ a little, subjects and scans a lot, by a seed."""
    generator = np.random.default_rng(0)
    names = [f"method-{number:02d}" for number in range(METHODS)]
    scans = pd.DataFrame(
        [(f"s{s:02d}", EXPRESSIONS[n // 2], 3 + n % 2) for s in range(SUBJECTS) for n in range(SCANS)],
        columns=["subject", "expression", "intensity"],
    )
    scans.insert(0, "scan", [f"{row.subject}-{row.Index:03d}" for row in scans.itertuples()])
    ease = np.repeat(generator.normal(1.5, 1.0, SUBJECTS), SCANS) + generator.normal(0.0, 1.0, len(scans))
    drawn = [generator.permutation(SUBJECTS) % FOLDS for _ in range(REPEATS)]
    store, runs = Store(home), list[ListedRun]()
    for number, name in enumerate(names):
        for repeat, fold in np.ndindex(REPEATS, FOLDS):
            key = f"{len(runs) % 256:02x}{len(runs):018x}"
            runs.append(ListedRun(key, name, repeat, fold))
            tested = np.repeat(drawn[repeat] == fold, SCANS)
            store.write(key, _record(name, repeat, fold, scans[tested], ease[tested] + 0.05 * number, generator))
    about = {"version": 1, "summary": "fabricated", "source": "nobody", "hyperparameters": {}}
    about |= {"inputs": ["texture", "depth"], "masks": ""}  # so that there is an ensemble of them
    manifest = Manifest(
        suite="many",
        text="",
        resolved={"protocol": {"folds": FOLDS, "repeats": REPEATS, "seed": 0, "subjects": None}},
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
    )
    manifest.save(home)
    return manifest


def _record(
    name: str, repeat: int, fold: int, scans: pd.DataFrame, ease: np.ndarray, generator: np.random.Generator
) -> Record:
    """A record with all that an AFNet-M of 224 px leaves: weights of the streams, attention, Grad-CAM."""
    true = scans["expression"].map(EXPRESSIONS.index).to_numpy()
    logits = generator.normal(0.0, 1.0, (len(scans), len(EXPRESSIONS)))
    logits[np.arange(len(scans)), true] += ease
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    message = np.array(EXPRESSIONS)[shares.argmax(axis=1)]
    predictions = scans.assign(predicted=message, **{f"p_{e}": shares[:, n] for n, e in enumerate(EXPRESSIONS)})
    epochs = np.arange(EPOCHS)
    learnt = 1.0 - np.exp(-(epochs + 1.0) / 20.0)
    curves = pd.DataFrame(
        {"epoch": epochs, "loss": 1.8 * (1.0 - learnt), "accuracy": learnt, "learning_rate": 1e-3 * (1.0 - learnt)}
    )
    result = {
        **{"seed": 0, "n_train": (SUBJECTS - SUBJECTS // FOLDS) * SCANS, "n_test": len(scans)},
        **{"accuracy": float((message == scans["expression"]).mean()), "macro_f1": 0.5, "parameters": 1, "flops": 1},
        **{"seconds": 100.0, "test_seconds": 1.0, "peak_memory": None, "pseudonyms": None},
        **{"versions": {"torch": "none"}, "hardware": "none", "commit": "none", "device_name": "none"},
        **{"method": name, "repeat": repeat, "fold": fold},
    }
    weight = generator.random(len(scans), dtype=np.float32)
    auxiliary_outputs = {
        "importance": np.stack([weight, 1.0 - weight], axis=1),
        "attention": generator.random((len(scans), ATTENTION, ATTENTION), dtype=np.float32),
    }
    maps = {stream: generator.random((6, GRADCAM, GRADCAM), dtype=np.float32) for stream in ("texture", "depth")}
    return Record(result, predictions, curves, auxiliary_outputs, Evidence(np.arange(6), maps))
