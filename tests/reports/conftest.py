"""Fabricated results: subjects with random effects, methods of known skill, so that a report has something to tell."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from afnetm.data.scan import EXPRESSIONS
from reports.data.results import Provenance, Results
from reports.data.search import Search

PROBABILITIES = [f"p_{name}" for name in EXPRESSIONS]
SKILLS = {"texture": 0.55, "depth": 0.85, "concat": 1.25, "late": 1.15, "afnetm": 1.45}
COSTS = {
    "texture": (701_000, 38_100_000),
    "depth": (702_000, 40_400_000),
    "concat": (1_402_000, 78_600_000),
    "late": (1_403_000, 78_500_000),
    "afnetm": (983_000, 55_200_000),
}


def fabricate(
    *,
    skills: Mapping[str, float] = SKILLS,
    subjects: int = 24,
    folds: int = 5,
    repeats: int = 1,
    intensities: tuple[int, ...] = (3, 4),
    epochs: int = 15,
    seed: int = 0,
    drawn: int | None = None,
) -> Results:
    """Results of methods whose logit for the true class is `skills` + a subject's and a method-by-subject effect.

    In every repeat so many subjects are `drawn` anew, or all take part.
    """
    generator = np.random.default_rng(seed)
    person = generator.normal(0.0, 0.7, subjects)
    confusable = generator.normal(0.0, 0.35, (6, 6))
    confusable[2, 5], confusable[0, 1], confusable[0, 4] = 0.9, 0.8, 0.6
    rows: list[dict[str, object]] = []
    predictions: list[dict[str, object]] = []
    curves: list[dict[str, object]] = []
    own = {method: generator.normal(0.0, 0.35, subjects) for method in skills}
    for repeat in range(repeats):
        parts = np.array_split(generator.permutation(subjects)[:drawn], folds)
        for index, (method, skill) in enumerate(skills.items()):
            for fold, part in enumerate(parts):
                unit = f"{index:02d}{repeat:03d}{fold:03d}"
                axes = {"unit": unit, "method": method, "repeat": repeat, "fold": fold}
                tested = []
                for subject in part:
                    for true, expression in enumerate(EXPRESSIONS):
                        for intensity in intensities:
                            logits = confusable[true] + generator.gumbel(0.0, 0.75, 6)
                            logits[true] += skill + person[subject] + own[method][subject] + 0.5 * (intensity - 3)
                            shares = np.exp(logits) / np.exp(logits).sum()
                            tested.append(
                                {
                                    **axes,
                                    "scan": f"s{subject:03d}_{expression}_{intensity}",
                                    "subject": f"s{subject:03d}",
                                    "expression": expression,
                                    "intensity": intensity,
                                    "predicted": EXPRESSIONS[int(shares.argmax())],
                                    **{f"p_{name}": p for name, p in zip(EXPRESSIONS, shares, strict=True)},
                                }
                            )
                predictions += tested
                right = float(np.mean([scan["expression"] == scan["predicted"] for scan in tested]))
                reached = 1.0 - np.exp(-np.arange(1, epochs + 1) / (3.0 + index))
                for epoch, share in enumerate(reached, start=1):
                    learnt = float(np.clip(0.17 + 0.8 * share + generator.normal(0.0, 0.015), 0.0, 1.0))
                    rate = 0.5e-3 * (1.0 + float(np.cos(np.pi * epoch / epochs)))
                    loss = 1.8 * (1.0 - 0.85 * float(share)) + generator.normal(0.0, 0.03)
                    curves.append({**axes, "epoch": epoch, "loss": loss, "accuracy": learnt, "learning_rate": rate})
                rows.append(
                    {
                        **axes,
                        "suite": "quick",
                        "seed": 7 * repeat + fold,
                        "n_train": max(1, ((drawn or subjects) - len(part)) * 6 * len(intensities)),
                        "n_test": len(tested),
                        "accuracy": right,
                        "macro_f1": 0.98 * right,
                        "seconds": 11.0 + 4.0 * index + float(generator.normal(0.0, 0.6)),
                        "parameters": COSTS.get(method, (100_000, 9_000_000))[0],
                        "flops": COSTS.get(method, (100_000, 9_000_000))[1],
                    }
                )
    return Results(
        folds=pd.DataFrame(rows),
        predictions=pd.DataFrame(predictions),
        curves=pd.DataFrame(curves),
        provenance=provenance(list(skills), done=len(rows), subjects=subjects, intensities=len(intensities)),
    )


def provenance(methods: list[str], *, done: int, subjects: int, intensities: int) -> Provenance:
    scans = subjects * 6 * intensities
    return Provenance(
        suite="quick",
        description="Five ways to fuse texture and depth on a small synthetic dataset, all trained alike.",
        suite_toml='name = "quick"\ndataset = "quick"\nfolds = 5\nseed = 0\n',
        dataset={
            "name": "quick",
            "scans": scans,
            "subjects": subjects,
            "classes": dict.fromkeys(EXPRESSIONS, scans // 6),
            "size": 64,
            "fingerprint": "3f1c9a5be7d2",
            "shareable": True,
            "source": {"kind": "synthetic", "version": 1, "seed": 0, "intensities": [3, 4]},
        },
        protocol={"folds": 5, "repeats": 1, "seed": 0, "subjects": None, "redraw": False, "complete": False},
        versions={"python": ["3.11.4"], "torch": ["2.15.0"], "timm": ["1.0.31"], "numpy": ["2.4.6"]},
        hardware=["2 x some processor, 8 GB"],
        commits=["0123456789abcdef0123456789abcdef01234567"],
        devices=["cpu"],
        planned=done,
        done=done,
        failed=[],
        created="2026-01-02T03:04:05+00:00",
        synthetic=True,
        methods={
            method: {
                "version": 1,
                "summary": f"What {method} does, in one line.",
                "source": "Somebody et al., A paper, 2022",
                "hyperparameters": {"width": 0.25, "encoder": "resnet18", "dropout": 0.1},
            }
            for method in methods
        },
        control="afnetm" if "afnetm" in methods else None,
    )


def without(results: Results, *, method: str, fold: int, repeat: int = 0) -> Results:
    """The results as they are when one run has not finished."""

    def kept(frame: pd.DataFrame) -> pd.DataFrame:
        gone = (frame["method"] == method) & (frame["repeat"] == repeat) & (frame["fold"] == fold)
        return frame[~gone]

    plan = replace(results.provenance, done=results.provenance.done - 1)
    return Results(
        folds=kept(results.folds), predictions=kept(results.predictions), curves=kept(results.curves), provenance=plan
    )


SPACE = {
    "dropout": "0 to 0.5",
    "features": "32 to 512, log",
    "attention": "none, scale or affine",
    "training.learning_rate": "0.0003 to 0.01, log",
    "training.weight_decay": "0.001 to 0.3, log",
}


def tune(
    results: Results,
    *,
    selection: str = "nested",
    searches: int = 1,
    reseeds: int = 0,
    seed: int = 0,
    **changed: object,
) -> Results:
    """The results as if every method had been searched, by 20 trials (`reports.data.results.Results.studies`).

    With several `searches` every one's best trial was trained on every fold, the first's `reseeds` times more.
    """
    generator = np.random.default_rng(seed)
    plan = results.provenance
    spaces = {name: dict(list(SPACE.items())[index % 4 :]) for index, name in enumerate(plan.methods)}
    studies: list[dict[str, object]] = []
    trainings: list[dict[str, object]] = []
    for row in results.folds.to_dict("records"):
        method, repeat, fold = (row[name] for name in ("method", "repeat", "fold"))
        nested = selection == "nested"
        for search in range(searches):
            if nested or (repeat, fold) == (0, 0):
                pruned = int(generator.integers(0, 9))
                best_trial: dict[str, object] = {
                    "dropout": float(generator.uniform(0.0, 0.5)),
                    "features": int(generator.choice([32, 64, 128, 256, 512])),
                    "attention": str(generator.choice(["none", "scale", "affine"], p=[0.1, 0.2, 0.7])),
                    "training.learning_rate": float(10.0 ** generator.uniform(-3.5, -2.0)),
                    "training.weight_decay": float(10.0 ** generator.uniform(-3.0, -0.5)),
                }
                place = f"/{repeat}-{fold}" * nested + f" #{search + 1}" * (search > 0)
                studies.append(
                    {
                        "study": f"quick/{method}{place}",
                        "method": method,
                        "repeat": repeat if nested else -1,
                        "fold": fold if nested else -1,
                        "search": search,
                        "complete": 20 - pruned,
                        "pruned": pruned,
                        "failed": 0,
                        "runs": 60 - pruned,
                        "seconds": 55.0 * float(row["seconds"]) * float(generator.uniform(0.8, 1.2)),
                        "best_trial": int(generator.integers(0, 20)),
                        "best_value": float(np.clip(row["accuracy"] + generator.normal(0.03, 0.02), 0.0, 1.0)),
                        "params": json.dumps({name: best_trial[name] for name in spaces[method]}),
                    }
                )
            for reseed in range(1 + reseeds * (search == 0) if searches > 1 else 0):
                variance_components = (
                    0.0 if (search, reseed) == (0, 0) else generator.normal(0.0, 0.02 if search == 0 else 0.03)
                )
                score = float(np.clip(row["accuracy"] + variance_components, 0.0, 1.0))
                axes = {"method": method, "repeat": repeat, "fold": fold, "search": search, "reseed": reseed}
                trainings.append({**axes, "accuracy": score})
    search_plan = Search(
        **{
            "selection": selection,
            "sampler": "tpe",
            "pruner": "median",
            "metric": "accuracy",
            "folds": 3,
            "budget": "20 trials in each study",
            "seed": 0,
            "spaces": spaces,
        }
        | changed
    )
    return replace(
        results,
        studies=pd.DataFrame(studies),
        selection=pd.DataFrame(trainings),
        provenance=replace(plan, search=search_plan),
    )


@pytest.fixture(scope="session")
def results() -> Results:
    return fabricate()


@pytest.fixture(scope="session")
def small() -> Results:
    """As few as make a whole page, for tests that write several."""
    return fabricate(skills={"plain": 0.5, "afnetm": 1.5}, subjects=8, folds=2, epochs=3)


@pytest.fixture(scope="session")
def make() -> Callable[..., Results]:
    return fabricate


@pytest.fixture(scope="session")
def drop() -> Callable[..., Results]:
    return without


@pytest.fixture(scope="session")
def tuned() -> Callable[..., Results]:
    return tune
