"""Reports of evaluations as the gallery takes them: made by the report itself, copied by the script."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.records.home import Home
from reports.data.results import Results
from reports.multi_suite.page import write_multi_suite
from reports.multi_suite.suites import MultiSuite
from reports.page.page import write_report
from reports.tables.compared import Compared
from scripts.gallery import FIGURES, MATRIX, TABLES, TRAINED_ON, copy_report, renew, renew_leaderboard
from tests.benchmarks.archive.examples import fabricate as fabricated
from tests.benchmarks.archive.examples import make_manifest
from tests.reports.conftest import fabricate
from tests.reports.tables.test_cross_dataset import answered
from tests.reports.tables.test_robustness import answers, evaluated
from tests.sketching import sketching

SHARES = {"texture": 0.4, "afnetm": 0.6}


def called(results: Results, suite: str) -> Results:
    plan = replace(results.provenance, suite=suite)
    return replace(results, folds=results.folds.assign(suite=suite), provenance=plan)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with reports of evaluations: two suites that are tested on each other's dataset, one of corruptions."""
    home = Home(tmp_path_factory.mktemp("home"))
    clean = fabricate(skills={"texture": 0.5, "afnetm": 1.2}, subjects=8, folds=2, epochs=2)
    there = {"default": called(answered(clean, {"light": SHARES}, name="default"), TRAINED_ON[0])}
    there["light"] = called(answered(clean, {"default": SHARES}, name="light", seed=1), TRAINED_ON[1])
    corrupted = called(evaluated(clean, answers(clean, {"texture": 0.0, "afnetm": 0.1})), "robustness")
    with sketching():
        for one in (*there.values(), corrupted):
            write_report(one, home.report(one.provenance.suite))
        together = MultiSuite([Compared(one) for one in there.values()])
        links = dict.fromkeys(together.names, "index.html")
        write_multi_suite(together, home.joint_report(TRAINED_ON), links=links, created="now")
    return home


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_evaluations_have_their_own_tables_curves_heat_map_and_matrix(home: Home, tmp_path: Path) -> None:
    assert set(renew(home, tmp_path)) == {"robustness", "transfer"}
    assert names(tmp_path) == {"robustness", "transfer", MATRIX}
    curves = {"severity.svg", "calibration.svg", "robustness.svg", "texture_weight-afnetm.svg"}
    assert names(tmp_path / "robustness" / "figures") == curves
    assert names(tmp_path / "transfer" / "figures") == names(tmp_path / MATRIX / "figures") == {"cross_dataset.svg"}
    for folder, tables in {**TABLES, MATRIX: ("cross_dataset",)}.items():
        found = names(tmp_path / folder / "tables")
        assert {f"{name}.csv" for name in tables} <= found
        assert {Path(name).stem for name in found} <= {*tables, "notices"}
    report = home.report("robustness") / "tables" / "corruptions.csv"
    assert (tmp_path / "robustness" / "tables" / "corruptions.csv").read_bytes() == report.read_bytes()
    matrix = pd.read_csv(tmp_path / MATRIX / "tables" / "cross_dataset.csv")
    assert set(zip(matrix["trained_on"], matrix["tested_on"], strict=True)) == {
        (one, other) for one in ("default", "light") for other in ("default", "light")
    }


def test_what_the_home_has_no_report_of_stays_as_it_is(home: Home, tmp_path: Path) -> None:
    for folder in ("fusion", MATRIX, "robustness"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "earlier.md").write_text("")
    assert renew(Home(tmp_path / "empty"), tmp_path) == []
    renew(home, tmp_path)
    assert [(tmp_path / folder / "earlier.md").exists() for folder in ("fusion", MATRIX, "robustness")] == [
        True,
        False,
        False,
    ]


def test_a_table_or_figure_that_a_report_has_not_is_named(home: Home, tmp_path: Path) -> None:
    """What the gallery has of the suite stays."""
    report = home.report("transfer")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "earlier.md").write_text("")
    with pytest.raises(FileNotFoundError, match="no table corruptions"):
        copy_report(report, tmp_path / "one", FIGURES["transfer"], ("corruptions", "tested_on"))
    with pytest.raises(FileNotFoundError, match="no figure severity"):
        copy_report(report, tmp_path / "one", ("severity",))
    assert names(tmp_path / "one") == {"earlier.md"}


def test_the_leaderboard_keeps_suites_that_another_home_had(tmp_path: Path) -> None:
    """One home has two suites, a later one has the second anew: the page has the first as it was."""
    gallery, first, second = tmp_path / "gallery", fabricated(tmp_path / "1"), fabricated(tmp_path / "2")
    for home, suites in ((first, ["fusion", "masks"]), (second, ["masks"])):
        for suite in suites:
            make_manifest(suite=suite).save(home)
            (gallery / suite).mkdir(parents=True, exist_ok=True)
        assert renew_leaderboard(home, suites, gallery) == []
    page = (gallery / "leaderboard.html").read_text(encoding="utf-8")
    assert page.count('data-suite="fusion"') == page.count('data-suite="masks"') > 1
    replace(make_manifest(suite="ablation"), runs=[]).save(second)
    (problem,) = renew_leaderboard(second, ["ablation"], gallery)
    assert problem.startswith("suite 'ablation': ")
    assert 'data-suite="ablation"' not in (gallery / "leaderboard.html").read_text(encoding="utf-8")
