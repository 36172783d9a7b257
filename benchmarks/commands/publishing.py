"""Copies of a suite's report in MLflow: scores with intervals at the methods' runs, the page at its own."""

from pathlib import Path

import pandas as pd
from rich.console import Console

from benchmarks.execution.copying import PATIENCE, run_copies
from benchmarks.execution.one_copier import copier_claim
from benchmarks.records.claims import Claims
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest
from reports.pictures.collection import picture_stem

#: Scores of the report's comparison. MLflow draws them in the order of the alphabet, and those with a slash before all.
_SCORES = ("accuracy", "macro_f1", "balanced_accuracy", "ece", "brier", "difference")
#: Costs, MLflow's names and the report's.
_COSTS = {"parameters": "parameters", "flops": "flops", "seconds": "train_seconds"}
#: A page stands for itself, and pictures and tables are shown; what is for papers or programs stays in the report.
_MOST_SHOWN = {".html", ".svg", ".csv", ".md"}
#: Pictures of one method.
_OWN = ("confusion", "learning")


def publish(home: Home, manifest: Manifest, claims: Claims, *, tracking_uri: str, console: Console) -> str | None:
    """Copies the report of a suite as it is in the home; returns why MLflow lacks it, in one line, or None.

    Where other drivers were at work on the suite, what runs MLflow lacks is copied, too: who copied may not have had
    all methods to do.
    """
    folder = home.report(manifest.suite)
    comparison = folder / "tables" / "comparison.csv"
    if not comparison.is_file():  # nothing could be compared
        return None
    table = pd.read_csv(comparison)
    scores = {row["method"]: _numbers(row) for _, row in table.iterrows()}
    pictures = _pictures(folder / "figures", list(scores))
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.suffix in _MOST_SHOWN]
    report: dict[str, Path | bytes] = {name.as_posix(): folder / name for name in names}

    if not claims.wait(copier_claim(manifest.suite), seconds=PATIENCE):
        return "another driver is still copying"
    with run_copies(tracking_uri, home, manifest, console) as copying:
        if not claims.alone:
            copying.do(lambda tracker: tracker.log(manifest.only(None)))
        copying.do(lambda tracker: tracker.methods.publish(scores, pictures, report))
    return copying.lacks and f"{copying.lacks}; not copied: the report"


def _numbers(row: "pd.Series[float]") -> dict[str, float]:
    """Of a method: its scores and differences with their intervals, and its costs; a fold's have the same names."""
    names = {f"{name}{end}": f"{name}{end}" for name in _SCORES for end in ("", "_low", "_high")} | _COSTS
    return {mine: float(row[name]) for mine, name in names.items() if name in row}


def _pictures(figures: Path, methods: list[str]) -> dict[str, dict[str, Path | bytes]]:
    """A method's own, by the names that they have for any method; none where two methods' files have one name."""
    found: dict[str, dict[str, Path | bytes]] = {method: {} for method in methods}
    for kind in _OWN:
        stems = [picture_stem(kind, method).lower() for method in methods]
        for method in methods:
            path = figures / f"{picture_stem(kind, method)}.svg"
            if stems.count(path.stem.lower()) == 1 and path.is_file():
                found[method][f"{kind}.svg"] = path
    return found
