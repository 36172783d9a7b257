"""The leaderboard's page: whole, alone, harmless, linked to what is there, and quick with many rows."""

import base64
import hashlib
import re
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports import formats
from reports.leaderboard.entry import Entry
from reports.leaderboard.rows import rows
from reports.leaderboard.table import Links
from reports.multi_suite.page import write_multi_suite
from reports.multi_suite.suites import MultiSuite
from reports.page.leaderboard import page, write_leaderboard
from reports.page.page import write_report
from reports.schema import ReportError
from reports.statistics.profiles import profile
from reports.tables.compared import Compared
from tests.reports.conftest import fabricate
from tests.reports.leaderboard.conftest import described, entries
from tests.reports.page.test_page import EVIL, TEMPLATES, read

LINKS = {"fusion": "../fusion/index.html", "clean": "../clean/index.html"}


def write(suites, path, *, reports=None, **more):
    write_leaderboard(entries(suites, reports or {}), path, created="2026-01-02 03:04 UTC", **more)
    return read(path)


@pytest.fixture(scope="module")
def written(fusion, tuned_suite, tmp_path_factory):
    path = tmp_path_factory.mktemp("reports") / "leaderboard.html"
    return write([fusion, tuned_suite], path, reports=LINKS, report="index.html")


def links(seen):
    return [attributes["href"] for tag, attributes in seen.elements if tag == "a"]


def test_nothing_of_it_lies_elsewhere_and_its_script_alone_is_let_in(written):
    assert not {tag for tag, _ in written.elements} & {"img", "iframe", "object", "embed", "base", "link"}
    assert [attributes for tag, attributes in written.elements if tag == "script"] == [{}]
    policy = next(a["content"] for tag, a in written.elements if tag == "meta" and "http-equiv" in a)
    scripts = b"".join((TEMPLATES / name).read_bytes() for name in ("sort.js", "leaderboard.js"))
    trusted = base64.b64encode(hashlib.sha256(scripts).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{trusted}'"
    ids = Counter(attributes["id"] for _, attributes in written.elements if "id" in attributes)
    assert max(ids.values()) == 1
    assert {link[1:] for link in links(written) if link.startswith("#")} <= set(ids)


def test_a_method_of_two_suites_is_counted_once(written, fusion, tuned_suite):
    labels = {*rows(fusion)["method"], *rows(tuned_suite)["method"]}
    assert len(labels) < len(rows(fusion)) + len(rows(tuned_suite))
    assert f"{len(labels)} methods in 2 suites" in written.text


def test_every_row_has_its_numbers_and_its_marks_in_both_figures(written, fusion, tuned_suite):
    found = pd.concat([rows(fusion), rows(tuned_suite)], ignore_index=True)
    marks = Counter(
        attributes["href"] for tag, attributes in written.elements if attributes.get("class", "").startswith("mark")
    )
    assert marks == {f"#row-{number}": 2 for number in range(1, len(found) + 1)}
    said = [
        attributes["aria-label"] for _, attributes in written.elements if attributes.get("class", "").startswith("mark")
    ]
    for row in found.to_dict("records"):
        score = f"{100 * row['accuracy']:.1f}"
        assert f"{score} {formats.ALIKE}" in written.text if row["alike"] else score in written.words
        assert any(one.startswith(f"{row['title']}: {score} % (") for one in said)
    assert "nan" not in written.text.split()
    assert "§ The exact form is a reading of its paper" in written.text
    assert "accuracies on different datasets are not comparable" in written.text
    assert "These faces are synthetic." in written.text


def test_rows_lead_to_their_reports_whose_places_are_there(fusion, tuned_suite, tmp_path):
    for one in (fusion, tuned_suite):
        write_report(one.results, tmp_path / one.results.provenance.suite, compared=one)
    board = MultiSuite([fusion, tuned_suite])
    path = write_multi_suite(board, tmp_path / "both", links=LINKS, created="now")
    seen = read(path.parent / "leaderboard.html")
    for suite, count in (("fusion", 5), ("clean", 3)):
        report = read(tmp_path / suite / "index.html")
        ids = {attributes.get("id") for _, attributes in report.elements}
        anchors = [link.partition("#")[2] for link in links(seen) if link.startswith(f"../{suite}/index.html#")]
        assert len(set(anchors)) == len(anchors) == 2 * count
        assert set(anchors) <= ids
        assert "leaderboard.html" in links(report)
        own = read(tmp_path / suite / "leaderboard.html")
        assert {link for link in links(own) if link.startswith("index.html#")} == {
            f"index.html#{one}" for one in anchors
        }
    assert "leaderboard.html" in links(read(path))
    assert "index.html" in links(seen)
    assert {link for link in links(seen) if link.startswith("http")} == {
        f"http://127.0.0.1:5000/#/{name}" for name in fusion.results.methods
    }


def test_a_row_leads_to_its_method_s_repository_where_that_is_known(fusion, tmp_path):
    plan = fusion.results.provenance
    late = {**plan.methods["late"], "repository": "https://example.org/late?a=1&b=2"}
    known = replace(plan, methods={**plan.methods, "late": late})
    seen = write([Compared(replace(fusion.results, provenance=known))], tmp_path / "known.html")
    assert [link for link in links(seen) if "example.org" in link] == ["https://example.org/late?a=1&b=2"]
    assert seen.words.count("source") == 1 + write([fusion], tmp_path / "unknown.html").words.count("source")


def test_what_is_not_there_is_not_linked(results, tmp_path):
    alone = write([Compared(results)], tmp_path / "alone.html")
    assert {link[0] for link in links(alone)} == {"#"}
    assert "127.0.0.1" not in (tmp_path / "alone.html").read_text(encoding="utf-8")
    files = replace(results.provenance, files=[("folds.csv", "")], synthetic=False)
    seen = write([Compared(replace(results, provenance=files))], tmp_path / "f.html", reports={"quick": "index.html"})
    assert {re.sub(r"\d+", "N", link) for link in links(seen)} == {"#row-N", "index.html#confusion-N"}


def test_hostile_names_stay_text(tmp_path):
    evil = fabricate(skills={EVIL: 1.0, "plain": 0.5}, subjects=6, folds=2, epochs=1)
    plan = replace(described(evil, EVIL, EVIL).provenance, control=EVIL)
    plan = replace(plan, methods={name: {**about, "module": EVIL} for name, about in plan.methods.items()})
    folds = evil.folds.assign(suite=EVIL)
    one = Compared(replace(evil, folds=folds, provenance=plan))
    seen = write([one], tmp_path / "evil.html", reports={EVIL: f"../{EVIL}/index.html"})
    assert [tag for tag, _ in seen.elements].count("script") == 1
    assert not any(key.startswith("on") for _, attributes in seen.elements for key in attributes)
    assert seen.text.count(EVIL) >= 4
    ids = Counter(attributes["id"] for _, attributes in seen.elements if "id" in attributes)
    assert set(ids.values()) == {1}


def test_what_lacks_in_a_suite_s_records_is_said(fusion, tuned_suite, tmp_path):
    plan = replace(fusion.results.provenance, planned=99)
    part = Compared(replace(fusion.results, provenance=plan))
    seen = write([part, tuned_suite], tmp_path / "part.html")
    assert re.search(r"fusion, incomplete: \d+ of 99 planned runs are done\.", seen.text)
    assert "clean, incomplete" not in seen.text


def test_what_is_kept_of_suites_as_text_makes_the_same_page(fusion, tuned_suite):
    """To the byte; a suite with a method that failed, and one with notices, are kept as well."""
    plan = tuned_suite.results.provenance
    part = Compared(replace(tuned_suite.results, provenance=replace(plan, planned=99, failed=[("late", 0, 0, "no")])))
    found = entries([fusion, part], LINKS)
    kept = [Entry.from_json(one.to_json()) for one in found]
    assert page(kept, created="now") == page(found, created="now")
    assert [one.to_json() for one in kept] == [one.to_json() for one in found]
    assert "clean, incomplete" in page(kept, created="now")
    for text in ("", "{}", '{"rows": [1]}', "[]"):
        with pytest.raises(ReportError, match="no part of a leaderboard"):
            Entry.from_json(text)


def test_of_no_suite_there_is_no_leaderboard():
    with pytest.raises(ReportError, match="suites: none, allowed is 1 or more"):
        page([], created="now")


def test_it_is_the_same_every_time_and_names_no_subject(written, fusion, tuned_suite, tmp_path):
    again = [Compared(one.results) for one in (fusion, tuned_suite)]
    assert write(again, tmp_path / "again.html", reports=LINKS, report="index.html").elements == written.elements
    text = (tmp_path / "again.html").read_text(encoding="utf-8")
    assert not [who for who in fusion.results.predictions["subject"].unique() if who in text]


def test_a_thousand_rows_take_less_than_two_seconds(fusion):
    """Of processor time, so that others on the machine do not count."""
    few = rows(fusion)
    found = few.loc[few.index.repeat(200)].reset_index(drop=True)
    found["suite"] = [f"suite {number % 10}" for number in range(1000)]
    found = found.sort_values("suite", kind="stable", ignore_index=True)
    found["method"] = [f"method {number}" for number in range(1000)]
    found["accuracy"] += np.linspace(0.0, 0.1, 1000)
    found["parameters"] *= np.linspace(1.0, 30.0, 1000)
    generator = np.random.default_rng(0)

    def made():
        begun = time.process_time()
        suites = [
            Entry(
                rows=own,
                links=[Links()] * len(own),
                profiles={method: profile(generator.integers(0, 13, 100) / 12) for method in own["method"]},
            )
            for _, own in found.groupby("suite")
        ]
        html = page(suites, created="now")
        return html, time.process_time() - begun

    tries = [made() for _ in range(2)]
    assert min(seconds for _, seconds in tries) < 2.0
    assert tries[0][0].count("<tr ") == 1000
    assert len(tries[0][0]) < 4e6
