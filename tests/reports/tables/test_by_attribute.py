"""Tables of accuracy by an attribute of the scans: counted by hand, as files, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from reports.data.results import Results
from reports.formats import NOTHING
from reports.page.page import write_report
from reports.schema import ReportError
from reports.tables.compared import Compared
from tests.reports.conftest import without

pytestmark = pytest.mark.usefixtures("sketched")


def divided(results: Results, values: dict[str, str], *, name: str = "session", shareable: bool = True) -> Results:
    """Results whose subjects have these values, by the end of their names; others have an empty one."""
    scans = results.predictions[["scan", "subject"]].drop_duplicates("scan")
    found = scans["subject"].map(lambda name: values.get(name[-1], ""))
    plan = results.provenance
    return replace(
        results,
        attributes=pd.DataFrame({"scan": scans["scan"], name: found}),
        provenance=replace(plan, dataset={**plan.dataset, "shareable": shareable}),
    )


def test_accuracy_is_that_of_the_scans_with_the_value(small: Results, tmp_path: Path) -> None:
    own = divided(small, {"0": "10", "1": "10", "2": "2", "3": "2", "4": "late", "5": "late"})
    write_report(own, tmp_path / "report")
    found = pd.read_csv(tmp_path / "report" / "tables" / "by_session.csv")
    tested = own.predictions.merge(own.attributes, on="scan")
    for row in found.itertuples():
        part = tested[(tested["method"] == row.method) & (tested["session"] == row.value)]
        assert row.accuracy == pytest.approx((part["predicted"] == part["expression"]).mean())
        assert (row.scans, row.subjects) == (len(part), 2)
    assert found["value"].tolist() == ["2", "10", "late"] * 2  # numbers as numbers
    known = found.dropna()
    assert len(known) > 2
    assert (known["accuracy_low"] <= known["accuracy"]).all()
    text = (tmp_path / "report" / "tables" / "by_session.md").read_text()
    assert "Tested scans (subjects): 2: 24 (2); 10: 24 (2); late: 24 (2)." in text
    assert "session 10" in (tmp_path / "report" / "tables" / "by_session.tex").read_text()


def test_a_method_with_fewer_scans_says_how_many(small: Results) -> None:
    own = divided(small, {"0": "a", "1": "a", "2": "b", "3": "b", "4": "b", "5": "b", "6": "b", "7": "b"})
    part = replace(without(own, method="plain", fold=0), attributes=own.attributes)
    rows = {row[0].text: row[1:] for row in Compared(part).tables["by_session"].rows}
    assert not any(cell.below for cell in rows["afnetm"])
    assert any(cell.below.endswith(" scans") or cell.text == NOTHING for cell in rows["plain"])


def test_a_value_of_one_subject_is_refused_where_subjects_may_not_be_named(small: Results) -> None:
    values = {"0": "only", "1": "more", "2": "more"}
    assert "by_session" in Compared(divided(small, values)).tables
    with pytest.raises(ReportError, match=r"--by session: a value is of one subject only, who may not be named"):
        _ = Compared(divided(small, values, shareable=False)).tables


@pytest.mark.parametrize(("values", "count"), [({"0": "a", "1": "a"}, 1), ({}, 0)])
def test_a_column_that_does_not_divide_the_scans_is_refused(small: Results, values: dict[str, str], count: int) -> None:
    with pytest.raises(ReportError, match=f"--by session: {count} values among the tested scans"):
        _ = Compared(divided(small, values)).tables
