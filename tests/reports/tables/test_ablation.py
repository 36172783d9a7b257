"""The ablation table: which parts a row has, the full model first, and the numbers of the comparison beside them."""

import csv
from dataclasses import replace

import pandas as pd
import pytest

from reports.data.results import Axis, Results
from reports.formats import points
from reports.page.page import write_report
from reports.schema import ReportError
from reports.tables.ablation import GONE, ablation, ablation_table, part, parts
from reports.tables.comparison import comparison
from reports.tables.pairwise import pairwise
from reports.tables.summary import findings
from tests.reports.page.test_page import read

pytestmark = pytest.mark.usefixtures("sketched")

AXES = {"attention": Axis(title="mask attention (MA)"), "stages": Axis(title="fused at")}
SETTINGS = {
    "no-ma": {"attention": "none", "stages": [3]},
    "scale": {"attention": "scale", "stages": [3]},
    "full": {"attention": "affine", "stages": [3]},
    "twice": {"attention": "affine", "stages": [2, 3]},
}


@pytest.fixture(scope="module")
def ablated(make) -> Results:
    results = make(skills={"no-ma": 0.5, "scale": 1.0, "full": 1.4, "twice": 1.5}, subjects=10, folds=2, epochs=2)
    plan = results.provenance
    methods = {
        name: about | {"hyperparameters": SETTINGS[name] | {"dropout": 0.0}} for name, about in plan.methods.items()
    }
    return replace(results, provenance=replace(plan, methods=methods, control="full", axes=AXES))


def test_the_summary_says_which_changes_the_declared_test_tells_from_the_full_model(make, ablated):
    skills = {"full": 1.4, "worse": -2.0, "same": 1.4, "better": 5.0}
    found = make(skills=skills, subjects=20, folds=5, epochs=1)
    plan = found.provenance
    methods = {name: about | {"hyperparameters": {"stages": [3]}} for name, about in plan.methods.items()}
    axes = {"stages": Axis(title="fused at")}
    found = replace(found, provenance=replace(plan, methods=methods, control="full", axes=axes))
    pairs = pairwise(found)
    gaps = pairs[pairs["method_b"] == "full"].set_index("method_a")["difference"]
    said = (
        f"Of 3 changes to full, the full model, 1 (worse {points(gaps['worse'])}) give significantly lower and "
        f"1 (better {points(gaps['better'])}) significantly higher accuracy (primary test)."
    )
    assert said in findings(found, comparison(found), pairs)
    text = " ".join(findings(ablated, comparison(ablated), pairwise(ablated)))
    assert "Of 3 changes to full" in text


@pytest.mark.parametrize(
    ("value", "full", "text", "alt"),
    [
        ("affine", "affine", "✓", "as in the full model"),
        ("none", "affine", GONE, "taken away"),
        ("none", "none", "✓", "as in the full model"),
        ("scale", "affine", "scale", ""),
        ([2, 3], [3], "2, 3", ""),
        ([3], [3], "✓", "as in the full model"),
        (True, False, "True", ""),
    ],
)
def test_a_part_is_kept_taken_away_or_named(value, full, text, alt):
    assert (part(value, full).text, part(value, full).alt) == (text, alt)


def test_the_full_model_comes_first_and_numbers_are_those_of_the_comparison(ablated):
    table = comparison(ablated)
    found = ablation(ablated, table).set_index("method")
    assert list(found.index) == ["full", "no-ma", "scale", "twice"]
    assert list(found["attention"]) == ["affine", "none", "scale", "affine"]
    assert list(found["stages"]) == ["3", "3", "3", "2, 3"]
    scores = ["accuracy", "accuracy_low", "difference", "difference_high", "parameters"]
    pd.testing.assert_frame_equal(found[scores], table.set_index("method").loc[found.index, scores])
    formatted = ablation_table(ablated, table).text
    assert list(formatted.columns[:3]) == ["Method", "mask attention (MA)", "fused at"]
    assert formatted.iloc[:, :3].to_numpy().tolist() == [
        ["full", "✓", "✓"],
        ["no-ma", GONE, "✓"],
        ["scale", "scale", "✓"],
        ["twice", "✓", "2, 3"],
    ]


def test_its_files_stand_beside_the_page(ablated, tmp_path):
    tables = write_report(ablated, tmp_path / "r").parent / "tables"
    with (tables / "ablation.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["attention"], row["stages"]) for row in rows][:2] == [
        ("full", "affine", "3"),
        ("no-ma", "none", "3"),
    ]
    markdown = (tables / "ablation.md").read_text(encoding="utf-8")
    assert "| full | ✓ | ✓ | " in markdown
    assert f"✓ as in full (mask attention (MA): affine; fused at: 3), {GONE} taken away." in markdown
    assert r"no-ma & \textendash{} & \checkmark{} & " in (tables / "ablation.tex").read_text(encoding="utf-8")


def test_on_the_page_signs_are_said_in_words(ablated, tmp_path):
    page = read(write_report(ablated, tmp_path / "r"))
    labels = [attributes["aria-label"] for tag, attributes in page.elements if tag == "span" and "role" in attributes]
    assert labels.count("taken away") == 1
    assert labels.count("as in the full model") == 5
    assert "mask attention (MA) ✓ affine fused at ✓ 3" in page.text
    assert ("a", {"href": "#ablation"}) in page.elements


def test_what_belongs_to_a_part_is_gone_with_it(ablated):
    axes = AXES | {"stages": Axis(title="fused at", part_of="attention")}
    results = replace(ablated, provenance=replace(ablated.provenance, axes=axes))
    found = ablation(results, comparison(results)).set_index("method")
    assert list(found["stages"]) == ["3", "none", "3", "2, 3"]
    assert [one.text for one in parts(results, "no-ma")] == [GONE, GONE]
    with pytest.raises(ReportError, match="axes: 'weighting' is missing"):
        replace(results.provenance, axes=AXES | {"stages": Axis(title="fused at", part_of="weighting")})


def test_other_comparisons_have_no_ablation(small, tmp_path):
    path = write_report(small, tmp_path / "r")
    assert "ablation" not in path.read_text(encoding="utf-8").split("</style>")[1]
    assert not list((path.parent / "tables").glob("ablation.*"))


def test_a_full_model_that_has_not_finished_leaves_the_rest_readable(ablated, tmp_path):
    def without(frame):
        return frame[frame["method"] != "full"]

    plan = replace(ablated.provenance, done=ablated.provenance.done - 2)
    part_done = Results(
        folds=without(ablated.folds),
        predictions=without(ablated.predictions),
        curves=without(ablated.curves),
        provenance=plan,
    )
    page = read(write_report(part_done, tmp_path / "r"))
    assert "✓ affine" in page.text
    assert "nan" not in page.text.split()


def test_a_method_without_an_axis_is_refused(ablated):
    with pytest.raises(ReportError, match="hyperparameters: 'no-ma': 'weighting' is missing"):
        replace(ablated.provenance, axes={"weighting": Axis(title="IWC")})


def test_hostile_titles_and_values_stay_text(ablated, tmp_path):
    evil = "<b>x</b>|$&"
    plan = replace(ablated.provenance, axes={"attention": Axis(title=evil), "stages": Axis(title="fused at")})
    methods = {
        name: about | {"hyperparameters": dict(about["hyperparameters"])} for name, about in plan.methods.items()
    }
    methods["scale"]["hyperparameters"]["attention"] = evil
    results = replace(ablated, provenance=replace(plan, methods=methods))
    page = read(write_report(results, tmp_path / "r"))
    assert "b" not in {tag for tag, _ in page.elements}
    lines = (tmp_path / "r" / "tables" / "ablation.tex").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if " & " in line]
    cells = [line.count(" & ") + line.count(r"\multicolumn{2}") for line in rows]
    assert set(cells) == {cells[-1]}
    assert r"$<$b$>$x$<$/b$>$$|$$\mathdollar$\&" in "".join(rows).replace(r"\penalty5000\relax ", "")


def test_what_was_added_to_a_suite_is_said(small, tmp_path):
    plan = replace(small.provenance, added=["plain"])
    words = "file but added to it when it was run, with default hyper-parameters: plain."
    assert words in read(write_report(replace(small, provenance=plan), tmp_path / "r")).text
