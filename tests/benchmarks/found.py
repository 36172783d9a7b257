"""What a home's runs found, and whether another's found the same."""

import json
from pathlib import Path

import pandas as pd

#: When it ran, how long it took and what it used meanwhile, and the commit, which may move while tests run.
TIMES = ("seconds", "test_seconds", "finished", "usage", "commit")


def findings(home: Path) -> dict[str, tuple[dict[str, object], pd.DataFrame, pd.DataFrame, bytes]]:
    """All that runs found, without how long it took: what must be equal, bit for bit."""
    found = {}
    for folder in sorted((home / "runs").glob("*/*"), key=lambda folder: folder.name):
        result = json.loads((folder / "result.json").read_text())
        arrays = [folder / "auxiliary_outputs.safetensors", folder / "gradcam.safetensors"]
        found[folder.name] = (
            {k: v for k, v in result.items() if k not in TIMES},
            pd.read_parquet(folder / "predictions.parquet"),
            pd.read_csv(folder / "curves.csv"),
            b"".join(file.read_bytes() for file in arrays if file.exists()),
        )
    return found


def assert_same(one: Path, other: Path) -> None:
    a, b = findings(one), findings(other)
    assert list(a) == list(b)
    for key, (result, predictions, curves, arrays) in a.items():
        assert result == b[key][0]
        pd.testing.assert_frame_equal(predictions, b[key][1], check_exact=True)
        pd.testing.assert_frame_equal(curves, b[key][2], check_exact=True)
        assert arrays == b[key][3]


def runs_done(home: Path) -> int:
    return sum(1 for _ in (home / "runs").glob("[!.]*/*"))
