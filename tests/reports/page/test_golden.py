"""Fixed results and the tables they have always given, and that pictures show the numbers of the tables.

Where tables are meant to change: ``python -m tests.reports.page.test_golden`` writes them anew, to be read before they
are committed.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from reports.data.outside import read_results
from reports.data.results import Results
from reports.page.page import write_report
from reports.pictures import figures, hardest, pareto, per_method
from reports.pictures.per_method import by_intensity
from reports.pictures.theme import Picture
from reports.tables.comparison import comparison
from tests.reports.conftest import EXPRESSIONS

GOLDEN = Path(__file__).parent / "golden"
EXACT = ("comparison.md", "comparison.tex", "details.md", "details.tex", "pairwise.md", "pairwise.tex")
NUMBERS = ("comparison.csv", "details.csv", "pairwise.csv")


def read() -> Results:
    return read_results(GOLDEN / "folds.csv", GOLDEN / "predictions.csv", created="then", with_faces=True)


def write(folder: Path) -> Path:
    return write_report(read(), folder / "report").parent


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", EXACT)
def test_tables_for_people_are_the_same_to_the_last_byte(report: Path, name: str) -> None:
    assert (report / "tables" / name).read_bytes() == (GOLDEN / "tables" / name).read_bytes()


def test_the_report_as_markdown_is_the_same_to_the_last_byte(report: Path) -> None:
    assert (report / "report.md").read_bytes() == (GOLDEN / "report.md").read_bytes()


@pytest.mark.parametrize("name", NUMBERS)
def test_tables_for_programs_have_the_same_numbers(report: Path, name: str) -> None:
    """To what processors agree on: the order of a sum's terms is theirs."""
    found, expected = (pd.read_csv(folder / "tables" / name) for folder in (report, GOLDEN))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12, atol=1e-15)


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn from now on, as they are before they become pictures."""
    found: list[Figure] = []

    def keep(figure: Figure, alt: str) -> Picture:
        found.append(figure)
        return Picture("", b"", alt)

    for module in (figures, hardest, pareto, per_method):
        monkeypatch.setattr(module, "drawn", keep)
    return found


def dots(figure: Figure, panel: int = 0, *, of: int = 1) -> list[tuple[float, float]]:
    """Where the lines of `of` points lie."""
    lines = [line.get_xydata() for line in figure.axes[panel].lines]
    return [tuple(map(float, point)) for line in lines if len(line) == of for point in line]


def test_pictures_of_scores_show_the_comparison(drawings: list[Figure]) -> None:
    results = read()
    table = comparison(results)
    figures.scores(table, results.folds)
    figures.differences(table, control=results.control)
    scores, differences = drawings
    formatted = [axis.get_text() for axis in scores.axes[0].get_yticklabels()]
    assert formatted == table["method"].tolist()
    assert [x for x, _ in dots(scores)] == pytest.approx((100 * table["accuracy"]).tolist())
    strips = [strip.get_offsets() for strip in scores.axes[0].collections if isinstance(strip, PathCollection)]
    for row, method in enumerate(table["method"]):
        own = 100 * results.folds.loc[results.folds["method"] == method, "accuracy"]
        drawn = [x for strip in strips for x, y in strip if row < y < row + 0.5]
        assert sorted(drawn) == pytest.approx(sorted(own))
    lines = [lines for lines in scores.axes[0].collections if isinstance(lines, LineCollection)]
    ends = [tuple(path.vertices[:, 0]) for line in lines for path in line.get_paths()]
    expected = (100 * table[["accuracy_low", "accuracy_high"]]).to_numpy().tolist()
    np.testing.assert_allclose(ends, expected)
    gaps = table.dropna(subset="difference")
    assert [x for x, _ in dots(differences)] == pytest.approx((100 * gaps["difference"]).tolist())


def test_the_picture_of_costs_has_every_method_where_it_belongs(drawings: list[Figure]) -> None:
    results = read()
    table = comparison(results)
    pareto.cost(table, "parameters", title="parameters", control=results.control)
    (figure,) = drawings
    points = {(round(x), round(y, 6)) for line in figure.axes[0].lines for x, y in line.get_xydata()}
    points |= {(round(x), round(y, 6)) for dots in figure.axes[0].collections for x, y in dots.get_offsets()}
    expected = {(row.parameters, round(100 * row.accuracy, 6)) for row in table.itertuples()}
    assert expected <= points


def test_portraits_show_what_predictions_say(drawings: list[Figure]) -> None:
    results = read()
    own = results.predictions[results.predictions["method"] == "late"]
    per_method.confusion(own, results.classes)
    per_method.intensity(by_intensity(results), "late")
    confusion, intensity = drawings
    counted = pd.crosstab(own["expression"], own["predicted"], normalize="index")
    expected = counted.reindex(index=EXPRESSIONS, columns=EXPRESSIONS, fill_value=0.0)
    message = [text.get_text() for text in confusion.axes[0].texts]
    assert message == [f"{100 * share:.0f}" for share in expected.to_numpy().ravel()]
    right = (own["expression"] == own["predicted"]).groupby(own["intensity"]).mean()
    line = next(line for line in intensity.axes[0].lines if line.get_linestyle() == "-" and line.get_marker() == "o")
    assert line.get_xdata().tolist() == right.index.tolist()
    assert line.get_ydata().tolist() == pytest.approx((100 * right).tolist())


def test_the_picture_of_subjects_has_one_dot_a_subject(drawings: list[Figure]) -> None:
    results = read()
    hardest.subjects(results, "late")
    own = results.predictions[results.predictions["method"] == "late"]
    right = (own["expression"] == own["predicted"]).groupby(own["subject"]).mean()
    formatted = [y for line in drawings[0].axes[0].lines if line.get_marker() == "o" for y in line.get_ydata()]
    assert sorted(formatted) == pytest.approx(sorted(100 * right))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        made = write(Path(scratch))
        (GOLDEN / "tables").mkdir(exist_ok=True)
        for file in (*(f"tables/{name}" for name in (*EXACT, *NUMBERS)), "report.md"):
            (GOLDEN / file).write_bytes((made / file).read_bytes())
