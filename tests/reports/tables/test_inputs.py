"""What each method reads, and where its masks come from: said in every form of the comparison and in the summary."""

from dataclasses import replace

import pytest

from reports.data.results import Results
from reports.tables.compared import Compared, write_tables
from reports.tables.inputs import annotated, differing, inputs_of, not_annotated
from reports.tables.summary import caveats

READS = {
    "late": {"inputs": ["texture", "depth"], "masks": "mean"},
    "afnetm": {"inputs": ["texture", "depth", "masks"], "masks": "detected"},
    "landmarks": {"inputs": ["landmarks"], "masks": "annotated"},
}


@pytest.fixture(name="reading")
def _reading(make) -> Results:
    """Of three methods that differ in what they read."""
    results = make(skills=dict.fromkeys(READS, 0.8), subjects=6, folds=3, epochs=1)
    plan = results.provenance
    return replace(
        results, provenance=replace(plan, methods={name: plan.methods[name] | READS[name] for name in READS})
    )


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (READS["late"], "T, D"),
        (READS["afnetm"], "T, D, M (detected)"),
        (READS["landmarks"], "L (annotated)"),
        (READS["afnetm"] | {"masks": "other_expression"}, "T, D, M (other expression)"),
        (READS["late"] | {"training_inputs": ["masks"]}, "T, D; in training M (mean)"),
        ({}, ""),
    ],
)
def test_inputs_are_letters_with_the_masks_source(about, expected):
    assert inputs_of(about) == expected


def test_every_form_of_the_comparison_has_the_inputs(reading, tmp_path):
    compared = Compared(reading)
    write_tables(compared, tmp_path)
    for ending in ("md", "tex", "csv"):
        rows = (tmp_path / f"comparison.{ending}").read_text(encoding="utf-8").splitlines()
        for name, about in READS.items():
            assert any(name in row and inputs_of(about) in row for row in rows), (ending, name)
    assert "Inputs at test time: T texture, D depth" in compared.tables["comparison"].said_on_page


def test_the_summary_says_who_reads_more_than_texture_and_depth(reading):
    expected = "Masks (M) or landmarks (L) are read: M (detected) by afnetm; L (annotated) by landmarks."
    assert differing(reading.provenance) == [f"Methods differ in what they read. {expected}"]
    assert expected in " ".join(caveats(reading))
    plan = reading.provenance
    alike = replace(plan, methods={name: about | READS["late"] for name, about in plan.methods.items()})
    assert differing(alike) == []
    assert annotated(plan) == ["landmarks"]
    assert not_annotated(plan) == []
