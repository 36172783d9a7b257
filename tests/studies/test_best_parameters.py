"""A file of best parameters: what is written is read to the bit; what is wrong in one that was edited is one line."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afnetm.errors import UserError
from studies.best_parameters import BestParameters, place, read_best_parameters, written
from studies.space import PREFIX

# All that TOML has for a parameter; hyper-parameters are of these, and lists of these.
PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WHERE = st.one_of(st.none(), st.tuples(st.integers(0, 999_999), st.integers(0, 999_999)))
OWN = st.dictionaries(NAMES.filter(lambda name: name != "training"), st.one_of(PLAIN, st.lists(PLAIN, max_size=3)))
TRAINING = st.dictionaries(NAMES, PLAIN, max_size=3)


@st.composite
def best_parameters(draw: st.DrawFn) -> list[BestParameters]:
    places = draw(st.lists(st.tuples(NAMES, WHERE), unique=True, max_size=6))
    found = []
    for label, where in places:
        own = {name: value for name, value in draw(OWN).items() if not name.startswith(PREFIX)}
        config = {PREFIX + name: value for name, value in draw(TRAINING).items()}
        found.append(BestParameters(label, where, own | config, draw(NAMES)))
    return found


@settings(max_examples=200)
@given(chosen=best_parameters(), suite=NAMES)
def test_what_is_written_is_read_again(
    chosen: list[BestParameters], suite: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "best-parameters.toml"
    path.write_text(written(chosen, suite=suite), encoding="utf-8", newline="")
    found = {(best.label, best.where): best.params for best in read_best_parameters(path).best_parameters}
    assert repr(found) == repr({(best.label, best.where): dict(best.params) for best in by_label(chosen)})


def by_label(chosen: list[BestParameters]) -> list[BestParameters]:
    """A file has all places of a label together."""
    labels = list(dict.fromkeys(best.label for best in chosen))
    return sorted(chosen, key=lambda best: labels.index(best.label))


def test_it_reads_as_one_would_write_it() -> None:
    params = {"features": 64, PREFIX + "learning_rate": 0.004, "dropout": 0.25}
    chosen = [
        BestParameters("concat", (0, 1), params, "trial 3 of study quick/concat/0-1: inner accuracy 0.5125"),
        BestParameters("my, way", None, {}),
    ]
    assert written(chosen, suite="quick") == (
        "# What a search chose for suite 'quick'. It can be edited, and given back:\n"
        "# afnetm run quick --params THIS-FILE\n\n"
        "[concat.0-1]\n"
        "# trial 3 of study quick/concat/0-1: inner accuracy 0.5125\n"
        "features = 64\n"
        "training.learning_rate = 0.004\n"
        "dropout = 0.25\n\n"
        '["my, way".all]\n'
    )


def test_a_table_of_recipe_keys_means_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[concat.all]\nfeatures = 64\n[concat.all.training]\nlearning_rate = 0.004\n")
    assert read_best_parameters(path).best_parameters == [
        BestParameters("concat", None, {"features": 64, "training.learning_rate": 0.004})
    ]


@given(origin=st.text(max_size=40), label=st.sampled_from(["concat", "found_by"]))
def test_a_file_says_what_search_found_it(origin: str, label: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """On one line; a method of that label leaves no place for it."""
    path = tmp_path_factory.getbasetemp() / "origin.toml"
    path.write_text(written([BestParameters(label, None, {})], suite="s", found_by=origin), encoding="utf-8")
    file = read_best_parameters(path)
    expected = "".join(letter if letter.isprintable() else " " for letter in origin)
    assert file.found_by == (expected if label == "concat" else "")
    assert [best.label for best in file.best_parameters] == [label]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[concat.all", "mine.toml: not valid TOML: "),
        (b"[concat.all]\nfeatures = 1\nfeatures = 2\n", "mine.toml: not valid TOML: Cannot overwrite a value"),
        (b"\xff\xfe", "mine.toml: not valid TOML: 'utf-8' codec can't decode"),
        (b"x = " + b"[" * 100_000, "mine.toml: not valid TOML: "),
        (b"[concat.all]\nfeatures = " + b"9" * 5000, "mine.toml: not valid TOML: Exceeds the limit"),
        (b"\x00", "mine.toml: not valid TOML: "),
        (b"concat = 3", "mine.toml: concat = 3 is not a table"),
        (b"[concat]\nall = 3", "mine.toml: concat.all = 3 is not a table"),
        (b"[concat]\nfeatures = 64", "mine.toml: concat.features: not a fold; write 'all', or repeat and fold such as"),
        (b"[[concat]]\nfeatures = 64", "mine.toml: concat = [{'features': 64}] is not a table"),
        (b"[concat.0]\nfeatures = 64", "mine.toml: concat.0: not a fold"),
        (b"[concat.0-1-2]\nfeatures = 64", "mine.toml: concat.0-1-2: not a fold"),
        (b"[concat.-1-0]\nfeatures = 64", "mine.toml: concat.-1-0: not a fold"),
        (b"[concat.0-01]\nfeatures = 64", "mine.toml: concat.0-01: not a fold"),
        ("[concat.'0-\u0663']".encode(), "mine.toml: concat.0-\u0663: not a fold"),
        (b"found_by = '\x09'", "mine.toml: found_by: not a printable line of at most 500 characters"),
        (b"found_by = '" + b"x" * 501 + b"'", "mine.toml: found_by: not a printable line of at most 500 characters"),
        (b"found_by = 3", "mine.toml: found_by = 3 is not a table"),
        (b"[concat.0-1]\ntraining = 3", "mine.toml: concat.0-1.training = 3 is not a table"),
    ],
)
def test_what_is_wrong_is_one_line(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_best_parameters(path)
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_of_best_trial_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^params file '.*/nothing.toml' cannot be read: No such file or directory$"):
        read_best_parameters(tmp_path / "nothing.toml")
    with pytest.raises(UserError, match=r"^params file '.*' cannot be read: Is a directory$"):
        read_best_parameters(tmp_path)
    huge = tmp_path / "huge.toml"
    with huge.open("wb") as file:
        file.truncate(10**12)  # without a byte on disk
    with pytest.raises(UserError, match=r"^params file '.*huge.toml' has more than 20 MB: not what a search wrote$"):
        read_best_parameters(huge)


def test_a_file_of_all_folds_of_many_repeats_is_read(tmp_path: Path) -> None:
    chosen = [BestParameters("concat", (repeat, fold), {"dropout": 0.1}) for repeat in range(100) for fold in range(10)]
    path = tmp_path / "best-parameters.toml"
    path.write_text(written(chosen, suite="quick"))
    assert read_best_parameters(path).best_parameters == chosen
    assert list(tomllib.loads(path.read_text())["concat"]) == [place(best.where) for best in chosen]
