"""Tables that pdfTeX sets into the columns of a paper: no box is too wide or high, whatever methods are called.

Needs pdfTeX with booktabs (Debian's texlive-latex-recommended); without it the tests are skipped.
"""

import os
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reports.data.results import Axis, Results
from reports.files import write_tables as write_all
from reports.formats import CHECK
from reports.latex.table import latex
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.tables import Tables
from reports.table import plain_table
from reports.tables.compared import Compared, write_tables
from tests.reports.multi_suite.conftest import suite

PDFTEX = shutil.which("pdflatex")
pytestmark = pytest.mark.skipif(
    PDFTEX is None or subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False).returncode != 0,
    reason="needs pdflatex and booktabs: apt-get install texlive-latex-recommended",
)
#: Points of a page and between its two columns: IEEE's, and CVPR's, whose columns are 237 points wide.
PAPERS = {"IEEE": (516.0, 12.0), "CVPR": (496.85, 22.5)}
#: Names that a spreadsheet, TeX or a narrow column would stumble over.
NAMES = (
    r"[x] a&b_c%d#e$f{g}~h^i\input{/etc/passwd}<j>|",
    "*starred--''quoted'' `\"words\"",
    "W" * 90,
    "AFNet→M ⇒ 方法 é x̂ Đ 🙂 ±3 %",
    "Orthogonality-guided two-stream fusion of texture and depth",
    "plain",
)


def document(folder: Path, *, paper: str = "CVPR") -> str:
    """The log of a paper of two columns that has all tables in `folder`."""
    width, gap = PAPERS[paper]
    names = sorted(path.name for path in folder.glob("*.tex"))
    lines = [
        r"\documentclass[twocolumn]{article}",
        r"\usepackage{booktabs, tabularx, amssymb}",
        rf"\setlength{{\textwidth}}{{{width}pt}}\setlength{{\columnsep}}{{{gap}pt}}",
        r"\begin{document}",
        *(rf"\typeout{{=== {name}}}\input{{{name}}}" for name in names),
        r"\end{document}",
    ]
    build = folder / "build"
    build.mkdir()
    (build / "paper.latex").write_text("\n".join(lines), encoding="utf-8")
    sure = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    closed = {
        "openin_any": "p",
        "openout_any": "p",
        "MKTEXPK": "0",
        "max_print_line": "1000",
        "TEXINPUTS": f"{folder}:",
    }
    done = subprocess.run(
        [str(PDFTEX), *sure, "paper.latex"],
        cwd=build,
        env=os.environ | closed,
        capture_output=True,
        timeout=120,
        check=False,
    )
    log = (build / "paper.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, "\n".join(line for line in log.splitlines() if line.startswith(("!", "l.")))
    assert names
    return log


def faults(log: str) -> list[str]:
    """What does not fit, or is not there, each after the table that was read last."""
    return re.findall(r"^(?:===.*|.*(?:Overfull|too large|Missing character|multiply|undefined).*)$", log, re.MULTILINE)


def fitted(log: str) -> None:
    assert [line for line in faults(log) if not line.startswith("===")] == [], "\n".join(faults(log))


def hostile(make: Callable[..., Results], tuned: Callable[..., Results]) -> Results:
    """All tables that a report can have, of methods with names like these."""
    results = make(skills=dict.fromkeys(NAMES, 1.0), subjects=6, folds=2, epochs=1)
    choices = {"attention": ["affine", "none", "a word of its own"], "masks": ["landmarks", "none", "W" * 40]}
    methods = {
        name: about | {"hyperparameters": {axis: several[index % 3] for axis, several in choices.items()}}
        for index, (name, about) in enumerate(results.provenance.methods.items())
    }
    axes = {"attention": Axis(title="mask attention (MA) of the encoder"), "masks": Axis(title="M" * 40)}
    plan = replace(results.provenance, methods=methods, axes=axes, control=NAMES[0], commits=["a" * 40, "b" * 40])
    memory = results.folds.assign(train_seconds=9e9, test_seconds=9.5, peak_memory=2.5e9)
    return tuned(replace(results, folds=memory, provenance=plan), searches=2, reseeds=1)


@pytest.mark.parametrize("paper", PAPERS)
def test_every_table_fits_whatever_methods_are_called(make, tuned, tmp_path, paper):
    results = hostile(make, tuned)
    write_tables(Compared(results), tmp_path)
    assert len(list(tmp_path.glob("*.tex"))) == 8
    fitted(document(tmp_path, paper=paper))


def test_the_compact_table_takes_one_column_and_the_whole_one_a_page(results, tmp_path):
    full = results.folds.assign(train_seconds=10.0, test_seconds=1.0, peak_memory=2.5e9)
    results = replace(results, folds=full)
    write_tables(Compared(results), tmp_path)
    compact, whole = (
        (tmp_path / f"{name}.tex").read_text(encoding="utf-8") for name in ("comparison-compact", "comparison")
    )
    assert re.findall(r"\\begin\{(table\*?)\}", compact + whole) == ["table", "table*"]
    log = document(tmp_path)
    fitted(log)
    assert r"\label{tab:quick-comparison-compact}" in compact


@pytest.mark.parametrize("suites", [2, 8])
def test_tables_of_several_suites_fit_however_many_these_are(tmp_path, suites):
    skills = {"W" * 60: 0.3, "late": 0.9, "afnetm": 1.0}
    found = MultiSuite(
        [suite(f"{number}-{'suite' * 9}", seed=number, skills=skills, subjects=6) for number in range(suites)]
    )
    write_all(Tables(found).tables.values(), tmp_path, suite="-".join(found.names), notices=["Incomplete: some of it."])
    assert {path.stem for path in tmp_path.glob("*.tex")} >= {"overview", "against", "suites"}
    fitted(document(tmp_path))


def test_a_table_longer_than_forty_pages_is_many_floats_of_one_number(tmp_path):
    rows = [[f"method {row}", "71.3 (66.0, 76.1)"] for row in range(44 * 45)]
    table = latex(plain_table("much", "Much", ["Method", "Accuracy (%)"], rows), label="tab:much")
    (tmp_path / "much.tex").write_text(table, encoding="utf-8")
    fitted(document(tmp_path))
    assert table.count(r"\begin{table}") == table.count(r"\caption") == table.count("{table}{-1}") + 1 > 40
    assert table.count(r"\label") == 1


def test_there_is_no_letter_that_stops_it(tmp_path):
    every = map(chr, (*range(0x20, 0x2FFF), *range(0x1D400, 0x1D440), 0x1F642))
    # Of those that are nothing but themselves some are enough.
    some = [letter for letter in every if unicodedata.normalize("NFKD", letter)[0] < "\u0400" or ord(letter) % 97 == 0]
    letters = [letter for letter in some if letter.isprintable()]
    assert len(letters) > 1500
    rows = [["a" + letter for letter in letters[start : start + 8]] for start in range(0, len(letters), 8)]
    table = plain_table("all", "All", "12345678", [[*row, *[CHECK] * (8 - len(row))] for row in rows])
    (tmp_path / "all.tex").write_text(latex(table, label="tab:all"), encoding="utf-8")
    fitted(document(tmp_path))
