"""Accuracy by an attribute of the scans, such as the subject's sex: a table for each attribute."""

from collections.abc import Iterator

from reports import formats
from reports.data.results import Results
from reports.schema import ReportError
from reports.statistics.clustered import Cells
from reports.table import Table, plain_table

#: An attribute with more values, such as an age in years, is no way to divide scans.
MOST = 12


def attribute_tables(results: Results) -> Iterator[Table]:
    """A table for each of `Results.attributes`: accuracy by its values, with 95 % intervals as of all scores.

    Raises:
        ReportError: it has too few or too many values, or a single subject has one and may not be named.
    """
    for name in results.attributes.columns.drop("scan", errors="ignore"):
        tested = results.predictions.merge(results.attributes[["scan", name]], on="scan")
        tested = tested[tested[name] != ""]
        count = tested[name].nunique()
        if not 2 <= count <= MOST:
            raise ReportError(f"--by {name}: {count} values among the tested scans (allowed: 2 to {MOST})")
        if not results.provenance.named and tested.groupby(name)["subject"].nunique().min() < 2:
            raise ReportError(f"--by {name}: a value is of one subject only, who may not be named (or --with-faces)")
        rows = []
        for method in results.methods:
            for value, own in tested[tested["method"] == method].groupby(name):
                found = Cells(own, single=results.provenance.single).accuracy.interval
                ends = formats.score(found.value, found.low, found.high)
                rows.append((method, str(value), str(own["scan"].nunique()), str(own["subject"].nunique()), ends))
        headings = ["Method", name, "Scans", "Subjects", "Accuracy (95 % interval)"]
        notes = ["Intervals are of each value alone: overlapping ones do not show that values are alike."]
        yield plain_table(f"by_{name}", f"Accuracy by {name}", headings, rows, notes=notes)
