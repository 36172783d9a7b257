"""Copies of reports in docs/gallery: ``python -m scripts.gallery --home HOME``, after the commands in its README.md.

Each suite's tables, but for the predictions, and some of its figures, byte for byte as `afnetm report` wrote them.
What has no report in the home is left as it is: a suite, or suites together. One leaderboard of the others, without
links to what is not published: addresses of this machine, and the reports' own pages.
"""

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from benchmarks.reporting.writing import write_public_leaderboard
from reports.page.leaderboard import LEADERBOARD

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
#: Figures by suite.
FIGURES = {
    "fusion": (
        "scores",
        "differences",
        "parameters",
        "confusion-afnetm",
        "landmark_error",
        "weights-afnetm",
        "nuisance_factors-afnetm",
        "attention-afnetm",
        "hardest",
    ),
    "masks": ("scores", "differences", "landmark_error", "confusion-masks"),
    "ablation": ("differences", "parameters", "landmark_error", "attention-afnetm", "attention-fused-at-1"),
    "fusion-clean": ("scores", "parameters"),
    "ablation-clean": ("differences",),
    "fusion-light": ("scores",),
    "fusion-sensor": ("scores",),
    "fusion-population": ("scores",),
    "robustness": ("severity", "calibration", "robustness", "texture_weight-afnetm"),
    "transfer": ("cross_dataset",),
}
#: Tables of suites that evaluate the models of another one, whose report has the rest; of other suites all are copied.
TABLES = {"robustness": ("robustness", "corruptions", "severities"), "transfer": ("cross_dataset", "tested_on")}
#: Suites that make a matrix of datasets when they are reported together, and where it is in the gallery.
MATRIX, TRAINED_ON = "transfer-matrix", ("transfer", "transfer-light", "transfer-sensor", "transfer-population")


def copy_report(report: Path, folder: Path, figures: Sequence[str], tables: Sequence[str] = ()) -> None:
    """Has `folder` hold these figures of a report and, with what makes their numbers less than they look, its tables.

    Args:
        report: its folder.
        folder: is replaced whole.
        figures: names.
        tables: names; all where none is given.

    Raises:
        FileNotFoundError: a figure or table is not in the report.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tables").mkdir(parents=True)
    (folder / "figures").mkdir()
    there = [path for path in sorted((report / "tables").iterdir()) if path.suffix != ".parquet"]
    if missing := set(tables) - {path.stem for path in there}:
        raise FileNotFoundError(f"{report}: no table {', '.join(sorted(missing))}")
    for path in there:
        if not tables or path.stem in {*tables, "notices"}:
            shutil.copy(path, folder / "tables")
    for name in figures:
        shutil.copy(report / "figures" / f"{name}.svg", folder / "figures")


def renew(home: Home, gallery: Path) -> list[str]:
    """Copies the reports of a home into a gallery; returns the suites that have one."""
    found = [suite for suite in FIGURES if home.report(suite).is_dir()]
    for suite in found:
        copy_report(home.report(suite), gallery / suite, FIGURES[suite], TABLES.get(suite, ()))
    if (together := home.joint_report(TRAINED_ON)).is_dir():
        copy_report(together, gallery / MATRIX, ("cross_dataset",), ("cross_dataset",))
    return found


def commits(home: Home, suite: str) -> set[str]:
    """The commits that a suite's finished runs and evaluations were made at."""
    manifest = json.loads((home.suites / f"{suite}.json").read_text())
    store = Store(home)
    listed = {run["key"] for run in [*manifest["runs"], *manifest.get("evaluations", [])]}
    return {store.result(key)["commit"] for key in store.done() & listed}


def main() -> None:
    """Copies, and prints the commits of the runs behind each suite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("AFNETM_HOME", "runs")))
    home = Home(parser.parse_args().home)
    copied = renew(home, GALLERY)
    for suite in FIGURES:
        found = f"made at {', '.join(sorted(commits(home, suite)))}" if suite in copied else f"no report in {home.path}"
        print(f"{suite}: {found}")
    if copied:
        for problem in write_public_leaderboard(
            home, [read_manifest(home, suite) for suite in copied], GALLERY / LEADERBOARD
        ):
            print(f"not in the leaderboard: {problem}")


if __name__ == "__main__":
    main()
