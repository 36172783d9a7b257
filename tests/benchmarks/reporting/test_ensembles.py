"""The rows default, tuned and ensembled of a real search: which stored runs they are made of, and their numbers."""

import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from sklearn.metrics import accuracy_score, f1_score

from afnetm.data.scan import EXPRESSIONS
from afnetm.registry import find_method
from benchmarks.plans.runs import hyperparameters
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest, read_manifest
from benchmarks.records.store import Store
from benchmarks.reporting.ensembling import read_beside
from tests.benchmarks.conftest import SEARCHED, Afnetm
from tests.benchmarks.search.test_search_faults import trials

METHODS = ["texture", "depth"]
FOLDS = [(0, 0), (0, 1)]
SHARES = [f"p_{name}" for name in EXPRESSIONS]
#: The suite's own learning rate, which no trial may have: so that no best trial is with default settings.
OWN = 1e-5
#: Two trials of two methods in two folds of two inner ones, and the runs with default settings.
_SEARCH = 'trials = 2\ndefaults = true\npruner = "none"'
SUITE = SEARCHED.replace("trials = 8", _SEARCH).replace("4e-3", str(OWN)) + "[methods.depth]\n"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tuned(shared: Path, prepared: Path, afnetm: Afnetm) -> Path:
    """A home in which that suite ran; not written to."""
    home = shared / "ensembles"
    with FileLock(f"{home}.lock"):
        if not home.is_dir():
            (shared / "both.toml").write_text(SUITE)
            shutil.copytree(prepared, shared / "tuning")
            afnetm(shared / "tuning", "run", str(shared / "both.toml"), "--workers", "1", drawn=False)
            (shared / "tuning").rename(home)
    return home


@pytest.fixture(scope="module")
def manifest(tuned: Path) -> Manifest:
    return read_manifest(Home(tuned), "both")


@pytest.fixture(scope="module")
def store(tuned: Path) -> Store:
    return Store(Home(tuned))


def predicted(home: Path, key: str) -> pd.DataFrame:
    """What a run stored, by scan."""
    (file,) = (home / "runs").glob(f"*/{key}/predictions.parquet")
    return pd.read_parquet(file).set_index("scan").sort_index()


def best_trials(home: Path) -> dict[tuple[str, int, int], tuple[float, list[str]]]:
    """By method and outer fold, the best trial's inner accuracy and its runs, as Optuna's journal has them."""
    found = {}
    for name, of in trials(home).items():
        _, method, place = name.split("/")
        best = max(of, key=lambda trial: (trial.value, -trial.number))
        found[method, *map(int, place.split("-"))] = best.value, list(best.user_attrs["runs"])
    return found


def default_runs(home: Path, store: Store) -> dict[tuple[str, int, int], str]:
    """By method and outer fold, the run with the method's and the suite's own settings, by what it says of itself."""
    found = {}
    for listed in read_manifest(Home(home), "both").defaults:
        result = store.result(listed.key)
        assert result["hyperparameters"] == hyperparameters(find_method(listed.method)())
        assert result["training"]["learning_rate"] == OWN
        found[listed.method, listed.repeat, listed.fold] = listed.key
    return found


def assert_is(frame: pd.DataFrame, home: Path, runs: dict[tuple[str, int, int], list[str]]) -> None:
    """A table of predictions has those of these runs, whole, and no other."""
    assert set(frame["unit"]) == {key for keys in runs.values() for key in keys}
    own = {place: rows.set_index("scan").sort_index() for place, rows in frame.groupby(["method", "repeat", "fold"])}
    assert own.keys() == runs.keys()
    for place, keys in runs.items():
        expected = pd.concat([predicted(home, key) for key in keys]).sort_index()
        columns = ["subject", "expression", "predicted", *SHARES]
        pd.testing.assert_frame_equal(own[place][columns], expected[columns], check_dtype=False)


def test_what_is_read_beside_are_the_best_trials_on_inner_folds_and_the_runs_with_default_settings(
    tuned: Path, manifest: Manifest, store: Store
) -> None:
    beside = read_beside(manifest, store, store.done())
    best, defaults = best_trials(tuned), default_runs(tuned, store)
    assert best.keys() == defaults.keys() == {(name, *place) for name, place in product(METHODS, FOLDS)}
    assert_is(beside.inner, tuned, {place: runs for place, (_, runs) in best.items()})
    assert_is(beside.defaults, tuned, {place: [key] for place, key in defaults.items()})
    assert set(beside.records) == {*beside.inner["unit"], *beside.defaults["unit"]}
    assert beside.lacking == {}
    tested = beside.defaults.groupby(["repeat", "fold"])["subject"].agg(set)
    for place, inner in beside.inner.groupby(["repeat", "fold"])["subject"]:
        assert not {*inner} & tested[place]


def test_runs_that_are_gone_are_said_to_lack_and_how_they_are_had(manifest: Manifest, store: Store) -> None:
    whole = read_beside(manifest, store, store.done())
    gone = {whole.inner["unit"].iloc[0], next(one.key for one in manifest.defaults)}
    beside = read_beside(manifest, store, store.done() - gone)
    inner, defaults = whole.inner["unit"].nunique(), len(manifest.defaults)
    assert f"{inner - len(gone & {*whole.inner['unit']})} of {inner} are in this home" in beside.lacking["inner"]
    assert beside.lacking["inner"].endswith("To train the others: afnetm search both.")
    assert f"{defaults - len(gone & {*whole.defaults['unit']})} of {defaults} runs" in beside.lacking["defaults"]
    assert beside.lacking["defaults"].endswith("afnetm run both --set search.defaults=true.")
    assert not gone & {*beside.inner["unit"], *beside.defaults["unit"], *beside.records}


def caruana(inner: list[pd.DataFrame]) -> list[float]:
    """Weights of two methods by greedy selection of 50 steps with replacement, of predictions scan by scan."""
    labels = inner[0]["expression"]
    right = np.array([[frame.at[scan, f"p_{name}"] for scan, name in labels.items()] for frame in inner], float)
    bag: list[int] = []
    losses = []
    for _ in range(50):
        tried = [-np.log(right[[*bag, one]].mean(axis=0)).mean() for one in (0, 1)]
        bag.append(int(np.argmin(tried)))
        losses.append(min(tried))
    kept = bag[: int(np.argmin(losses)) + 1]
    return [kept.count(one) / len(kept) for one in (0, 1)]


def test_the_rows_default_tuned_and_ensembled_are_those_of_stored_predictions(
    tuned: Path, manifest: Manifest, store: Store
) -> None:
    best, defaults = best_trials(tuned), default_runs(tuned, store)
    tested = {(one.method, one.repeat, one.fold): one.key for one in manifest.runs}
    chosen, greedy = {}, {}
    for place in FOLDS:
        values = [best[name, *place][0] for name in METHODS]
        chosen[place] = [float(number == int(np.argmax(values))) for number in (0, 1)]
        inner = [pd.concat([predicted(tuned, key) for key in best[name, *place][1]]) for name in METHODS]
        greedy[place] = caruana(inner)
    mean = {place: [0.5, 0.5] for place in FOLDS}

    def scores(runs: dict[tuple[str, int, int], str], weights: dict[tuple[int, int], list[float]]) -> list[float]:
        labels, said = [], []
        for place in FOLDS:
            own = [predicted(tuned, runs[name, *place]) for name in METHODS]
            shares = sum(weight * of[SHARES] for weight, of in zip(weights[place], own, strict=True))
            labels += own[0]["expression"].tolist()
            said += shares.idxmax(axis=1).str.removeprefix("p_").tolist()
        return [accuracy_score(labels, said), f1_score(labels, said, average="macro", labels=EXPRESSIONS)]

    table = pd.read_csv(tuned / "reports" / "both" / "tables" / "ensembles.csv")
    one, every = "the method best on inner folds", "mean of 2 methods"
    expected = {
        ("default", one): scores(defaults, chosen),
        ("default", every): scores(defaults, mean),
        ("tuned", one): scores(tested, chosen),
        ("tuned", every): scores(tested, mean),
        ("tuned", "greedy ensemble of 2 methods"): scores(tested, greedy),
    }
    assert list(zip(table["settings"], table["prediction"], strict=True)) == list(expected)
    assert np.allclose(table[["accuracy", "macro_f1"]], list(expected.values()))
    assert len({tuple(row) for row in expected.values()}) > 2  # so that rows taken for one another are noticed
    control, _ = scores(tested, {place: [1.0, 0.0] for place in FOLDS})
    assert np.allclose(table["difference"], table["accuracy"] - control)
    shown = {name: np.mean([greedy[place][number] for place in FOLDS]) for number, name in enumerate(METHODS)}
    said = dict(word.rsplit(" ", 1) for word in table["weights"].iloc[-1].split(", "))
    assert {name: float(weight) for name, weight in said.items()} == pytest.approx(
        {name: weight for name, weight in shown.items() if weight}, abs=0.005
    )
