"""Records that are less than they should be give a report that says so; names that want to do harm do none."""

import csv
import re

import pytest

from reports.page.page import write_report
from tests.reports.page.test_page import read

pytestmark = pytest.mark.usefixtures("sketched")

HOSTILE = r"=cmd|'/C calc'!A1 <img src=x onerror=alert(1)> \input{/etc/passwd} $x$ & 5 % **b** [l](http://y)"


def test_a_method_with_one_fold_is_reported_and_what_it_lacks_is_said(make, drop, tmp_path):
    part = make(skills={"lone": 0.5, "afnetm": 1.5, "third": 1.0}, subjects=9, folds=3, epochs=1)
    for fold in (1, 2):
        part = drop(part, method="lone", fold=fold)
    page = write_report(part, tmp_path / "part")
    formatted = read(page)
    assert "nan" not in re.split(r"\W+", formatted.text)
    assert "Incomplete: 7 of 9 planned runs are done." in formatted.text
    assert "Unequal: methods were tested on different folds." in formatted.text
    assert "one fold alone is finished by both: corrected t-test and posterior are undefined" in formatted.text
    tables = len([1 for tag, _ in formatted.elements if tag == "table"])
    assert formatted.text.count("These records are incomplete, unequal; ") == tables - 1  # all but that of questions
    with (page.parent / "tables" / "comparison.csv").open(encoding="utf-8", newline="") as file:
        lone = next(csv.DictReader(file))
    assert (lone["method"], lone["units"], lone["accuracy_sd"]) == ("lone", "1", "")


def test_methods_without_a_common_fold_are_not_compared(make, drop, tmp_path):
    part = make(skills={"a": 0.5, "b": 1.5}, subjects=8, folds=2, epochs=1)
    part = drop(drop(part, method="a", fold=0), method="b", fold=1)
    page = write_report(part, tmp_path / "part")
    assert "No fold is finished by both b and a, which comes next" in read(page).text
    assert "nan" not in re.split(r"\W+", (page.parent / "report.md").read_text(encoding="utf-8"))


def test_a_name_that_means_harm_does_none_in_any_file(make, tmp_path):
    page = write_report(make(skills={HOSTILE: 0.5, "afnetm": 1.5}, subjects=6, folds=2, epochs=1), tmp_path / "evil")
    assert "img" not in {tag for tag, _ in read(page).elements}
    for path in page.parent.glob("tables/*"):
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                cells = [cell for row in csv.reader(file) for cell in row]
            assert f"'{HOSTILE}" in cells, path.name
            assert not [cell for cell in cells if cell[:1] in {"=", "+", "@"}], path.name
        elif path.suffix == ".tex":
            code = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("%")]
            assert not re.search(r"\\input|(?<!\\)%", "\n".join(code)), path.name
        elif path.suffix == ".md":
            assert not re.search(r"<img|(?<!\\)\]\(", path.read_text(encoding="utf-8")), path.name
    assert "<img" not in (page.parent / "report.md").read_text(encoding="utf-8")
