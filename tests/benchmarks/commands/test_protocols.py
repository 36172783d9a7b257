"""Every suite that comes with the project tests whom and what its protocol says, over datasets of the right shape."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from afnetm.registry import methods
from benchmarks.commands.forecast import forecast, shares
from benchmarks.commands.job import prepare
from benchmarks.commands.request import Options, ask
from benchmarks.plans.folds import select
from benchmarks.plans.runs import plan, protocol_folds
from benchmarks.plans.suite import Suite, load_suite
from benchmarks.plans.suite_files import suite_names
from benchmarks.records.home import Home
from benchmarks.terminal.console import Terminal

# scans in all, taking part in a repeat, trained on and tested in a fold
SHAPES = {
    "quick": (480, 480, 384, 96),
    "tuned": (960, 480, 384, 96),
    "defaults": (528, 48, 24, 24),
    "bu3dfe-p1": (2400, 720, 648, 72),
    "bu3dfe-p2": (2400, 720, 648, 72),
    "bu3dfe-all": (2400, 2400, 2160, 240),
    "bosphorus": (453, 360, 324, 36),
    "bu4dfe": (606, 360, 324, 36),
}
SHAPES |= {f"synthetic-{twin}": SHAPES[f"bu3dfe-{twin}"] for twin in ("p1", "p2", "all")}
SHAPES["synthetic-bosphorus"] = (390, 360, 324, 36)
for comparison in ("fusion", "ablation"):
    SHAPES |= dict.fromkeys((comparison, f"{comparison}-clean"), (1200, 720, 480, 240))
    SHAPES[f"{comparison}-paper"] = SHAPES["bu3dfe-p1"]
SHAPES |= dict.fromkeys(("masks", "ablation-detected", "robustness", "transfer"), SHAPES["fusion"])
SHAPES |= {name: SHAPES["bu3dfe-p1"] for name in suite_names() if name.startswith("bu3dfe-p1-")}
SHAPES["bu3dfe-tuned"] = SHAPES["bu3dfe-p1"]
for variant in ("light", "sensor", "population"):
    SHAPES |= dict.fromkeys((f"fusion-{variant}", f"transfer-{variant}"), SHAPES["quick"])
SHAPES |= {"transfer-bu3dfe": SHAPES["bu3dfe-p1"], "transfer-bosphorus": SHAPES["bosphorus"]}


def dataset(rows: list[tuple[str, str, int]]) -> FaceDataset:
    """A dataset whose scans have labels alone: no plan looks at the maps."""
    table = pd.DataFrame(rows, columns=["subject", "expression", "intensity"])
    table.insert(0, "id", [f"{s}_{e}_{i}" for s, e, i in rows])
    return FaceDataset(
        directory=Path("nowhere"),
        name="labels",
        size=224,
        fingerprint="labels",
        shareable=False,
        source={"kind": "test"},
        table=table.assign(source="", sha256=""),
        texture=np.zeros((len(rows), 3, 1, 1), np.uint8),
        depth=np.zeros((len(rows), 1, 1, 1), np.uint16),
        planes=np.zeros((len(rows), 1, 1, 1), np.uint8),
        landmarks=np.zeros((len(rows), 83, 3), np.float32),
    )


def like_bosphorus() -> FaceDataset:
    """105 subjects, 65 of them with all six expressions, the others with happiness and sometimes one more."""
    rows = [(f"bs{s:03d}", name, 0) for s in range(65) for name in EXPRESSIONS]
    rows += [(f"bs{s:03d}", "happiness", 0) for s in range(65, 105)]
    rows += [(f"bs{s:03d}", EXPRESSIONS[s % 3], 0) for s in range(65, 88)]
    return dataset(rows)


def of(suite: Suite) -> FaceDataset:
    made = suite.dataset.synthetic
    if made is not None:
        people = range(made.subjects)
        return dataset(
            [(f"s{s:03d}", name, level) for s in people for name in EXPRESSIONS for level in made.intensities]
        )
    if suite.dataset.source == "bu3dfe":
        return dataset(
            [(f"F{s:04d}", name, level) for s in range(100) for name in EXPRESSIONS for level in range(1, 5)]
        )
    if suite.dataset.source == "bu4dfe":
        return dataset([(f"F{s:03d}", name, 0) for s in range(101) for name in EXPRESSIONS])
    return like_bosphorus()


def folds(suite: Suite, of: FaceDataset, *, repeats: int) -> list[tuple[int, set[str], set[str], int, int]]:
    """Repeat, subjects trained on, subjects tested, and the numbers of scans of both, a fold."""
    rows = select(of, suite.dataset.intensities)
    found = []
    for (repeat, _), one in protocol_folds(
        of, rows, suite.protocol.model_copy(update={"repeats": repeats}), None
    ).items():
        train, test = (of.table.iloc[rows[index]] for index in (one.train, one.test))
        found.append((repeat, set(train["subject"]), set(test["subject"]), len(train), len(test)))
    return found


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_of_ours_has_the_scans_its_protocol_says(name: str) -> None:
    suite = load_suite(name)
    there = of(suite)
    scans, taking_part, trained, tested = SHAPES[name]
    assert len(there.table) == scans
    found = folds(suite, there, repeats=3)
    assert {(train, test) for *_, train, test in found} == {(trained, tested)}
    for repeat in range(3):
        own = [fold for fold in found if fold[0] == repeat]
        assert sum(fold[4] for fold in own) == taking_part
        assert not any(train & test for _, train, test, *_ in own)
        assert len(set.union(*(test for _, _, test, *_ in own))) == sum(len(test) for _, _, test, *_ in own)


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", suite_names())
def test_a_suite_of_ours_runs_every_method_in_every_fold(name: str) -> None:
    suite = load_suite(name)
    planned = plan(suite, of(suite), device="cuda")
    assert {method.name for method in suite.methods.values()} <= set(methods())
    assert len(planned) == suite.protocol.folds * suite.protocol.repeats * len(suite.methods)
    assert len({p.run.key for p in planned}) == len(planned)


def test_p1_keeps_its_subjects_and_p2_draws_anew_from_the_same_beginning() -> None:
    tested: dict[str, list[set[str]]] = {}
    for name in ("bu3dfe-p1", "bu3dfe-p2"):
        suite = load_suite(name)
        found = folds(suite, of(suite), repeats=10)
        tested[name] = [set.union(*(fold[2] for fold in found if fold[0] == repeat)) for repeat in range(10)]
        assert {len(subjects) for subjects in tested[name]} == {60}
    assert len(set(map(frozenset, tested["bu3dfe-p1"]))) == 1
    assert len(set(map(frozenset, tested["bu3dfe-p2"]))) == 10
    assert tested["bu3dfe-p1"][0] == tested["bu3dfe-p2"][0]
    assert len(set.union(*tested["bu3dfe-p2"])) > 95


def test_bosphorus_tests_only_whoever_has_all_six() -> None:
    found = folds(load_suite("bosphorus"), like_bosphorus(), repeats=2)
    assert set.union(*(train | test for _, train, test, *_ in found)) <= {f"bs{s:03d}" for s in range(65)}


def test_twins_differ_in_the_dataset_alone() -> None:
    for real, synthetic in (
        *((f"bu3dfe-{twin}", f"synthetic-{twin}") for twin in ("p1", "p2", "all")),
        ("bosphorus", "synthetic-bosphorus"),
    ):
        one, other = load_suite(real), load_suite(synthetic)
        for key in ("protocol", "encoder", "training", "methods", "control"):
            assert getattr(one, key) == getattr(other, key), (synthetic, key)
        assert one.dataset.intensities == other.dataset.intensities
    made = [load_suite(name).dataset for name in ("synthetic-p1", "synthetic-p2", "synthetic-all", "fusion-paper")]
    assert len({(spec.name, repr(spec.synthetic)) for spec in made}) == 1


@pytest.mark.parametrize("name", ["fusion", "ablation"])
def test_a_comparison_and_its_clean_twin_differ_in_the_dataset_alone(name: str) -> None:
    spoilt, clean = load_suite(name), load_suite(f"{name}-clean")
    for key in ("protocol", "encoder", "training", "methods", "control", "axes"):
        assert getattr(spoilt, key) == getattr(clean, key), key
    made, other = spoilt.dataset.synthetic, clean.dataset.synthetic
    assert made is not None
    assert other == made.model_copy(update={"clean": True})
    assert spoilt.dataset.name != clean.dataset.name


@pytest.mark.parametrize("size", ["", "-clean", "-paper"])
def test_fusion_and_ablation_share_dataset_folds_and_training(size: str) -> None:
    fusion, ablation = load_suite(f"fusion{size}"), load_suite(f"ablation{size}")
    for key in ("dataset", "protocol", "encoder", "training", "control"):
        assert getattr(fusion, key) == getattr(ablation, key), key
    assert fusion.methods["afnetm"] == ablation.methods["afnetm"]
    assert load_suite("synthetic-p1").training == load_suite("fusion-paper").training


def test_fusion_has_every_method_of_this_project() -> None:
    own = {name for name, kind in methods().items() if kind.__module__.partition(".")[0] in ("afnetm", "baselines")}
    controls = {"masks", "landmarks"}  # of what masks tell, which sees no face
    assert {method.name for method in load_suite("fusion").methods.values()} == own - controls
    assert controls < {method.name for method in load_suite("masks").methods.values()}


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_gives_the_mean_mask_unless_its_name_says_otherwise(name: str) -> None:
    assert load_suite(name).masks == ("annotated" if name == "masks" or name.endswith("-annotated") else "mean")


def test_masks_has_each_of_its_methods_without_masks_and_with_them() -> None:
    suite = load_suite("masks")
    assert suite.masks == "annotated"
    compared = {method.name for method in suite.methods.values() if len(method.reads) == 2} - {"afnetm"}
    for name in compared:  # afnetm reads them anyway
        given = {method.inputs for method in suite.methods.values() if method.name == name}
        assert given == {("texture", "depth"), ("texture", "depth", "masks")}, name
    two_streams = {method.name for method in load_suite("fusion").methods.values() if len(method.reads) == 2}
    assert compared == two_streams - {"afnetm", "mfevit"}  # which has depth in the place of a channel of the texture
    assert {method.masks for method in suite.methods.values() if method.name == "afnetm"} == {
        *("annotated", "detected", "other_expression", "mean")
    }


def test_annotated_masks_are_given_to_rivals_beside_two_controls_and_detected_ones_to_the_nearest() -> None:
    own = load_suite("bu3dfe-p1-annotated").methods
    assert {"masks", "landmarks"} < own.keys()
    for rival in ("concat", "late"):
        given = {method.inputs for method in own.values() if method.name == rival}
        assert given == {("texture", "depth"), ("texture", "depth", "masks")}, rival
    detected = {one.name: one.inputs for one in load_suite("masks").methods.values() if one.masks == "detected"}
    controls = {"masks": ("masks",), "landmarks": ("landmarks",)}
    assert detected == controls | dict.fromkeys(("afnetm", "concat", "late", "product"), ("texture", "depth", "masks"))


def test_the_ablation_on_detected_poses_tests_the_ablation_s_subjects_though_a_scan_is_left_out() -> None:
    labels = [(f"s{number:03d}", name, level) for number in range(100) for name in EXPRESSIONS for level in (3, 4)]
    whole = dataset(labels)
    suites = [load_suite("ablation"), load_suite("ablation-detected")]
    drawn = {subject for subject, _ in _tested(suites[0], whole)}
    left_out = next(label for label in labels if label[0] in drawn)
    fewer = dataset([label for label in labels if label != left_out])
    expected = _tested(suites[0], whole)
    assert len(drawn) == 60
    assert _tested(suites[1], fewer) == expected - {(left_out[0], "_".join(map(str, left_out)))}
    assert {subject for subject, _ in _tested(suites[0], fewer)} != drawn  # all have to be complete


def _tested(suite: Suite, of: FaceDataset) -> set[tuple[str, str]]:
    """Subjects and scans that a suite tests."""
    rows = select(of, suite.dataset.intensities)
    folds = protocol_folds(of, rows, suite.protocol, None).values()
    found = of.table.iloc[np.unique(np.concatenate([rows[fold.test] for fold in folds]))]
    return set(zip(found["subject"], found["id"], strict=True))


@pytest.mark.parametrize("name", suite_names())
def test_weights_are_kept_where_models_of_a_small_encoder_are_evaluated(name: str) -> None:
    suite = load_suite(name)
    assert not suite.keep_weights or (suite.encoder.width < 1 and name in ("fusion", "robustness", "transfer"))


def test_the_ablation_changes_one_part_at_a_time_and_both_of_its_ideas_jointly() -> None:
    suite = load_suite("ablation")
    full = suite.methods["afnetm"]
    assert full == type(full)()
    changed = {
        label: {axis for axis in suite.axes if getattr(method, axis) != getattr(full, axis)}
        for label, method in suite.methods.items()
    }
    assert {label: axes for label, axes in changed.items() if len(axes) > 1}.keys() == {
        label for label, axes in changed.items() if axes == {"attention", "weighting"}
    }
    assert [label for label, axes in changed.items() if not axes] == ["afnetm"]
    pairs = {
        (method.attention, method.weighting)
        for label, method in suite.methods.items()
        if changed[label] <= {"attention", "weighting"}
    }
    readings = ("affine", "scale", "none"), ("channel", "sample", "position", "none")
    assert pairs == {*product(*readings), ("mask", "channel")}


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", suite_names())
def test_a_dry_run_counts_runs_before_there_is_a_dataset(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = load_suite(name)
    timed = []
    monkeypatch.setattr("benchmarks.commands.forecast.estimate_seconds", lambda *_, **of: timed.append(of) or 40.0)
    label = next(iter(suite.methods))
    job = prepare(
        ask(name, Options(home=Home(tmp_path), methods=[label], workers=1, device="cpu", dry=True)), Terminal()
    )
    runs = suite.protocol.folds * suite.protocol.repeats
    if suite.dataset.source is None:
        assert [(share.runs, share.left, share.seconds) for share in shares(job)] == [(runs, runs, 40.0 * runs)]
        assert (timed[0]["train"], timed[0]["test"]) == SHAPES[name][2:]
    else:
        assert f"{runs} runs" in str(forecast(job))
        assert "data prepare" in str(forecast(job))
    assert not list(tmp_path.iterdir())


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.integers(0, 3))
def test_a_repeat_has_the_same_folds_however_many_there_are(seed: int, redraw: bool, repeat: int) -> None:
    """So that a suite with more repeats goes on where it was: a run's key does not say how many there are."""
    rng = np.random.default_rng(seed)
    whole_people = {f"s{s}" for s in range(5)}
    labels = [(f"s{s}", name, level) for s in range(12) for name in EXPRESSIONS for level in (3, 4)]
    there = dataset([label for label in labels if label[0] in whole_people or rng.random() > 0.05])
    protocol = {"subjects": 5, "redraw": redraw, "complete": True, "seed": seed % 1000}
    suite = _suite(**protocol, repeats=5)
    rows = select(there, suite.dataset.intensities)
    whole = protocol_folds(there, rows, suite.protocol, None)
    for one in plan(_suite(**protocol, repeats=repeat + 1), there, device="cpu"):
        mine, same = one.scans, whole[one.run.repeat, one.run.fold]
        np.testing.assert_array_equal(mine.rows, rows)
        np.testing.assert_array_equal(mine.train, same.train)
        np.testing.assert_array_equal(mine.test, same.test)
        train, test = (there.table.iloc[rows[index]] for index in (mine.train, mine.test))
        for subject in {*train["subject"], *test["subject"]}:
            assert (there.table["subject"] == subject).sum() == 12  # complete
        assert train["subject"].nunique() + test["subject"].nunique() == 5


def test_keys_hold_what_a_protocol_adds_and_stay_where_it_adds_nothing() -> None:
    there = dataset([(f"s{s}", name, 3) for s in range(12) for name in EXPRESSIONS])
    plain = plan(_suite(), there, device="cpu")
    assert plain[0].run.protocol == {"folds": 2, "seed": 0}
    said = plan(_suite(redraw=False, complete=False), there, device="cpu")
    assert [p.run.key for p in said] == [p.run.key for p in plain]
    for change in ({"complete": True}, {"subjects": 6}, {"subjects": 7}, {"subjects": 6, "redraw": True}):
        other = {p.run.key for p in plan(_suite(**change), there, device="cpu")}
        assert not other & {p.run.key for p in plain}, change


def test_too_few_subjects_are_told_in_one_line() -> None:
    there, have = like_bosphorus(), "^protocol.complete = true: 65 of the 105 subjects of 'labels' have each of the 6"
    with pytest.raises(UserError, match=have + r" expressions; 66 are needed$"):
        plan(_suite(subjects=66, complete=True), there, device="cpu")
    with pytest.raises(UserError, match=r"^subjects: 106 \(allowed: 2, the folds, to 105, the subjects there are\)$"):
        plan(_suite(subjects=106), there, device="cpu")
    levels = dataset([("s0", name, level) for name in EXPRESSIONS for level in (3, 4)] + [("s1", "fear", 3)])
    with pytest.raises(UserError, match=r": 1 of the 2 .* at each intensity \(3, 4\); 2 are needed$"):
        plan(_suite(complete=True), levels, device="cpu")


def test_a_dataset_of_some_intensities_is_not_taken_for_all() -> None:
    some = dataset([(f"F{s:04d}", name, level) for s in range(100) for name in EXPRESSIONS for level in (3, 4)])
    with pytest.raises(UserError, match="dataset.intensities: 1 is not in 'labels'; it has: 3, 4"):
        plan(load_suite("bu3dfe-all"), some, device="cpu")


def _suite(**protocol: object) -> Suite:
    suite = load_suite("quick")
    changed = type(suite.protocol).model_validate({"folds": 2, **protocol})
    spec = type(suite.dataset)(name="labels")
    return suite.model_copy(update={"protocol": changed, "dataset": spec})
