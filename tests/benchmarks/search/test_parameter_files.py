"""A file of parameters that one suite's search found, given to another suite by the command line."""

from pathlib import Path

import pytest

from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from studies.best_parameters import read_best_parameters
from tests.benchmarks.conftest import Afnetm

HEAD = """
description = "a small suite"
[dataset]
name = "tiny"
synthetic = { subjects = 6, intensities = [4], size = 32, seed = 0 }
[protocol]
folds = 2
subjects = 4
[encoder]
width = 0.125
[training]
epochs = 1
batch_size = 8
"""
SEARCH = """
[search]
trials_per_dimension = 2
selection = "development"
folds = 2
training = []
[methods.texture]
[methods.depth]
"""


@pytest.mark.slow
@pytest.mark.usefixtures("sketched")
def test_what_a_search_finds_is_run_by_another_suite_whose_report_says_so(
    home: Path, tmp_path: Path, here: Afnetm
) -> None:
    """The one finds settings of methods, of which the other has a variant and one beside them."""
    (tmp_path / "defaults.toml").write_text(HEAD + SEARCH)
    (tmp_path / "mine.toml").write_text(
        f'{HEAD}[methods.texture]\n[methods.late]\n[methods.plain]\nmethod = "texture"\ndropout = 0.3\n'
    )
    done = here(home, "search", str(tmp_path / "defaults.toml"), "--workers", "1")
    assert "2 trials per dimension searched" in " ".join(done.stderr.split())
    assert "trials: 4 complete, 0 pruned, 0 failed, 0 running of 4 planned" in here(home, "status", "defaults").stdout
    path = Home(home).best_parameters("defaults")
    file = read_best_parameters(path)
    origin = "the search of suite defaults on dataset tiny, 2 trials per dimension searched in each study"
    assert file.found_by == origin
    (found,) = [best.params for best in file.best_parameters if best.label == "texture"]

    done = here(home, "run", str(tmp_path / "mine.toml"), "--params", str(path), "--workers", "1")
    assert "defaults.toml: not in suite 'mine', and left out: depth" in done.stderr
    store, manifest = Store(Home(home)), read_manifest(Home(home), "mine")
    used = {one.method: store.result(one.key)["hyperparameters"] for one in manifest.runs}
    assert found.items() <= used["texture"].items()
    assert used["plain"]["dropout"] == 0.3
    report = (home / "reports" / "mine" / "report.md").read_text()
    assert f"Tuned: hyper-parameters of texture are those of the file defaults.toml, found by {origin}." in report
    assert "The settings of late and plain are the suite's." in report
