import tomllib
from collections.abc import Iterator
from datetime import date
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from afnetm.errors import UserError
from benchmarks.plans.runs import hyperparameters
from benchmarks.plans.suite import load_suite, parse_suite
from benchmarks.plans.suite_files import suite_names
from benchmarks.plans.tables import AxisSpec

GOOD = """
description = "a test"
control = "concat"
[dataset]
name = "c"
synthetic = { subjects = 6, intensities = [3, 4], size = 32 }
[protocol]
folds = 3
[training]
epochs = 2
augmentation = { rotation = 3.0 }
[methods.concat]
features = 64
[methods.wide]
method = "concat"
features = 256
"""


def written(folder: Path, text: str) -> str:
    (folder / "s.toml").write_text(text)
    return str(folder / "s.toml")


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    suite = load_suite(written(tmp_path, GOOD))
    assert suite.name == "s"
    assert suite.text == GOOD
    assert suite.dataset.synthetic is not None
    assert suite.dataset.synthetic.intensities == (3, 4)
    assert (suite.training.epochs, suite.training.augmentation.rotation, suite.training.batch_size) == (2, 3.0, 32)
    assert [(label, m.name, m.features) for label, m in suite.methods.items()] == [
        ("concat", "concat", 64),
        ("wide", "concat", 256),
    ]
    assert list(suite.only(["wide"]).methods) == ["wide"]
    assert suite.axes == {}
    assert suite.rope == 1.0
    assert load_suite(written(tmp_path, "rope = 2\n" + GOOD)).rope == 2.0
    axes = 'axes = { features = "features of a stream", dropout = "dropout" }\n'
    assert load_suite(written(tmp_path, axes + GOOD)).axes == {
        "features": AxisSpec(title="features of a stream"),
        "dropout": AxisSpec(title="dropout"),
    }


def test_titles_are_the_papers_and_no_hyper_parameters(tmp_path: Path) -> None:
    plain, entitled = (
        load_suite(written(tmp_path, text))
        for text in (GOOD, GOOD.replace("features = 256", 'features = 256\ntitle = "Wide"'))
    )
    assert entitled.titles == {"wide": "Wide"}
    assert (plain.titles, plain.methods, plain.fixed) == ({}, entitled.methods, entitled.fixed)


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_of_ours_is_right(name: str) -> None:
    suite = load_suite(name)
    assert suite.description
    assert suite.methods


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("folds = 3", "folds = 1", "protocol.folds = 1: .*greater than or equal to 2"),
        ("folds = 3", 'folds = "3"', 'protocol.folds = "3" .allowed: 2 or more, or'),
        ("folds = 3", "folds = 3.0", "protocol.folds = 3.0: .*valid integer"),
        ("folds = 3", "fold = 3", "protocol"),
        ("folds = 3", "folds = 3\nrepeat = 2", "protocol.repeat: unknown key; allowed: folds, repeats, seed"),
        ("folds = 3", "folds = 7", "protocol.folds = 7: .*6 subjects"),
        ("folds = 3", "folds = 3\nsubjects = 7", "protocol.subjects = 7: more than the 6 subjects of its dataset"),
        ("folds = 3", "folds = 3\nsubjects = 2", "protocol.folds = 3: more than the 2 subjects drawn"),
        ("folds = 3", "folds = 3\nsubjects = 0", "protocol.subjects = 0: .*greater than or equal to 2"),
        ("folds = 3", "folds = 3\nredraw = true", "protocol.redraw = true: it needs protocol.subjects"),
        ("folds = 3", "folds = 3\ncomplete = 1", "protocol.complete = 1: .*valid boolean"),
        (
            'name = "c"',
            'name = "c"\nsource = "ck"',
            'dataset.source = "ck" is not registered; allowed: bosphorus, bu3dfe',
        ),
        ('name = "c"', 'name = "c"\nsource = "bu3dfe"', "dataset.source = 'bu3dfe': not together with dataset.synth"),
        ("epochs = 2", "epoch = 2", "training.epoch: unknown key; allowed: epochs, batch_size"),
        ("epochs = 2", "learning_rate = nan", "training.learning_rate"),
        ("epochs = 2", 'precision = "half"', "training.precision = \"half\": .*'float32', 'tf32' or 'bfloat16'"),
        ("rotation = 3.0", "rotate = 3.0", "training.augmentation.rotate: unknown key; allowed: rotation, scale"),
        ("rotation = 3.0", "flip = 1.5", "training.augmentation.flip = 1.5: .*less than or equal to 1"),
        (
            "features = 64",
            "feature = 64",
            "methods.concat.feature: unknown key; allowed: geometry, masks, dropout",
        ),
        ("features = 64", "features = 1", "methods.concat.features = 1: .*greater than or equal to 8"),
        ('method = "concat"', 'method = "concatenate"', r"\[methods.wide\]: method 'concatenate' is not registered"),
        (
            "intensities = [3, 4]",
            "intensities = [5]",
            r"dataset.synthetic.intensities.0 = 5: .*less than or equal to 4",
        ),
        ("intensities = [3, 4]", "intensities = []", "dataset.synthetic.intensities"),
        ("size = 32", "sise = 32", "dataset.synthetic"),
        ('control = "concat"', "rope = -0.5", "rope = -0.5: .*greater than or equal to 0"),
        ('control = "concat"', 'rope = "1"', 'rope = "1": .*valid number'),
        ('control = "concat"', "rope = nan", "rope = "),
        ('name = "c"', 'name = "../c"', "dataset name '../c'"),
        ('control = "concat"', 'control = "conkat"', "control = 'conkat' is not one of its methods: concat, wide"),
        ('description = "a test"', "", "description: missing"),
        ('description = "a test"', 'name = "x"', "key 'name' is not allowed"),
        ("features = 256", "features = 64", "methods.wide is the same as methods.concat"),
        ("[dataset]", "[axes]\nwidth = 'w'\n[dataset]", r"axes.width: methods.concat \('concat'\) has no such hyper-p"),
        ("[dataset]", "[axes]\nfeatures = ''\n[dataset]", 'axes.features.title = "": .*pattern'),
        (
            "[dataset]",
            "[axes]\nfeatures = { title = 'f', part_of = 'x' }\n[dataset]",
            "axes.features.part_of = 'x' is not an axis: features",
        ),
        ("[dataset]", "[axes]\nfeatures = 3\n[dataset]", "axes.features.title = 3: .*valid string"),
        ("features = 64", "features = 64\ntitle = 3", "methods.concat.title = 3: .*valid string"),
        ("features = 64", 'features = 64\ntitle = "a\\nb"', "methods.concat.title = .*pattern"),
        ("[dataset]", "added = []\n[dataset]", "key 'added' is not allowed"),
        ('method = "concat"', 'method = "afnetm"\nfuse_stages = [3, 2]', "methods.wide.*: unknown key"),
        ("[dataset]", "[dataset", "not valid TOML: .*line"),
        ("[dataset]", f"rope = {'9' * 5000}\n[dataset]", "not valid TOML"),
        ("[protocol]", "[protocl]", "protocl: unknown key; allowed: .*; did you mean protocol\\?"),
        ("[methods.concat]\nfeatures = 64\n[methods.wide]", "[method.wide]", "method: unknown key; .* methods\\?"),
        ("[protocol]", "[[protocol]]", r"protocol = \[.*\] is not a table; write \[protocol\]"),
        ("[dataset]", "search = 3\n[dataset]", r"search = 3 is not a table; write \[search\]"),
        ("[dataset]", "[search]\nfolds = 5\n[dataset]", "search.folds = 5: more than the 4 subjects"),
        ("[dataset]", "[search]\ntrial = 5\n[dataset]", r"search.trial: unknown key; .*did you mean trials\?"),
        ("[dataset]", "[axes]\nfeatures = { titel = 'f' }\n[dataset]", r"features.titel: unknown key; allowed: title"),
        (
            "[dataset]",
            "[axes]\nfeatures = { title = 'f', part_of = 'features' }\n[dataset]",
            "cannot be part of itself",
        ),
        ("[dataset]", "[axes]\nfeatures = '  '\n[dataset]", "axes.features.title"),
        ("intensities = [3, 4]", "intensities = [4, 4]", "intensities = .4, 4.: an intensity is given twice"),
        (
            'name = "c"',
            'name = "c"\nintensities = [2]',
            "intensities: 2 is not one of the intensities of dataset.synth.*: 3, 4",
        ),
        (
            'name = "c"',
            'name = "c"\nintensities = [0]',
            "intensities: 0 is not one of .*: 3, 4",
        ),
        ('name = "c"', 'name = "c"\nintensities = []', "dataset.intensities = "),
        (
            "intensities = [3, 4]",
            'intensities = [3, 4], variant = "sensors"',
            "variant = 'sensors' is not known",
        ),
        ("folds = 3", f"folds = 3\nseed = {2**63}", "protocol.seed = 9223372036854775808: .*less than"),
        ("[methods.wide]", '[methods.""]', 'the label of a method is "";'),
        ("[methods.wide]", '[methods." wide"]', "the label of a method is .*no spaces at either end"),
        (
            "[methods.wide]",
            '[methods."a\\nb"]',
            r'the label of a method is "a\\nb"; allowed are 1 to 100 printable characters',
        ),
        ("[methods.wide]", f'[methods."{"w" * 101}"]', "the label of a method is "),
        (
            'description = "a test"',
            'description = "\\u0007"',
            "description = .*: holds a character that cannot be printed",
        ),
        ("[dataset]", "[dataset]\nwhen = 2020-01-01", "dataset.when: unknown key"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_suite(written(tmp_path, GOOD.replace(old, new)))
    assert str(caught.value).startswith("s.toml: ")
    assert "\n" not in str(caught.value)


def test_a_suite_without_methods_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\[methods.NAME\] is missing"):
        load_suite(written(tmp_path, GOOD.split("[methods", maxsplit=1)[0]))
    with pytest.raises(UserError, match="methods.concat = 3 is not a table"):
        load_suite(written(tmp_path, GOOD.split("[methods", maxsplit=1)[0] + "[methods]\nconcat = 3"))


def test_a_method_s_own_check_is_told_with_file_and_table(tmp_path: Path) -> None:
    table = '[methods.afnetm]\nattention = "none"\nmask_planes = "regions"\n'
    with pytest.raises(UserError, match=r"^s.toml: methods.afnetm.mask_planes = 'regions': "):
        load_suite(written(tmp_path, GOOD + table))


def test_a_suite_says_where_masks_come_from_and_a_method_s_table_says_otherwise(tmp_path: Path) -> None:
    table = '[methods.afnetm]\n[methods.own]\nmethod = "afnetm"\nmasks = "annotated"\n[methods.cma]\n'
    usual = load_suite(written(tmp_path, GOOD + table)).methods
    assert [usual[label].masks for label in ("afnetm", "own", "cma")] == ["mean", "annotated", "mean"]
    detected = load_suite(written(tmp_path, 'masks = "detected"\n' + GOOD + table))
    assert [detected.methods[label].masks for label in ("afnetm", "own")] == ["detected", "annotated"]
    assert detected.detects
    assert hyperparameters(detected.methods["afnetm"])["masks"] == "detected"
    assert "masks" not in hyperparameters(detected.methods["concat"])  # which reads none: the same run in any suite
    assert detected.including(["masks"]).methods["masks"].masks == "detected"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('masks = "men"\n', 's.toml: masks = "men": unknown; .*did you mean mean'),
        ('masks = "none"\n', "s.toml: masks = 'none': methods.afnetm .*reads masks; leave it out, or say in its table"),
        (
            "",
            "s.toml: methods.landmarks .*reads each scan's landmarks, and masks = 'mean' has none; say masks",
        ),
    ],
)
def test_masks_that_are_unknown_or_do_not_fit_a_method_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        load_suite(written(tmp_path, text + GOOD + "[methods.afnetm]\n[methods.landmarks]\n"))


def test_masks_of_a_method_that_reads_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="methods.late.masks = \"mean\": 'late' reads no masks with these settings"):
        load_suite(written(tmp_path, GOOD + '[methods.late]\nmasks = "mean"\n'))


def test_an_unknown_suite_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="suite 'qick' is neither .* nor the name of a suite; .*; did you mean quick"):
        load_suite("qick")
    with pytest.raises(UserError, match="is neither a TOML file"):
        load_suite(str(tmp_path))


def test_a_description_is_one_line_and_a_byte_order_mark_none_of_it(tmp_path: Path) -> None:
    text = GOOD.replace('"a test"', '"""\n  one\n  two"""')
    (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    suite = load_suite(str(tmp_path / "s.toml"))
    assert suite.description == "one two"
    assert suite.text == text


@pytest.mark.parametrize("name", ["a\nb.toml", "..toml", "...toml", f"{'s' * 151}.toml", f"{'é' * 80}.toml", " .toml"])
def test_a_file_whose_name_no_folder_of_a_report_could_have(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(GOOD)
    with pytest.raises(UserError, match="the file's name is "):
        load_suite(str(tmp_path / name))


VALUES = [3, -1, 2**70, 2.5, float("nan"), "x", "", "a\nb", True, [], [3], ["a"], [[]], {}, {"x": 1}, date(2026, 1, 1)]


def places(table: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in table if isinstance(table, dict) else range(len(table)):
        yield (*above, key)
        if isinstance(table[key], dict | list):
            yield from places(table[key], (*above, key))


def spoilt(place: tuple[Any, ...]) -> Iterator[tuple[dict[str, Any], Any]]:
    """The whole suite with another value there, with the key left out, misspelt, and joined by one that is unknown."""
    *above, last = place

    def copied() -> tuple[dict[str, Any], Any]:
        whole = tomllib.loads(WHOLE)
        return whole, reduce(getitem, above, whole)

    for value in VALUES:
        whole, table = copied()
        table[last] = value
        yield whole, table
    whole, table = copied()
    del table[last]
    yield whole, table
    if isinstance(last, str):
        for name in (f"{last}x", last[1:], "", "a\nb", last.upper()):
            whole, table = copied()
            table[name] = table.pop(last)
            yield whole, table


WHOLE = f"""
rope = 1.0
keep_weights = false
{GOOD}
[search]
trials = 2
sampler = "tpe"
folds = 2
training = ["learning_rate"]
[axes]
features = {{ title = "features", part_of = "dropout" }}
dropout = "dropout"
[encoder]
name = "resnet18"
width = 0.25
"""


@pytest.mark.parametrize("place", list(places(tomllib.loads(WHOLE))), ids=lambda place: ".".join(map(str, place)))
def test_whatever_is_wrong_with_a_key_is_a_line_that_begins_with_the_file(place: tuple[Any, ...]) -> None:
    refusals = []
    for tables, _ in spoilt(place):
        try:
            assert parse_suite(tables, name="s", text="", file="s.toml").methods
        except UserError as error:
            refusals.append(str(error))
    assert refusals
    assert all(line.startswith("s.toml: ") and len(line) < 300 for line in refusals)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="s.toml: not valid TOML"):
        load_suite(str(tmp_path / "s.toml"))
