"""Suites that extend others or are changed on the command line: merged table by table, recorded whole."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afnetm.errors import UserError
from benchmarks.plans.suite import load_suite
from benchmarks.plans.suite_files import read_suite_file
from tests.benchmarks.plans.test_suite import GOOD


def written(folder: Path, **texts: str) -> str:
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)
    return str(folder / f"{next(iter(texts))}.toml")


def test_a_suite_says_only_what_differs_from_the_one_it_extends(tmp_path: Path) -> None:
    mine = 'extends = "base.toml"\nrope = 2\n[protocol]\nrepeats = 4\n[methods.wide]\ndropout = 0.25\n[methods.late]\n'
    suite, base = load_suite(written(tmp_path, mine=mine, base=GOOD)), load_suite(str(tmp_path / "base.toml"))
    assert (suite.name, suite.rope, suite.description, suite.dataset) == ("mine", 2.0, "a test", base.dataset)
    assert (suite.protocol.folds, suite.protocol.repeats) == (3, 4)
    assert list(suite.methods) == ["concat", "wide", "late"]
    assert (suite.methods["wide"].features, suite.methods["wide"].dropout) == (256, 0.25)  # type: ignore[attr-defined]
    assert suite.methods["concat"] == base.methods["concat"]


def test_the_record_of_such_a_suite_is_a_suite_of_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, mine='extends = "base.toml"\nrope = 2\n', base=GOOD)
    suite = load_suite(path, ["protocol.repeats=2"])
    (tmp_path / "base.toml").unlink()
    (tmp_path / "mine.toml").write_text(suite.text)
    again = load_suite(path)
    assert again.model_copy(update={"text": ""}) == suite.model_copy(update={"text": ""})


def test_another_dataset_or_encoder_begins_anew(tmp_path: Path) -> None:
    base = GOOD + '[encoder]\nname = "resnet18"\nwidth = 0.25\n'
    path = written(tmp_path, mine='extends = "base.toml"\n[dataset]\nname = "real"\n', base=base)
    suite = load_suite(path)
    assert (suite.dataset.name, suite.dataset.synthetic) == ("real", None)
    assert (suite.encoder.name, suite.encoder.width) == ("resnet18", 0.25)
    other = load_suite(path, ["encoder.name=convnext_atto"])
    assert (other.encoder.name, other.encoder.width) == ("convnext_atto", 1.0)


@pytest.mark.parametrize(
    ("own", "changes", "expected"),
    [
        ("trials = 5", [], "5 trials"),
        ("folds = 2", [], "4 trials per dimension searched"),
        ("trials_per_dimension = 6", [], "6 trials per dimension searched"),
        ("trials = 5", ["search.hours=2"], "2 hours"),
        ("folds = 2", ["search.trials=3"], "3 trials"),
    ],
)
def test_another_budget_of_a_search_takes_the_place_of_the_suite_s(
    own: str, changes: list[str], expected: str, tmp_path: Path
) -> None:
    base = f"{GOOD}[search]\ntrials_per_dimension = 4\nseed = 3\n"
    search = load_suite(written(tmp_path, mine=f'extends = "base.toml"\n[search]\n{own}\n', base=base), changes).search
    assert search is not None
    assert (search.budget, search.seed) == (expected, 3)


def test_a_suite_extends_one_of_the_project_s_and_a_chain_of_others(tmp_path: Path) -> None:
    path = written(tmp_path, c='extends = "b.toml"\nrope = 3', b='extends = "quick"\nrope = 2\nkeep_weights = true')
    suite, quick = load_suite(path), load_suite("quick")
    assert (suite.rope, suite.keep_weights, suite.methods) == (3.0, True, quick.methods)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"a": 'extends = "b.toml"', "b": 'extends = "a.toml"'}, r"a.toml: extends = 'a.toml' leads back to a.toml"),
        ({"a": 'extends = "a.toml"'}, "a.toml: extends = 'a.toml' leads back to a.toml"),
        ({"a": "extends = 3"}, "a.toml: extends is not the name of a suite or a file"),
        ({"a": 'extends = "qick"'}, "a.toml: extends = 'qick' is neither .*; did you mean quick"),
        ({"a": 'extends = "b.toml"', "b": "["}, "b.toml: not valid TOML"),
        ({"a": 'extends = "quick"\nrop = 1'}, "a.toml: rop: unknown key; .*; did you mean rope"),
        ({"a": 'extends = "quick"\nprotocol = 3'}, "a.toml: protocol = 3 is not a table"),
    ],
)
def test_what_cannot_be_extended_is_one_line(texts: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        load_suite(written(tmp_path, **texts))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("repeats", "--set repeats: write TABLE.KEY=VALUE, for example protocol.repeats=3"),
        ("protocol..repeats=1", "--set protocol..repeats=1: write TABLE.KEY=VALUE"),
        ("protocol.repeets=1", "quick.toml with protocol.repeets=1: protocol.repeets: unknown key; .*mean repeats"),
        ("protocol.repeats=0", "quick.toml with protocol.repeats=0: protocol.repeats = 0: input should be greater"),
        ("training.precision=half", 'quick.toml with training.precision=half: training.precision = "half": '),
        ("name=other", "quick.toml with name=other: key 'name' is not allowed"),
    ],
)
def test_a_wrong_change_is_one_line(change: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        load_suite("quick", [change])


@given(st.recursive(st.integers() | st.booleans() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_any_value_of_toml_is_read_as_toml_has_it(value: Any) -> None:
    given_ = json.dumps(value).replace("\x7f", "\\u007f")
    try:
        wanted = tomllib.loads(f"value = {given_}")["value"]
    except tomllib.TOMLDecodeError:  # JSON's surrogates are no TOML
        return
    assert read_suite_file("quick", [f"training.seed={given_}"]).tables["training"]["seed"] == wanted


def test_a_text_needs_no_quotation_marks_and_a_list_keeps_its_commas() -> None:
    suite = load_suite("quick", ["training.precision=bfloat16", "dataset.intensities=[3,4]"])
    assert (suite.training.precision, suite.dataset.intensities) == ("bfloat16", (3, 4))
