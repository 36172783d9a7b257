"""All files beside the page are listed on it, and each link leads to one."""

from urllib.parse import unquote

import pytest

from reports.files import listed
from reports.page.page import write_report
from tests.reports.page.test_page import read

pytestmark = pytest.mark.usefixtures("sketched")


def test_every_file_is_listed_once_and_every_link_leads_to_one(small, drop, tmp_path):
    page = write_report(drop(small, method="plain", fold=1), tmp_path / "quick")
    links = [attributes["href"] for tag, attributes in read(page).elements if tag == "a"]
    outside = [unquote(link) for link in links if not link.startswith("#")]
    there = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*") if path.is_file()}
    assert set(outside) == there - {"index.html"}
    assert {"report.md", "tables/notices.txt", "tables/details.tex"} <= there
    assert len(outside) == len(set(outside))


def test_files_that_differ_in_their_ending_stand_together_and_odd_names_are_quoted():
    found = listed(["tables/b.md", "report.md", "tables/b.csv", "tables/a #1.csv"])
    assert found == {
        "The report": [("report", [(".md", "report.md")])],
        "Tables": [
            ("a #1", [(".csv", "tables/a%20%231.csv")]),
            ("b", [(".csv", "tables/b.csv"), (".md", "tables/b.md")]),
        ],
    }
