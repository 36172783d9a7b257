"""The page over several suites: whole, alone, harmless, and the same as its files and its document."""

from collections import Counter
from dataclasses import replace

import pytest

from reports.multi_suite.page import write_multi_suite
from reports.multi_suite.suites import MultiSuite
from reports.tables.compared import Compared
from tests.reports.conftest import without
from tests.reports.multi_suite.conftest import with_info
from tests.reports.page.test_page import EVIL, files, read


def write(multi, directory):
    links = {name: f"../{name}/index.html" for name in multi.names}
    return write_multi_suite(multi, directory, links=links, created="2026-01-02 03:04 UTC")


@pytest.fixture(scope="module")
def written(five, tmp_path_factory):
    return write(five, tmp_path_factory.mktemp("reports") / "all")


def test_nothing_lies_elsewhere_and_every_link_leads_somewhere(written, five):
    page = read(written)
    assert not {tag for tag, _ in page.elements} & {"img", "iframe", "object", "embed", "base", "form"}
    assert [attributes for tag, attributes in page.elements if tag == "script"] == [{}]
    policy = next(a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert max(ids.values()) == 1
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert [link for link in links if link.startswith("../")] == [f"../{name}/index.html" for name in five.names]
    beside = {link for link in links if not link.startswith(("#", "../"))}
    assert beside == set(files(written.parent)) - {"index.html"}
    tables = {f"tables/{name}.{end}" for name in ("overview", "against", "ranks") for end in ("csv", "md", "tex")}
    assert tables | {"figures/ranks.svg", "figures/ranks.pdf", "report.md"} <= beside
    picture = next(attributes for tag, attributes in page.elements if tag == "svg")
    assert picture["role"] == "img"
    assert picture["aria-label"].startswith("Mean ranks, the best first: ")


def test_the_page_and_the_document_say_what_the_tables_say(written, five):
    page, text = read(written), (written.parent / "report.md").read_text(encoding="utf-8")
    for method, mean in five.means.items():
        assert f"{100 * mean:.1f}" in page.words, method
    for name in ("overview", "against", "ranks", "suites"):
        table = (written.parent / "tables" / f"{name}.md").read_text(encoding="utf-8").partition("\n\n")[0]
        assert table in text, name
    assert "Friedman's test says that mean ranks differ" in page.text
    assert "nan" not in page.text.split()


def test_below_five_data_sets_it_says_why_there_are_no_ranks(five, tmp_path):
    page = write(MultiSuite(five.suites[:2]), tmp_path / "two")
    assert "need at least 5; here are 2" in read(page).text
    assert not (page.parent / "figures").exists()
    assert not list((page.parent / "tables").glob("ranks.*"))


def test_the_same_suites_give_the_same_bytes(five, tmp_path, written):
    assert files(write(MultiSuite(five.suites), tmp_path / "again").parent) == files(written.parent)


def test_what_suites_differ_in_and_what_their_records_lack_is_told(named, tuned, tmp_path):
    part = without(
        named("part", training={"training.epochs": 20, "encoder.width": 0.25}).results, method="late", fold=1
    )
    whole = tuned(named("whole", seed=1, training={"training.epochs": 60, "encoder.width": 0.25}).results)
    whole = replace(whole, provenance=replace(whole.provenance, synthetic=False, versions={"torch": ["2.16.0"]}))
    page = read(write(MultiSuite([Compared(part), Compared(whole)]), tmp_path / "r"))
    top = page.text[: page.text.index("has the highest accuracy")]
    assert "part, incomplete: 14 of 15 planned runs are done." in top
    assert "part, unequal: methods were tested on different folds." in top
    assert "Suites differ in faces, epochs, tuned" in top
    assert "The faces of part are synthetic." in top
    assert "Tuned not on its data nested, 20 trials in each study" in page.text
    assert "version of torch 2.15.0 2.16.0" in page.text
    assert "encoder.width" not in page.text
    assert page.text.count("These records are incomplete, unequal;") == 2


def test_hostile_names_stay_text(named, tmp_path):
    first = named("a", skills={EVIL: 1.0, "plain": 0.5}, control=EVIL, called=EVIL, description=EVIL)
    evil = named(EVIL, skills={EVIL: 1.0, "plain": 0.5}, seed=1, hardware=[EVIL])
    page = write(MultiSuite([first, with_info(evil.results, EVIL, version=EVIL)]), tmp_path / "evil")
    seen = read(page)
    assert [tag for tag, _ in seen.elements].count("script") == 1  # the page's own
    assert not any(key.startswith("on") for _, attributes in seen.elements for key in attributes)
    assert seen.text.count(EVIL) >= 12
    lines = (page.parent / "report.md").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if "<script" in line]
    rows = (page.parent / "tables" / "overview.tex").read_text(encoding="utf-8").splitlines()
    assert not [row for row in rows if not row.startswith("%") and "$a^b" in row]
