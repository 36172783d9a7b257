"""The report as one Markdown document, for where a page cannot go: the same words and tables, pictures by links."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from reports import formats
from reports.data.pseudonyms import unnamed
from reports.data.results import Provenance, Results
from reports.data.search import rules
from reports.markup import FormattedTable, heading, markdown, paragraph
from reports.tables import summary
from reports.tables.ablation import ablation, displayed_ablation, legend
from reports.tables.formatted import displayed, displayed_details, marked
from reports.tables.guide import PRIMARY
from reports.tables.pairwise import displayed_pairwise
from reports.tables.significance import missing, remarks
from reports.tables.tuning import displayed_parameters, displayed_tuning, parameters, tuning
from reports.tables.variance_components import displayed_components, variance_components


def document(
    results: Results,
    table: pd.DataFrame,
    pairs: pd.DataFrame,
    literature: pd.DataFrame,
    *,
    pictures: Sequence[str],
) -> str:
    """``report.md``; the tables as in `page.page`, `pictures` are names of files in ``figures/``, no ending."""
    plan = results.provenance
    notices = summary.notices(results)
    marks = marked(table, pairs, control=results.control)
    caution = " ".join(notices)
    parts = [
        heading(1, plan.suite),
        paragraph(plan.description),
        *(paragraph(notice, "> ") for notice in [*notices, *[" ".join(summary.SYNTHETIC)] * plan.synthetic]),
        heading(2, "Summary"),
        *map(paragraph, summary.findings(results, table, pairs)),
        paragraph(" ".join(summary.caveats(results))),
        heading(2, "Comparison"),
        markdown(
            displayed(table, control=results.control, marks=marks, failed=results.failed_methods),
            notice=f"{marks.legend} {caution}".strip(),
        ),
        heading(3, "Scores in detail"),
        markdown(displayed_details(table, marks), notice=f"{marks.details} {caution}".strip()),
    ]
    if len(pairs):
        message = [*missing(pairs), *remarks(pairs, repeats=results.folds["repeat"].nunique())]
        parts += [heading(2, "Statistics"), paragraph(PRIMARY)]
        parts += [markdown(FormattedTable(displayed_pairwise(pairs)), notice=caution), *map(paragraph, message)]
    if plan.axes:
        found = ablation(results, table)
        presented = FormattedTable(displayed_ablation(results, found))
        parts += [heading(2, "Ablation"), markdown(presented, notice=f"{legend(results)} {caution}".strip())]
    parts += _tuning(results, caution)
    if not literature.empty:
        parts += [
            heading(2, "Published elsewhere"),
            paragraph("None of this was measured here."),
            _published(literature),
        ]
    parts += [heading(2, "Pictures"), *(f"![{name}](figures/{name}.svg)\n" for name in pictures)]
    return "\n".join([*parts, *(_counted(plan) if plan.files else _made(results))])


def _tuning(results: Results, caution: str) -> Iterable[str]:
    search = results.provenance.search
    if search is None:
        return
    yield heading(2, "Tuning")
    yield paragraph(" ".join(rules(search)))
    if not results.studies.empty:
        yield markdown(FormattedTable(displayed_tuning(results, tuning(results))), notice=caution)
        yield markdown(FormattedTable(displayed_parameters(parameters(results))), notice=caution)
    if not results.selection.empty:
        yield markdown(FormattedTable(displayed_components(variance_components(results))), notice=caution)


def _published(literature: pd.DataFrame) -> str:
    rows = [
        {
            "Method": row["method"],
            "Accuracy, %": formats.percent(row["accuracy"], 2),
            "": "in its abstract" if row["checked"] else "recalled, not checked",
            "Protocol": row["protocol"] or "not known",
            "Year": str(row["year"]),
            "Source": row["source"],
        }
        for row in literature.to_dict("records")
    ]
    return markdown(FormattedTable(pd.DataFrame(rows)))


def _counted(plan: Provenance) -> Iterable[str]:
    """How it was made, as far as files tell."""
    yield heading(2, "How it was made")
    yield paragraph(f"Unknown: reported from files, {plan.created}. What follows was counted in them.")
    facts = {
        "runs": f"{plan.done}, {', '.join(f'{key} {value}' for key, value in plan.protocol.items())}",
        "scans": f"{plan.dataset['scans']} of {plan.dataset['subjects']} subjects",
        **{name: f"SHA-256 {digest or 'withheld'}" for name, digest in plan.files},
    }
    yield "".join(
        paragraph(fact, "- ") for fact in [*(f"{name}: {fact}" for name, fact in facts.items()), *plan.remarks]
    )
    yield from _left_out(plan)


def _left_out(plan: Provenance) -> Iterable[str]:
    """What could not be used."""
    if plan.left_out:
        rows = [
            (
                one.method,
                *("all" if place is None else str(place) for place in (one.repeat, one.fold)),
                one.what,
                one.reason,
            )
            for one in plan.left_out
        ]
        yield paragraph("Left out, as it could not be used:")
        yield markdown(FormattedTable(pd.DataFrame(rows, columns=["Method", "Repeat", "Fold", "What", "Reason"])))


def _made(results: Results) -> Iterable[str]:
    """How it was made: runs, what failed, the dataset, software and hardware, the suite."""
    plan = results.provenance
    message = str if plan.named else unnamed
    yield heading(2, "How it was made")
    yield paragraph(f"{plan.done} of {plan.planned} planned runs are done. Made {plan.created} from the records alone.")
    if plan.failed:
        rows = [(method, str(repeat), str(fold), message(reason)) for method, repeat, fold, reason in plan.failed]
        yield markdown(FormattedTable(pd.DataFrame(rows, columns=["Method", "Repeat", "Fold", "Reason"])))
    yield from _left_out(plan)
    facts: Mapping[str, object] = {
        "dataset": f"{plan.dataset['name']}, {plan.dataset['scans']} scans of {plan.dataset['subjects']} subjects",
        "fingerprint": plan.dataset["fingerprint"],
        "protocol": ", ".join(f"{key} {value}" for key, value in plan.protocol.items() if value is not None),
        "hardware": "; ".join(plan.hardware),
        "device": ", ".join(plan.devices),
        "commit": ", ".join(plan.commits),
        **{name: ", ".join(versions) for name, versions in plan.versions.items()},
    }
    yield "".join(paragraph(f"{name}: {fact}", "- ") for name, fact in facts.items())
    yield "".join(f"    {line}\n" for line in plan.suite_toml.splitlines())
