"""Records that diverged, are damaged or contradict themselves cost the report nothing but themselves, and are named."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from reports.data.results import Results
from reports.data.usable import UNIT
from tests.benchmarks.archive.examples import fabricate, make_manifest, run
from tests.benchmarks.conftest import Afnetm
from tests.reports.conftest import PROBABILITIES
from tests.reports.page.test_page import read
from tests.sketching import sketching

Damage = Callable[[Path], object]


def found(home: Home) -> Results:
    return results(read_manifest(home, "people"), Store(home), created="today")


def folder(home: Home, method: str = "late", fold: int = 1) -> Path:
    return home.run(run_key(run(method, fold)))


def table(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Damage:
    def damage(record: Path) -> None:
        path = record / name
        if path.suffix == ".csv":
            change(pd.read_csv(path)).to_csv(path, index=False)
        else:
            change(pd.read_parquet(path)).to_parquet(path, index=False)

    return damage


def result(**values: object) -> Damage:
    def damage(record: Path) -> None:
        message = json.loads((record / "result.json").read_text()) | values
        (record / "result.json").write_text(
            json.dumps({name: value for name, value in message.items() if value != "gone"})
        )

    return damage


def array(file: str, name: str, value: float) -> Damage:
    def damage(record: Path) -> None:
        arrays = load_file(record / file)
        arrays[name].flat[0] = value
        save_file(arrays, record / file)

    return damage


def cut(name: str) -> Damage:
    return lambda record: (record / name).write_bytes((record / name).read_bytes()[:40])


def gone(name: str) -> Damage:
    return lambda record: (record / name).unlink()


UNKNOWN = dict.fromkeys(PROBABILITIES, np.float32(np.nan))
WHOLE: list[tuple[Damage, str]] = [
    (table("curves.csv", lambda c: c.assign(loss=c["loss"].where(c["epoch"] < 1))), "not finite from epoch 1 on"),
    (table("curves.csv", lambda c: c.assign(loss=np.nan)), "not finite from epoch 0 on"),
    (table("curves.csv", lambda c: c.assign(loss=[*c["loss"][:2], np.inf])), "not finite from epoch 2 on"),
    (table("predictions.parquet", lambda p: p.assign(**UNKNOWN)), "in 12 of 12 scans"),
    (table("predictions.parquet", lambda p: p.assign(p_fear=[np.nan, *p["p_fear"][1:]])), "in 1 of 12 scans"),
    (table("predictions.parquet", lambda p: p.assign(p_fear=p["p_fear"] + 0.2)), "is inconsistent"),
    (table("predictions.parquet", lambda p: p.assign(predicted=None)), "is inconsistent"),
    (table("predictions.parquet", lambda p: p.assign(predicted=1)), "damaged: .*'predicted' is int64"),
    (table("predictions.parquet", lambda p: p.iloc[1:]), "n_test of run .* is 12, allowed is .* 11"),
    (table("predictions.parquet", lambda p: p.drop(columns="subject")), "is inconsistent: .*subject"),
    (result(accuracy=float("nan")), "its accuracy is nan"),
    (result(macro_f1="gone"), "damaged: .*macro_f1"),
    (result(accuracy=0.987), "accuracy of run .* is 0.987"),
    (cut("result.json"), "damaged: no JSON"),
    (cut("predictions.parquet"), "damaged: .*[Pp]arquet"),
    (gone("predictions.parquet"), "damaged: a file is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "why"), WHOLE)
def test_a_run_that_cannot_be_used_is_left_out_and_named(damage: Damage, why: str, tmp_path: Path) -> None:
    home, clean = fabricate(tmp_path / "home"), fabricate(tmp_path / "clean", without=(3,))
    damage(folder(home))
    made, expected = found(home), found(clean)
    (one,) = made.provenance.left_out
    assert (one.place, one.what) == ("late, repeat 0, fold 1", UNIT)
    assert re.search(why, one.reason), one.reason
    assert one.reason.isprintable()
    for name in ("folds", "predictions", "curves", "importances", "maps"):
        pd.testing.assert_frame_equal(getattr(made, name), getattr(expected, name))
    assert (made.provenance.done, made.provenance.planned) == (4, 6)


PARTS: list[tuple[Damage, str, str]] = [
    (gone("curves.csv"), "learning curve", "curves"),
    (cut("curves.csv"), "learning curve", "curves"),
    (array("auxiliary_outputs.safetensors", "importance", np.nan), "weights of the streams", "importances"),
    (array("auxiliary_outputs.safetensors", "importance", 7.0), "weights of the streams", "importances"),
    (array("auxiliary_outputs.safetensors", "attention", np.nan), "attention and Grad-CAM", "maps"),
    (array("gradcam.safetensors", "texture", np.inf), "attention and Grad-CAM", "maps"),
    (cut("gradcam.safetensors"), "attention and Grad-CAM", "maps"),
    (result(peak_memory=float("inf")), "peak_memory", ""),
    (result(seconds=float("nan")), "seconds", ""),
]


@pytest.mark.parametrize(("damage", "what", "frame"), PARTS)
def test_a_part_that_cannot_be_used_is_left_out_alone(damage: Damage, what: str, frame: str, tmp_path: Path) -> None:
    home, clean = fabricate(tmp_path / "home"), found(fabricate(tmp_path / "clean"))
    damage(folder(home))
    made = found(home)
    (one,) = made.provenance.left_out
    assert (one.place, one.what) == ("late, repeat 0, fold 1", what)
    columns = ["method", "fold", "accuracy"]
    pd.testing.assert_frame_equal(made.folds[columns], clean.folds[columns])
    for name in {"predictions", "curves", "importances", "maps"} - {frame}:
        pd.testing.assert_frame_equal(getattr(made, name), getattr(clean, name))
    if frame:
        assert len(getattr(made, frame)) < len(getattr(clean, frame)) or frame == "maps"
    if frame == "maps":
        assert made.maps.groupby("method")["trainings"].max().to_dict() == {"concat": 3, "late": 1}


def test_runs_that_contradict_one_another_alone_are_refused(tmp_path: Path) -> None:
    home = fabricate(tmp_path / "home")
    table("predictions.parquet", lambda p: p.assign(scan=p["scan"] + "x"))(folder(home))
    with pytest.raises(ValueError, match="is tested by 1 methods"):
        found(home)


def test_why_is_told_without_a_name_where_nobody_may_be_named(tmp_path: Path) -> None:
    home = fabricate(tmp_path / "home", shareable=False)
    table("predictions.parquet", lambda p: p.assign(p_fear=p["p_fear"] + 0.2))(folder(home))
    made = found(home)
    assert "TELLTALE" not in str(made.provenance.left_out)
    whole = found(fabricate(tmp_path / "clean", shareable=False))
    assert set(made.predictions["subject"]) == set(whole.predictions["subject"])  # named anew only once


def test_reports_of_one_and_several_suites_are_written_and_say_what_is_left_out(tmp_path: Path, here: Afnetm) -> None:
    home = fabricate(tmp_path / "home")
    WHOLE[0][0](folder(home))
    PARTS[0][0](folder(home, "concat", 0))
    (home.failures / f"{run_key(run('late', 2))}.json").write_text("{")
    make_manifest(suite="others").save(home)
    with sketching():
        alone = here(home.path, "report", "people")
        several = here(home.path, "report", "people", "others")
    assert "left out, namely late, repeat 0, fold 1: the whole fold (its training diverged: the loss" in alone.stdout
    assert "concat, repeat 0, fold 0: learning curve (it cannot be read: a file is missing" in alone.stdout
    assert several.stdout.count("is left out, namely late, repeat 0, fold 1: ") == 2
    formatted = read(home.report("people") / "index.html").text
    assert (
        "Partial: what could not be used is left out, namely late, repeat 0, fold 1: the whole fold (its training"
        in formatted
    )
    assert "These records are incomplete, failed, partial, unequal; the top of the page says how." in formatted
    text = (home.report("people") / "report.md").read_text()
    assert "| late | 0 | 1 | the whole fold | its training diverged: the loss is not finite from epoch 1 on |" in text
    assert "what was recorded of it cannot be read" in text


def test_every_table_says_that_runs_were_made_on_different_devices(tmp_path: Path, here: Afnetm) -> None:
    home = fabricate(tmp_path / "home")
    versions = {"python": "3.12.3", "cuda": "13.2", "driver": "580.95"}
    result(device_name="NVIDIA H100 80GB HBM3", gpu_workers=2, versions=versions)(folder(home, "concat", 0))
    result(device_name="NVIDIA H100 80GB HBM3", gpu_workers=4)(folder(home, "concat", 1))
    make_manifest(suite="others").save(home)
    with sketching():
        here(home.path, "report", "people")
        here(home.path, "report", "people", "others")
    tables = home.report("people") / "tables"
    said = "more than one device (NVIDIA H100 80GB HBM3, cpu)"
    files = [*tables.glob("*.md"), *tables.glob("*.tex"), tables / "notices.txt"]
    assert len(files) > 8
    assert not [file.name for file in files if said not in " ".join(file.read_text().split())]
    text = (tables / "notices.txt").read_text()
    assert "more than one number of workers per GPU, on which times depend (2, 4)" in text
    formatted = read(home.report("people") / "index.html").text
    assert said in formatted
    assert "the top of the page says how" in formatted
    assert "driver 580.95" in formatted
    assert "mixed" in (home.joint_report(["people", "others"]) / "tables" / "notices.txt").read_text()


def test_a_method_of_which_nothing_can_be_used_stays_in_the_table_as_failed(tmp_path: Path, here: Afnetm) -> None:
    home = fabricate(tmp_path / "home")
    for fold in (0, 1):  # the third failed
        table("curves.csv", lambda c: c.assign(loss=np.nan))(folder(home, fold=fold))
    with sketching():
        done = here(home.path, "report", "people")
    assert re.search(r"^late +failed +\N{EN DASH}", done.stdout, re.MULTILINE)
    report = home.report("people")
    formatted = read(report / "index.html").text
    assert re.search(r"late failed (\N{EN DASH} )+", formatted)
    assert "concat, the only method here, reaches an accuracy of" in formatted
    for name in ("report.md", "tables/comparison.md"):
        assert "| late | failed | \N{EN DASH} |" in (report / name).read_text()


def test_a_suite_of_which_nothing_can_be_used_costs_the_others_nothing(tmp_path: Path, here: Afnetm) -> None:
    home = fabricate(tmp_path / "home")
    extra = run_key(run("concat", 0, reseed=1))
    manifest = make_manifest(suite="ruined")
    lost = json.loads((home.suites / "people.json").read_text()) | {
        "suite": "ruined",
        "tuning": {},
        "additional": [],
    }
    lost["runs"] = [listed | {"key": extra} for listed in lost["runs"][:1]]
    manifest.save(home)
    (home.suites / "ruined.json").write_text(json.dumps(lost))
    gone("predictions.parquet")(home.run(extra))
    alone = here(home.path, "report", "ruined", code=2)
    assert "suite 'ruined': no finished run can be used: concat, repeat 0, fold 0: its record is" in alone.stderr
    with sketching():
        both = here(home.path, "report", "ruined", "people", code=2)
    assert "suite 'ruined': no finished run can be used" in both.stderr
    assert f"report:      {home.report('people') / 'index.html'}" in both.stdout
    assert (home.report("people") / "index.html").is_file()
