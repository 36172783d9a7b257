"""A suite's results, what takes seconds to compute of them, and their tables: each once, whoever asks for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from reports import files
from reports.data.pseudonyms import named, pseudonymous
from reports.data.results import Results
from reports.markup import write_csv
from reports.table import Table
from reports.tables.ablation import ablation_table
from reports.tables.by_attribute import attribute_tables
from reports.tables.comparison import Marks, compact_table, comparison, comparison_table, details_table, marked
from reports.tables.cross_dataset import Elsewhere, cross_dataset_table
from reports.tables.ensembles import ensembles, ensembles_table
from reports.tables.inputs import noted
from reports.tables.pairwise import pairwise, pairwise_table
from reports.tables.robustness import Evaluated, corruptions_table, robustness_table
from reports.tables.significance import missing
from reports.tables.summary import notices
from reports.tables.tuning import parameters_table, tuning_table
from reports.tables.variance_components import components_table

#: Tables that methods are held against each other in, which say what each was given.
_SCORED = ("comparison", "comparison-compact", "ablation", "robustness", "cross_dataset")


@dataclass(frozen=True, eq=False)
class Compared:
    """The methods of a suite compared."""

    results: Results

    @cached_property
    def table(self) -> pd.DataFrame:
        """`reports.tables.comparison.comparison`."""
        return comparison(self.results)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """`reports.tables.pairwise.pairwise`."""
        return pairwise(self.results)

    @cached_property
    def marks(self) -> Marks:
        """The marks of the comparison: best, significant, unranked."""
        return marked(self.results, self.table, self.pairs)

    @cached_property
    def evaluated(self) -> Evaluated:
        """The methods on corrupted scans."""
        return Evaluated(self.results)

    @cached_property
    def elsewhere(self) -> Elsewhere:
        """The methods in other datasets."""
        return Elsewhere(self.results, self.table)

    @cached_property
    def tables(self) -> dict[str, Table]:
        """All tables that these results have, by name."""
        return {one.name: noted(one, self.results) if one.name in _SCORED else one for one in self._tables()}

    def _tables(self) -> Iterator[Table]:
        results, plan = self.results, self.results.provenance
        whole = comparison_table(results, self.table, self.marks, self.pairs)
        yield whole
        yield compact_table(results, whole, self.marks, self.pairs)
        yield details_table(results, self.table, self.marks)
        if not self.pairs.empty:
            yield pairwise_table(results, self.pairs, notes=missing(self.pairs))
        if plan.axes:
            yield ablation_table(results, self.table)
        yield from attribute_tables(results)
        if not results.studies.empty:
            yield tuning_table(results)
        if not results.studies.empty or (plan.search and plan.search.given):
            yield parameters_table(results)
        if not results.selection.empty:
            yield components_table(results)
        if not (averaged := ensembles(results)).empty:
            yield ensembles_table(results, averaged)
        if len(results.evaluations) and self.evaluated.whole:
            yield robustness_table(self.evaluated)
            yield corruptions_table(self.evaluated)
        if len(results.cross_dataset) and self.elsewhere.whole:
            yield cross_dataset_table(self.elsewhere)


def write_tables(compared: Compared, directory: Path) -> None:
    """Writes folds.csv, predictions.parquet and all tables into `directory`, which must exist; of a search studies.csv.

    The first two hold all of `Results.folds`, methods in the suite's order, and `Results.predictions`: what
    `reports.data.outside.read_results` makes the same tables of. Where subjects may not be named, predictions.parquet
    has pseudonyms for them and their scans.
    """
    results, plan = compared.results, compared.results.provenance
    files.write_tables(compared.tables.values(), directory, suite=plan.suite, notices=notices(results))
    order = results.folds["method"].map(results.methods.index).sort_values(kind="stable").index
    write_csv(results.folds.loc[order], directory / "folds.csv")
    predictions = results.predictions
    predictions = named(predictions, plan.names) if plan.named else pseudonymous(predictions, secret=plan.secret)
    predictions.to_parquet(directory / "predictions.parquet", index=False)
    if not results.studies.empty:
        write_csv(results.studies, directory / "studies.csv")
    if "robustness" in compared.tables:
        write_csv(compared.evaluated.by_severity, directory / "severities.csv")
    if "cross_dataset" in compared.tables:
        write_csv(compared.elsewhere.by_dataset, directory / "tested_on.csv")
