"""Copies of reports in docs/gallery: ``python -m scripts.gallery --home HOME``, after the commands in its README.md.

Each suite's tables, but for the predictions, and some of its figures, byte for byte as `afnetm report` wrote them.
What has no report in the home is left as it is: a suite, or suites together. One leaderboard of all suites that the
gallery has, each as its own copy was made, without links to what is not published: addresses of this machine, and the
reports' own pages.
"""

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from afnetm.errors import UserError
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from benchmarks.reporting.writing import public_entry
from reports.leaderboard.entry import Entry
from reports.page.leaderboard import LEADERBOARD, write_leaderboard

#: A suite's part of the leaderboard, in its folder.
ENTRY = "leaderboard.json"
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
    "ablation-detected": ("differences",),
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
    there = [path for path in sorted((report / "tables").iterdir()) if path.suffix != ".parquet"]
    for kind, wanted, found in (
        ("table", tables, there),
        ("figure", figures, (report / "figures").glob("*.svg")),
    ):
        if missing := set(wanted) - {path.stem for path in found}:
            raise FileNotFoundError(f"{report}: no {kind} {', '.join(sorted(missing))}")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tables").mkdir(parents=True)
    (folder / "figures").mkdir()
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


def renew_leaderboard(home: Home, suites: Sequence[str], gallery: Path) -> list[str]:
    """Writes the gallery's leaderboard, in which these suites are the home's, and others as they were.

    Returns:
        Suites of which there is nothing to show, a line each.
    """
    problems = []
    for suite in suites:
        try:
            text = public_entry(home, read_manifest(home, suite)).to_json()
        except UserError as error:
            problems.append(str(error))
        else:
            (gallery / suite / ENTRY).write_text(text, encoding="utf-8")
    kept = [gallery / suite / ENTRY for suite in FIGURES]
    entries = [Entry.from_json(path.read_text(encoding="utf-8")) for path in kept if path.is_file()]
    write_leaderboard(entries, gallery / LEADERBOARD, created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    return problems


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
        for problem in renew_leaderboard(home, copied, GALLERY):
            print(f"not in the leaderboard: {problem}")


if __name__ == "__main__":
    main()
