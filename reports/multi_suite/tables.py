"""The tables of several suites, each once for the page, the document and the files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from reports import formats
from reports.files import write_all
from reports.latex.table import Paper
from reports.markup import FormattedTable
from reports.multi_suite import words
from reports.multi_suite.facts import displayed_facts, facts
from reports.multi_suite.overview import displayed_overview, legend, overview
from reports.multi_suite.ranking import displayed_ranks, ranking, ranks_table
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.versus_control import displayed_versus_control, versus_control
from reports.statistics.ranks import Ranks
from reports.tables.papers import as_paper
from reports.tables.significance import LEVEL


@dataclass(frozen=True, eq=False)
class ReportTable:
    """One table.

    Attributes:
        name: of its files, without an ending.
        title: of its section.
        numbers: what programs read.
        shown: what people read.
        notes: what they need to know of it, in sentences.
        caption: what papers say above it, where that is not the title.
    """

    name: str
    title: str
    numbers: pd.DataFrame
    formatted: FormattedTable
    notes: Sequence[str] = ()
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Tables:
    """What is computed of several suites, each once."""

    multi: MultiSuite

    @cached_property
    def overview(self) -> pd.DataFrame:
        """`reports.multi_suite.overview.overview`."""
        return overview(self.multi)

    @cached_property
    def versus_control(self) -> pd.DataFrame:
        """`reports.multi_suite.versus_control.versus_control`."""
        return versus_control(self.multi)

    @cached_property
    def ranks(self) -> Ranks | None:
        """`reports.multi_suite.ranking.ranking`."""
        return ranking(self.multi)

    @cached_property
    def facts(self) -> pd.DataFrame:
        """`reports.multi_suite.facts.facts`."""
        return facts(self.multi)

    @cached_property
    def sheets(self) -> dict[str, ReportTable]:
        """All tables by name, in the order of the page; those that would be empty are not there."""
        whole, control = self.multi, self.multi.control
        found = [
            ReportTable(
                "overview",
                "Accuracy by suite",
                self.overview,
                displayed_overview(whole, self.overview),
                [legend(whole, self.overview), words.complete(whole), words.averaged(whole)],
            )
        ]
        if not self.versus_control.empty:
            formatted = displayed_versus_control(whole, self.versus_control)
            title = f"Δ vs {whole.labelled(control)}"
            notes, caption = fought(whole.labelled(control)), f"Accuracy against {whole.titles[control]}"
            found.append(ReportTable("against", title, self.versus_control, formatted, notes, caption))
        if self.ranks is not None:
            numbers, formatted = ranks_table(whole, self.ranks), displayed_ranks(whole, self.ranks)
            found.append(ReportTable("ranks", "Ranks over datasets", numbers, formatted, ranked(self.ranks)))
        formatted = FormattedTable(displayed_facts(self.facts))
        found.append(ReportTable("suites", "What suites differ in", self._long(), formatted))
        if whole.method_differences:
            columns = ["Method", "What", *whole.names]
            text = pd.DataFrame(
                [[one.method, one.what, *one.values] for one in whole.method_differences], columns=columns
            )
            numbers = pd.DataFrame(
                [
                    (one.method, one.what, suite, value)
                    for one in whole.method_differences
                    for suite, value in zip(whole.names, one.values, strict=True)
                ],
                columns=["method", "what", "suite", "value"],
            )
            found.append(ReportTable("unlike", f"What {formats.DIFFERS} stands for", numbers, FormattedTable(text)))
        return {sheet.name: sheet for sheet in found}

    def _long(self) -> pd.DataFrame:
        rows = [
            (suite, name, value)
            for name, row in zip(self.facts.index, self.facts.to_numpy().tolist(), strict=True)
            for suite, value in zip(self.multi.names, row, strict=True)
        ]
        return pd.DataFrame(rows, columns=["suite", "fact", "value"])


def write_sheets(multi: MultiSuite, sheets: Sequence[ReportTable], directory: Path, *, notices: Sequence[str]) -> None:
    """Writes each as CSV, Markdown and LaTeX; `notices` stand with all of them, and beside the CSV in notices.txt."""
    if notices:
        (directory / "notices.txt").write_text("".join(f"{line}\n" for line in notices), encoding="utf-8")
    for sheet in sheets:
        notes = [*sheet.notes, *notices]
        paper = Paper(as_paper(sheet.formatted, multi.titles), f"{sheet.caption or sheet.title}.", notes)
        suite = "-".join(multi.names)
        write_all(directory / sheet.name, sheet.numbers, sheet.formatted, paper, suite=suite, notice=" ".join(notes))


def fought(control: str) -> list[str]:
    """What the comparisons with the control are."""
    test = "the primary test (paired permutation on subjects), Holm-adjusted as in the suite's own table of pairs"
    win = f"A win is a method that this test tells apart (p below {LEVEL}) with the higher accuracy"
    return [
        f"Accuracy minus that of {control} over the folds that both have finished, its 95 % interval, and p of {test}.",
        f"{win}, a loss one with the lower; else there is a tie. Nothing is adjusted over suites.",
    ]


def ranked(ranks: Ranks) -> list[str]:
    """What the ranks are."""
    test = f"Friedman's test over datasets, then Nemenyi's critical difference, {ranks.critical:.2f} (Demšar 2006)"
    return [
        "Rank 1 is the best on a dataset; equal accuracies share a rank.",
        f"{formats.ALIKE} Not significantly different from the best mean rank at 5 %: {test}.",
    ]
