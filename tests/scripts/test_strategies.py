"""docs/strategies.md and its pictures: whole, as the script writes them, and true to classes, gallery and table."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

import pandas as pd
import pytest

from reports.formats import NOTHING
from scripts.diagrams import WIDTH, Diagram, document, parsed
from scripts.strategies import GALLERY, LEGEND, PAGE, PICTURES, ROOT, documents, main, stale, table

TEXT = PAGE.read_text(encoding="utf-8")
POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["afnetm.methods"]
SPECS = {name: spec for name, spec in table().items() if name != "changes"}
SVG = "{http://www.w3.org/2000/svg}"


def test_the_page_and_its_pictures_are_what_the_script_writes() -> None:
    left = [str(path.relative_to(ROOT)) for path in stale(documents())]
    assert not left, "run `python -m scripts.strategies --write`"


@pytest.mark.parametrize("name", POINTS)
def test_every_registered_method_has_a_section_with_its_picture_and_a_row(name: str) -> None:
    assert name in SPECS, f"scripts/strategies.toml needs a table [{name}]: changes, text and picture"
    assert (PICTURES / f"{name}.svg").is_file()
    (title,) = re.findall(rf"^### (.+)\n\n<img src=\"pictures/strategies/{name}\.svg\"", TEXT, re.MULTILINE)
    (row,) = re.findall(rf"^\| \[{re.escape(title)}\]\(#\S+\)(?: §)?, `{name}` \| (.+) \|$", TEXT, re.MULTILINE)
    assert len(row.split(" | ")) == 4


def test_nothing_else_has_a_section() -> None:
    pictures = re.findall(r'src="pictures/strategies/(\w+)\.svg"', TEXT)
    assert sorted(pictures) == sorted(POINTS)
    assert {path.stem for path in PICTURES.iterdir()} == {*POINTS, "legend"}


def test_where_a_method_stands_is_what_the_gallery_s_table_says() -> None:
    accuracy, controls = (
        pd.read_csv(GALLERY / suite / "tables" / "comparison.csv", index_col="method")["accuracy"]
        for suite in ("fusion", "masks")
    )
    rows = re.findall(r"`(\w+)` \|.*\| (\S+) [^|]* \| (\S+) \|$", TEXT, re.MULTILINE)
    assert {name for name, *_ in rows} == set(POINTS)
    for name, found, rank in rows:
        if name in accuracy.index:
            better = (accuracy > accuracy[name]).sum()
            assert (found, rank) == (f"{100 * accuracy[name]:.1f}", str(better + 1))
        else:
            assert (found, rank) == (f"{100 * controls[name]:.1f}", NOTHING)


def test_what_is_stale_is_named_and_what_nobody_registers_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {tmp_path / "page.md": "new", tmp_path / "one.svg": "drawn"}
    (tmp_path / "page.md").write_text("old")
    (tmp_path / "gone.svg").write_text("of nobody")
    for name, value in {"ROOT": tmp_path, "PICTURES": tmp_path, "PAGE": tmp_path / "page.md"}.items():
        monkeypatch.setattr(f"scripts.strategies.{name}", value)
    monkeypatch.setattr("scripts.strategies.documents", lambda: made)
    assert main([]) == 1
    assert capsys.readouterr().out.split() == ["gone.svg", "one.svg", "page.md"]
    assert main(["--write"]) == 0
    assert {path: path.read_text() for path in tmp_path.iterdir()} == made
    assert main([]) == 0


@pytest.mark.parametrize("name", SPECS)
def test_a_picture_has_its_words_as_text_inside_of_its_bounds_and_no_two_cells_overlap(name: str) -> None:
    """Of strategies that are not yet registered, too."""
    assert set(SPECS[name]) == {"changes", "text", "picture"}
    assert SPECS[name]["changes"] in table()["changes"]
    diagram = Diagram(SPECS[name]["picture"])
    root = ElementTree.fromstring(diagram.document(name))
    assert [text.text for text in root.iter(f"{SVG}text")] == [
        cell.text for cell in diagram.cells if cell.kind != "stop"
    ]
    boxes = [[float(rect.get(key)) for key in ("x", "y", "width", "height")] for rect in root.iter(f"{SVG}rect")][1:]
    for x, y, width, height in boxes:
        assert 0 < x < x + width < WIDTH
        assert 0 < y < y + height < diagram.height
    for row in range(diagram.rows):
        cells = diagram.row(row)
        for left, right in pairwise(cells):
            assert diagram.x[left.column] + left.width / 2 < diagram.x[right.column] - right.width / 2
    assert all(cell.row != row for cell, row in diagram.links)
    for cell in diagram.cells:  # an arrow that meets nothing is a mistake of the table
        assert not cell.arrow or any(other is cell for other, _ in diagram.links), cell.text


def test_wires_are_dashed_where_nothing_reads_them_at_test_time() -> None:
    diagram = Diagram("""
texture  4  .        class~
.        .  >(sum)   .
depth    4  .        .
""")
    x = [f"{place:.1f}" for place in diagram.x]
    wires = re.findall(r'class="([^"]+)" d="M(\S+) \S+H([^"]+)"', "".join(diagram.wires()))
    assert wires == [("wire", x[0], x[2]), ("wire training", x[2], x[3]), ("wire", x[0], x[2])]


def test_cells_are_read_as_their_grammar_says() -> None:
    cells = parsed("texture  4*  <>[gate]~  (a b)  {self}*~  //  fc  class")
    assert [(cell.kind, cell.arrow, cell.training, cell.masks) for cell in cells] == [
        ("input", "", False, ""),
        ("stage", "", False, "*"),
        ("learnt", "<>", True, ""),
        ("plain", "", False, ""),
        ("tokens", "", False, "*~"),
        ("stop", "", False, ""),
        ("layer", "", False, ""),
        ("class", "", False, ""),
    ]
    assert [cell.text for cell in cells][2:4] == ["gate", "a b"]
    assert {parsed(text)[0].kind for text, _ in LEGEND} == {cell.kind for cell in cells} - {"input"}
    for wrong in ("texture  >", "texture  4~~", "texture  [gate"):
        with pytest.raises(ValueError, match="is no cell"):
            parsed(wrong)
    with pytest.raises(ValueError, match="pixels too wide"):
        Diagram("texture  " + "  ".join(["[attention]"] * 8))


def test_a_picture_follows_the_reader_s_light_or_dark_and_escapes_what_it_says() -> None:
    made = document(10, 10, "a < b & c", [])
    assert ElementTree.fromstring(made).findtext(f"{SVG}title") == "a < b & c"
    assert "@media(prefers-color-scheme:dark){svg{--ink:#e" in made


def test_the_example_of_contributing_can_be_drawn() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^    \[mine\]\n(?:    .*\n)+", text, re.MULTILINE)
    (spec,) = tomllib.loads(dedent(example)).values()
    assert spec["changes"] in table()["changes"]
    assert len(Diagram(spec["picture"]).links) == 2
