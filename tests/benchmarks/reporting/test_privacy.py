"""A dataset that is not shareable: nothing that leaves it names or shows a subject, unless the user says so."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from afnetm.data.preparing import prepare_dataset
from afnetm.data.scan import EXPRESSIONS, Scan
from tests.afnetm.data.conftest import make_scan
from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.moody import moody

SUITE = """
description = "a comparison of people"
[dataset]
name = "people"
[protocol]
folds = 2
[encoder]
width = 0.25
[training]
epochs = 1
batch_size = 8
[methods.texture]
[methods.moody]
"""
NAMES = ("TELLTALE_Ada", "TELLTALE_Bob", "TELLTALE_Cai", "TELLTALE_Dee", "TELLTALE_Eve")


@dataclass(frozen=True)
class People:
    """Scans whose subjects, ids and files have tell-tale names."""

    shareable: bool = False

    def describe(self) -> dict[str, Any]:
        return {"kind": "people", "scans": len(self.ids()), "folder": "/data/TELLTALE/scans"}

    def ids(self) -> Sequence[str]:
        return [f"{name}_{expression}" for name in NAMES for expression in EXPRESSIONS]

    def load(self, scan_id: str) -> Scan:
        subject, expression = scan_id.rsplit("_", 1)
        rng = np.random.default_rng(self.ids().index(scan_id))
        scan = make_scan(texture=rng.integers(0, 256, (64, 64, 3), np.uint8), step=5.0)
        return replace(scan, id=scan_id, subject=subject, expression=expression, source=f"TELLTALE/{scan_id}.obj")


def tells(folder: Path) -> list[str]:
    """The files below `folder` in which a tell-tale is, compressed or not."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += pd.read_parquet(path).to_csv().encode()
            if b"TELLTALE" in content or b"TELLTALE" in str(path).encode():
                found.append(path.name)
    return found


def pictured(folder: Path) -> set[str]:
    """The files below `folder` that are an image or have one in them, as pages, SVG and PDF have."""
    inside = (b"data:", b"<image", b"<img", b"/Subtype /Image", b"\x89PNG\r\n")
    starts = (b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*", b"MM\0*")
    found = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name for name, data in found.items() if data.startswith(starts) or any(mark in data for mark in inside)}


def outgoing(home: Path) -> list[str]:
    """Tell-tales in the report and in all of MLflow's."""
    (database,) = home.glob("mlflow.db")
    named = [database.name] if b"TELLTALE" in database.read_bytes() else []
    return tells(home / "reports") + tells(home / "artifacts") + named


def children(home: Path) -> dict[str, set[str]]:
    """The files of each run's run in MLflow."""
    client = MlflowClient(f"sqlite:///{home.resolve() / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("private").experiment_id])
    runs = {run.data.tags.get("afnetm.key"): run.info.run_id for run in runs}
    return {key: {a.path for a in client.list_artifacts(run)} for key, run in runs.items() if key}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_no_name_no_path_and_no_face_leaves_a_private_dataset_unless_asked_for(
    tmp_path: Path, afnetm: Afnetm, here: Afnetm
) -> None:
    home, suite = tmp_path / "home", tmp_path / "private.toml"
    suite.write_text(SUITE)
    prepare_dataset(home / "datasets" / "people", People(), size=32, workers=1)
    plugin = moody(tmp_path, "raise RuntimeError('no nose in TELLTALE_Ada_fear')")
    environment = {"PYTHONPATH": plugin, "MOOD": "bad"}
    tables = home / "reports" / "private" / "tables"
    page = home / "reports" / "private" / "index.html"

    # Said on the terminal, for who has the dataset; nowhere else.
    done = afnetm(home, "run", str(suite), code=1, **environment)
    assert "no nose in TELLTALE_Ada_fear" in done.stderr
    assert outgoing(home) == []
    assert pictured(home / "reports") == pictured(home / "artifacts") == set()
    assert "RuntimeError (message withheld" in page.read_text()
    hidden = pd.read_parquet(tables / "predictions.parquet")
    comparison = (tables / "comparison.csv").read_bytes()
    runs = children(home)
    assert len(runs) == 2
    assert not any("predictions.parquet" in files for files in runs.values())

    # The report alone, with names; the numbers are the same.
    here(home, "report", "private", "--with-faces")
    assert "no nose in TELLTALE_Ada_fear" in page.read_text()
    formatted = pd.read_parquet(tables / "predictions.parquet")
    assert set(formatted["subject"]) == set(NAMES)
    faces = {f"{name}.{end}" for name in ("hardest", "attention-texture") for end in ("svg", "pdf")}
    assert pictured(home / "reports") == {"index.html", *faces}
    assert (tables / "comparison.csv").read_bytes() == comparison
    assert tells(home / "artifacts") == []

    # A name has one pseudonym; neither it nor the rows' order says which.
    key = ["p_anger", "p_fear", "fold", "expression"]
    both = formatted.merge(hidden, on=key, suffixes=("", "_hidden"), validate="1:1")
    for column in ("subject", "scan"):
        assert both.groupby(column)[f"{column}_hidden"].nunique().eq(1).all()
        assert both.groupby(f"{column}_hidden")[column].nunique().eq(1).all()
    assert hidden["scan"].tolist() == hidden.sort_values(["repeat", "fold", "scan"])["scan"].tolist()

    # MLflow's copies are completed, not made anew, and stay complete.
    afnetm(home, "run", str(suite), "--methods", "texture", "--with-faces", **environment)
    assert children(home) == {name: files | {"predictions.parquet"} for name, files in runs.items()}
    here(home, "report", "private")
    assert tells(home / "reports") == []
    assert pictured(home / "reports") == set()
    pd.testing.assert_frame_equal(pd.read_parquet(tables / "predictions.parquet"), hidden)
    assert all("predictions.parquet" in files for files in children(home).values())
    assert re.fullmatch(r"p[0-9a-f]{12}", hidden["subject"][0])
    assert os.listdir(home / "failures")
