"""The report of a suite: one self-contained page, the same as a document, and tables and pictures beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from reports.data.results import Provenance, Results
from reports.data.search import rules
from reports.files import listed, placed
from reports.leaderboard.entry import entry
from reports.markup import paragraph, write_csv
from reports.page.document import Part, document, how_made
from reports.page.html import elements, rendered
from reports.page.leaderboard import LEADERBOARD, write_leaderboard
from reports.page.made import made
from reports.pictures import figures
from reports.pictures.cells import codes
from reports.pictures.collection import Pictures, draw_pictures, picture_files, write_pictures
from reports.pictures.conditions import contenders
from reports.pictures.hardest import hardest_table
from reports.pictures.theme import DOTS
from reports.statistics.ranks import why_not
from reports.table import METHODS, Table
from reports.tables import summary
from reports.tables.anchors import confusion_anchors, method_anchors
from reports.tables.compared import Compared, write_tables
from reports.tables.guide import PRIMARY, guide_table
from reports.tables.pairwise import control_table, others_table
from reports.tables.published import published, published_table
from reports.tables.significance import remarks
from reports.tables.tuning import chosen_table

#: What was found: the templates of the page's sections, in its order and the document's, with their titles.
SECTIONS = {
    "comparison": "Comparison",
    "statistics": "Statistics",
    "robustness": "Robustness",
    "cross_dataset": "Other datasets",
    "ablation": "Ablation",
    "tuning": "Tuning",
    "ensembles": "Ensembles",
    "published": "Published elsewhere",
}


def write_report(results: Results, directory: Path, *, compared: Compared | None = None) -> Path:
    """Writes a report into `directory` and returns its page's path.

    It is ``index.html``, ``leaderboard.html``, ``report.md``, ``tables/`` and ``figures/``.

    A report that was there is replaced whole (`reports.files.placed`). The same results give the same bytes. `compared`
    are these results, where they have been compared already.

    Raises:
        ReportError: `directory` holds something that is no report.
    """
    with placed(directory) as fresh:
        (fresh / "tables").mkdir()
        found = compared or Compared(results)
        write_tables(found, fresh / "tables")
        plan = results.provenance
        literature = published("" if plan.synthetic else str(plan.dataset["source"].get("kind")))
        if not literature.empty:
            write_csv(literature, fresh / "tables" / "published.csv")
        pictures = draw_pictures(found)
        write_pictures(pictures, fresh / "figures")
        text = _document(found, literature, pictures)
        (fresh / "report.md").write_text(text, encoding="utf-8")
        files = [path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()]
        text = _page(found, literature, pictures, files=files)
        (fresh / "index.html").write_text(text, encoding="utf-8")
        alone = [entry(found, report="index.html")]
        write_leaderboard(alone, fresh / LEADERBOARD, created=plan.created, report="index.html")
    return directory.absolute() / "index.html"


def _document(compared: Compared, literature: pd.DataFrame, pictures: Pictures) -> str:
    results, plan = compared.results, compared.results.provenance
    notices = summary.notices(results)
    text = document(
        plan.suite,
        lede=paragraph(plan.description),
        notices=[*notices, *([" ".join(summary.SYNTHETIC)] if plan.synthetic else [])],
        findings=[*summary.findings(results, compared.table, compared.pairs), " ".join(summary.caveats(results))],
        parts=[*_parts(compared, literature)],
        cautions=notices,
        pictures=picture_files(pictures),
    )
    return f"{text}\n{how_made(made(plan), created=plan.created, suite_toml=plan.suite_toml)}"


def _sections(compared: Compared, literature: pd.DataFrame) -> dict[str, str]:
    """Titles of the sections for which there is something, by template, in the order of `SECTIONS`."""
    there = {
        "comparison": True,
        "statistics": "pairwise" in compared.tables,
        "robustness": "robustness" in compared.tables,
        "cross_dataset": "cross_dataset" in compared.tables,
        "ablation": "ablation" in compared.tables,
        "tuning": compared.results.provenance.search is not None,
        "ensembles": "ensembles" in compared.tables,
        "published": not literature.empty,
    }
    return {name: title for name, title in SECTIONS.items() if there[name]}


def _parts(compared: Compared, literature: pd.DataFrame) -> Iterator[Part]:
    """The same sections for the document."""
    for name, title in _sections(compared, literature).items():
        first, *others = _content(name, compared, literature)
        yield replace(first, title=title)
        yield from others


def _content(name: str, compared: Compared, literature: pd.DataFrame) -> Iterator[Part]:
    """A section's tables and paragraphs; of its first part the title is the section's."""
    tables, results = compared.tables, compared.results
    match name:
        case "comparison":
            yield Part(table=tables["comparison"])
            yield Part(title=tables["details"].title, table=tables["details"], level=3)
            for table in _by_attribute(compared):
                yield Part(title=table.title, table=table, level=3)
        case "statistics":
            known = remarks(compared.pairs, repeats=results.folds["repeat"].nunique())
            yield Part(table=tables["pairwise"], before=[PRIMARY], after=known)
        case "robustness":
            yield Part(table=tables["robustness"])
            yield Part(title=tables["corruptions"].title, table=tables["corruptions"], level=3)
        case "cross_dataset":
            yield Part(table=tables["cross_dataset"])
        case "ablation":
            yield Part(table=tables["ablation"])
        case "tuning":
            assert results.provenance.search is not None
            yield Part(before=[" ".join(rules(results.provenance.search))])
            yield from (Part(table=tables[one], level=0) for one in ("tuning", "parameters", "spread") if one in tables)
        case "ensembles":
            yield Part(table=tables["ensembles"])
        case "published":
            yield Part(before=["None of this was measured here."])
            yield Part(table=published_table(literature), level=0)


def _by_attribute(compared: Compared) -> list[Table]:
    return [table for name, table in compared.tables.items() if name.startswith("by_")]


def _page(compared: Compared, literature: pd.DataFrame, pictures: Pictures, *, files: Sequence[str]) -> str:
    """The page as HTML: nothing of it lies elsewhere.

    `literature` is `reports.tables.published.published` of the dataset: what papers report stands in a table of its
    own, and not at all where faces are synthetic, as it would invite comparing. `files` lie beside the page, by their
    paths relative to it. It shows faces, and subjects' names, where it may (`Provenance.named`).
    """
    results, plan, table = compared.results, compared.results.provenance, compared.table
    notices = summary.notices(results)
    return rendered(
        "report.html",
        images=bool(results.faces),
        plan=plan,
        created=plan.created,
        control=results.control,
        methods=len(table),
        runs=table["units"].max(),
        many=figures.MANY,
        dots=DOTS,
        sections=_sections(compared, literature),
        tables={name: _linked(table, plan) for name, table in compared.tables.items()},
        statistics=_statistics(compared) if len(compared.pairs) else None,
        tuning=_tuning(results),
        published=None if literature.empty else published_table(literature),
        notices=notices,
        synthetic=summary.SYNTHETIC if plan.synthetic else None,
        cautions=summary.cautions(notices),
        findings=summary.findings(results, table, compared.pairs),
        caveats=summary.caveats(results),
        codes=[f"{code} {name}" for name, code in codes(results.classes).items()],
        pictures=elements(pictures),
        by_attribute=[_linked(table, plan) for table in _by_attribute(compared)],
        hardest=hardest_table(results),
        described=method_anchors(plan),
        confusions=confusion_anchors(plan),
        featured=contenders(table, results.control)[0],
        made=made(plan),
        files=listed(files),
    )


def _linked(table: Table, plan: Provenance) -> Table:
    """A table whose rows lead to what the page says of their methods, where it does."""
    if plan.files or table.columns[0].key not in METHODS:
        return table
    places = {name: f"#{anchor}" for name, anchor in method_anchors(plan).items()}
    rows = [[replace(first, link=places.get(first.text, "")), *others] for first, *others in table.rows]
    return replace(table, rows=rows)


def _statistics(compared: Compared) -> dict[str, Any]:
    """The control's comparisons and all others, what is to be known of them, and what each test is for."""
    results, pairs = compared.results, compared.pairs
    known = remarks(pairs, repeats=results.folds["repeat"].nunique())
    return {
        "primary": PRIMARY,
        "control": control_table(results, pairs),
        "others": others_table(results, pairs),
        "remarks": [*compared.tables["pairwise"].notes, *known, why_not(1, len(results.methods))],
        "guide": guide_table(),
    }


def _tuning(results: Results) -> dict[str, Any] | None:
    """Rules of the search in sentences, and the chosen settings."""
    search = results.provenance.search
    if search is None:
        return None
    found = search.given or not results.studies.empty
    return {"rules": rules(search), "chosen": chosen_table(results) if found else None}
