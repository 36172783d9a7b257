"""The report over several suites: one self-contained page, tables and a picture beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reports.formats import names
from reports.multi_suite import words
from reports.multi_suite.diagram import diagram
from reports.multi_suite.document import document
from reports.multi_suite.facts import differing
from reports.multi_suite.overview import mean_places
from reports.multi_suite.ranking import like_the_first
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.tables import Tables, write_sheets
from reports.multi_suite.versus_control import TIE, WIN, tallies, tally
from reports.page.html import elements, rendered
from reports.page.listing import listed
from reports.page.placing import placed
from reports.pictures.collection import Pictures, picture_files, write_pictures
from reports.tables.significance import LEVEL
from reports.tables.summary import SYNTHETIC


def write_multi_suite(multi: MultiSuite, directory: Path, *, links: Mapping[str, str], created: str) -> Path:
    """Writes ``index.html``, ``report.md``, ``tables/`` and ``figures/`` into `directory` and returns the page's path.

    A report that was there is replaced whole (`reports.page.placing`). The same suites give the same bytes.

    Args:
        multi: the suites.
        directory: of the report.
        links: by suite, where its own report's page is, as a path relative to `directory`.
        created: when it is made, as it shall be printed.

    Raises:
        ReportError: `directory` holds something that is no report.
    """
    tables = Tables(multi)
    notices = words.notices(multi, tables.facts)
    sheets = list(tables.sheets.values())
    pictures: Pictures = {"ranks": {"": diagram(tables.ranks, multi.titles)}} if tables.ranks else {}
    suites = {
        name: (quote(links[name]), one.results.provenance.description)
        for one, name in zip(multi.suites, multi.names, strict=True)
    }
    title, findings = f"{len(suites)} suites together", words.findings(multi, tables.versus_control, tables.ranks)
    message = {"title": title, "suites": suites, "notices": notices, "findings": findings, "created": created}
    with placed(directory) as fresh:
        (fresh / "tables").mkdir()
        write_sheets(multi, sheets, fresh / "tables", notices=notices)
        if pictures:
            write_pictures(pictures, fresh / "figures")
        text = document(
            title,
            suites=suites,
            notices=list(filter(None, [*notices, " ".join(_synthetic(multi) or ())])),
            findings=findings,
            sheets=sheets,
            pictures=picture_files(pictures),
            caution=_caution(multi),
            created=created,
        )
        (fresh / "report.md").write_text(text, encoding="utf-8")
        files = [path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()]
        (fresh / "index.html").write_text(_page(tables, message, pictures, files=files), encoding="utf-8")
    return directory.absolute() / "index.html"


def _page(tables: Tables, message: Mapping[str, Any], pictures: Pictures, *, files: Sequence[str]) -> str:
    """The page as HTML: nothing of it lies elsewhere; no subject is named on it, and no face shown."""
    whole = tables.multi
    return rendered(
        "multi_suite.html",
        **message,
        caveats=words.CAVEATS,
        synthetic=_synthetic(whole),
        cautions=words.cautions(whole),
        names=whole.names,
        titles=[(suite, whole.data_set(suite)) for suite in whole.names],
        level=LEVEL,
        overview=_overview(tables),
        sets=len(whole.data_sets) if len(whole.means) else 0,
        versus_control=_versus_control(tables),
        ranks=_ranks(tables),
        facts=[
            {"name": name, "values": row, "differs": name in differing(tables.facts)}
            for name, row in zip(tables.facts.index, tables.facts.to_numpy().tolist(), strict=True)
        ],
        method_differences=whole.method_differences,
        notes={name: " ".join(sheet.notes) for name, sheet in tables.sheets.items()},
        sheet_titles={name: sheet.title for name, sheet in tables.sheets.items()},
        pictures=elements(pictures),
        files=listed(files),
    )


def _overview(tables: Tables) -> list[dict[str, Any]]:
    whole = tables.multi
    cells = {(row["method"], row["suite"]): row for row in tables.overview.to_dict("records")}
    places = mean_places(whole)
    return [
        {
            "method": whole.labelled(method),
            "cells": [cells.get((method, suite)) for suite in whole.names],
            "mean": whole.means.get(method, float("nan")),
            "place": places.get(method),
        }
        for method in whole.methods
    ]


def _versus_control(tables: Tables) -> list[dict[str, Any]]:
    whole = tables.multi
    cells = {(row["method"], row["suite"]): row for row in tables.versus_control.to_dict("records")}
    counts = tallies(whole, tables.versus_control)
    return [
        {
            "method": whole.labelled(method),
            "cells": [cells.get((method, suite)) for suite in whole.names],
            "tally": tally(counts.get(method)),
            "score": counts[method][WIN] + counts[method][TIE] / 2.0 if method in counts else float("nan"),
        }
        for method in tables.versus_control["method"].unique()
    ]


def _ranks(tables: Tables) -> dict[str, Any] | None:
    if tables.ranks is None:
        return None
    alike, numbers = like_the_first(tables.ranks), tables.sheets["ranks"].numbers
    rows = [
        {
            "method": method,
            "mean": rows["mean_rank"].iloc[0],
            "alike": method in alike,
            "cells": rows[["accuracy", "rank"]].to_dict("records"),
        }
        for method, rows in numbers.groupby("method", sort=False)
    ]
    return {"data_sets": list(tables.multi.scores.index), "rows": rows}


def _synthetic(multi: MultiSuite) -> tuple[str, str] | None:
    synthetic = [one.results.provenance.suite for one in multi.suites if one.results.provenance.synthetic]
    if len(synthetic) in (0, len(multi.suites)):
        return SYNTHETIC if synthetic else None
    return f"The faces of {names(synthetic)} are synthetic.", "What methods do on them says nothing about real ones."


def _caution(multi: MultiSuite) -> str:
    kinds = words.cautions(multi)
    return f"These records are {kinds}; the top says how." if kinds else ""
