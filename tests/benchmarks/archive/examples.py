"""Homes with a suite's fabricated records, whose subjects have tell-tale names, and what archives of them hold."""

import atexit
import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd

from afnetm.data.scan import EXPRESSIONS
from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home, write_text
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.store import Evidence, Record, Store

SUBJECTS = tuple(f"TELLTALE_{name}" for name in ("Ada", "Bob", "Cai", "Dee", "Eve", "Fay"))
SECRET = hashlib.sha256(b"digests of scans").hexdigest()
PLACES = [(method, fold) for fold in range(3) for method in ("concat", "late")]
BEST_PARAMETERS = (
    "# What a search chose for suite 'people'.\n[concat.0-0]\nfeatures = 64\n\n[concat.0-0.training]\nepochs = 3\n"
)


def run(method: str, fold: int, **changes: Any) -> dict[str, Any]:
    """What decides a run's result."""
    return {
        "dataset": "c" * 64,
        "intensities": None,
        "protocol": {"folds": 3, "seed": 0},
        "repeat": 0,
        "fold": fold,
        "method": method,
        "version": 1,
        "hyperparameters": {"dropout": 0.25},
        "encoder": {"name": "resnet18", "width": 0.25, "weights": None},
        "training": {"epochs": 3, "augmentation": {"flip": 0.5}},
        "device": "cpu",
        "inner": None,
        "reseed": 0,
    } | changes


def record(of: Mapping[str, Any], *, hardware: str = "a machine") -> Record:
    """A record whose auxiliary_outputs and Grad-CAM tell which scan each row is of: they hold its probabilities."""
    rng = np.random.default_rng(int(run_key(of), 16))
    tested = SUBJECTS[2 * of["fold"] : 2 * of["fold"] + 2]
    rows = [(f"{name}_{expression}", name, expression, 3) for name in tested for expression in EXPRESSIONS]
    predictions = pd.DataFrame(rows, columns=["scan", "subject", "expression", "intensity"])
    shares = rng.dirichlet(np.ones(6), len(rows)).astype(np.float32)
    predictions["predicted"] = [EXPRESSIONS[k] for k in shares.argmax(1)]
    predictions = predictions.assign(**{f"p_{name}": shares[:, k] for k, name in enumerate(EXPRESSIONS)})
    result = dict(of) | {
        "key": run_key(of),
        "seed": 2**62 + of["fold"],
        "n_train": 24,
        "n_test": len(rows),
        "accuracy": float((predictions["expression"] == predictions["predicted"]).mean()),
        "macro_f1": 0.25,
        "parameters": 10_000,
        "flops": 20_000,
        "seconds": 2.5,
        "test_seconds": 0.125,
        "device_name": "cpu",
        "finished": 1.7e9 + of["fold"] / 7,
        "versions": {"python": "3.11", "torch": "2.15"},
        "hardware": hardware,
        "commit": "abc",
    }
    epochs = {"epoch": range(3), "loss": rng.random(3), "accuracy": rng.random(3), "learning_rate": [0.1, 0.01, 0.0]}
    places = np.arange(0, len(rows), 5)
    return Record(
        result=result,
        predictions=predictions,
        curves=pd.DataFrame(epochs),
        auxiliary_outputs={
            "importance": np.stack([shares[:, 0], 1 - shares[:, 0]], 1),
            "attention": np.broadcast_to(shares[:, 1, None, None], (len(rows), 2, 2)).copy(),
            "portrait": np.broadcast_to(shares[:, 1, None, None], (len(rows), 16, 16)).copy(),
        },
        gradcam=Evidence(places, {"texture": np.broadcast_to(shares[places, 2, None, None], (3, 2, 2)).copy()}),
        weights={"head.weight": rng.normal(size=(6, 4)).astype(np.float32)} if of["fold"] == 0 else None,
    )


def make_manifest(*, shareable: bool = True, suite: str = "people") -> Manifest:
    """A suite of two methods and three folds, tuned, one run of it trained again with another seed."""
    study = {
        "search": 0,
        "complete": 3,
        "pruned": 1,
        "failed": 0,
        "runs": 7,
        "seconds": 9.5,
        "best_trial": 1,
        "best_value": 0.5,
    }
    studies = [
        {"study": f"{suite}/{method}/0-{fold}", "method": method, "repeat": 0, "fold": fold, **study}
        | {"params": {"dropout": 0.25}}
        for method, fold in PLACES
    ]
    spec = {"selection": "nested", "sampler": "tpe", "pruner": "median", "metric": "accuracy", "folds": 2, "seed": 0}
    about = {"version": 1, "summary": "one", "source": "us", "hyperparameters": {"dropout": 0.25}}
    return Manifest(
        suite=suite,
        text='description = "people"\n[methods.concat]\n[methods.late]\n',
        resolved={"name": suite, "protocol": {"folds": 3, "repeats": 1, "seed": 0}},
        description="a comparison of people",
        control="concat",
        dataset={
            "name": "people",
            "scans": 36,
            "subjects": 6,
            "classes": dict.fromkeys(EXPRESSIONS, 6),
            "size": 32,
            "fingerprint": "c" * 64,
            "shareable": shareable,
            "source": {"kind": "people", "scans": 36},
        },
        methods={method: {"name": method, **about} for method in ("concat", "late")},
        runs=[ListedRun(run_key(run(method, fold)), method, 0, fold) for method, fold in PLACES],
        tuning={
            "spec": spec,
            "budget": "4 trials",
            "file": "",
            "spaces": {method: {"dropout": "0 to 0.5"} for method in ("concat", "late")},
            "studies": studies,
        },
        additional=[ListedRun(run_key(run("concat", 0, reseed=1)), "concat", 0, 0, 0, 1)],
        secret="" if shareable else SECRET,
    )


def fabricate(path: Path, *, shareable: bool = True, without: tuple[int, ...] = ()) -> Home:
    """A home in which that suite was run: its last run failed, and of `PLACES` it has no record of those `without`."""
    home = Home(shutil.copytree(_whole(shareable=shareable), path))
    Store(home).forget(run_key(run(*PLACES[number])) for number in without)
    return home


@cache
def _whole(*, shareable: bool) -> Path:
    home = Home(Path(mkdtemp()))
    store = Store(home)
    for of in (*(run(method, fold) for method, fold in PLACES[:-1]), run("concat", 0, reseed=1)):
        store.write(run_key(of), record(of))
    reason = "RuntimeError: no nose in TELLTALE_Ada_fear"
    store.write_failure(run_key(run(*PLACES[-1])), reason, f"Traceback\n{reason}\nor elsewhere\n")
    write_text(home.best_parameters("people"), BEST_PARAMETERS)
    make_manifest(shareable=shareable).save(home)
    atexit.register(shutil.rmtree, home.path)
    return home.path


def members(archive: Path) -> dict[str, bytes]:
    """An archive's members by name."""
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(content: Mapping[str, bytes], path: Path) -> Path:
    """A zip file of `content`, whatever it is."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in content.items():
            file.writestr(name, data)
    return path


def tree(home: Path) -> dict[str, str]:
    """Digests of a home's files and folders, but for where claims and what is unfinished are, and 256 for order."""
    found = {}
    for path in sorted(home.rglob("*")):
        for_order = path.parent.name == "runs" and len(path.name) == 2
        if not {"claims", "unfinished"} & set(path.relative_to(home).parts) and not for_order:
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            found[str(path.relative_to(home))] = digest
    return found


def tells(archive: Path, *words: str) -> list[str]:
    """The members in which one of `words` is, or the archive's name if it is between them."""
    found = [archive.name] if any(word.encode() in archive.read_bytes() for word in words) else []
    for name, data in members(archive).items():
        if any(word.encode() in data for word in words):
            found.append(name)
    return found
