"""The page: whole, alone, the same every time, and harmless whatever a method is called."""

import base64
import hashlib
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import reports
from reports.data.results import Results
from reports.page.page import write_report
from reports.schema import ReportError

TEMPLATES = Path(reports.__file__).parent / "page" / "templates"
EVIL = '<script>alert("x")</script> & $a^b_{c}$ \' " id="q'


class Page(HTMLParser):
    """Elements with their attributes, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def read(path):
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    return read(write_report(results, tmp_path_factory.mktemp("reports") / "quick"))


def files(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_same_results_give_the_same_bytes_whatever_the_order_of_rows(small, tmp_path):
    write_report(small, tmp_path / "one")
    mixed = replace(
        small,
        folds=small.folds.sample(frac=1.0, random_state=1),
        predictions=small.predictions.sample(frac=1.0, random_state=2),
        curves=small.curves.sample(frac=1.0, random_state=3),
    )
    write_report(mixed, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_nothing_of_the_page_lies_elsewhere(page):
    assert not {tag for tag, _ in page.elements} & {"img", "iframe", "object", "embed", "base", "form"}
    assert [attributes for tag, attributes in page.elements if tag == "script"] == [{}]
    links = {value for _, attributes in page.elements for key, value in attributes.items() if key in ("href", "src")}
    assert {
        link for link in links if not link.startswith(("#", "tables/", "figures/", "report.md", "leaderboard.html"))
    } == set()
    policy = next(
        attributes["content"] for tag, attributes in page.elements if tag == "meta" and "http-equiv" in attributes
    )
    script = TEMPLATES / "sort.js"
    trusted = base64.b64encode(hashlib.sha256(script.read_bytes()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{trusted}'"
    styles = "".join(attributes.get("style", "") or "" for _, attributes in page.elements) + page.text
    assert not re.search(r"@import|url\((?!#)|https?:", styles)


def test_anchors_lead_somewhere_and_ids_are_unique(page):
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert [name for name, times in ids.items() if times > 1] == []
    used = {v for _, attributes in page.elements for k, v in attributes.items() if k == "href" and v.startswith("#")}
    clipped = {f"#{v[5:-1]}" for _, attributes in page.elements for k, v in attributes.items() if k == "clip-path"}
    labelled = {
        f"#{attributes['aria-labelledby']}" for _, attributes in page.elements if "aria-labelledby" in attributes
    }
    assert clipped
    assert {anchor[1:] for anchor in used | clipped | labelled} <= set(ids)


def test_every_picture_says_in_words_what_it_shows(page, results):
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert len(pictures) == 4 + 3 * 5 + 3 + 1
    assert all(picture["role"] == "img" and len(picture["aria-label"]) > 60 for picture in pictures)
    right = results.predictions.query("method == 'late' and expression == 'fear'")["predicted"] == "fear"
    confusion = next(p["aria-label"] for p in pictures if f"fear {100 * right.mean():.0f} % right" in p["aria-label"])
    assert confusion.startswith("Confusion matrix: anger ")


def test_pictures_follow_the_page_s_colours(page):
    styles = [attributes["style"] for _, attributes in page.elements if "style" in attributes]
    assert any("var(--accent)" in style for style in styles)
    assert not [style for style in styles if re.search(r"#[0-9a-f]{6}|font-family", style)]


def test_the_summary_has_a_picture(page):
    ids = [attributes.get("id", attributes.get("aria-label", "")) for _, attributes in page.elements]
    first = next(number for number, name in enumerate(ids) if name.startswith("Accuracy against parameters"))
    assert ids.index("summary") < first < ids.index("comparison")


def test_the_numbers_on_the_page_are_those_of_the_table(page, results):
    for method in results.methods:
        rows = results.predictions[results.predictions["method"] == method]
        assert f"{100 * (rows['expression'] == rows['predicted']).mean():.1f}" in page.words


def test_a_suite_without_a_search_has_no_section_on_tuning(page):
    assert "Tuning" not in page.text
    assert "No method was tuned on this dataset" in page.text


@pytest.mark.usefixtures("sketched")
def test_synthetic_faces_are_called_synthetic(page, small, tmp_path):
    words = "says nothing about real ones"
    assert words in page.text
    real = replace(small, provenance=replace(small.provenance, synthetic=False))
    assert words not in read(write_report(real, tmp_path / "real")).text


@pytest.mark.usefixtures("sketched")
def test_the_protocol_is_told(make, tmp_path):
    results = make(skills={"a": 0.5, "b": 9.0}, subjects=12, drawn=6, repeats=3, folds=3, epochs=2)
    protocol = {"folds": 3, "repeats": 3, "seed": 7, "subjects": 6, "redraw": True, "complete": True}
    page = read(
        write_report(replace(results, provenance=replace(results.provenance, protocol=protocol)), tmp_path / "r")
    )
    assert "3 repeats, 6 subjects redrawn in every repeat." in page.text
    assert "redraw true complete true" in page.text
    earlier = replace(results.provenance, protocol={"folds": 3, "repeats": 3, "seed": 7})  # before there was drawing
    assert "drawn anew" not in read(write_report(replace(results, provenance=earlier), tmp_path / "e")).text


def test_a_hostile_method_name_stays_text(make, tmp_path):
    results = make(skills={EVIL: 1.0, "plain": 0.5}, subjects=6, folds=2, epochs=2)
    plan = replace(results.provenance, description=EVIL, suite_toml=EVIL, failed=[(EVIL, 0, 0, EVIL)], control=EVIL)
    page = read(write_report(replace(results, provenance=plan), tmp_path / "evil"))
    assert [tag for tag, _ in page.elements].count("script") == 1  # the page's own
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)
    assert page.text.count(EVIL) >= 8


@pytest.mark.usefixtures("sketched")
def test_an_incomplete_report_says_so_at_its_top(small, drop, tmp_path):
    part = drop(small, method="plain", fold=1)
    page = read(write_report(part, tmp_path / "part"))
    assert page.text.index("Incomplete: 3 of 4 planned runs are done.") < page.text.index("has the highest accuracy")


@pytest.mark.usefixtures("sketched")
def test_no_subject_is_named_unless_the_dataset_is_shareable(small, tmp_path):
    plan = replace(small.provenance, planned=5, failed=[("plain", 0, 2, "ValueError: no landmarks in s003_fear_4")])
    private = replace(plan, dataset={**plan.dataset, "shareable": False})
    formatted, hidden = (
        write_report(replace(small, provenance=one), tmp_path / name).read_text(encoding="utf-8")
        for name, one in (("shown", plan), ("hidden", private))
    )
    assert "no landmarks in s003_fear_4" in formatted
    assert "ValueError (message withheld" in hidden
    assert not [name for name in small.predictions["subject"].unique() if re.search(rf"\b{name}(_|\b)", hidden)]


@pytest.mark.usefixtures("sketched")
def test_a_new_report_replaces_the_old_one_whole(small, tmp_path):
    place = tmp_path / "reports" / "quick"
    write_report(small, place)
    (place / "tables" / "stale.csv").write_text("old")
    assert write_report(small, place) == place / "index.html"
    assert not (place / "tables" / "stale.csv").exists()
    assert [path.name for path in place.parent.iterdir()] == ["quick"]


@pytest.mark.usefixtures("sketched")
def test_a_report_that_cannot_be_made_leaves_the_old_one(small, tmp_path, monkeypatch):
    place = tmp_path / "quick"
    write_report(small, place)
    before = files(place)
    broken = replace(small.provenance, created=Unprintable())
    with pytest.raises(RuntimeError, match="no text"):
        write_report(replace(small, provenance=broken), place)
    assert files(place) == before
    assert [path.name for path in tmp_path.iterdir()] == ["quick"]


class Unprintable:
    def __str__(self):
        raise RuntimeError("no text")


def test_a_folder_that_holds_something_else_is_refused(small, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ReportError, match="holds no report"):
        write_report(small, tmp_path)
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.parametrize(
    "shape",
    [
        {"skills": {"only": 0.5}, "subjects": 4, "folds": 2, "intensities": (4,), "epochs": 1},
        {"skills": {"a": 0.5, "b": 9.0}, "subjects": 1, "folds": 1, "intensities": (0,), "epochs": 1},
        {"skills": {"a": 0.5, "b": 0.6, "c": 0.7}, "subjects": 10, "folds": 5, "repeats": 3, "epochs": 2},
    ],
)
def test_small_and_large_suites_make_a_page(make, tmp_path, shape):
    page = read(write_report(make(**shape), tmp_path / "report"))
    assert "nan" not in page.text.split()


@pytest.mark.usefixtures("sketched")
def test_methods_without_curves_have_no_learning_section(small, tmp_path):
    bare = replace(small, curves=small.curves.iloc[:0])
    assert "Learning curves" not in read(write_report(bare, tmp_path / "bare")).text


def test_neither_torch_nor_the_figure_state_of_pyplot_is_loaded():
    code = (
        "import sys, reports.page.page; "
        "print([name for name in ('torch', 'matplotlib.pyplot', 'seaborn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_results_stay_as_they_are(small, tmp_path):
    before = {name: getattr(small, name).copy() for name in ("folds", "predictions", "curves")}
    write_report(small, tmp_path / "quick")
    assert isinstance(small, Results)
    assert all(frame.equals(getattr(small, name)) for name, frame in before.items())
