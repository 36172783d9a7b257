"""Where masks came from though the suite names another origin: the report says it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from afnetm.data.preparing import prepare_dataset
from afnetm.data.scan import EXPRESSIONS, Scan
from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from reports.tables.compared import Compared
from tests.afnetm.data.conftest import make_scan
from tests.benchmarks.archive.examples import PLACES, make_manifest, record, run
from tests.benchmarks.conftest import Afnetm

SUITE = """
description = "masks of landmarks, half of which were found"
masks = "annotated"
[dataset]
name = "half"
[protocol]
folds = 2
[encoder]
width = 0.125
[training]
epochs = 1
batch_size = 8
[methods.masks]
"""


@dataclass(frozen=True)
class Half:
    """Two subjects, of whom the second's landmarks were found."""

    shareable: bool = True

    def describe(self) -> dict[str, Any]:
        return {"kind": "half"}

    def ids(self) -> Sequence[str]:
        return [f"{subject}_{expression}" for subject in ("given", "found") for expression in EXPRESSIONS]

    def load(self, scan_id: str) -> Scan:
        subject, expression = scan_id.split("_")
        scan = replace(make_scan(step=5.0), id=scan_id, subject=subject, expression=expression)
        return replace(scan, landmarks_found=subject == "found")


@pytest.mark.slow
@pytest.mark.usefixtures("sketched")
def test_a_report_tells_what_of_annotated_masks_was_found(tmp_path: Path, here: Afnetm) -> None:
    home = tmp_path / "home"
    prepare_dataset(home / "datasets" / "half", Half(), size=32, workers=1)  # type: ignore[arg-type]
    (tmp_path / "masked.toml").write_text(SUITE)
    here(home, "run", str(tmp_path / "masked.toml"), "--workers", "1", "--artifacts", "off")
    page = (home / "reports" / "masked" / "index.html").read_text(encoding="utf-8")
    assert "Not annotated: the suite gives annotated masks or landmarks to masks, but 6 of 12 scans" in page
    assert "Annotated: masks read annotations of test scans, which no automatic system has" in page
    assert "given for 6 scans, found in 6 that came without" in page
    assert "M (annotated, some found)" in page
    assert "6 of 12 scans came without landmarks; their poses were fitted to landmarks found in them" in page


@pytest.mark.parametrize(("of", "expected"), [("landmark regressor 1", "detected by regression"), ("a", "detected")])
def test_masks_that_a_regressor_predicts_are_not_said_to_be_a_landmark_model_s(
    tmp_path: Path, of: str, expected: str
) -> None:
    home = Home(tmp_path)
    manifest = make_manifest()
    runs = [run(method, fold, detector=of if method == "late" else None) for method, fold in PLACES]
    for one in runs:
        Store(home).write(run_key(one), record(one))
    listed = [ListedRun(run_key(one), one["method"], 0, one["fold"]) for one in runs]
    late = {**manifest.methods["late"], "inputs": ["texture", "masks"], "masks": "detected"}
    manifest = replace(manifest, runs=listed, additional=[], methods={**manifest.methods, "late": late})
    table = Compared(results(manifest, Store(home), created="today")).table.set_index("method")
    assert table.loc["late", "inputs"] == f"T, M ({expected})"
