"""What each method reads, and where its masks come from: said in every form of the comparison and in the summary."""

from dataclasses import replace

import pytest

from reports.data.results import Results
from reports.tables.compared import Compared, write_tables
from reports.tables.inputs import annotated, differing, inputs_of, not_annotated
from reports.tables.summary import caveats, notices

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


def test_below_tables_is_what_poses_were_fitted_to_and_where_no_column_tells_it_what_methods_read(reading, tmp_path):
    plan = reading.provenance
    posed = replace(reading, provenance=replace(plan, dataset={**plan.dataset, "pose": "annotated"}))
    compared = Compared(posed)
    write_tables(compared, tmp_path)
    poses = "Poses of all scans were fitted to annotated landmarks."
    for name in ("comparison.md", "comparison.tex", "comparison-compact.tex"):
        assert poses in " ".join((tmp_path / name).read_text(encoding="utf-8").split()), name
    assert "(docs/" not in compared.tables["comparison"].said_on_page
    (expected,) = differing(reading.described)
    assert expected in compared.tables["comparison-compact"].paper_notes
    assert expected not in compared.tables["comparison"].paper_notes
    assert f"{poses.removesuffix('.')} (docs/masks.md)." in caveats(posed)
    assert poses not in Compared(reading).tables["comparison"].notes  # of results from elsewhere it is not known


def test_a_method_of_the_suite_that_was_not_run_is_in_no_sentence(reading):
    plan = reading.provenance
    absent = READS["landmarks"] | {"masks": "other_expression"}
    whole = replace(
        reading, provenance=replace(plan, methods={**plan.methods, "absent": plan.methods["late"] | absent})
    )
    said = [*caveats(whole), *notices(whole), *Compared(whole).tables["comparison-compact"].paper_notes]
    assert "landmarks" in " ".join(said)
    assert not [sentence for sentence in said if "absent" in sentence]


def test_the_summary_says_who_reads_more_than_texture_and_depth(reading):
    expected = "Masks (M) or landmarks (L) are read: M (detected) by afnetm; L (annotated) by landmarks."
    assert differing(reading.described) == [f"Methods differ in what they read. {expected}"]
    assert expected in " ".join(caveats(reading))
    plan = reading.provenance
    alike = {name: about | READS["late"] for name, about in plan.methods.items()}
    assert differing(alike) == []
    assert annotated(plan.methods) == ["landmarks"]
    other = {**plan.methods, "afnetm": plan.methods["afnetm"] | {"masks": "other_expression"}}
    assert annotated(other) == ["afnetm", "landmarks"]
    assert not_annotated(plan.methods) == []
