"""Shards of a suite, run in homes that share nothing, merge into what one home would have, searched or not."""

import shutil
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from afnetm.errors import UserError
from benchmarks.plans.shards import parse_shard, places
from benchmarks.plans.tables import ProtocolSpec
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from studies.best_parameters import read_best_parameters
from tests.benchmarks.conftest import SEARCHED, Afnetm
from tests.benchmarks.found import assert_same, runs_done

#: Columns of tables that say how long something took.
TIMES = "second|time|ms"


def test_shards_are_all_folds_each_once() -> None:
    protocol = ProtocolSpec(folds=3, repeats=4)
    every = list(product(range(4), range(3)))
    assert places(protocol, None) == every
    for count in range(1, 13):
        shards = [places(protocol, parse_shard(f"{number}/{count}")) for number in range(1, count + 1)]
        assert sorted(place for shard in shards for place in shard) == every
        assert max(map(len, shards)) - min(map(len, shards)) <= 1
    with pytest.raises(UserError, match="--shard: '3/13' is not allowed; the suite has 12 folds in all its repeats"):
        places(protocol, parse_shard("3/13"))


@pytest.mark.parametrize("text", ["", "3", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1.5/2", "\u00b2/3", " 1/2"])
def test_what_is_no_shard_is_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r"^--shard: '.*' is not allowed; (which of how many|from 1/\d+ to)"):
        parse_shard(text)


def test_a_search_for_all_folds_is_not_done_in_each_shard(tmp_path: Path, home: Path, here: Afnetm) -> None:
    suite = tmp_path / "tuned.toml"
    subjects = SEARCHED.replace("folds = 2\n", "folds = 2\nsubjects = 4\n", 1)
    suite.write_text(subjects.replace("[search]", '[search]\nselection = "development"'))
    line = here(home, "run", str(suite), "--shard", "1/2", code=2).stderr
    assert "--shard: suite 'tuned' is searched once for all folds" in line
    assert "`afnetm search tuned`, and give each shard the file that it writes by --params" in line


def tables(home: Path, suite: str) -> dict[str, pd.DataFrame]:
    found = {}
    for path in sorted((home / "reports" / suite / "tables").glob("*.csv")):
        table = pd.read_csv(path)
        found[path.name] = table.drop(columns=[name for name in table if pd.Series(name).str.contains(TIMES)[0]])
    return found


def check_same(whole: Path, merged: Path, suite: str) -> None:
    """That a merged home has the runs, the manifest and the tables of one in which the whole suite was run."""
    assert_same(whole, merged)
    one, other = (read_manifest(Home(home), suite) for home in (whole, merged))
    for name in ("runs", "additional", "defaults", "methods", "trains_defaults", "added"):
        assert getattr(one, name) == getattr(other, name), name
    for study, same in zip(one.tuning.get("studies", []), other.tuning.get("studies", []), strict=True):
        assert {**study, "seconds": 0} == {**same, "seconds": 0}
    expected, found = tables(whole, suite), tables(merged, suite)
    assert list(expected) == list(found)
    assert len(expected) > 3
    for name, table in expected.items():
        pd.testing.assert_frame_equal(table, found[name], check_exact=True, obj=name)


def run_shards(prepared: Path, suite: Path, tmp_path: Path, here: Afnetm) -> Path:
    """The home into which two shards were merged, each run in a home of its own, and its report written."""
    shards = [tmp_path / "one", tmp_path / "two"]
    for number, home in enumerate(shards):
        shutil.copytree(prepared, home)
        here(home, "run", "--no-report", str(suite), "--shard", f"{number + 1}/2", "--workers", "1")
    merged = tmp_path / "merged"
    done = here(merged, "merge", *map(str, shards))
    assert f"{sum(map(runs_done, shards))} runs new" in done.stdout
    here(merged, "report", suite.stem)
    return merged


@pytest.mark.slow
@pytest.mark.usefixtures("sketched")
def test_shards_merge_into_the_whole(prepared: Path, suite: Path, home: Path, tmp_path: Path, here: Afnetm) -> None:
    merged = run_shards(prepared, suite, tmp_path, here)
    assert runs_done(tmp_path / "one") == 4
    assert runs_done(tmp_path / "two") == 2
    assert "2 left" in here(tmp_path / "one", "status", "small").stdout
    here(home, "run", str(suite), "--workers", "1")
    check_same(home, merged, "small")


@pytest.mark.faults  # `searched` is made there
@pytest.mark.usefixtures("sketched")
def test_searched_shards_merge_into_the_whole(
    searched: Path, prepared: Path, searched_suite: Path, tmp_path: Path, here: Afnetm
) -> None:
    merged = run_shards(prepared, searched_suite, tmp_path, here)
    check_same(searched, merged, "tuned")
    best = [read_best_parameters(Home(home).best_parameters("tuned")) for home in (searched, merged)]
    assert best[0].found_by == best[1].found_by
    assert {(one.label, one.where): one.params for one in best[0].best_parameters} == {
        (one.label, one.where): one.params for one in best[1].best_parameters
    }
    again = here(merged, "run", str(searched_suite))
    assert "2 runs done; nothing to train" in again.stderr
