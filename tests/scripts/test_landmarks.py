"""The measure of landmarks: that it runs on a few scans, and that what it reports is what it should be."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from afnetm.data.maps import REGIONS
from scripts.landmarks import errors_mm, main, overlaps


def test_landmarks_that_are_equal_have_no_error_and_overlap_whole() -> None:
    rng = np.random.default_rng(0)
    landmarks = rng.uniform(-40, 40, (3, 83, 3))
    assert errors_mm(landmarks, landmarks) == dict.fromkeys(REGIONS, 0.0)
    assert overlaps(landmarks, landmarks) == dict.fromkeys(REGIONS, 1.0)
    moved = landmarks + np.array([0, 3, 4])
    assert errors_mm(moved, landmarks) == pytest.approx(dict.fromkeys(REGIONS, 5.0))
    assert all(0.5 < share < 1 for share in overlaps(moved, landmarks).values())


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the extra landmarks is not installed")
def test_the_table_is_written_into_a_document(tmp_path: Path) -> None:
    document = tmp_path / "landmarks.md"
    document.write_text("before\n<!-- measured -->\nearlier\n<!-- end of measured -->\nafter\n")
    main(["--subjects", "2", "--intensities", "4", "--workers", "1", "--out", str(document)])
    text = document.read_text()
    assert text.startswith("before\n<!-- measured -->\n\nGenerator version")
    assert "earlier" not in text
    assert text.endswith("\n<!-- end of measured -->\nafter\n")
    cells = [line.split("|") for line in text.splitlines() if line.startswith("| clean")]
    assert [row[2].strip() for row in cells] == ["annotator", "landmarker", "regressor", "mean"]
    assert cells[0][3].strip() == "12 of 12"
    assert all(float(error) < 10 for error in cells[0][4:8])
