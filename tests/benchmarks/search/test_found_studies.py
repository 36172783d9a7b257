"""Looking at a suite's studies, and forgetting them with the records of their trainings, and nothing else."""

import json
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from benchmarks.cli.app import main
from benchmarks.records.home import Home
from benchmarks.records.store import Record, Store
from benchmarks.search.found_studies import found_studies
from studies.storage import open_storage

NAMES = ("s/a/0-0", "s/a/0-1", "s/a/0-1 #2", "s/ab", "sa/a/0-0", "s/b.c/d\ne")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Six studies of two suites, each of two trials with a record, one that failed and one that was cut off."""
    home = Home(tmp_path / "h")
    home.make(free=0)
    storage = open_storage(home.journal, None)
    for place, name in enumerate(NAMES):
        study = optuna.create_study(storage=storage, study_name=name)
        for number in range(2):
            key = f"{place}{number}" * 10
            trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
            trial.set_user_attr("runs", [key])
            study.tell(trial, 0.5)
            Store(home).write(key, Record({"accuracy": 0.5}, pd.DataFrame({"scan": ["a"]}), pd.DataFrame(), {}))
        failed = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
        failed.set_user_attr("runs", [])
        study.tell(failed, state=TrialState.FAIL)
        study.tell(study.ask({"x": optuna.distributions.FloatDistribution(0, 1)}), state=TrialState.FAIL)
    return home


def run(monkeypatch: pytest.MonkeyPatch, home: Home, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["afnetm", "--home", str(home.path), *words])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


def test_studies_are_a_suites_own_and_counted_by_state(home: Home) -> None:
    found = found_studies(home, None, "s")
    assert sorted(found.trials) == ["s/a/0-0", "s/a/0-1", "s/a/0-1 #2", "s/ab", "s/b.c/d\ne"]
    assert found.counts == {"studies": 5, "complete": 10, "pruned": 0, "failed": 5, "running": 0, "planned": 0}
    assert sorted(found_studies(home, None, "s", ["a"]).trials) == ["s/a/0-0", "s/a/0-1", "s/a/0-1 #2"]
    assert found_studies(home, None, "s", ["b.c/d\ne", "ab"]).runs == {"30" * 10, "31" * 10, "50" * 10, "51" * 10}
    assert found_studies(home, None, ".").trials == {}


def test_nothing_is_made_where_there_are_none(tmp_path: Path) -> None:
    assert found_studies(Home(tmp_path), None, "s").counts["studies"] == 0
    assert not list(tmp_path.iterdir())


def test_what_is_forgotten_is_gone_and_the_rest_stays(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, home, "forget", "s.toml", "--search", "--methods", "a", "--yes") == 0
    assert capsys.readouterr().out == "3 studies and 6 records deleted\n"
    assert sorted(found_studies(home, None, "s").trials) == ["s/ab", "s/b.c/d\ne"]
    assert Store(home).done() == {f"{place}{number}" * 10 for place in (3, 4, 5) for number in range(2)}
    assert run(monkeypatch, home, "forget", "s", "--search", "--methods", "a", "--yes") == 0
    assert capsys.readouterr().out == "nothing to delete\n"


def test_status_tells_how_far_a_search_is(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.suites.mkdir()
    manifest = {
        "suite": "s",
        "text": "",
        "resolved": {},
        "description": "",
        "control": None,
        "dataset": {},
        "methods": {},
    }
    (home.suites / "s.json").write_text(json.dumps(manifest | {"runs": []}))
    assert run(monkeypatch, home, "status", "s") == 0
    assert "search: 5 studies; trials: 10 complete, 0 pruned, 5 failed, 0 running" in capsys.readouterr().out
