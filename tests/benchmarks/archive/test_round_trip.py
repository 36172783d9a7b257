"""Records that travel: the same report elsewhere, nobody's name on the way, and nothing half-arrived."""

import dataclasses
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from safetensors.numpy import load

from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from benchmarks.archive.exporting import export_suite
from benchmarks.archive.importing import import_suite
from benchmarks.commands import comparing
from benchmarks.commands.state import suite_state
from benchmarks.plans.keys import run_key
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Record, Store
from benchmarks.reporting.frames import results
from benchmarks.reporting.writing import write_suite_report
from benchmarks.terminal.console import Terminal
from reports.data.results import Results
from tests.benchmarks.archive.examples import PLACES, SECRET, SUBJECTS, fabricate, members, record, run, tells, tree
from tests.benchmarks.conftest import Afnetm

KEYS = {place: run_key(run(*place)) for place in PLACES}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return fabricate(tmp_path / "home")


@pytest.fixture
def private(tmp_path: Path) -> Home:
    return fabricate(tmp_path / "private", shareable=False)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.zip"


def found(home: Home, *, with_faces: bool = False, suite: str = "people") -> Results:
    return results(read_manifest(home, suite), Store(home), created="", with_faces=with_faces)


def same(one: Results, other: Results) -> None:
    for name in ("folds", "predictions", "curves", "studies", "selection"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), obj=name)


def test_an_imported_suite_has_the_report_that_it_has_at_home(private: Home, tmp_path: Path, out: Path) -> None:
    there = Home(tmp_path / "there")
    assert export_suite(private, "people", out).records == len(PLACES)
    message = import_suite(out, there)
    assert (message.suite, message.records, message.here, message.differing) == ("people", len(PLACES), 0, [])
    pages = []
    for home in (private, there):
        write_suite_report(home, "people")
        folder = home.report("people")
        pages.append({path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    stamp = re.compile(rb"\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC")
    for page in pages:
        page |= {name: stamp.sub(b"", page[name]) for name in ("index.html", "report.md")}
    assert pages[0] == pages[1]
    assert b"RuntimeError" in pages[0]["index.html"]
    assert suite_state("people", there).counts == {"done": 5, "failed": 1, "left": 0}


def test_the_same_records_are_the_same_bytes_wherever_they_are(home: Home, private: Home, tmp_path: Path) -> None:
    for place in (home, private):
        first, again, back = (tmp_path / f"{name}.zip" for name in ("first", "again", "back"))
        copy, there = (
            Home(shutil.copytree(place.path, tmp_path / "copy", copy_function=shutil.copy)),
            Home(tmp_path / "there"),
        )
        export_suite(place, "people", first, weights=True)
        export_suite(copy, "people", again, weights=True)
        assert first.read_bytes() == again.read_bytes()
        import_suite(first, there)
        export_suite(there, "people", back, weights=True)
        assert first.read_bytes() == back.read_bytes()
        for path in (first, again, back):
            path.unlink()
        for path in (copy.path, there.path):
            shutil.rmtree(path)


def test_what_was_imported_is_what_was_exported(home: Home, tmp_path: Path, out: Path) -> None:
    export_suite(home, "people", out, weights=True)
    import_suite(out, there := Home(tmp_path / "there"))
    before, after = tree(home.path), tree(there.path)
    assert {name for name in before if before[name] != after.get(name)} == {f"failures/{KEYS[PLACES[-1]]}.txt"}
    assert set(after) < set(before)
    assert Store(there).reason(KEYS[PLACES[-1]]) == "RuntimeError: no nose in TELLTALE_Ada_fear"


def test_trials_stay_and_weights_unless_they_are_asked_for(home: Home, out: Path) -> None:
    (home.runs / KEYS["concat", 0] / "notes.txt").write_text("mine")
    trial = run("concat", 0, inner={"selection": "nested", "folds": 2, "fold": 0})
    Store(home).write(run_key(trial), record(trial))
    export_suite(home, "people", out)
    assert not any(run_key(trial) in name for name in members(out))
    names = {name.rsplit("/")[-1] for name in members(out)}
    assert not names & {"weights.safetensors", "notes.txt"}
    assert names >= {
        "manifest.json",
        "failures.json",
        "best-parameters.toml",
        "auxiliary_outputs.safetensors",
        "gradcam.safetensors",
    }


def test_nobody_is_named_in_an_archive_of_a_private_dataset(private: Home, tmp_path: Path, out: Path) -> None:
    manifest = read_manifest(private, "people")
    manifest.dataset["source"]["folder"] = "/data/TELLTALE/scans"
    manifest.save(private)
    assert export_suite(private, "people", out).pseudonyms
    assert tells(out, "TELLTALE", SECRET, str(tmp_path), "Traceback") == []
    assert set(json.loads(members(out)["failures.json"]).values()) == {
        "RuntimeError (message withheld: the dataset is not shareable)"
    }
    faces = tmp_path / "faces.zip"
    assert not export_suite(private, "people", faces, with_faces=True).pseudonyms
    assert tells(faces, SECRET, str(tmp_path), "Traceback", "/data/") == []
    named = tells(faces, "TELLTALE")
    assert sum(name.endswith("predictions.csv") for name in named) == len(PLACES)


def test_no_order_tells_who_is_who_and_what_belongs_together_stays_together(private: Home, out: Path) -> None:
    export_suite(private, "people", out)
    content = members(out)
    for key in Store(private).done():
        own, other = (
            Store(private).predictions(key).to_pandas(),
            pd.read_csv(io.BytesIO(content[f"runs/{key}/predictions.csv"])),
        )
        numbers = list(own.columns[2:])
        pd.testing.assert_frame_equal(
            *(table[numbers].sort_values(numbers, ignore_index=True) for table in (own, other)), check_dtype=False
        )
        assert other["scan"].is_monotonic_increasing
        assert other["scan"].str.fullmatch("s[0-9a-f]{12}").all()
        assert other["subject"].str.fullmatch("p[0-9a-f]{12}").all()
        auxiliary_outputs = load(content[f"runs/{key}/auxiliary_outputs.safetensors"])
        assert set(auxiliary_outputs) == {"importance", "attention"}  # the third may be a picture
        np.testing.assert_array_equal(auxiliary_outputs["importance"][:, 0], other["p_anger"])
        np.testing.assert_array_equal(auxiliary_outputs["attention"][:, 0, 0], other["p_disgust"])
        gradcam = load(content[f"runs/{key}/gradcam.safetensors"])
        assert (np.diff(gradcam["rows"]) > 0).all()
        np.testing.assert_array_equal(gradcam["texture"][:, 0, 0], other["p_fear"].to_numpy()[gradcam["rows"]])


def test_archives_of_two_machines_make_one_suite(tmp_path: Path) -> None:
    whole, there = fabricate(tmp_path / "whole"), Home(tmp_path / "there")
    import_suite(exported(whole, tmp_path / "a.zip", ["late"]), there)
    assert suite_state("people", there).counts == {"done": 2, "failed": 1, "left": 3}
    message = import_suite(exported(whole, tmp_path / "b.zip", ["concat"]), there)
    assert (message.records, message.here) == (4, 0)
    same(found(there), found(whole))
    with pytest.raises(UserError, match="method 'x' is not in suite 'people'; it has: concat, late"):
        export_suite(whole, "people", tmp_path / "c.zip", methods=["x"])


def exported(home: Home, out: Path, methods: list[str] | None = None, *, with_faces: bool = False) -> Path:
    export_suite(home, "people", out, methods=methods, with_faces=with_faces)
    return out


def test_who_has_the_dataset_completes_a_suite_with_records_under_pseudonyms(tmp_path: Path) -> None:
    whole = fabricate(tmp_path / "whole", shareable=False)
    mine = fabricate(tmp_path / "mine", shareable=False, without=(0, 2))
    before = tree(mine.path)
    message = import_suite(exported(whole, tmp_path / "out.zip"), mine)
    assert (message.records, message.here, message.differing) == (2, 4, [])
    same(found(mine), found(whole))
    assert {name: digest for name, digest in tree(mine.path).items() if name in before} == before
    # Whoever has names can show them, the same way round.
    assert set(found(mine, with_faces=True).provenance.names.values()) >= set(SUBJECTS)


def test_names_and_pseudonyms_of_an_unknown_secret_are_not_mixed(private: Home, tmp_path: Path) -> None:
    there = Home(tmp_path / "there")
    import_suite(exported(private, tmp_path / "late.zip", ["late"]), there)
    with_names = exported(private, tmp_path / "concat.zip", ["concat"], with_faces=True)
    before = tree(there.path)
    with pytest.raises(UserError, match="different secrets"):
        import_suite(with_names, there)
    assert tree(there.path) == before
    # Alone they are all right: pseudonyms of reports are made with a secret of this home, the same from now on.
    import_suite(with_names, other := Home(tmp_path / "other"))
    same(found(other), found(other))
    assert read_manifest(other, "people").secret not in {"", SECRET}


def test_an_archive_does_not_make_a_dataset_shareable(home: Home, private: Home, out: Path) -> None:
    export_suite(home, "people", out)
    before = tree(private.path)
    with pytest.raises(
        UserError, match="says that dataset 'people' is shareable; in home .* it is not .suite 'people'."
    ):
        import_suite(out, private, name="theirs")
    assert tree(private.path) == before


def test_a_record_that_is_here_stays_and_is_told(home: Home, tmp_path: Path, out: Path) -> None:
    there = Home(tmp_path / "there")
    import_suite(exported(home, out, ["late"]), there)
    mine = record(run("concat", 1), hardware="another machine")
    Store(there).write(KEYS["concat", 1], mine)
    message = import_suite(exported(home, tmp_path / "all.zip"), there)
    assert message.differing == [KEYS["concat", 1]]
    assert Store(there).result(KEYS["concat", 1]) == mine.result
    assert found(there).provenance.hardware == ["a machine", "another machine"]


def test_a_suite_of_the_same_name_that_is_another_one_is_refused_with_a_way_out(
    home: Home, tmp_path: Path, out: Path
) -> None:
    there = fabricate(tmp_path / "there")
    path = there.suites / "people.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"description": "another one", "control": "late"}))
    exported(home, out)
    before = tree(there.path)
    with pytest.raises(
        UserError, match=r"out.zip: suite 'people' is in home .* its description, control differ; .*--as"
    ):
        import_suite(out, there)
    for name in ("", ".x", "a/b", "..", "a\nb", "x" * 300):
        with pytest.raises(UserError, match="--as = .*should be letters"):
            import_suite(out, there, name=name)
    assert tree(there.path) == before
    assert import_suite(out, there, name="people 2").here == len(PLACES)
    assert read_manifest(there, "people").control == "late"
    assert found(there, suite="people 2").control == "concat"
    assert read_manifest(there, "people 2").resolved["name"] == "people 2"


def test_a_suite_of_whose_methods_a_later_version_tells_more_is_the_same(home: Home, tmp_path: Path, out: Path) -> None:
    there = fabricate(tmp_path / "there", without=(0,))
    path = there.suites / "people.json"
    message = json.loads(path.read_text())
    message["methods"]["concat"]["probabilities"] = True
    path.write_text(json.dumps(message))
    exported(home, out)
    assert import_suite(out, there).records == 1
    message["methods"]["concat"]["version"] = 2
    path.write_text(json.dumps(message))
    with pytest.raises(UserError, match="its methods differ"):
        import_suite(out, there)


def test_an_import_that_was_cut_off_has_done_no_harm_and_goes_on(home: Home, tmp_path: Path, out: Path) -> None:
    records = export_suite(home, "people", out, methods=["concat"]).records
    import_suite(out, whole := Home(tmp_path / "whole"))
    steps = 2 * records
    for cut in range(1, steps + 1):
        there = Home(tmp_path / f"cut{cut}")

        def stop(done: int, total: int, cut: int = cut) -> None:
            assert total == steps
            if done == cut:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            import_suite(out, there, progress=stop)
        left = tree(there.path)
        assert left.items() <= tree(whole.path).items()  # nothing that is not whole
        if cut < steps:
            assert not any(name.startswith("suites") for name in left)
        (there.runs / ".x.123").mkdir(parents=True)  # as a process that is killed leaves it
        import_suite(out, there)
        assert tree(there.path) == tree(whole.path)


def test_an_archive_is_whole_or_not_there_and_replaces_nothing(home: Home, out: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_suite(home, "people", out, progress=stop)
    assert [path.name for path in out.parent.iterdir()] == ["home"]
    out.write_text("mine")
    with pytest.raises(UserError, match="is there already; name another file, or delete it"):
        export_suite(home, "people", out)
    assert out.read_text() == "mine"
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        export_suite(home, "people", out.parent / "nowhere" / "out.zip")


def test_what_cannot_be_imported_is_not_exported(home: Home, out: Path) -> None:
    curves = home.runs / KEYS["late", 1] / "curves.csv"
    curves.write_text("epoch,loss,accuracy,learning_rate\n0,nan,0.5,0.1\n")
    with pytest.raises(UserError, match=rf"out.zip: runs/{KEYS['late', 1]}/curves.csv: column 'loss' is empty"):
        export_suite(home, "people", out)
    curves.unlink()
    with pytest.raises(UserError, match=rf"out.zip: runs/{KEYS['late', 1]}/curves.csv is missing"):
        export_suite(home, "people", out)
    Store(home).forget(Store(home).done())
    with pytest.raises(UserError, match="has no finished run"):
        export_suite(home, "people", out)
    assert not out.exists()


def test_what_came_is_not_trained_again_and_mlflow_is_told_of_it(
    prepared: Path, suite: Path, empty_mlflow: Path, tmp_path: Path, out: Path
) -> None:
    quiet = Terminal(quiet=True)

    def job(of: Home) -> comparing.Job:
        return comparing.prepare(str(suite), None, home=of, workers=1, device="cpu", console=quiet, dry=False)

    here, there = (Home(shutil.copytree(prepared, tmp_path / name)) for name in ("here", "there"))
    planned = job(here)
    assert planned.dataset is not None
    for one in planned.planned:
        Store(here).write(one.run.key, guessed(one, planned.dataset))
    comparing.make_manifest(planned.suite, planned.dataset, planned.planned).save(here)
    export_suite(here, "small", out)
    assert import_suite(out, there).records == len(planned.planned) == 6
    shutil.copy(empty_mlflow, there.path / "mlflow.db")
    tally = comparing.train(job(there), tracking_uri=there.tracking_uri, with_faces=False, console=quiet)
    assert (tally.trained, tally.failed, tally.untracked) == (0, [], None)
    client = MlflowClient(there.tracking_uri)
    runs = client.search_runs([client.get_experiment_by_name("small").experiment_id])
    assert {run.data.tags.get("afnetm.key") for run in runs} - {None} == {one.run.key for one in planned.planned}


def guessed(planned: PlannedRun, dataset: FaceDataset) -> Record:
    """A record of a real run that was never trained: its answers are the first class."""
    of, scans = planned.run, planned.scans
    table = dataset.table.iloc[scans.rows[scans.test]].reset_index(drop=True).rename(columns={"id": "scan"})
    predictions = table[["scan", "subject", "expression", "intensity"]].assign(predicted=EXPRESSIONS[0])
    predictions = predictions.assign(**{f"p_{name}": float(name == EXPRESSIONS[0]) for name in EXPRESSIONS})
    other = record(run("concat", 0))
    result = {**other.result, **dataclasses.asdict(of), "key": of.key, "n_test": len(table)}
    result["accuracy"] = float((predictions["expression"] == EXPRESSIONS[0]).mean())
    return Record(result, predictions, other.curves, {})


def test_the_command_line_says_what_it_did(home: Home, tmp_path: Path, out: Path, afnetm: Afnetm) -> None:
    done = afnetm(home.path, "export", "people", str(out), "--methods", "late")
    assert "people: 2 records, why 1 failed; " in done.stdout
    assert "the trials of 6 studies stay here; what they chose is in it" in done.stdout
    there = tmp_path / "there"
    done = afnetm(there, "import", str(out), "--as", "theirs")
    assert "theirs: 2 records imported\n" in done.stdout
    assert "report theirs" in done.stdout
    out.write_bytes(out.read_bytes()[:-1000])
    done = afnetm(there, "import", str(out), code=2)
    assert done.stdout == ""
    assert "error: archive" in done.stderr
    assert "is not a zip archive, or a damaged one" in done.stderr
