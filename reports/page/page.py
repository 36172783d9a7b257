"""The report: one self-contained page and the tables beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reports import formats
from reports.data.pseudonyms import unnamed
from reports.data.results import Results
from reports.data.search import METRICS, rules
from reports.markup import write_csv
from reports.page.document import document
from reports.page.html import elements, rendered
from reports.page.listing import listed
from reports.page.placing import placed
from reports.pictures import figures
from reports.pictures.collection import Pictures, draw_pictures, picture_files, write_pictures
from reports.pictures.conditions import contenders
from reports.pictures.hardest import hardest_rows
from reports.pictures.theme import DOTS
from reports.schema import EXPRESSIONS
from reports.statistics.confidence import BINS
from reports.statistics.ranks import why_not
from reports.tables import summary
from reports.tables.ablation import ablation, full_values, parts
from reports.tables.compared import Compared
from reports.tables.comparison import DETAILED, ERRORS
from reports.tables.formatted import marked, times
from reports.tables.guide import GUIDE, PRIMARY
from reports.tables.published import published
from reports.tables.significance import LEVEL, missing, remarks
from reports.tables.tuning import parameters, shared, tuning
from reports.tables.variance_components import variance_components
from reports.tables.writing import write_tables


def write_report(results: Results, directory: Path, *, compared: Compared | None = None) -> Path:
    """Writes ``index.html``, ``report.md``, ``tables/`` and ``figures/`` into `directory` and returns the page's path.

    A report that was there is replaced whole (`reports.page.placing`). The same results give the same bytes. `compared`
    are these results, where they have been compared already.

    Raises:
        ReportError: `directory` holds something that is no report.
    """
    with placed(directory) as fresh:
        (fresh / "tables").mkdir()
        found = compared or Compared(results)
        table, pairs = found.table, found.pairs
        write_tables(results, table, pairs, fresh / "tables")
        plan = results.provenance
        literature = published("" if plan.synthetic else str(plan.dataset["source"].get("kind")))
        if not literature.empty:
            write_csv(literature, fresh / "tables" / "published.csv")
        pictures = draw_pictures(results, table)
        write_pictures(pictures, fresh / "figures")
        text = document(results, table, pairs, literature, pictures=picture_files(pictures))
        (fresh / "report.md").write_text(text, encoding="utf-8")
        files = [path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()]
        text = page(results, table, pairs, literature, pictures, files=files)
        (fresh / "index.html").write_text(text, encoding="utf-8")
    return directory.absolute() / "index.html"


def page(
    results: Results,
    table: pd.DataFrame,
    pairs: pd.DataFrame,
    literature: pd.DataFrame,
    pictures: Pictures,
    *,
    files: Sequence[str],
) -> str:
    """The page as HTML: nothing of it lies elsewhere.

    `table` is `reports.tables.comparison.comparison`, `pairs` is `reports.tables.pairwise.pairwise`, `literature` is
    `reports.tables.published.published` of the dataset's dataset: what papers report stands in a table of its own, and
    not at all where faces are synthetic, as it would invite comparing. `pictures` is
    `reports.pictures.collection.draw_pictures`. `files` lie beside the page, by their paths relative to it.

    It shows faces, and subjects' names, where it may (`Provenance.named`).
    """
    notices = summary.notices(results)
    return rendered(
        "report.html",
        reason=str if results.provenance.named else unnamed,
        images=bool(results.faces),
        plan=results.provenance,
        created=results.provenance.created,
        control=results.control,
        many=figures.MANY,
        dots=DOTS,
        table=table.to_dict("records"),
        failed=results.failed_methods,
        marks=marked(table, pairs, control=results.control),
        times=times(table),
        memory=table["peak_memory"].notna().any(),
        expressions=EXPRESSIONS,
        details=DETAILED,
        errors=ERRORS,
        bins=BINS,
        statistics=_statistics(results, pairs) if len(pairs) else None,
        ablation=_ablation(results, table) if results.provenance.axes else None,
        tuning=_tuning(results) if results.provenance.search else None,
        literature=literature.to_dict("records"),
        notices=notices,
        synthetic=summary.SYNTHETIC if results.provenance.synthetic else None,
        cautions=summary.cautions(notices),
        findings=summary.findings(results, table, pairs),
        caveats=summary.caveats(results),
        subjects=results.predictions["subject"].nunique(),
        repeats=results.folds["repeat"].nunique(),
        pictures=elements(pictures),
        hardest=hardest_rows(results),
        featured=contenders(table, results.control)[0],
        files=listed(files),
    )


def _statistics(results: Results, pairs: pd.DataFrame) -> dict[str, Any]:
    """The control's comparisons and all others, what is missing or to be known of them, and what each test is for."""
    control = pairs["method_b"] == results.control
    return {
        "primary": PRIMARY,
        "level": LEVEL,
        "control": pairs[control].to_dict("records"),
        "others": pairs[~control].to_dict("records"),
        "remarks": [
            *missing(pairs),
            *remarks(pairs, repeats=results.folds["repeat"].nunique()),
            why_not(1, len(results.methods)),
        ],
        "questions": GUIDE,
    }


def _ablation(results: Results, table: pd.DataFrame) -> dict[str, Any]:
    """The ablation's rows, each with its parts, and the full model's value of each part."""
    rows = ablation(results, table).to_dict("records")
    full = [(title, f"{formats.CHECK} {value}") for title, value in full_values(results).items()]
    return {"full": full, "rows": [row | {"parts": parts(results, row["method"])} for row in rows]}


def _tuning(results: Results) -> dict[str, Any]:
    """How methods were tuned in words, then a row a method, its parameters, and where its spread comes from."""
    search = results.provenance.search
    if search is None or results.studies.empty:
        return {"rules": rules(search) if search else [], "rows": []}
    chosen, rows = parameters(results), tuning(results).to_dict("records")
    common = shared(chosen, methods=len(rows))
    for row in rows:
        own = chosen[chosen["method"] == row["method"]].set_index("parameter", drop=False).to_dict("index")
        row |= {"shared": [own.pop(column["parameter"]) for column in common], "own": list(own.values())}
    return {
        "rules": rules(search),
        "metric": METRICS[search.metric],
        "searches": results.studies["search"].nunique(),
        "shared": common,
        "headings": [(column["parameter"], f"searched {column['searched']}") for column in common],
        "rows": rows,
        "components": variance_components(results).to_dict("records"),
    }
