"""Robustness in a report: its tables and pictures of fabricated evaluations."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from reports.data.results import Results
from reports.page.page import write_report
from reports.pictures.collection import draw_pictures
from reports.pictures.robustness import by_severity, calibration, heat_map, texture_weight
from reports.pictures.theme import Picture, drawn
from reports.schema import ReportError
from reports.tables.compared import Compared
from reports.tables.robustness import Evaluated, corruptions_table, featured, robustness_table
from tests.reports.conftest import fabricate

#: By corruption, what share of right answers each severity leaves.
KEPT = {"blur": (0.9, 0.8, 0.6), "gone": (0.3,)}
#: How much more a method keeps.
HARDY = {"texture": 0.0, "depth": 0.1, "afnetm": 0.05}
PLACE = ["method", "corruption", "severity"]
CORRUPTIONS = pd.DataFrame(
    [
        {"corruption": name, "title": name.title(), "group": group, "severity": severity, "value": float(severity)}
        for name, group in (("blur", "texture"), ("gone", "modality"))
        for severity in range(1, len(KEPT[name]) + 1)
    ]
)


def answers(results: Results, hardy: Mapping[str, float] = HARDY, *, seed: int = 0) -> pd.DataFrame:
    """A row a corrupted scan of these methods; right answers are lost at random, and all have a confidence."""
    generator = np.random.default_rng(seed)
    found = []
    tested = results.predictions.assign(right=lambda table: table["expression"] == table["predicted"])
    for (method, repeat, fold, subject), own in tested.groupby(["method", "repeat", "fold", "subject"]):
        for name, shares in KEPT.items() if method in hardy else ():
            for severity, share in enumerate(shares, 1):
                hits = int(generator.binomial(int(own["right"].sum()), share + hardy[method]))
                place = {"method": method, "repeat": repeat, "fold": fold, "subject": subject}
                scans = pd.DataFrame({"hits": np.arange(len(own)) < hits, "confidence": generator.random(len(own))})
                weight = 0.6 - 0.1 * severity * (name == "blur") if method == "afnetm" else np.nan
                found.append(scans.assign(**place, corruption=name, severity=severity, texture=weight))
    return pd.concat(found, ignore_index=True).astype({"hits": "int64"})


def evaluated(results: Results, of: pd.DataFrame, corruptions: pd.DataFrame = CORRUPTIONS) -> Results:
    """The results with what `answers` add up to."""
    of = of.assign(scans=1, bin=np.ceil(15 * of["confidence"]).astype(int) - 1)
    place = ["method", "repeat", "fold", "subject", "corruption", "severity"]
    sums = of.groupby(place)[["scans", "hits", "confidence", "texture"]].sum(min_count=1).reset_index()
    binned = of.groupby(["method", "corruption", "severity", "bin"])[["scans", "hits", "confidence"]].sum()
    weights = results.predictions.query("method == 'afnetm'")[["method", "repeat", "fold", "scan"]]
    return replace(
        results,
        evaluations=sums.astype({"scans": "int64", "hits": "int64"}),
        corruptions=corruptions,
        calibration=binned.reset_index(),
        importances=weights.assign(texture=0.65, depth=0.35),
    )


@pytest.fixture(scope="module")
def clean() -> Results:
    return fabricate(skills={"texture": 0.55, "depth": 0.85, "afnetm": 1.45}, repeats=2)


@pytest.fixture(scope="module")
def scans(clean: Results) -> pd.DataFrame:
    return answers(clean)


@pytest.fixture(scope="module")
def results(clean: Results, scans: pd.DataFrame) -> Results:
    return evaluated(clean, scans)


def calibration_error(confidence: "pd.Series[float]", right: "pd.Series[bool]") -> float:
    """Guo et al. 2017, by their formula: over 15 equal bins of confidence, right-closed."""
    of = pd.cut(confidence, np.linspace(0.0, 1.0, 16))
    gaps = (right.groupby(of, observed=True).mean() - confidence.groupby(of, observed=True).mean()).abs()
    return float((gaps * of.value_counts(normalize=True)).sum())


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Figures of robustness as they are drawn, of which each has its data."""
    found: list[Figure] = []

    def kept(figure: Figure, alt: str) -> Picture:
        found.append(figure)
        return drawn(figure, alt)

    monkeypatch.setattr("reports.pictures.robustness.drawn", kept)
    return found


def cells(picture: Picture) -> list[str]:
    return [text for text in re.findall(r">([^<>\s][^<>]*)</text>", picture.svg) if text.isdigit()]


def test_the_most_robust_method_is_first_and_told_apart_from_the_control(results: Results) -> None:
    found = Evaluated(replace(results, provenance=replace(results.provenance, control="texture"))).table
    assert found["method"].tolist() == ["depth", "afnetm", "texture"]
    first = found.iloc[0]
    assert first["relative"] == pytest.approx(np.mean([np.mean(KEPT["blur"]) + 0.1, 0.4]), abs=0.04)
    assert first["p_holm"] < 0.05
    assert first["difference_low"] > 0
    assert first["worst"] == "gone"
    assert np.isnan(found.iloc[2]["p_holm"])


@pytest.mark.parametrize("seed", range(6))
def test_no_interval_of_a_difference_excludes_zero_where_the_test_does_not_reject(seed: int) -> None:
    clean = fabricate(
        skills={"texture": 0.7, "depth": 0.8, "late": 0.9, "afnetm": 1.0}, subjects=13, repeats=2, seed=seed
    )
    hardy = {"texture": 0.0, "depth": 0.03, "late": 0.06, "afnetm": 0.05}
    found = Evaluated(evaluated(clean, answers(clean, hardy, seed=seed))).table.query("method != 'afnetm'")
    assert len(found) == 3
    assert found["difference"].between(found["difference_low"], found["difference_high"]).all()
    excludes = (found["difference_low"] > 0) | (found["difference_high"] < 0)
    assert excludes.tolist() == (found["p_two_way"] < 0.05).tolist()
    assert (found["p_holm"] >= found["p_two_way"]).all()


def test_overconfidence_is_confidence_minus_accuracy(results: Results, scans: pd.DataFrame) -> None:
    own = scans[scans["method"] == "depth"]
    found = Evaluated(results).table.set_index("method")["overconfidence"]
    assert found["depth"] == pytest.approx(own["confidence"].mean() - own["hits"].mean())


def test_the_worst_group_is_the_one_of_which_least_is_kept(results: Results, scans: pd.DataFrame) -> None:
    two = pd.concat([CORRUPTIONS, CORRUPTIONS.iloc[:3].assign(corruption="dark", title="Dark")], ignore_index=True)
    dark = scans.query("corruption == 'blur'").assign(corruption="dark", hits=0)
    found = Evaluated(evaluated(results, pd.concat([scans, dark]), two))
    clean = results.predictions.assign(right=lambda table: table["expression"] == table["predicted"])
    for row in found.table.to_dict("records"):
        right = clean.loc[clean["method"] == row["method"], "right"].mean()
        own = scans[scans["method"] == row["method"]]
        kept = own.groupby(["corruption", "severity"])["hits"].mean().groupby("corruption").mean() / right
        groups = {"texture": kept["blur"] / 2, "modality": kept["gone"]}  # of dark nothing is kept
        assert row["worst_group"] == min(groups, key=lambda name: groups[name])
        assert row["group_relative"] == pytest.approx(min(groups.values()))
        assert row["group_low"] < row["group_relative"] < row["group_high"]
        assert row["worst"] == "dark"
    shown = {row[0].text: row[-3] for row in robustness_table(found).rows}
    kept = found.table.set_index("method")["group_relative"]
    assert {name: cell.ends for name, cell in shown.items()} == {m: [f"{100 * kept[m]:.1f}"] for m in kept.index}


def test_calibration_under_shift_is_guo_s_error_at_each_severity(results: Results, scans: pd.DataFrame) -> None:
    found = Evaluated(results)
    by_severity = found.by_severity.set_index(["method", "corruption", "severity"])["ece"]
    expected = {place: calibration_error(own["confidence"], own["hits"]) for place, own in scans.groupby(PLACE)}
    assert by_severity.to_dict() == pytest.approx(expected)
    means = pd.Series(expected).groupby(level=[0, 1]).mean().groupby(level=0).mean()
    table = found.table.set_index("method")
    assert table["ece"].to_dict() == pytest.approx(means.to_dict())
    for method, own in results.predictions.groupby("method"):
        confidence = own.filter(like="p_").max(axis=1)
        error = calibration_error(confidence, own["expression"] == own["predicted"])
        assert table["clean_ece"][method] == pytest.approx(error)


def test_a_method_without_probabilities_has_no_calibration(results: Results) -> None:
    bare = results.evaluations["method"] == "depth"
    unknown = results.evaluations.assign(confidence=results.evaluations["confidence"].mask(bare))
    found = Evaluated(replace(results, evaluations=unknown, calibration=results.calibration.query("method != 'depth'")))
    table = found.table.set_index("method")
    assert table.loc["depth", ["ece", "overconfidence"]].isna().all()
    assert table.loc[["afnetm", "texture"], ["ece", "overconfidence"]].notna().all(axis=None)
    assert "depth" not in calibration(found).alt
    none = replace(results, evaluations=results.evaluations.assign(confidence=np.nan), calibration=pd.DataFrame())
    assert calibration(Evaluated(none)) is None


def test_bins_that_are_not_of_these_evaluations_are_refused(results: Results) -> None:
    with pytest.raises(ReportError, match=r"calibration: \(afnetm, blur, 1\) has .* hits of .* scans"):
        replace(results, calibration=results.calibration.iloc[1:])


def test_the_heat_map_s_cells_are_the_table_s_numbers(results: Results) -> None:
    found = Evaluated(results)
    drawn = heat_map(found)
    relative = found.by_corruption.set_index(["method", "corruption"])["relative"]
    rows = [[f"{100 * relative[method, name]:.0f}" for name in KEPT] for method in found.table["method"]]
    assert cells(drawn) == [cell for row in rows for cell in row]
    shown = {row[0].text: [cell.value for cell in row[2:]] for row in corruptions_table(found).rows}
    featured = [column.key for column in corruptions_table(found).columns[2:]]
    assert shown == {name.title(): [relative[method, name] for method in featured] for name in KEPT}
    words = "; ".join(f"{m}: {', '.join(row)}" for m, row in zip(found.table["method"], rows, strict=True))
    assert drawn.alt == f"Relative robustness in % to blur, gone: {words}"


def test_curves_go_through_the_table_s_numbers_from_the_clean_scans_on(results: Results, figures: list[Figure]) -> None:
    found = Evaluated(results)
    table, numbers = found.table.set_index("method"), found.by_severity.set_index(PLACE)
    by_severity(found)
    calibration(found)
    for figure, measure, clean, scale in zip(
        figures, ("accuracy", "ece"), ("clean", "clean_ece"), (100, 1), strict=True
    ):
        panels = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}
        assert list(panels) == ["Blur", "Gone"]
        for name, shares in KEPT.items():
            drawn = [
                line.get_ydata() for line in panels[name.title()].lines if len(line.get_ydata()) == len(shares) + 1
            ]
            expected = [
                [table[clean][m], *(numbers[measure][m, name, s] for s in range(1, len(shares) + 1))]
                for m in table.index
            ]
            order = sorted(range(len(expected)), key=lambda at: expected[at])
            drawn = sorted(drawn, key=list)[-len(expected) :]
            np.testing.assert_allclose(drawn, scale * np.array([expected[at] for at in order]))


def test_a_weight_s_course_is_the_table_s_from_the_clean_scans_on(results: Results, figures: list[Figure]) -> None:
    """AFNet-M trusts texture less the more it is blurred; of the others there is no picture."""
    pictures = {method: draw() for method, draw in texture_weight(Evaluated(results)).items()}
    assert list(pictures) == ["afnetm"]
    (axes,) = figures[0].axes
    drawn = {line.get_label(): dict(zip(*line.get_data(), strict=True)) for line in axes.lines}
    assert drawn["texture"] == pytest.approx({0: 65, 1: 50, 2: 40, 3: 30})
    assert drawn["modality"] == pytest.approx({0: 65, 1: 60})
    numbers = Evaluated(results).by_severity.query("method == 'afnetm' and corruption == 'blur'")
    assert numbers["texture"].tolist() == pytest.approx([0.5, 0.4, 0.3])
    assert "texture 65, 50, 40, 30; modality 65, 60" in pictures["afnetm"].alt


def test_a_method_that_was_not_evaluated_on_all_is_named_and_has_its_corruptions(results: Results) -> None:
    lacking = "method != 'depth' or corruption != 'gone'"
    part = {"evaluations": results.evaluations.query(lacking), "calibration": results.calibration.query(lacking)}
    found = Evaluated(replace(results, **part))
    table = robustness_table(found)
    assert "depth" not in [row[0].text for row in table.rows]
    assert any("not in the table: depth" in note for note in table.notes)
    assert set(found.by_corruption.query("method == 'depth'")["corruption"]) == {"blur"}
    assert [row[0].text for row in corruptions_table(found).rows] == ["Blur", "Gone"]


def test_a_report_has_its_tables_and_pictures(results: Results, tmp_path) -> None:  # type: ignore[no-untyped-def]
    write_report(results, tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text()
    assert ">Robustness</h2>" in page
    for name in ("robustness", "corruptions", "severities"):
        assert len(pd.read_csv(tmp_path / "report" / "tables" / f"{name}.csv")) > 2
    for name in ("severity", "calibration", "robustness", "texture_weight-afnetm"):
        assert (tmp_path / "report" / "figures" / f"{name}.pdf").is_file()


def test_without_evaluations_there_is_none_of_it() -> None:
    bare = fabricate(skills={"texture": 0.55, "depth": 0.85})
    compared = Compared(bare)
    assert "robustness" not in compared.tables
    assert "severity" not in draw_pictures(compared)


def test_evaluations_of_other_scans_than_were_tested_are_refused(results: Results) -> None:
    with pytest.raises(ReportError, match="evaluations: .* hits of 13, allowed of 12"):
        replace(results, evaluations=results.evaluations.assign(scans=13))
    with pytest.raises(ReportError, match="not in corruptions"):
        replace(results, corruptions=CORRUPTIONS.iloc[:2])


def test_a_method_that_had_little_to_lose_is_not_shown_before_more_accurate_ones(clean: Results) -> None:
    found = Evaluated(evaluated(clean, answers(clean, {"texture": 0.07, "depth": 0.0, "afnetm": 0.0})))
    table = found.table.set_index("method")
    assert table["relative"].idxmax() == "texture"
    assert table.loc["texture", "corrupted"] < table.loc["depth", "corrupted"]
    assert featured(found) == ["afnetm", "depth", "texture"]
