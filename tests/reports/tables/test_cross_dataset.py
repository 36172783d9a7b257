"""Other datasets in a report: tables and pictures of fabricated evaluations, of one suite and of several."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.data.results import Results
from reports.multi_suite.cross_dataset import cross_dataset
from reports.multi_suite.page import write_multi_suite
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.tables import Tables
from reports.page.page import write_report
from reports.schema import ReportError
from reports.tables.compared import Compared
from reports.tables.cross_dataset import Elsewhere
from tests.reports.conftest import fabricate

SKILLS = {"texture": 0.55, "depth": 0.85, "afnetm": 1.45}
#: By dataset, shares of right answers.
SHARES = {"light": {"texture": 0.3, "depth": 0.6, "afnetm": 0.5}, "people": {"texture": 0.5, "depth": 0.6}}


def answered(
    results: Results, shares: Mapping[str, Mapping[str, float]] = SHARES, *, name: str = "own", seed: int = 0
) -> Results:
    """The results, whose dataset is called `name`, with answers at random in other datasets."""
    generator = np.random.default_rng(seed)
    rows = []
    for (method, repeat, fold), _ in results.predictions.groupby(["method", "repeat", "fold"]):
        for dataset, own in shares.items():
            for subject in range(12) if method in own else ():
                said = {"method": method, "repeat": repeat, "fold": fold, "dataset": dataset, "subject": f"p{subject}"}
                rows.append(said | {"scans": 12, "hits": int(generator.binomial(12, own[method])), "confidence": 7.0})
    about = {**results.provenance.dataset, "name": name, "fingerprint": name}
    others = {other: {**about, "name": other, "fingerprint": other} for other in shares}
    plan = replace(results.provenance, suite=f"from-{name}", dataset=about, others=others)
    folds = results.folds.assign(suite=plan.suite)
    return replace(results, folds=folds, cross_dataset=pd.DataFrame(rows), provenance=plan)


@pytest.fixture(scope="module")
def results() -> Results:
    return answered(fabricate(skills=SKILLS, repeats=2))


def test_a_method_that_was_not_tested_on_all_is_named_and_no_row(results: Results) -> None:
    table = Compared(results).tables["cross_dataset"]
    assert [row[0].text for row in table.rows] == ["depth", "texture"]
    assert any("Not tested on all datasets, and not in the table: afnetm." in note for note in table.notes)


def test_the_mean_is_told_apart_from_the_control_s_by_the_primary_test(results: Results) -> None:
    own = replace(results, provenance=replace(results.provenance, control="texture"))
    compared = Compared(own)
    found = Elsewhere(own, compared.table).table
    first, second = (row for _, row in found.iterrows())
    assert first["mean"] == pytest.approx(0.6, abs=0.05)
    assert first["difference"] == pytest.approx(0.2, abs=0.07)
    assert first["p_holm"] < 0.05
    assert first["difference_low"] > 0.0
    assert np.isnan(second["p_holm"])
    accuracy = compared.table.set_index("method")["accuracy"]
    assert found.set_index("method")["own"].to_dict() == accuracy.loc[["depth", "texture"]].to_dict()


@pytest.mark.parametrize("seed", range(6))
def test_no_interval_of_a_difference_excludes_zero_where_the_test_does_not_reject(seed: int) -> None:
    skills = {"texture": 0.55, "depth": 0.85, "late": 1.2, "afnetm": 1.45}
    shares = {name: {"texture": 0.42, "depth": 0.47, "late": 0.5, "afnetm": 0.5} for name in ("light", "people")}
    own = answered(fabricate(skills=skills, repeats=2, epochs=1, seed=seed), shares, seed=seed)
    found = Elsewhere(own, Compared(own).table).table.query("method != 'afnetm'")
    assert len(found) == 3
    excludes = (found["difference_low"] > 0) | (found["difference_high"] < 0)
    assert excludes.tolist() == (found["p_two_way"] < 0.05).tolist()


def test_a_report_has_its_table_its_picture_and_accuracy_in_each_dataset(results: Results, tmp_path: Path) -> None:
    write_report(results, tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text()
    assert ">Other datasets</h2>" in page
    each = pd.read_csv(tmp_path / "report" / "tables" / "tested_on.csv").set_index(["method", "tested_on"])
    assert each.loc[("afnetm", "light"), "accuracy"] == pytest.approx(0.5, abs=0.05)
    assert ("afnetm", "people") not in each.index
    assert (each["subjects"] == 12).all()
    assert (tmp_path / "report" / "figures" / "cross_dataset.pdf").is_file()


def test_without_other_datasets_there_is_none_of_it() -> None:
    assert "cross_dataset" not in Compared(fabricate(skills=SKILLS)).tables


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hits": 13}, "13 hits of 12 scans"),
        ({"dataset": "moon"}, "dataset 'moon', allowed: light, people"),
        ({"scans": 20}, "were tested on other scans of 'light'"),
    ],
)
def test_answers_that_contradict_themselves_are_refused(
    results: Results, change: Mapping[str, object], message: str
) -> None:
    frame = results.cross_dataset.copy()
    for column, value in change.items():
        frame.loc[0, column] = value
    with pytest.raises(ReportError, match=message):
        replace(results, cross_dataset=frame)


def test_several_suites_make_a_matrix_of_datasets(tmp_path: Path) -> None:
    names = ("own", "light", "people")
    suites = [
        answered(
            fabricate(skills=SKILLS, seed=seed),
            {other: dict.fromkeys(SKILLS, 0.2 + 0.2 * seed) for other in names if other != name},
            name=name,
            seed=seed,
        )
        for seed, name in enumerate(names)
    ]
    multi = MultiSuite([Compared(one) for one in suites])
    found = cross_dataset(multi)
    assert len(found) == 3 * 3 * 3
    for seed, name in enumerate(names):
        rows = found[found["trained_on"] == name].set_index(["method", "tested_on"])["accuracy"]
        own = multi.suites[seed].table.set_index("method")["accuracy"]
        for method in SKILLS:
            assert rows[method, name] == own[method]
            for other in names:
                if other != name:
                    assert rows[method, other] == pytest.approx(0.2 + 0.2 * seed, abs=0.08)
    assert "cross_dataset" in Tables(multi).tables
    write_multi_suite(multi, tmp_path / "all", links={f"from-{name}": "x.html" for name in names}, created="today")
    assert ">Trained on one dataset, tested on another</h2>" in (tmp_path / "all" / "index.html").read_text()
    assert (tmp_path / "all" / "figures" / "cross_dataset.pdf").is_file()
    assert cross_dataset(MultiSuite([multi.suites[0], Compared(fabricate(skills=SKILLS))])).empty
