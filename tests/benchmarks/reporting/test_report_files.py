"""The report of results from elsewhere, by the command line: two files, and nothing else of ours."""

import subprocess
import sys
from pathlib import Path

import pandas as pd

RUN = """
import sys
from benchmarks.cli.app import main
try:
    main()
finally:
    print("loaded:", *{"torch", "mlflow", "optuna"} & set(sys.modules))
"""
EXPRESSIONS = ["surprise", "anger", "disgust", "fear", "happiness", "sadness"]


def test_two_files_make_a_report_beside_them_without_a_home_or_torch(tmp_path: Path) -> None:
    folds = [{"method": method, "fold": fold, "n_train": 18} for method in ("ours", "theirs") for fold in range(2)]
    predictions = [
        row | {"scan": f"{subject}-{one}", "subject": subject, "expression": one, "predicted": message}
        for row in folds
        for subject in (f"p{row['fold']}", f"q{row['fold']}")
        for one, message in zip(
            EXPRESSIONS, EXPRESSIONS if row["method"] == "ours" else sorted(EXPRESSIONS), strict=True
        )
    ]
    pd.DataFrame(folds).to_csv(tmp_path / "mine.csv", index=False, sep=";")
    pd.DataFrame(predictions).to_csv(tmp_path / "scans.csv", index=False)
    arguments = ["report", "--results", "mine.csv", "--predictions", "scans.csv", "--control", "theirs"]
    command = [sys.executable, "-c", RUN, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Δ vs theirs," in done.stdout
    assert "note:        mine.csv: its columns are separated by semicolons." in done.stdout
    assert f"report:      {tmp_path / 'mine-report' / 'index.html'}" in done.stdout
    assert done.stdout.endswith("loaded:\n")
    assert (tmp_path / "mine-report" / "index.html").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"mine.csv", "scans.csv", "mine-report"}
