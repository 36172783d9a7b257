"""A table as files side by side: CSV for programs, Markdown and LaTeX for people."""

from pathlib import Path

import pandas as pd

from reports.latex.table import Paper, latex, slug
from reports.markup import FormattedTable, markdown, write_csv


def write_all(
    path: Path, table: pd.DataFrame, formatted: FormattedTable, paper: Paper, *, suite: str, notice: str = ""
) -> None:
    """Writes a table in its three forms.

    Args:
        path: without an ending.
        table: the numbers, which are CSV.
        shown: what a reader meets of them, which is Markdown, `notice` below it.
        paper: the same as LaTeX (`write_paper`).
        suite: whose it is.
        notice: in sentences.
    """
    write_csv(table, path.with_suffix(".csv"))
    path.with_suffix(".md").write_text(markdown(formatted, notice=notice), encoding="utf-8")
    write_paper(path, paper, suite=suite)


def write_paper(path: Path, paper: Paper, *, suite: str) -> None:
    """Writes a table as LaTeX, to be found by ``\\ref{tab:SUITE-NAME}``."""
    label = f"tab:{slug(suite)}-{path.name}"
    path.with_suffix(".tex").write_text(latex(paper, label=label), encoding="utf-8")
