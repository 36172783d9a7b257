"""Archives of suites whose models were tested on another dataset, of which no subject may be named."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.archive.exporting import export_suite
from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, read_manifest
from benchmarks.records.store import Store
from tests.benchmarks.archive.examples import PLACES, SECRET, fabricate, members, packed, record, run
from tests.benchmarks.conftest import Afnetm

NAME = "SECRETLY"
ELSEWHERE = {"dataset": "elsewhere", "fingerprint": "d" * 64, "scans": "5" * 20}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which the models of the suite ``people`` were tested on the dataset ``elsewhere``."""
    home = fabricate(tmp_path / "home")
    manifest = read_manifest(home, "people")
    evaluations = []
    for method, fold in PLACES[:-1]:
        of = run(method, fold, evaluation=ELSEWHERE)
        made = record(of)
        names = {column: made.predictions[column].str.replace("TELLTALE", NAME) for column in ("scan", "subject")}
        result = made.result | {"trained": run_key(run(method, fold))}
        evidence = {"auxiliary_outputs": {}, "gradcam": None, "weights": None}
        made = replace(made, result=result, predictions=made.predictions.assign(**names), **evidence)
        Store(home).write(run_key(of), made)
        evaluations.append(ListedRun(run_key(of), method, 0, fold, dataset="elsewhere"))
    other = {**manifest.dataset, "name": "theirs", "fingerprint": "d" * 64, "shareable": False, "secret": SECRET}
    replace(manifest, evaluations=evaluations, others={"elsewhere": other}).save(home)
    return home


@pytest.mark.usefixtures("sketched")
def test_its_subjects_have_pseudonyms_and_the_report_is_the_same(home: Home, tmp_path: Path, here: Afnetm) -> None:
    assert export_suite(home, "people", tmp_path / "out.zip").pseudonyms
    content = members(tmp_path / "out.zip")
    assert not [name for name, data in content.items() if NAME.encode() in data or SECRET.encode() in data]
    assert [name for name, data in content.items() if b"TELLTALE" in data], "the suite's own subjects may be named"

    here(tmp_path / "copy", "import", str(tmp_path / "out.zip"))
    found = []
    for path in (home.path, tmp_path / "copy"):
        here(path, "report", "people")
        found.append(pd.read_csv(path / "reports" / "people" / "tables" / "tested_on.csv"))
    pd.testing.assert_frame_equal(*found, check_exact=True)
    assert found[0]["tested_on"].unique().tolist() == ["elsewhere"]


def test_who_asks_for_names_gets_them_and_what_pseudonyms_are_made_with(home: Home, tmp_path: Path) -> None:
    assert not export_suite(home, "people", tmp_path / "out.zip", with_faces=True).pseudonyms
    content = members(tmp_path / "out.zip")
    assert any(NAME.encode() in data for data in content.values())
    assert SECRET.encode() in content["suites/people.json"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"dataset": "elsewhere"', b'"dataset": "nowhere12"', 'it is not an evaluation on "nowhere12"'),
        (b'"fingerprint": "dddd', b'"fingerprint": "eeee', "another dataset 'elsewhere'"),
    ],
)
def test_an_archive_whose_records_are_of_another_dataset_is_refused(
    home: Home, tmp_path: Path, here: Afnetm, old: bytes, new: bytes, message: str
) -> None:
    export_suite(home, "people", tmp_path / "out.zip", with_faces=True)
    content = members(tmp_path / "out.zip")
    assert old in content["suites/people.json"]
    content["suites/people.json"] = content["suites/people.json"].replace(old, new)
    said = here(tmp_path / "copy", "import", str(packed(content, tmp_path / "bad.zip")), code=2).stderr
    assert said.count("\n") == 1
    assert message in " ".join(said.split())
    assert not (tmp_path / "copy" / "suites").exists()


def test_a_name_that_leads_elsewhere_is_refused(home: Home, tmp_path: Path, here: Afnetm) -> None:
    manifest = read_manifest(home, "people")
    others = {"elsewhere": manifest.others["elsewhere"] | {"name": "../../out"}}
    replace(manifest, others=others).save(home)
    export_suite(home, "people", tmp_path / "out.zip")
    assert "dataset name '../../out'" in here(tmp_path / "copy", "import", str(tmp_path / "out.zip"), code=2).stderr
