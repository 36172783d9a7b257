"""The table of pairs: every value from the tested functions, nothing invented where there is nothing to say."""

import re
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from reports.formats import percent, points
from reports.markup import markdown
from reports.page.page import write_report
from reports.schema import ReportError
from reports.statistics.fold_tests import corrected_t, posterior
from reports.statistics.multiple_testing import LEVEL, holm
from reports.statistics.paired import Pairing
from reports.statistics.subject_tests import sign_flip, signed_rank
from reports.tables.compared import Compared, write_tables
from reports.tables.comparison import comparison
from reports.tables.guide import GUIDE, LIMIT
from reports.tables.pairwise import COLUMNS, PRIMARY, detection, pairwise, pairwise_table
from reports.tables.significance import like_the_best, missing, remarks
from tests.reports.conftest import EXPRESSIONS

pytestmark = pytest.mark.usefixtures("sketched")

PROMISED = (
    "method_a,method_b,difference,low,high,p_corrected_t,p_holm,p_permutation_subjects,p_wilcoxon_subjects,"
    "probability_of_improvement,rope_left,rope,rope_right,p_two_way,standard_error,degrees_of_freedom,detectable"
)
VALUES = COLUMNS[2:]


@pytest.fixture(scope="module")
def pairs(results):
    return pairwise(results)


def test_the_file_has_the_promised_columns_and_all_pairs_the_control_s_first(results, pairs, tmp_path):
    write_tables(Compared(results), tmp_path)
    table = pd.read_csv(tmp_path / "pairwise.csv")
    assert ",".join(table.columns) == PROMISED
    assert len(table) == 10
    assert table["method_b"].tolist()[:4] == ["afnetm"] * 4
    assert table["method_a"].tolist()[:4] == ["texture", "depth", "concat", "late"]
    assert {frozenset(pair) for pair in zip(table["method_a"], table["method_b"], strict=True)} == {
        frozenset((a, b)) for a in results.methods for b in results.methods if a != b
    }
    for ending in ("md", "tex"):
        assert "afnetm" in (tmp_path / f"pairwise.{ending}").read_text(encoding="utf-8")


def test_a_row_is_what_the_tests_say_of_the_pair(results, pairs):
    row = pairs.set_index(["method_a", "method_b"]).loc[("late", "afnetm")]
    accuracy = comparison(results).set_index("method")["accuracy"]
    assert row["difference"] == pytest.approx(accuracy["late"] - accuracy["afnetm"])
    found = results.pairing.pair("late", "afnetm").accuracy
    assert row["low"] < row["difference"] < row["high"]
    assert [row["low"], row["high"]] == [found.interval.low, found.interval.high]
    assert row["p_two_way"] == found.p
    reach = t.ppf(0.975, row["degrees_of_freedom"]) * row["standard_error"]
    assert reach == pytest.approx((row["high"] - row["low"]) / 2)
    assert reach < row["detectable"] < 2 * reach
    folds = results.folds.pivot(index="fold", columns="method", values="accuracy")
    sizes = results.folds[results.folds["method"] == "late"][["n_train", "n_test"]].mean().to_dict()
    differences = (folds["late"] - folds["afnetm"]).to_numpy()
    assert row["p_corrected_t"] == pytest.approx(float(corrected_t(differences, **sizes).p))
    parts = posterior(differences, **sizes, rope=0.01)
    np.testing.assert_allclose([row["rope_left"], row["rope"], row["rope_right"]], parts)
    right = results.predictions.assign(right=results.predictions["expression"] == results.predictions["predicted"])
    shares = right.groupby(["subject", "method"])["right"].mean().unstack("method")
    subjects = (shares["late"] - shares["afnetm"]).round(12).to_numpy()
    assert row["p_permutation_subjects"] == float(sign_flip(subjects))
    assert row["p_wilcoxon_subjects"] == pytest.approx(signed_rank(subjects))
    assert row["probability_of_improvement"] == pytest.approx(np.mean((subjects > 0) + (subjects == 0) / 2))


def test_the_declared_test_is_adjusted_over_the_control_s_comparisons_and_else_over_all(pairs):
    own = (pairs["method_b"] == "afnetm").to_numpy()
    primary = pairs[PRIMARY].to_numpy()
    np.testing.assert_allclose(pairs["p_holm"][own], holm(primary[own]))
    np.testing.assert_allclose(pairs["p_holm"][~own], holm(primary)[~own])


def test_the_region_is_as_wide_as_the_suite_says(results, pairs):
    wide = pairwise(replace(results, provenance=replace(results.provenance, rope=5.0)))
    assert (wide["rope"] > pairs["rope"]).all()
    np.testing.assert_allclose(wide[["rope_left", "rope", "rope_right"]].sum(axis=1), 1.0)
    np.testing.assert_allclose(wide["p_corrected_t"], pairs["p_corrected_t"])
    with pytest.raises(ReportError, match="rope: -1 points, allowed is 0 to 100"):
        replace(results.provenance, rope=-1)


def test_another_order_of_methods_turns_pairs_round(results, pairs):
    methods = dict(reversed(results.provenance.methods.items()))
    plan = replace(results.provenance, methods=methods, control="texture")
    turned = pairwise(replace(results, provenance=plan)).set_index(["method_b", "method_a"])
    for row in pairs.to_dict("records"):
        if (row["method_a"], row["method_b"]) in turned.index:
            other = turned.loc[(row["method_a"], row["method_b"])]
            assert row["difference"] == pytest.approx(-other["difference"])
            assert [row["low"], row["high"]] == pytest.approx([-other["high"], -other["low"]])
            assert row["p_corrected_t"] == pytest.approx(other["p_corrected_t"])
            assert row["p_permutation_subjects"] == other["p_permutation_subjects"]
            for name in (PRIMARY, "standard_error", "degrees_of_freedom", "detectable"):
                assert row[name] == pytest.approx(other[name]), name
            assert row["p_wilcoxon_subjects"] == pytest.approx(other["p_wilcoxon_subjects"])
            assert row["probability_of_improvement"] == pytest.approx(1.0 - other["probability_of_improvement"])
            assert [row["rope_left"], row["rope"]] == pytest.approx([other["rope_right"], other["rope"]])


def test_a_method_with_one_fold_has_what_is_said_of_these_subjects_and_no_primary_test(results, drop):
    part = results
    for fold in range(1, 5):
        part = drop(part, method="late", fold=fold)
    found = pairwise(part).set_index(["method_a", "method_b"])
    row = found.loc[("late", "afnetm")]
    assert row[["p_corrected_t", "rope_left", "rope", "rope_right", "low", "high", "p_holm", PRIMARY]].isna().all()
    assert row[["difference", "p_permutation_subjects", "p_wilcoxon_subjects"]].notna().all()
    assert row["subjects"] == 5
    assert found.loc[("depth", "afnetm"), "why"] == ""
    (message,) = missing(found.reset_index())
    assert message.startswith("late and afnetm; texture and late; depth and late; concat and late: only one ")
    marks = Compared(part).marks
    assert marks.best == "late"
    assert set(marks.alike) == {"texture", "depth", "concat", "afnetm"}


def test_methods_that_share_no_fold_are_not_compared(small, drop):
    part = drop(drop(small, method="plain", fold=0), method="afnetm", fold=1)
    found = pairwise(part)
    assert found[VALUES].isna().all(axis=None)
    assert missing(found) == ["plain and afnetm: no fold is finished by both."]
    assert set(pairwise_table(part, found).text.iloc[0, 2:]) == {"\N{EN DASH}"}
    assert like_the_best("afnetm", found, control="afnetm") == ["plain"]


def twins(results):
    """The results as if the second method had said what the first said."""
    one, other = results.methods
    same = results.predictions[results.predictions["method"] == one]
    units = dict(
        zip(
            results.folds.query("method == @one").sort_values(["repeat", "fold"])["unit"],
            results.folds.query("method == @other").sort_values(["repeat", "fold"])["unit"],
            strict=True,
        )
    )
    folds = results.folds.set_index(["method", "repeat", "fold"])
    folds["accuracy"] = [folds.loc[(one, *key[1:]), "accuracy"] for key in folds.index]
    twin = same.assign(method=other, unit=same["unit"].map(units))
    return replace(results, folds=folds.reset_index(), predictions=pd.concat([same, twin]))


def test_methods_that_agree_on_everything_are_not_told_apart(small):
    found = pairwise(twins(small))
    row = found.iloc[0]
    assert [row["difference"], row["probability_of_improvement"]] == [0.0, 0.5]
    assert row["p_permutation_subjects"] == row[PRIMARY] == row["p_holm"] == 1.0
    assert row[["low", "high", "detectable", "p_corrected_t", "p_wilcoxon_subjects", "rope"]].isna().all()
    assert "nothing varies between the training runs, so there is no interval" in row["why"]
    assert "all fold differences are identical" in row["why"]
    assert "all subject differences are zero" in row["why"]


def test_one_subject_is_no_sample(make):
    found = pairwise(make(skills={"a": 0.5, "b": 9.0}, subjects=1, folds=1, epochs=1)).iloc[0]
    assert np.isfinite(found["difference"])
    assert found[[name for name in VALUES if name != "difference"]].isna().all()
    assert "only one subject is tested, so there is no interval and no primary test" in found["why"]


def test_one_method_is_no_pair(make, tmp_path):
    results = make(skills={"only": 0.5}, subjects=4, folds=2, epochs=1)
    found = pairwise(results)
    assert found.empty
    assert remarks(found, repeats=1) == missing(found) == []
    write_tables(Compared(results), tmp_path)
    assert not (tmp_path / "pairwise.csv").exists()


def test_a_control_that_is_not_done_leaves_the_other_pairs(results, drop):
    part = results
    for fold in range(5):
        part = drop(part, method="afnetm", fold=fold)
    found = pairwise(part)
    assert len(found) == 6
    np.testing.assert_allclose(found["p_holm"], holm(found[PRIMARY].to_numpy()))


def test_who_is_like_the_best_depends_on_whether_it_was_picked_by_looking(pairs):
    primary = pairs.assign(**{PRIMARY: 1.0}).set_index(["method_a", "method_b"])
    primary.loc[("texture", "afnetm"), PRIMARY] = 0.012  # times 4 is below 0.05, times 10 is not
    primary.loc[("depth", "afnetm"), PRIMARY] = 0.002
    table = primary.reset_index()
    assert like_the_best("afnetm", table, control="afnetm") == ["concat", "late"]
    assert like_the_best("afnetm", table, control="late") == ["texture", "concat", "late"]
    assert like_the_best("depth", table, control="afnetm") == ["texture", "concat", "late"]


@pytest.mark.parametrize(("seed", "repeats"), [(seed, repeats) for seed in range(4) for repeats in (1, 3)])
def test_no_interval_shown_excludes_zero_where_the_test_does_not_reject(make, drop, seed, repeats):
    """In every table: pairs, the comparison's differences, what is bold and what the summary says; a run is missing."""
    skills = {"one": 0.9, "two": 1.1, "three": 1.4, "afnetm": 1.3}
    results = drop(
        make(skills=skills, subjects=13, folds=3, repeats=repeats, epochs=1, seed=seed), method="two", fold=1
    )
    found = Compared(results)
    pairs = found.pairs
    excludes = (pairs["low"] > 0) | (pairs["high"] < 0)
    assert excludes.tolist() == (pairs[PRIMARY] < LEVEL).tolist()
    assert not (pairs["p_holm"] < pairs[PRIMARY]).any()
    own = pairs[pairs["method_b"] == "afnetm"].set_index("method_a")
    columns = ["difference", "difference_low", "difference_high"]
    table = found.table.set_index("method").loc[own.index, columns]
    np.testing.assert_array_equal(table, own[["difference", "low", "high"]])
    shown = found.tables["comparison"]
    place = [column.key for column in shown.columns].index("difference")
    bold = {row[0].text: row[place].strong for row in shown.rows if row[0].text in own.index}
    assert bold == (own[PRIMARY] < LEVEL).to_dict()


def test_how_small_a_difference_could_have_been_found_is_told_below_the_tables(results, pairs):
    own = pairs[pairs["method_b"] == "afnetm"]
    low, high = (percent(end) for end in (own["detectable"].min(), own["detectable"].max()))
    start = (
        f"Smallest difference from afnetm that the primary test detects with 80 % power: {low} to {high} percentage "
    )
    (text,) = detection(pairs, "afnetm")
    assert text.startswith(f"{start}points at 5 % (")
    assert text.endswith("at 1.2 %, where Holm's adjustment over 4 comparisons begins).")
    more = float(text.partition("(")[2].split(" to ")[0])
    assert more > float(low)
    tables = Compared(results).tables
    for name in ("comparison", "pairwise"):
        assert start in tables[name].said_on_page
        assert start in markdown(tables[name])
        assert any(start in note for note in tables[name].paper_notes)
    assert detection(pairs[pairs["method_b"] != "afnetm"], "afnetm")[0].startswith("Smallest difference between two ")


def test_what_no_test_covers_is_told_below_the_table_and_on_the_page(pairs, results):
    table = Compared(results).tables["pairwise"]
    assert LIMIT in table.notes
    assert LIMIT in table.paper_notes
    assert LIMIT in markdown(table)
    assert "more repeats would average training variance" in " ".join(remarks(pairs, repeats=1))
    assert "more repeats" not in " ".join(remarks(pairs, repeats=2))


def test_twenty_methods_of_500_folds_and_100_subjects_take_seconds(results):
    """Without the other tables and their checks, which take longer to make than this to compare."""
    methods, repeats, folds, subjects, scans = 20, 50, 10, 100, 6
    generator = np.random.default_rng(0)
    shape = (methods, repeats, subjects, scans)
    method, repeat, subject, scan = (axis.ravel() for axis in np.indices(shape, dtype=np.int64))
    part = np.stack([generator.permutation(subjects) % folds for _ in range(repeats)])
    names = np.array([f"m{n:02d}" for n in range(methods)])
    right = generator.random(len(method)) < 0.7
    message = (scan + np.where(right, 0, 1)) % 6
    frame = pd.DataFrame(
        {
            "method": names[method],
            "repeat": repeat,
            "fold": part[repeat, subject],
            "subject": np.array([f"s{n:03d}" for n in range(subjects)])[subject],
            "expression": np.array(EXPRESSIONS)[scan],
            "predicted": np.array(EXPRESSIONS)[message],
        }
    )
    units = frame.assign(right=right).groupby(["method", "repeat", "fold"])["right"].mean().rename("accuracy")
    table = units.reset_index().assign(n_train=540, n_test=60)
    before = time.process_time()
    pairing = Pairing(table, frame)
    found = pairwise(
        SimpleNamespace(methods=list(names), control="m00", provenance=results.provenance, pairing=pairing)
    )
    assert time.process_time() - before < 20.0
    assert len(found) == 190
    assert found[VALUES].notna().all(axis=None)


def test_the_page_has_the_control_s_comparisons_the_other_pairs_and_what_tests_are_for(results, drop, tmp_path):
    page = " ".join(re.sub(r"<[^>]*>", " ", _page(drop(results, method="late", fold=1), tmp_path)).split())
    section = page[page.index("Statistics The primary test") : page.index("Confusion Of the scans")]
    assert "Each other method against afnetm" in section
    assert "over the 4 comparisons here" in section
    assert "All other pairs (6)" in section
    assert "need at least 5; here is one" in section
    for question in GUIDE:
        assert question.asks.replace("'", "&#39;") in section
    row = pairwise(results).set_index(["method_a", "method_b"]).loc[("texture", "afnetm")]
    assert f"texture {points(row['difference'])} {points(row['low'])} to {points(row['high'])}" in section


def test_a_suite_of_one_method_has_no_section_on_statistics(make, tmp_path):
    page = _page(make(skills={"only": 0.5}, subjects=4, folds=2, epochs=1), tmp_path)
    assert 'id="statistics"' not in page
    assert "pairwise" not in page


def _page(results, folder):
    return write_report(results, folder / "report").read_text(encoding="utf-8")
