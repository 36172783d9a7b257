"""What a report says of a search: the rules in words, what was spent, found and chosen, and what was not even."""

import csv
import json
from dataclasses import replace
from statistics import median_low

import pandas as pd
import pytest

from reports.data.results import Results
from reports.data.search import rules
from reports.markup import markdown
from reports.page.page import write_report
from reports.schema import ReportError
from reports.tables.summary import caveats, notices
from reports.tables.tuning import parameters, parameters_table, tuning, tuning_table
from tests.reports.page.test_page import EVIL, read
from tests.sketching import sketching

pytestmark = pytest.mark.usefixtures("sketched")


@pytest.fixture(scope="module")
def nested(results, tuned) -> Results:
    return tuned(results, searches=2, reseeds=2)


@pytest.fixture(scope="module")
def page(nested, tmp_path_factory):
    with sketching():
        return write_report(nested, tmp_path_factory.mktemp("reports") / "quick")


def chosen(results, params, **changed):
    """One method's studies of the first search with these best trials, in the order of folds; its others had none."""
    studies = results.studies.astype({"params": object})
    own = studies["method"] == "texture"
    studies.loc[own, "params"] = "{}"
    studies.loc[own & (studies["search"] == 0), "params"] = [json.dumps(one) for one in params]
    spaces = {"texture": dict.fromkeys({name for one in params for name in one} | {"never"}, "something")}
    spaces |= {name: space for name, space in results.provenance.search.spaces.items() if name != "texture"}
    search = replace(results.provenance.search, spaces=spaces, **changed)
    return replace(results, studies=studies, provenance=replace(results.provenance, search=search))


def test_what_was_spent_and_found_is_what_the_studies_say(nested):
    table = tuning(nested).set_index("method")
    assert list(table.index) == nested.methods
    for method, row in table.iterrows():
        studies = nested.studies[nested.studies["method"] == method].to_dict("records")
        assert row["studies"] == len(studies) == 10
        assert row["complete"] + row["pruned"] + row["failed"] == row["trials"] == 200
        assert row["dimensions"] == len(nested.provenance.search.spaces[method])
        assert row["runs"] == sum(study["runs"] for study in studies)
        assert row["pruned"] == sum(study["pruned"] for study in studies)
        assert row["seconds"] == pytest.approx(sum(study["seconds"] for study in studies))
        inner = {study["fold"]: study["best_value"] for study in studies if study["search"] == 0}
        folds = nested.folds[nested.folds["method"] == method]
        tested = dict(zip(folds["fold"], folds["accuracy"], strict=True))
        assert (row["best_low"], row["best_high"]) == (min(inner.values()), max(inner.values()))
        assert row["tested"] == pytest.approx(sum(tested.values()) / 5)
        assert row["optimism"] == pytest.approx(sum(inner[fold] - tested[fold] for fold in tested) / 5)
        assert row["optimism"] == pytest.approx(row["best"] - row["tested"])


def test_under_development_one_study_is_held_against_every_fold(results, tuned):
    found = tuned(results, selection="development", metric="macro_f1")
    row = tuning(found).set_index("method").loc["late"]
    assert row["studies"] == 1
    tested = results.folds.loc[results.folds["method"] == "late", "macro_f1"].mean()
    best = found.studies.set_index("method").loc["late", "best_value"]
    assert (row["tested"], row["optimism"]) == pytest.approx((tested, best - tested))
    formatted = tuning_table(found).text
    assert "Best inner macro-F1, % (range)" in formatted
    assert "(" not in formatted["Best inner macro-F1, % (range)"].iloc[0]


def test_an_outer_fold_that_is_not_tested_yet_has_no_optimism(nested, drop, tuned):
    studies, search = nested.studies, nested.provenance.search
    part = drop(nested, method="late", fold=1)
    part = replace(part, studies=studies, provenance=replace(part.provenance, search=search))
    row = tuning(part).set_index("method").loc["late"]
    left = studies.query("method == 'late' and search == 0 and fold != 1")["best_value"].mean()
    assert row["optimism"] == pytest.approx(left - part.folds.query("method == 'late'")["accuracy"].mean())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.1, 0.4, 0.2, 0.3, 0.25], ("0.25", "0.1 to 0.4")),
        ([4, 16, 8, 8, 16], ("8", "4 to 16")),
        ([64] * 5, ("64", "5 of 5")),
        ([1e-5, 2.34567e-4, 3e-3, 2.34567e-4, 0.01], ("0.000235", "1e-05 to 0.01")),
        (["affine", "scale", "affine", "none", "affine"], ("affine", "3 of 5")),
        ([True, False, True, True, False], ("true", "3 of 5")),
        ([[2, 3], [3], [2, 3], [3], [2, 3]], ("2, 3", "3 of 5")),
        ([None, "a", None, 3, None], ("null", "3 of 5")),
    ],
)
def test_numbers_have_a_median_and_other_values_a_count(nested, values, expected):
    found = parameters(chosen(nested, [{"x": value} for value in values]))
    row = found[(found["method"] == "texture") & (found["parameter"] == "x")].iloc[0]
    assert (row["chosen"], row["among"]) == expected


def test_of_two_middle_numbers_a_chosen_one_is_given(nested):
    """A parameter that only four studies have, and one that none has."""
    found = parameters(chosen(nested, [{"x": 4}, {"x": 16}, {}, {"x": 8}, {"x": 32}])).set_index("parameter")
    assert median_low([4, 16, 8, 32]) == 8
    assert found.loc["x", "chosen"] == "8"
    assert (found.loc["never", "chosen"], found.loc["never", "searched"]) == ("", "something")


def test_its_files_stand_beside_the_page(nested, page):
    tables = page.parent / "tables"
    for name in ("tuning", "parameters", "spread"):
        assert {path.suffix for path in tables.glob(f"{name}.*")} == {".csv", ".md", ".tex"}
    written = pd.read_csv(tables / "tuning.csv")
    pd.testing.assert_frame_equal(written, tuning(nested), check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_csv(tables / "studies.csv"), nested.studies, check_dtype=False)
    with (tables / "parameters.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == parameters(nested).to_dict("records")
    assert r"training\_learning" not in (tables / "parameters.md").read_text(encoding="utf-8")
    text = (tables / "parameters.tex").read_text(encoding="utf-8")
    assert r"training.learning\_rate & 0.0003 to 0.01, log" in text.replace(r"\penalty5000\relax ", "")


def test_the_page_tells_the_rules_and_the_numbers(nested, page):
    formatted = read(page)
    assert "20 trials in each study, proposed by a tree-structured Parzen estimator (TPE), seed 0." in formatted.text
    assert "Tuning saw no tested subject. Selection is nested: each outer fold has a study of its own" in formatted.text
    assert ("a", {"href": "#tuning"}) in formatted.elements
    row = tuning(nested).set_index("method").loc["late"]
    assert f"{100 * row['best']:.1f}" in formatted.words
    assert f"{row['optimism'] * 100:+.1f}" in formatted.words
    assert "training.learning_rate searched 0.0003 to 0.01, log" in formatted.text
    assert "Variance components: training and hyper-parameter selection" in formatted.text
    for link in ("tuning.csv", "parameters.tex", "spread.md", "studies.csv"):
        assert f"tables/{link}" in [attributes.get("href") for tag, attributes in formatted.elements if tag == "a"]
    for _, attributes in formatted.elements:
        if attributes.get("href", "").startswith("tables/"):
            assert (page.parent / attributes["href"]).is_file()


def test_where_searches_are_not_repeated_no_spread_is_told(small, tuned, tmp_path):
    path = write_report(tuned(small, selection="development", pruner="none"), tmp_path / "r")
    formatted = read(path)
    assert "Selection is by development subjects, whom no fold tests" in formatted.text
    assert "no trial was cut short" in formatted.text
    assert "from choosing" not in formatted.text
    assert "over the studies of all" not in formatted.text
    assert not list((path.parent / "tables").glob("spread.*"))


def test_rows_in_any_order_are_taken(small, tuned):
    one = tuned(small, searches=2, reseeds=1)
    mixed = replace(
        one,
        studies=one.studies.sample(frac=1.0, random_state=1),
        selection=one.selection.sample(frac=1.0, random_state=2),
    )
    pd.testing.assert_frame_equal(mixed.studies, one.studies)
    pd.testing.assert_frame_equal(mixed.selection, one.selection)


def test_whether_methods_were_tuned_is_said(small, tuned, tmp_path):
    assert "No method was tuned on this dataset" in caveats(small)[-2]
    assert "by the same rules, 20 trials in each study, without its tested subjects" in caveats(tuned(small))[-1]


def test_settings_from_a_file_are_said_to_be_tuned_and_by_what(small, tuned, tmp_path):
    settings = {"afnetm": [{"dropout": 0.25}, {"dropout": 0.5}]}
    search = replace(tuned(small).provenance.search, params_file="mine.toml", given=settings)
    given = replace(small, provenance=replace(small.provenance, search=search))
    assert caveats(given)[-2:] == [
        "Tuned: hyper-parameters of afnetm are those of the file mine.toml, which does not say how they were found.",
        "The settings of plain are the suite's.",
    ]
    assert notices(given) == []
    text = read(write_report(given, tmp_path / "f")).text
    assert "Whether tested subjects were seen in finding them, these records cannot tell" in text
    assert "Tuning saw no tested subject" not in text
    table = pd.read_csv(tmp_path / "f" / "tables" / "parameters.csv").set_index(["method", "parameter"])
    assert table.loc[("afnetm", "dropout"), ["chosen", "among"]].tolist() == [0.25, "0.25 to 0.5"]
    both = {name: [{"dropout": 0.25}] for name in ("plain", "afnetm")}
    told = replace(search, found_by="the search of suite defaults", given=both)
    everyone = replace(small, provenance=replace(small.provenance, search=told))
    origin = "the file mine.toml, found by the search of suite defaults"
    assert caveats(everyone)[-1] == f"Tuned: hyper-parameters of every method are those of {origin}."
    assert f"Methods are tuned: their hyper-parameters are those of {origin}." in rules(told)


def test_what_is_not_even_is_noticed(nested):
    assert notices(nested) == []
    studies = nested.studies.copy()
    late = studies.index[(studies["method"] == "late") & (studies["fold"] == 2)]
    studies.loc[late[0], ["complete", "pruned", "failed"]] = [8, 0, 3]
    studies = studies.drop(index=late[1])
    selection = nested.selection.query("not (method == 'late' and fold == 2)")
    text = notices(replace(nested, studies=studies, selection=selection))
    assert text == [
        "Missing studies: 1 of 50 (late 1).",
        "Uneven budgets: by “20 trials in each study” studies had from 11 (late) to 20 (afnetm) trials.",
        "Failed trials: 3 of 971 raised an error and chose nothing (late 3).",
    ]


def test_budgets_by_dimension_are_even_where_each_method_has_its_own(nested):
    """A method of two dimensions has twice the trials of one of one."""
    search = nested.provenance.search
    dimensions = nested.studies["method"].map(lambda method: len(search.spaces[method]))
    studies = nested.studies.assign(complete=10 * dimensions, pruned=0, failed=0)
    plan = replace(nested.provenance, search=replace(search, trials_per_dimension=10))
    assert dimensions.nunique() > 1
    assert notices(replace(nested, studies=studies, provenance=plan)) == []
    assert len(notices(replace(nested, studies=studies))) == 1
    studies.loc[5, "complete"] -= 1
    assert len(notices(replace(nested, studies=studies, provenance=plan))) == 1


def test_a_search_whose_studies_cannot_be_read_is_no_fault_and_noticed(small, tuned, tmp_path):
    bare = replace(small, provenance=tuned(small).provenance)
    assert notices(bare) == ["Missing studies: 4 of 4 (plain 2, afnetm 2)."]
    path = write_report(bare, tmp_path / "r")
    assert "Tuning saw no tested subject" in read(path).text
    assert not (path.parent / "tables" / "studies.csv").exists()


def test_hostile_names_and_values_stay_text(make, tuned, tmp_path):
    evil = '=HYPERLINK("http://x")|<b>&$_\\x'
    results = tuned(make(skills={evil: 1.0, "plain": 0.5}, subjects=6, folds=2, epochs=1), searches=2, reseeds=1)
    search = results.provenance.search
    spaces = {evil: {evil: EVIL}, "plain": {}}
    studies = results.studies.assign(params="{}").astype({"params": object})
    studies.loc[studies["method"] == evil, "params"] = json.dumps({evil: EVIL})
    plan = replace(results.provenance, search=replace(search, spaces=spaces, budget=EVIL, sampler=EVIL, pruner=EVIL))
    results = replace(results, studies=studies, provenance=plan)
    path = write_report(results, tmp_path / "evil")
    page = read(path)
    assert "b" not in {tag for tag, _ in page.elements}
    assert [tag for tag, _ in page.elements].count("script") == 1  # the page's own
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)
    assert page.text.count(evil) > 5
    for name in ("tuning", "parameters", "spread", "studies"):
        with (path.parent / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert f"'{evil}" in cells
        assert not [cell for cell in cells if cell[:1] in "=+@" and cell]
    for table in (tuning_table(results), parameters_table(results)):
        lines = markdown(table, notices=[evil]).splitlines()
        assert lines[2].replace(r"\|", "").count("|") == lines[0].count("|")
        assert "<b>" not in "".join(lines)


@pytest.mark.parametrize(
    ("table", "column", "value", "words"),
    [
        ("studies", "method", "unheard", ["study 'quick/", "'unheard'", "texture"]),
        ("studies", "study", "quick/late/0-0", ["'quick/late/0-0'", "once"]),
        ("studies", "pruned", -1, ["'pruned'", "-1", "from 0"]),
        ("studies", "complete", 0, ["'complete'", "0", "from 1"]),
        ("studies", "best_value", 1.5, ["'best_value'", "1.5", "to 1"]),
        ("studies", "best_value", float("nan"), ["'best_value'", "NaN"]),
        ("studies", "seconds", float("inf"), ["'seconds'", "finite"]),
        ("studies", "fold", -1, ["(repeat, fold)", "(0, -1)", "nested"]),
        ("studies", "params", "{", ["params", "'{'", "JSON object"]),
        ("studies", "params", "[1]", ["params", "'[1]'", "JSON object"]),
        ("studies", "params", '{"width": 1}', ["params", "'width'", "learning_rate"]),
        ("selection", "search", 7, ["selection", "7", "studies"]),
        ("selection", "method", "unheard", ["selection", "'unheard'", "studies"]),
        ("selection", "accuracy", 1.01, ["'accuracy'", "1.01"]),
        ("selection", "reseed", -1, ["'reseed'", "-1"]),
    ],
)
def test_refused_in_one_line(nested, table, column, value, words):
    frame = getattr(nested, table).astype({column: object})
    frame.loc[frame.index[5], column] = value
    with pytest.raises(ReportError) as refused:
        replace(nested, **{table: frame.infer_objects()})
    assert "\n" not in str(refused.value)
    for word in (table, *words):
        assert word in str(refused.value)


def test_tables_that_contradict_the_rest_are_refused(nested, results, tuned):
    with pytest.raises(ReportError, match="studies: 50 rows, allowed is none where nothing was searched"):
        replace(nested, provenance=results.provenance)
    given = replace(nested.provenance, search=replace(nested.provenance.search, params_file="mine.toml"))
    with pytest.raises(ReportError, match="none where settings were given in a file"):
        replace(nested, provenance=given)
    with pytest.raises(ReportError, match=r"\(method, repeat, fold, search\) = .* more than once"):
        replace(nested, studies=pd.concat([nested.studies, nested.studies.assign(study="again")]))
    once = tuned(results, selection="development")
    with pytest.raises(ReportError, match=r"allowed is \(-1, -1\): development"):
        replace(once, studies=once.studies.assign(fold=0))
    other = nested.selection.copy()
    other.loc[(other["search"] == 0) & (other["reseed"] == 0), "accuracy"] = 0.123
    with pytest.raises(ReportError, match=r"accuracy of run .* is 0.123, allowed is that of folds"):
        replace(nested, selection=other)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"selection": "both"}, ["selection", "'both'", "nested, development"]),
        ({"metric": "kappa"}, ["metric", "'kappa'", "accuracy, macro_f1"]),
        ({"folds": 1}, ["folds", "1", "2 or more"]),
        ({"budget": ""}, ["''", "printable"]),
        ({"spaces": {"late": {"x": "0\n1"}}}, ["0\\n1", "printable"]),
    ],
)
def test_a_search_is_checked_too(nested, change, words):
    with pytest.raises(ReportError) as refused:
        replace(nested.provenance.search, **change)
    for word in ("search", *words):
        assert word in str(refused.value)


def test_what_was_searched_for_a_method_that_there_is_not_is_refused(nested):
    search = replace(nested.provenance.search, spaces={"unheard": {}})
    with pytest.raises(ReportError, match="search: 'unheard' is not in the suite, allowed: texture"):
        replace(nested.provenance, search=search)
