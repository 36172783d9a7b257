"""report.md says what the page says, and whatever a name holds stays text in it."""

from dataclasses import replace

import pytest

from reports.page.page import write_report
from tests.reports.page.test_page import EVIL, read

pytestmark = pytest.mark.usefixtures("sketched")


def test_the_document_has_summary_tables_pictures_and_how_it_was_made(small, tuned, tmp_path):
    results = tuned(small, searches=2, reseeds=1)
    page = write_report(results, tmp_path / "quick")
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    titles = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    expected = ["quick", "Summary", "Comparison", "Scores in detail", "Statistics", "Tuning", "Pictures"]
    assert titles == [*expected, "Reproducibility", "Dataset", "Protocol", "Software and hardware"]
    finding = next(line for line in text.splitlines() if "the highest accuracy" in line)
    assert finding in read(page).text
    for name in ("comparison", "details", "pairwise", "tuning", "parameters", "spread"):
        assert (page.parent / "tables" / f"{name}.md").read_text(encoding="utf-8") in text, name
    linked = {line.split("](")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")}
    assert linked == {f"figures/{path.name}" for path in (page.parent / "figures").glob("*.svg")}


def test_it_says_what_is_incomplete_and_who_may_not_be_named_is_not(small, drop, tmp_path):
    part = drop(small, method="plain", fold=1)
    plan = replace(
        part.provenance,
        failed=[("plain", 0, 1, "ValueError: no landmarks in s003_fear_4")],
        dataset={**part.provenance.dataset, "shareable": False},
    )
    page = write_report(replace(part, provenance=plan), tmp_path / "part")
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    assert text.count("Incomplete: 3 of 4 planned runs are done.") == 4  # at its top and at three tables
    assert "s003" not in text
    assert "ValueError (message withheld" in text


def test_hostile_names_stay_text(make, tmp_path):
    results = make(skills={EVIL: 1.0, "plain": 0.5}, subjects=6, folds=2, epochs=2)
    plan = replace(results.provenance, description=f"# {EVIL}", suite_toml=EVIL, failed=[(EVIL, 0, 0, EVIL)])
    page = write_report(replace(results, provenance=plan), tmp_path / "evil")
    lines = (page.parent / "report.md").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if "<script" in line and not line.startswith("    ")]
    assert next(line for line in lines if line.startswith("#")) == "# quick"
    assert lines[2].startswith(r"\# &lt;script&gt;")
