"""A method whose scores are not probabilities is not ranked by how well they are calibrated."""

import json
from pathlib import Path

import pandas as pd

from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from reports.data.outside import read_results
from reports.page.page import write_report
from reports.tables.compared import Compared
from tests.benchmarks.archive.examples import fabricate
from tests.reports.page.test_page import read
from tests.sketching import sketching

NOTE = "late has no probabilities, and so neither an ECE nor a Brier score."


def compared(home: Home, **about: object) -> Compared:
    path = home.suites / "people.json"
    message = json.loads(path.read_text())
    message["methods"]["late"] |= about
    path.write_text(json.dumps(message))
    return Compared(results(read_manifest(home, "people"), Store(home), created="today"))


def test_margins_are_a_dash_with_a_note_wherever_calibration_is_shown(tmp_path: Path) -> None:
    home = fabricate(tmp_path / "home")
    before, found = compared(home), compared(home, probabilities=False)
    table = found.table.set_index("method")
    assert table.loc["late", ["ece", "ece_low", "ece_high", "ece_mean", "ece_sd", "brier", "brier_low"]].isna().all()
    assert table.loc["late", "accuracy"] == before.table.set_index("method").loc["late", "accuracy"]
    assert table.loc["concat", "ece"] == before.table.set_index("method").loc["concat", "ece"]
    assert set(before.marks.places["brier"].values()) == {"best", "second"}
    assert found.marks.places["brier"] == {"concat": "best"}
    with sketching():
        page = write_report(found.results, tmp_path / "report", compared=found)
    assert NOTE in read(page).text
    for name in ("report.md", "tables/details.md", "tables/details.tex"):
        assert NOTE in (page.parent / name).read_text()
    row = next(line for line in (page.parent / "tables/details.md").read_text().splitlines() if "| late |" in line)
    assert row.split(" | ")[-3:-1] == ["\N{EN DASH}", "\N{EN DASH}"]
    folds = pd.read_csv(page.parent / "tables/folds.csv").drop(columns="macro_f1")  # which travellers only pretend
    folds.to_csv(tmp_path / "folds.csv", index=False)
    again = read_results(
        tmp_path / "folds.csv", page.parent / "tables/predictions.parquet", created="", with_faces=True
    )
    assert Compared(again).marks.uncalibrated == ["late"]
    assert not again.provenance.left_out


def test_where_all_have_probabilities_there_is_no_note(tmp_path: Path) -> None:
    found = compared(fabricate(tmp_path / "home"))
    assert found.marks.uncalibrated == []
    assert NOTE not in " ".join(found.tables["details"].notes)
