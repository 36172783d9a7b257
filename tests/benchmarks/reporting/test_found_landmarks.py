"""Scans that came without landmarks: the report says what a suite's annotated masks are then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from afnetm.data.preparing import prepare_dataset
from afnetm.data.scan import EXPRESSIONS, Scan
from tests.afnetm.data.conftest import make_scan
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
    assert "Annotated: masks read annotations of the scans that they are tested on" in page
    assert "given for 6 scans, found in 6 that came without" in page
    assert "M (annotated, some found)" in page
    assert "6 of 12 scans came without landmarks; their poses were fitted to landmarks found in them" in page
