"""What papers report is read strictly, shown with its standing, and never where it would invite a wrong comparison."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from reports.page.page import write_report
from reports.schema import ReportError
from reports.tables.published import published

pytestmark = pytest.mark.usefixtures("sketched")

GOOD = """
[[results]]
method = "A"
year = 2020
dataset = "bu3dfe"
accuracy = 88.5
source = "a journal"
checked = true
"""


class Cells(HTMLParser):
    """The rows of the table below a heading, each a list of its cells' texts."""

    def __init__(self, html, heading):
        super().__init__()
        self.rows = []
        self.feed(html[html.index(f'<h2 id="{heading}">') :].split("</table>", maxsplit=1)[0])

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += f" {data.strip()}" if data.strip() else ""


def of(results, kind):
    """The same results as if they were of another dataset."""
    plan = results.provenance
    dataset = {**plan.dataset, "source": {"kind": kind, "version": 1}, "shareable": False}
    return replace(results, provenance=replace(plan, dataset=dataset, synthetic=False))


@pytest.mark.parametrize("dataset", ["bu3dfe", "bosphorus"])
def test_every_figure_is_on_the_page_with_its_standing(dataset, small, tmp_path):
    path = write_report(of(small, dataset), tmp_path / "report")
    rows = Cells(path.read_text(encoding="utf-8"), "published").rows[1:]
    figures = published(dataset)
    assert len(rows) == len(figures) > 6
    for row, figure in zip(rows, figures.to_dict("records"), strict=True):
        method, accuracy, protocol, year, source = (cell.strip() for cell in row)
        standing = "in its abstract" if figure["checked"] else "from memory, unverified"
        assert (method, source, year) == (figure["method"], figure["source"], str(figure["year"]))
        assert accuracy == f"{100 * figure['accuracy']:.2f} {standing}"
        assert protocol == (figure["protocol"] or "not known")


def test_afnetm_s_own_figures_are_recalled_ones():
    for dataset, figure in (("bu3dfe", 0.9008), ("bosphorus", 0.8831)):
        row = published(dataset).set_index("method").loc["AFNet-M"]
        assert (row["accuracy"], row["checked"], row["protocol"]) == (figure, False, "")


def test_published_and_measured_figures_share_no_table(small, tmp_path):
    path = write_report(of(small, "bu3dfe"), tmp_path / "report")
    page = path.read_text(encoding="utf-8")
    assert [row[0].strip() for row in Cells(page, "comparison").rows] == ["Method", "plain", "afnetm"]
    for name in ("comparison.csv", "comparison.md", "comparison.tex"):
        assert "MFEViT" not in (path.parent / "tables" / name).read_text(encoding="utf-8")
    assert 'href="#published"' in page
    with (path.parent / "tables" / "published.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], float(row["accuracy"])) for row in rows][:2] == [("MFEViT", 0.9083), ("CMANet", 0.9024)]
    assert {row["checked"] for row in rows} == {"True", "False"}


@pytest.mark.parametrize("kind", ["synthetic", "folder"])
def test_other_faces_are_set_beside_no_paper(kind, small, tmp_path):
    path = write_report(of(small, kind), tmp_path / "report")
    assert not re.search(r"(?i)published|MFEViT", path.read_text(encoding="utf-8"))
    assert not (path.parent / "tables" / "published.csv").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("year = 2020", "", "result 1, key 'year': it is missing"),
        ("year = 2020", "year = 2020\nyaer = 2020", "result 1, key 'yaer': there is no such key"),
        ("year = 2020", "year = 20", "result 1, key 'year': .*1990, found 20"),
        ("year = 2020", 'year = "2020"', "result 1, key 'year': .*integer, found '2020'"),
        ("accuracy = 88.5", "accuracy = 0.885", "result 1, key 'accuracy': .*greater than 1, found 0.885"),
        ("accuracy = 88.5", "accuracy = nan", "result 1, key 'accuracy'"),
        ("checked = true", "checked = 1", "result 1, key 'checked'"),
        ("checked = true", 'checked = true\nprotocol = "P3"', "result 1, key 'protocol': .*'P1' or 'P2', found 'P3'"),
        ('"bu3dfe"', '"bu-3dfe"', "result 1, key 'dataset': .*found 'bu-3dfe'"),
        ("[[results]]", "[[papers]]", "key 'results': it is missing"),
        ("[[results]]", "[[results", "not valid TOML"),
        (GOOD, GOOD + GOOD, "result 2 is there twice: A, 2020, bu3dfe, None"),
    ],
)
def test_a_slip_of_the_pen_is_named_in_one_line(old, new, message, tmp_path):
    (tmp_path / "p.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(ReportError, match=message) as refused:
        published("bu3dfe", file=tmp_path / "p.toml")
    assert str(refused.value).startswith("p.toml: ")
    assert "\n" not in str(refused.value)


def test_what_is_right_is_read(tmp_path):
    (tmp_path / "p.toml").write_text(GOOD)
    (row,) = published("bu3dfe", file=tmp_path / "p.toml").to_dict("records")
    assert (row["method"], row["accuracy"], row["protocol"], row["checked"]) == ("A", 0.885, "", True)
    assert published("bosphorus", file=tmp_path / "p.toml").empty
