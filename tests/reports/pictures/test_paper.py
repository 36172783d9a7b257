"""Every picture as a paper includes it: as wide as a column or a page, with a paper's type, and labelled axes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.multi_suite.diagram import diagram
from reports.pictures.collection import draw_pictures, write_pictures
from reports.pictures.figures import differences
from reports.pictures.theme import Picture
from reports.statistics.ranks import Ranks
from reports.tables.compared import Compared
from tests.reports.pictures.test_attention import cells
from tests.reports.pictures.test_hardest_faces import face

#: What is no plot: there is nothing to read off its upright edges.
IMAGES = {"attention", "hardest", "ranks"}


@pytest.fixture(scope="module")
def whole(make):
    """Results with something for every picture, of a method with a display name."""
    results = make(skills={"plain": 0.5, "afnetm": 1.5}, subjects=8, folds=2, epochs=3)
    generator = np.random.default_rng(3)
    scans = np.sort(results.predictions["scan"].unique())
    recorded = {f"nuisance_{name}": generator.uniform(0.0, 3.0, len(scans)) for name in ("blur_mm", "noise")}
    recorded |= {
        f"nuisance_{name}_failure": generator.integers(0, 2, len(scans)).astype(float) for name in ("texture", "depth")
    }
    rows = results.predictions.query("method == 'afnetm'")[["method", "repeat", "fold", "scan"]]
    texture = generator.uniform(0.3, 0.7, len(rows))
    maps = [cells(np.eye(7), kind="gradcam", stream=f"stage {number}") for number in range(5)]
    described = results.provenance.methods
    named = described | {"afnetm": described["afnetm"] | {"title": "AFNet-M"}}
    return replace(
        results,
        importances=rows.assign(texture=texture, depth=1.0 - texture),
        nuisance_factors=pd.DataFrame({"scan": scans, **recorded}),
        maps=pd.concat([cells([[0.1, 0.4], [0.2, 0.3]]), *maps]),
        faces={scan: face(90) for scan in scans},
        provenance=replace(results.provenance, methods=named),
    )


@pytest.fixture(scope="module")
def pictures(whole) -> Mapping[str, Mapping[str, Picture]]:
    return draw_pictures(Compared(whole))


@pytest.fixture(scope="module")
def figures(whole) -> dict[str, list[Figure]]:
    """All figures by section, as they are when they are saved."""
    found: list[Figure] = []

    def save(figure: Figure, to: Any, *, format: str, **_: object) -> None:
        to.write(str(len(found)) if format == "svg" else b"")
        found.extend([figure] if format == "svg" else [])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", save)
        pictures = draw_pictures(Compared(whole))
        ranks = pd.Series({"late": 1.2, "afnetm": 2.0, "depth": 2.8})
        diagram(Ranks(ranks=ranks, statistic=6.4, p=0.04, critical=1.5), {"late": "Late fusion"})
    by_section = {
        name: [found[int(picture.svg)] for picture in drawn.values()] for name, drawn in pictures.items() if drawn
    }
    return by_section | {"ranks": found[-1:]}


def test_every_section_has_a_picture(figures):
    sections = "scores differences parameters seconds confusion intensity learning conditions subjects hardest weights"
    assert set(figures) == {*sections.split(), "nuisance_factors", "attention", "ranks"}


def test_pictures_are_as_wide_as_a_column_or_where_they_have_many_panels_a_page(figures):
    for section, drawn in figures.items():
        for figure in drawn:
            width, height = figure.get_size_inches()
            assert width == (7.0 if section == "attention" else 3.4), section
            assert height < 9.0, section


def test_a_pdf_has_the_size_that_its_picture_was_drawn_in(pictures, tmp_path):
    write_pictures({"scores": pictures["scores"]}, tmp_path / "f")
    assert b"/MediaBox [ 0 0 244.8 " in (tmp_path / "f" / "scores.pdf").read_bytes()


def test_type_is_a_paper_s(figures):
    for section, drawn in figures.items():
        texts = [text for figure in drawn for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
        assert texts, section
        assert {text.get_fontsize() for text in texts} <= {7.0, 7.5, 8.0}, section


def test_every_axis_says_what_it_is_of(figures):
    for section, drawn in figures.items():
        for figure in drawn:
            panels = [axes for axes in figure.axes if axes.axison]
            below = [axes.get_xlabel() for axes in panels] + [figure.get_supxlabel()]
            message = "".join([*below, *(text.get_text() for axes in figure.axes for text in axes.texts)])
            assert any(below) or "mean rank" in message, section
            assert section in IMAGES or all(axes.get_ylabel() for axes in panels), section


def test_runs_stand_in_brackets(figures):
    def labels(section):
        return {
            label for one in figures[section] for axes in one.axes for label in (axes.get_xlabel(), axes.get_ylabel())
        }

    assert labels("scores") == {"Accuracy (%)", "Method"}
    assert labels("differences") == {"Accuracy minus that of\nAFNet-M (pp)", "Method"}
    assert labels("seconds") == {"Time per run (s)", "Accuracy (%)"}
    assert labels("learning") >= {"Epoch", "Training accuracy (%)", "Training loss"}
    assert labels("weights") == {"Change of texture's weight (pp)", "Scans"}


def test_the_label_of_differences_is_whole_beside_long_names(monkeypatch):
    found: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, to, **_: found.append(figure))
    names = ["AFNet-M§", "MA: scale, IWC: position and more"]
    ends = ["difference", "difference_low", "difference_high"]
    table = pd.DataFrame([[name, 0.01, -0.02, 0.03] for name in names], columns=["method", *ends])
    differences(table, control=names[0])
    found[0].set_layout_engine("constrained")
    found[0].draw_without_rendering()
    extent = found[0].axes[0].xaxis.label.get_window_extent()
    assert found[0].bbox.x0 <= extent.x0 < extent.x1 <= found[0].bbox.x1


def test_methods_have_their_display_names(figures, pictures):
    assert [tick.get_text() for tick in figures["scores"][0].axes[0].get_yticklabels()] == ["plain", "AFNet-M"]
    assert "AFNet-M" in pictures["parameters"][""].svg
    assert set(pictures["confusion"]) == {"plain", "afnetm"}  # the page's own keys
