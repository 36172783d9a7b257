"""The leaderboard in a browser: filters, sorting, shared addresses, figures by keys, axe-core, and without scripts.

Needs Chromium, without which it is skipped.
"""

from itertools import count

import pytest

from reports.page.leaderboard import write_leaderboard
from tests.axe import violations
from tests.chromium import BROWSER, browser
from tests.reports.leaderboard.conftest import entries

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
_VISITS = count()
SHOWN = "[...document.querySelectorAll('tbody tr')].filter((row) => row.offsetHeight).map((row) => row.id)"
MARKS = "[...document.querySelectorAll('.mark')].filter((mark) => mark.getBoundingClientRect().width).length"


@pytest.fixture(scope="module")
def page(fusion, tuned_suite, tmp_path_factory):
    path = tmp_path_factory.mktemp("board") / "leaderboard.html"
    reports = {"fusion": "../fusion/index.html", "clean": "../clean/index.html"}
    write_leaderboard(entries([fusion, tuned_suite], reports), path, created="now", report="index.html")
    return path


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser"), webgl=False) as one:
        yield one


def visit(tab, page, fragment="", **look):
    """Opens the page anew: without another query a browser would stay on the one that it has."""
    return tab.open(f"{page.as_uri()}?{next(_VISITS)}{fragment}", **look)


def test_axe_finds_nothing_serious_light_and_dark_wide_and_narrow(page, tab, axe):
    for dark, width in ((False, 1280), (True, 400)):
        visit(tab, page, dark=dark, width=width)
        assert violations(tab, axe) == []
        tab.value("location.hash = 'q=nothing+like+it'; 0")
        tab.wait("document.querySelector('output').value.startsWith('0 of')")
        assert violations(tab, axe) == []


def test_filters_narrow_rows_and_figures_and_stay_in_the_address(page, tab, fusion):
    visit(tab, page)
    assert tab.value("document.querySelector('output').value") == "8 of 8 rows"
    assert tab.value(MARKS) == 16

    def choose(name, value):
        tab.value(
            f"(({{ elements }}) => {{ elements['{name}'].value = '{value}'; }})(document.forms[0]);"
            "document.forms[0].dispatchEvent(new Event('input'))"
        )
        return [int(one.removeprefix("row-")) for one in tab.value(SHOWN)]

    assert len(choose("masks", "yes")) == 2
    assert tab.value(MARKS) == 4
    assert choose("suite", "clean")[0] > 5
    assert tab.value("document.querySelectorAll('section[data-suite]:not([hidden])').length") == 1
    address = tab.value("location.hash")
    assert address == "#suite=clean&masks=yes"
    assert choose("masks", "") == [6, 7, 8]
    assert choose("suite", "") == [*range(1, 9)]
    at_most = sum(fusion.table["parameters"] <= 0.99e6) + 2  # depth and afnetm of the other suite
    assert len(choose("parameters", "0.99")) == at_most
    assert len(choose("parameters", "")) == 8
    fast = (fusion.table["train_seconds"] <= 120).sum()
    choose("suite", "fusion")
    assert len(choose("seconds", "2")) == fast > 0
    choose("seconds", "")
    assert len(choose("q", "LATE fusion")) == 1
    assert choose("q", "no such method") == []
    assert "No method fits; clear the filters." in tab.value("document.body.innerText")
    tab.value("document.querySelector('button[type=reset]').click()")
    tab.wait("document.querySelector('output').value === '8 of 8 rows'")
    assert "No method fits" not in tab.value("document.body.innerText")
    assert tab.value("location.hash") in {"", "#"}
    visit(tab, page, address)
    assert tab.value("document.querySelector('output').value") == "1 of 8 rows"


def test_rows_are_sorted_by_any_column_and_the_address_knows_it(page, tab, tuned_suite, fusion):
    def ids():
        return tab.value("[...document.querySelectorAll('tbody tr')].map((row) => row.id)")

    visit(tab, page)
    given = ids()
    tab.value("document.querySelector('th[data-key=accuracy] button').click()")
    accuracies = [*fusion.table["accuracy"].sort_values(), *tuned_suite.table["accuracy"].sort_values()]
    found = tab.value("[...document.querySelectorAll('tbody tr')].map((row) => row.cells[3].dataset.value)")
    assert [float(one) for one in found] == sorted(accuracies, reverse=True)
    tab.value("document.querySelector('th[data-key=suite] button').click()")
    assert tab.value("location.hash") == "#sort=suite.ascending"
    by_suite = ids()
    assert by_suite[:3] == ["row-6", "row-7", "row-8"]
    address = tab.value("location.hash")
    visit(tab, page, address)
    assert ids() == by_suite != given


def test_a_figure_is_one_stop_of_tab_whose_arrows_go_on_and_say_numbers(page, tab):
    visit(tab, page)
    stops = "document.querySelectorAll('.drawing .mark[tabindex=\"0\"]').length"
    assert tab.value(stops) == 4
    tab.value("document.querySelector('.drawing .mark[tabindex=\"0\"]').focus()")
    tab.press("ArrowLeft")
    label = tab.value("document.activeElement.getAttribute('aria-label')")
    assert tab.value("document.querySelector('.tip').textContent") == label
    assert "parameters" in label
    tab.press("ArrowRight")
    assert tab.value("document.activeElement.getAttribute('aria-label')") != label
    tab.press("Enter")
    row = tab.value("document.activeElement.id")
    assert row.startswith("row-")
    assert tab.value("location.hash") == ""
    assert tab.value("document.querySelector('.tip').hidden")
    assert tab.value(f"document.querySelectorAll('.lit[data-row={row}]').length") == 2
    assert tab.errors == []


def test_without_scripts_it_is_a_table_with_figures_and_no_filters(page, tab):
    tab("Emulation.setScriptExecutionDisabled", value=True)
    try:
        visit(tab, page)
        text = tab.value("document.body.innerText")
    finally:
        tab("Emulation.setScriptExecutionDisabled", value=False)
    assert "AFNet-M" in text
    assert "Clear filters" not in text
    assert "No method fits" not in text
    assert {one.partition("?")[0] for one in tab.asked} == {page.as_uri()}
    assert tab.errors == []
