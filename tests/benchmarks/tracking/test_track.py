"""``afnetm track``: what MLflow lacks is copied, once, and what it still lacks is said with the way to mend it."""

from mlflow import MlflowClient
from optuna.storages import InMemoryStorage

from benchmarks.records.home import Home
from benchmarks.records.store import Store
from studies.search import Search
from studies.storage import open_storage
from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.tracking.conftest import MANIFEST, found_studies, runs
from tests.benchmarks.tracking.test_runs import record


def test_it_copies_what_is_lacking_and_says_what_still_is(home: Home, client: MlflowClient, here: Afnetm) -> None:
    assert "has no results yet" in here(home.path, "track").stdout
    assert "suite 'other' was never run in home" in here(home.path, "track", "other", code=2).stderr
    MANIFEST.save(home)
    Store(home).write("k0", record(0.5))
    away = here(home.path, "track", "s", "--tracking-uri", "http://127.0.0.1:9", code=1)
    assert "cannot be reached (Connection refused); not copied: up to 1 run\n" in away.stderr
    again = f"afnetm --home {home.path} --tracking-uri http://127.0.0.1:9 track s"
    assert f"this command copies the rest: {again}\n" in away.stderr
    assert here(home.path, "track", "s").stdout == "s: MLflow has 1 finished run, 1 copied now\n"
    Store(home).write("k1", record(0.6))
    assert here(home.path, "track").stdout == "s: MLflow has 2 finished runs, 1 copied now\n"
    first = {name: run.to_dictionary() for name, run in runs(client).items()}
    assert set(first) == {"m", "m 0-0", "m 0-1"}
    assert here(home.path, "track").stdout == "s: MLflow has 2 finished runs, 0 copied now\n"
    assert {name: run.to_dictionary() for name, run in runs(client).items()} == first


def test_a_study_is_found_again_as_it_was_searched(home: Home) -> None:
    storage = open_storage(home.journal, None)
    study, search = found_studies(storage)
    kept = Search.kept(open_storage(home.journal, None), study.name, study.spec)
    assert kept is not None
    assert kept.finished
    assert kept.space == search.space
    assert kept.trials == search.trials
    other = study.spec.model_copy(update={"seed": 1})
    assert Search.kept(storage, study.name, other) is None
    assert Search.kept(InMemoryStorage(), study.name, study.spec) is None
