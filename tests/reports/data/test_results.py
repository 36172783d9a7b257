"""Results that contradict their schema or one another are refused in one line that says what is wrong."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.data.results import Results
from reports.schema import ReportError

TABLES = ("folds", "predictions", "curves")


def changed(results, table, change):
    frames = {name: getattr(results, name).copy() for name in TABLES}
    frames[table] = change(frames[table])
    return Results(**frames, provenance=results.provenance)


def put(column, value):
    """Changes one cell: the row in the middle of `column`."""

    def change(frame):
        values = frame[column].astype(object).tolist()
        values[len(values) // 2] = value
        return frame.assign(**{column: pd.Series(values).infer_objects()})

    return change


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("folds", lambda frame: frame.drop(columns="accuracy"), ["folds", "'accuracy'", "missing", "macro_f1"]),
        ("predictions", lambda frame: frame.assign(extra=1).rename(columns={"extra": "scan"}), ["'scan'", "2 times"]),
        ("curves", put("loss", np.nan), ["curves", "'loss'", "NaN", "row"]),
        ("folds", put("accuracy", 1.2), ["folds", "'accuracy'", "1.2", "from 0 to 1"]),
        ("folds", put("seconds", np.inf), ["folds", "'seconds'", "inf", "finite"]),
        ("folds", put("seed", "seven"), ["folds", "'seed'", "integer"]),
        ("folds", put("n_test", 59.5), ["folds", "'n_test'", "float64", "integer"]),
        ("folds", put("method", 3), ["folds", "'method'", "text"]),
        ("folds", put("unit", "a\nb"), ["folds", "'unit'", r"a\nb", "printable"]),
        ("folds", put("method", "unheard"), ["folds", "'unheard'", "texture, depth"]),
        ("folds", put("suite", "other"), ["folds", "'other'", "quick"]),
        ("folds", lambda frame: frame.iloc[:-1], ["folds", "24 rows", "25"]),
        ("folds", lambda frame: pd.concat([frame.iloc[:-1], frame.iloc[:1]]), ["folds", "(afnetm, 0, 0)", "once"]),
        ("predictions", put("predicted", "neutral"), ["predictions", "'neutral'", "anger, disgust"]),
        ("predictions", put("intensity", 5), ["predictions", "'intensity'", "5", "0 to 4"]),
        ("predictions", put("p_fear", 0.999), ["predictions", "probabilities", "sum to 1"]),
        ("predictions", put("unit", "nowhere"), ["predictions", "nowhere", "runs of folds"]),
        ("predictions", put("subject", "stranger"), ["predictions", "two subjects"]),
        ("predictions", lambda frame: frame.iloc[1:], ["n_test", "59", "60"]),
        ("folds", put("accuracy", 0.9), ["accuracy of run", "0.9", "predictions give"]),
        ("folds", lambda frame: frame.iloc[:0], ["folds", "no row"]),
    ],
)  # fmt: skip
def test_refused_in_one_line(results, table, change, words):
    with pytest.raises(ReportError) as refused:
        changed(results, table, change)
    message = str(refused.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_subject_in_two_folds_is_refused(results):
    """Whoever is tested in two folds of a repeat was trained on in both."""
    leaky = results.predictions.copy()
    leaky.loc[leaky["fold"] == 1, "subject"] = leaky.loc[leaky["fold"] == 0, "subject"].iloc[0]
    leaky.loc[leaky["fold"] == 1, "scan"] += "_b"
    with pytest.raises(ReportError, match="two folds of repeat 0"):
        changed(results, "predictions", lambda _: leaky)


def test_subjects_may_be_drawn_anew_in_every_repeat(make):
    """A scan is tested in some repeats then, in another fold each time, and nothing is wrong with it."""
    results = make(subjects=12, drawn=6, repeats=3, folds=3, epochs=1)
    tested = results.predictions.groupby("repeat")["subject"].unique().map(frozenset)
    assert {len(subjects) for subjects in tested} == {6}
    assert len(set(tested)) == 3
    leaky = results.predictions.copy()
    here = leaky[(leaky["repeat"] == 1) & (leaky["fold"] == 0)].iloc[0]
    leaky.loc[(leaky["repeat"] == 1) & (leaky["fold"] == 2), "subject"] = here["subject"]
    leaky["scan"] = leaky["subject"] + leaky["scan"]
    with pytest.raises(ReportError, match="two folds of repeat 1"):
        changed(results, "predictions", lambda _: leaky)


def test_methods_tested_on_different_scans_are_refused(results):
    other = results.predictions.copy()
    row = other.index[other["method"] == "late"][0]
    other.loc[row, "scan"] += "_b"
    with pytest.raises(ReportError, match="allowed is all 5 that finished"):
        changed(results, "predictions", lambda _: other)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"control": "nobody"}, ["control", "nobody", "texture"]),
        ({"planned": 3}, ["done", "25", "3"]),
        ({"dataset": {"name": "quick"}}, ["dataset", "scans"]),
        ({"methods": {"late": {"version": 1}}, "control": None}, ["late", "summary"]),
    ],
)
def test_provenance_is_checked_too(results, change, words):
    with pytest.raises(ReportError) as refused:
        replace(results.provenance, **change)
    for word in words:
        assert word in str(refused.value)


def test_rows_in_any_order_extra_columns_and_other_types_of_the_same_values_are_taken(results):
    generator = np.random.default_rng(0)
    frames = {}
    for table in TABLES:
        frame = getattr(results, table)
        frames[table] = frame.iloc[generator.permutation(len(frame))].assign(remark="x")
    frames["folds"] = frames["folds"].astype({"method": "category", "fold": "int32", "unit": object})
    frames["folds"]["method"] = frames["folds"]["method"].astype(object)
    again = Results(**frames, provenance=results.provenance)
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(again, table), getattr(results, table))


def test_what_is_optional_may_be_missing_unknown_in_places_or_not_a_number(results):
    assert results.folds["peak_memory"].isna().all()
    known = [None if unit % 2 else 10 * unit for unit in range(len(results.folds))]
    for values in (known, pd.Series(known, dtype=object)):
        again = changed(results, "folds", lambda frame, values=values: frame.assign(peak_memory=values))
        assert again.folds["peak_memory"].tolist()[::2] == known[::2]
        assert again.folds["peak_memory"].isna().sum() == 12
    with pytest.raises(ReportError, match="'peak_memory' is -1.0 in row 3, allowed is a finite number from 0"):
        changed(results, "folds", lambda frame: frame.assign(peak_memory=[np.nan] * 3 + [-1.0] * 22))
    with pytest.raises(ReportError, match="'test_seconds' has type str"):
        changed(results, "folds", lambda frame: frame.assign(test_seconds="fast"))


def test_a_gap_among_integers_makes_no_fault_of_the_others(results):
    whole = changed(results, "folds", lambda frame: frame.assign(flops=frame["flops"].astype("float64")))
    assert whole.folds["flops"].dtype == "int64"
    part = changed(results, "folds", lambda frame: frame.assign(flops=frame["flops"].where(frame["fold"] > 0)))
    assert part.folds["flops"].dropna().tolist() == results.folds.loc[results.folds["fold"] > 0, "flops"].tolist()
    for wrong in (0.5, 1e300):
        with pytest.raises(ReportError, match="'flops' has type float64, allowed is integer"):
            changed(results, "folds", lambda frame, wrong=wrong: frame.assign(flops=wrong))


def test_no_curves_are_no_fault(results):
    bare = changed(results, "curves", lambda frame: pd.DataFrame(columns=frame.columns))
    assert bare.curves.empty
    assert bare.methods == ["texture", "depth", "concat", "late", "afnetm"]


def test_papers_call_methods_by_their_titles_and_no_two_alike(small):
    described = small.provenance.methods
    entitled = {**described, "plain": described["plain"] | {"title": "Plain"}}
    assert replace(small.provenance, methods=entitled).titles == {"plain": "Plain", "afnetm": "afnetm"}
    twice = {name: about | {"title": "Same"} for name, about in described.items()}
    assert replace(small.provenance, methods=twice).titles == {"plain": "Same (plain)", "afnetm": "Same (afnetm)"}
