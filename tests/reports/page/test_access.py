"""The page in a browser: nothing serious found by axe-core, light and dark, and tables that can be sorted.

Needs Chromium, without which it is skipped.
"""

import json
import re
import subprocess
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from reports.page.page import write_report
from tests.axe import violations
from tests.chromium import BROWSER, browser
from tests.reports.pictures.test_attention import cells
from tests.reports.pictures.test_hardest_faces import face

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
TELL = "const tell = (found) => { document.body.innerHTML = ''; document.body.textContent = JSON.stringify(found); };"


@pytest.fixture(scope="module")
def html(results, drop, tuned, tmp_path_factory):
    """A page with most of what one can have."""
    part = tuned(drop(results, method="late", fold=1), searches=2, reseeds=1)
    scans = part.predictions["scan"].unique()
    part = replace(part, faces={scan: face(90) for scan in scans}, maps=cells([[0.1, 0.4], [0.2, 0.3]]))
    return write_report(part, tmp_path_factory.mktemp("reports") / "quick").read_text(encoding="utf-8")


def seen(html: str, folder: Path, *scripts: str):
    """What the page tells, with `scripts` run in it, which its policy would not let in."""
    page = folder / "page.html"
    html = re.sub(r"<meta http-equiv=[^>]*>", "", html)
    added = "".join(f"<script>{script}</script>" for script in (TELL, *scripts))
    page.write_text(html.replace("</body>", f"{added}</body>"), encoding="utf-8")
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    switches += ["--virtual-time-budget=20000", f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [str(BROWSER), *switches, page.as_uri()], capture_output=True, text=True, check=True, timeout=300
    )
    body = re.search(r"<body>(.*)</body>", done.stdout, re.DOTALL)
    assert body
    return json.loads(unescape(body.group(1)))


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(html, axe, tmp_path, dark):
    page = tmp_path / "page.html"
    page.write_text(html, encoding="utf-8")
    with browser(tmp_path, webgl=False) as tab:
        tab.open(page.as_uri(), dark=dark)
        ground = tab.value("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == dark
        assert violations(tab, axe) == []


def test_tables_are_sorted_by_a_column_the_other_way_round_and_back(html, tmp_path):
    run = """
        const table = document.querySelector("table[data-sort]"), heads = [...table.tHead.rows[0].cells];
        const rows = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
        const found = [rows()];
        for (const column of [1, 1, 1, 4, 4, 0]) {
            heads[column].querySelector("button").click();
            found.push([...rows(), ...heads.map((head) => head.getAttribute("aria-sort")).filter(Boolean)]);
        }
        tell(found);
    """
    suite, down, up, back, gap_down, gap_up, names = seen(html, tmp_path, run)
    assert suite == back == ["texture", "depth", "concat", "late", "afnetm"]
    assert down[0] == "afnetm"
    assert down == [*up[-2::-1], "descending"]
    assert gap_down[4:] == ["afnetm", "descending"]  # the control has no difference to itself: last, either way
    assert gap_up == [*gap_down[3::-1], "afnetm", "ascending"]
    assert names == [*sorted(suite), "ascending"]


def test_the_page_s_policy_lets_its_own_script_in(html, tmp_path):
    page = tmp_path / "index.html"
    page.write_text(html, encoding="utf-8")
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]
    switches += ["--virtual-time-budget=3000", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [str(BROWSER), *switches, page.as_uri()], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.count('<button type="button">') > 15
    assert "<button" not in html
