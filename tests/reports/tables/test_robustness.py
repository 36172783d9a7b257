"""Robustness in a report: its tables and pictures of fabricated evaluations."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.data.results import Results
from reports.page.page import write_report
from reports.pictures.collection import draw_pictures
from reports.schema import ReportError
from reports.tables.compared import Compared
from reports.tables.robustness import Evaluated, corruptions_table, robustness_table
from tests.reports.conftest import fabricate

#: By corruption, what share of right answers each severity leaves.
KEPT = {"blur": (0.9, 0.8, 0.6), "gone": (0.3,)}
#: How much more a method keeps.
HARDY = {"texture": 0.0, "depth": 0.1, "afnetm": 0.05}
CORRUPTIONS = pd.DataFrame(
    [
        {"corruption": name, "title": name.title(), "group": group, "severity": severity, "value": float(severity)}
        for name, group in (("blur", "texture"), ("gone", "modality"))
        for severity in range(1, len(KEPT[name]) + 1)
    ]
)


def evaluated(results: Results, hardy: Mapping[str, float] = HARDY, *, seed: int = 0) -> Results:
    """The results with evaluations of these methods; answers are lost at random."""
    generator = np.random.default_rng(seed)
    rows = []
    tested = results.predictions.assign(right=lambda table: table["expression"] == table["predicted"])
    for (method, repeat, fold, subject), own in tested.groupby(["method", "repeat", "fold", "subject"]):
        for name, shares in KEPT.items() if method in hardy else ():
            for severity, share in enumerate(shares, 1):
                hits = int(generator.binomial(int(own["right"].sum()), share + hardy[method]))
                place = {"method": method, "repeat": repeat, "fold": fold, "subject": subject}
                said = {"corruption": name, "severity": severity, "scans": len(own), "hits": hits}
                rows.append(place | said | {"confidence": 0.5 * len(own)})
    return replace(results, evaluations=pd.DataFrame(rows), corruptions=CORRUPTIONS)


@pytest.fixture(scope="module")
def results() -> Results:
    return evaluated(fabricate(skills={"texture": 0.55, "depth": 0.85, "afnetm": 1.45}, repeats=2))


def test_the_most_robust_method_is_first_and_told_apart_from_the_control(results: Results) -> None:
    found = Evaluated(replace(results, provenance=replace(results.provenance, control="texture"))).table
    assert found["method"].tolist() == ["depth", "afnetm", "texture"]
    first = found.iloc[0]
    assert first["relative"] == pytest.approx(np.mean([np.mean(KEPT["blur"]) + 0.1, 0.4]), abs=0.04)
    assert first["p_holm"] < 0.05
    assert first["difference_low"] > 0
    assert first["worst"] == "gone"
    assert np.isnan(found.iloc[2]["p_holm"])


def test_overconfidence_is_confidence_minus_accuracy(results: Results) -> None:
    own = results.evaluations[results.evaluations["method"] == "depth"]
    expected = 0.5 - own["hits"].sum() / own["scans"].sum()
    found = Evaluated(results).table.set_index("method")["overconfidence"]
    assert found["depth"] == pytest.approx(expected)


def test_a_method_that_was_not_evaluated_on_all_is_named_and_has_its_corruptions(results: Results) -> None:
    frame = results.evaluations
    lacking = frame[(frame["method"] != "depth") | (frame["corruption"] != "gone")]
    found = Evaluated(replace(results, evaluations=lacking))
    table = robustness_table(found)
    assert "depth" not in [row[0].text for row in table.rows]
    assert any("not in the table: depth" in note for note in table.notes)
    assert set(found.by_corruption.query("method == 'depth'")["corruption"]) == {"blur"}
    assert [row[0].text for row in corruptions_table(found).rows] == ["Blur", "Gone"]


def test_a_report_has_its_tables_and_pictures(results: Results, tmp_path) -> None:  # type: ignore[no-untyped-def]
    write_report(results, tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text()
    assert ">Robustness</h2>" in page
    for name in ("robustness", "corruptions", "severities"):
        assert len(pd.read_csv(tmp_path / "report" / "tables" / f"{name}.csv")) > 2
    for name in ("severity", "robustness"):
        assert (tmp_path / "report" / "figures" / f"{name}.pdf").is_file()


def test_without_evaluations_there_is_none_of_it() -> None:
    bare = fabricate(skills={"texture": 0.55, "depth": 0.85})
    compared = Compared(bare)
    assert "robustness" not in compared.tables
    assert "severity" not in draw_pictures(compared)


def test_evaluations_of_other_scans_than_were_tested_are_refused(results: Results) -> None:
    with pytest.raises(ReportError, match="evaluations: .* hits of 13, allowed of 12"):
        replace(results, evaluations=results.evaluations.assign(scans=13))
    with pytest.raises(ReportError, match="not in corruptions"):
        replace(results, corruptions=CORRUPTIONS.iloc[:2])
