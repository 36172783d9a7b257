"""Copies of reports in docs/gallery: ``python -m scripts.gallery --home HOME``, after the commands in its README.md.

Each suite's tables, but for the predictions, and some of its figures, byte for byte as `afnetm report` wrote them.
A suite without a report in the home is left as it is. One leaderboard of the others, without links to what is not
published: addresses of this machine, and the reports' own pages.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from benchmarks.reporting.writing import write_public_leaderboard
from reports.page.leaderboard import LEADERBOARD

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
#: Figures by suite; tables are all copied.
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
}


def copy_report(report: Path, folder: Path, figures: tuple[str, ...]) -> None:
    """Has `folder` hold the tables of a report and these of its figures.

    Raises:
        FileNotFoundError: a figure is not in the report.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(report / "tables", folder / "tables", ignore=shutil.ignore_patterns("*.parquet"))
    (folder / "figures").mkdir()
    for name in figures:
        shutil.copy(report / "figures" / f"{name}.svg", folder / "figures")


def commits(home: Home, suite: str) -> set[str]:
    """The commits that a suite's finished runs were trained at."""
    manifest = json.loads((home.suites / f"{suite}.json").read_text())
    store = Store(home)
    return {store.result(key)["commit"] for key in store.done() & {run["key"] for run in manifest["runs"]}}


def main() -> None:
    """Copies, and prints the commits of the runs behind each suite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("AFNETM_HOME", "runs")))
    home = Home(parser.parse_args().home)
    copied = []
    for suite, figures in FIGURES.items():
        report = home.reports / suite
        if report.is_dir():
            copy_report(report, GALLERY / suite, figures)
            copied.append(read_manifest(home, suite))
            print(f"{suite}: trained at {', '.join(sorted(commits(home, suite)))}")
        else:
            print(f"{suite}: no report in {home.path}")
    if copied:
        for problem in write_public_leaderboard(home, copied, GALLERY / LEADERBOARD):
            print(f"not in the leaderboard: {problem}")


if __name__ == "__main__":
    main()
