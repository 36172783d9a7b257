"""The report over several suites: one self-contained page, the same as a document, tables and a picture beside it."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from reports.files import listed, placed, write_tables
from reports.leaderboard.entry import entry
from reports.markup import markdown_text, paragraph
from reports.multi_suite import words
from reports.multi_suite.cross_dataset import cross_dataset_picture
from reports.multi_suite.diagram import diagram
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.tables import Tables
from reports.page.document import Part, document
from reports.page.html import elements, rendered
from reports.page.leaderboard import LEADERBOARD, write_leaderboard
from reports.pictures.collection import Pictures, picture_files, write_pictures
from reports.tables import summary

#: Of pictures, by the name of their table.
_CAPTIONS = {
    "ranks": "Mean ranks, the best at the left; a bar joins methods that do not differ significantly",
    "cross_dataset": "Accuracy, %; the control first, then the best in datasets that they were not trained on",
}


def write_multi_suite(multi: MultiSuite, directory: Path, *, links: Mapping[str, str], created: str) -> Path:
    """Writes a report into `directory` and returns its page's path.

    It is ``index.html``, ``leaderboard.html``, ``report.md``, ``tables/`` and ``figures/``.

    A report that was there is replaced whole (`reports.files.placed`). The same suites give the same bytes. The page
    names no subject and shows no face.

    Args:
        multi: the suites.
        directory: of the report.
        links: by suite, where its own report's page is, as a path relative to `directory`.
        created: when it is made, as it shall be printed.

    Raises:
        ReportError: `directory` holds something that is no report.
    """
    found = Tables(multi)
    notices, cautions = words.notices(multi, found.facts), words.cautions(multi)
    synthetic = summary.synthetic(
        {one.results.provenance.suite: one.results.provenance.synthetic for one in multi.suites}
    )
    pictures = _pictures(multi, found)
    suites = {
        name: (quote(links[name]), one.results.provenance.description)
        for one, name in zip(multi.suites, multi.names, strict=True)
    }
    title, findings = f"{len(suites)} suites together", words.findings(multi, found.versus_control, found.ranks)
    listing = (f"- [{markdown_text(name)}]({link}): {markdown_text(text)}\n" for name, (link, text) in suites.items())
    with placed(directory) as fresh:
        (fresh / "tables").mkdir()
        write_tables(found.tables.values(), fresh / "tables", suite="-".join(multi.names), notices=notices)
        if pictures:
            write_pictures(pictures, fresh / "figures")
        text = document(
            title,
            lede="".join(listing),
            notices=[*notices, *([" ".join(synthetic)] if synthetic else [])],
            findings=findings,
            parts=[Part(title=table.title, table=table) for table in found.tables.values()],
            cautions=[f"These records are {cautions}; the top says how."] if cautions else [],
            pictures=picture_files(pictures),
        )
        made = paragraph(f"Made {created} from the records alone.")
        (fresh / "report.md").write_text(f"{text}\n{made}", encoding="utf-8")
        files = [path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()]
        page = rendered(
            "multi_suite.html",
            title=title,
            suites=suites,
            notices=notices,
            findings=findings,
            caveats=words.CAVEATS,
            synthetic=synthetic,
            cautions=cautions,
            tables=found.tables,
            pictures=elements(pictures),
            captions=_CAPTIONS,
            created=created,
            files=listed(files),
        )
        (fresh / "index.html").write_text(page, encoding="utf-8")
        entries = [
            entry(one, data_set=multi.suite_data_sets[suite], report=links.get(suite, ""))
            for suite, one in zip(multi.names, multi.suites, strict=True)
        ]
        write_leaderboard(entries, fresh / LEADERBOARD, created=created, report="index.html")
    return directory.absolute() / "index.html"


def _pictures(multi: MultiSuite, found: Tables) -> Pictures:
    made = {}
    if found.ranks:
        made["ranks"] = {"": diagram(found.ranks, multi.titles)}
    if not found.cross_dataset.empty:
        made["cross_dataset"] = {"": cross_dataset_picture(multi, found.cross_dataset)}
    return made
