"""README.md and the gallery say of results what the gallery's tables say, and of how many repeats they are."""

import json
import re
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest

from afnetm.data.dataset_files import LABELS, dataset_fingerprint
from afnetm.data.maps import RENDERING_VERSION
from benchmarks.plans.suite import load_suite
from scripts.gallery import MATRIX

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "gallery"
TEXT = (GALLERY / "README.md").read_text(encoding="utf-8")
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
#: Suites of the gallery, and the repeats that its tables are of.
REPEATS = {"fusion": 3, "masks": 3, "ablation": 3}
#: Columns of the gallery's table of masks, and the methods of its rows, a method a column.
MASKS = ["no masks", "mean", "of another expression", "detected", "annotated"]
ARMS = {
    "Masks alone, their union": ["", "", "", "", "masks-union"],
    "Masks alone, four regions": ["", "", "", "masks-detected", "masks"],
    "Landmarks alone": ["", "", "", "landmarks-detected", "landmarks"],
    "AFNet-M": ["", "afnetm-mean", "afnetm-other", "afnetm-detected", "afnetm"],
    "Late fusion": ["late", "", "", "late-detected", "late-masks"],
    "Product rule": ["product", "", "", "product-detected", "product-masks"],
    "Concatenation": ["concat", "", "", "concat-detected", "concat-masks"],
    "Concatenation with unimodal losses": ["concat-joint", "", "", "", ""],
    "MBT": ["mbt", "", "", "", "mbt-masks"],
}
#: Suites of evaluations: their table, and the repeats whose models were evaluated.
EVALUATED = {"robustness": ("robustness", 1), "transfer": ("cross_dataset", 1)}
#: Suites of seven methods and one repeat each.
SMALL = ["fusion-clean", "ablation-clean", "ablation-detected"]
#: Those that a section shares.
VARIANTS = ["fusion-light", "fusion-sensor", "fusion-population"]


def comparison(suite: str) -> pd.DataFrame:
    return pd.read_csv(GALLERY / suite / "tables" / "comparison.csv").set_index("method")


def percent(suite: str, method: str, *columns: str) -> tuple[str, ...]:
    """Shares of a method as a reader meets them."""
    return tuple(f"{100 * comparison(suite).loc[method, column]:.1f}" for column in columns)


def section(suite: str) -> str:
    """The prose about a suite: without links, pictures, and lines of versions and machines."""
    found = next(part for part in TEXT.split("\n## ") if f"({suite}/tables/" in part)
    return re.sub(r"!?\[[^]]*\]\([^)]*\)|\b\d+(\.\d+){2,}", "", found)


def adjusted(suite: str) -> pd.Series:
    """The primary test's p, adjusted, by a pair of methods in either order."""
    pairs = pd.read_csv(GALLERY / suite / "tables" / "pairwise.csv").set_index(["method_a", "method_b"])["p_holm"]
    return pd.concat([pairs, pairs.swaplevel()])


def gains() -> pd.Series:
    """Accuracy with annotated masks minus that without, in percentage points, by strategy."""
    accuracy = comparison("masks")["accuracy"]
    names = [name for name in accuracy.index if f"{name}-masks" in accuracy.index]
    return pd.Series({name: 100 * (accuracy[f"{name}-masks"] - accuracy[name]) for name in names})


def derived(suite: str) -> set[str]:
    """Numbers that the prose computes from the tables, or takes from another page, without their signs."""
    if suite in EVALUATED:  # the same methods over all repeats
        return {f"{100 * accuracy:.1f}" for accuracy in comparison("fusion")["accuracy"]}
    if suite != "masks":
        return set()
    elsewhere = re.search(r"masks alone reached (\S+) %", (ROOT / "docs" / "synthetic.md").read_text(encoding="utf-8"))
    return {f"{abs(value):.1f}" for value in (gains().min(), gains().max(), gains().mean())} | {elsewhere[1]}


def test_readme_s_headline_is_the_tables() -> None:
    ends = "accuracy", "accuracy_low", "accuracy_high"
    mean, detected = re.search(
        r"AFNet-M has (\S+ % \(95 % interval \S+ to \S+\)) with its default.*? AFNet-M has (\S+ % \(\S+ to \S+\)), the",
        README,
    ).groups()
    assert tuple(re.findall(r"\d+\.\d", mean)) == percent("fusion", "afnetm", *ends)
    assert tuple(re.findall(r"\d+\.\d", detected)) == percent("fusion", "afnetm-detected", *ends)
    count, nearest = re.search(
        r"highest accuracy of the (\d+) methods of `fusion`; the nearest, the product rule, has (\S+) % "
        r"and does not differ significantly",
        README,
    ).groups()
    table = comparison("fusion")
    assert (int(count), nearest) == (len(table), *percent("fusion", "product", "accuracy"))
    assert table["accuracy"].nlargest(2).index.tolist() == ["afnetm-detected", "product"]
    assert adjusted("fusion").loc[("product", "afnetm-detected")] > 0.05
    others = re.search(r"depth alone has (\S+) %, concatenation (\S+) %, texture alone (\S+) %", README).groups()
    assert others == sum((percent("fusion", name, "accuracy") for name in ("depth", "concat", "texture")), ())
    bare = re.search(r"without mask attention and importance weights it has (\S+) %", README)[1]
    assert (bare,) == percent("ablation", "no-ma-no-iwc", "accuracy")
    rivals = re.search(
        r"the product rule has (\S+) %, late fusion (\S+) % and concatenation (\S+) %, "
        r"and a network that sees these masks alone, without texture and depth, (\S+) %",
        README,
    ).groups()
    names = [f"{name}-detected" for name in ("product", "late", "concat", "masks")]
    assert rivals == sum((percent("masks", name, "accuracy") for name in names), ())
    masks = re.search(r"sees them alone has (\S+) %, AFNet-M with them (\S+) %", README).groups()
    assert masks == percent("masks", "masks", "accuracy") + percent("masks", "afnetm", "accuracy")
    assert re.search(r"accuracy of (\d+) other strategies changes by (\S+) percentage points", README).groups() == (
        str(len(gains())),
        f"{gains().mean():.1f}",
    )


@pytest.mark.parametrize(("suite", "repeats"), REPEATS.items())
def test_it_says_of_how_many_repeats_its_tables_are(suite: str, repeats: int) -> None:
    assert "**Three repeats of `fusion`, `masks` and `ablation`.**" in " ".join(TEXT.split())
    assert "three repeats of `fusion`, `masks` and `ablation`" in README
    protocol = load_suite(suite).protocol
    table = comparison(suite)
    assert protocol.repeats == 3
    assert set(table.index) == set(load_suite(suite).methods)
    assert (table["units"] == protocol.runs // 3 * repeats).all()


@pytest.mark.parametrize("suite", EVALUATED)
def test_evaluations_are_of_all_methods_and_of_the_repeats_that_the_gallery_names(suite: str) -> None:
    name, repeats = EVALUATED[suite]
    table = pd.read_csv(GALLERY / suite / "tables" / f"{name}.csv").set_index("method")
    spec = load_suite(suite)
    moved = {one for one, own in spec.methods.items() if own.masks == "detected"} if suite == "robustness" else set()
    assert set(table.index) == set(spec.methods) - moved
    assert (table["trainings"] == spec.protocol.runs // 3 * repeats).all()
    assert f"`afnetm run {suite} --set protocol.repeats={repeats}`" in section(suite)


@pytest.mark.parametrize("suites", [[suite] for suite in (*REPEATS, *EVALUATED, MATRIX, *SMALL)] + [VARIANTS])
def test_every_number_that_the_gallery_quotes_is_in_its_tables(suites: list[str]) -> None:
    """Decimals of scores, differences and p, whatever their sign."""
    tables = [path.read_text(encoding="utf-8") for one in suites for path in (GALLERY / one / "tables").glob("*.md")]
    known = set(re.findall(r"\d+\.\d+", " ".join(tables))) | derived(suites[0])
    quoted = set(re.findall(r"\d+\.\d+", section(suites[0])))
    assert quoted - known == set()
    assert len(quoted) > 7


def test_the_stored_runs_are_of_the_dataset_that_the_suite_makes_whatever_the_processor() -> None:
    with ZipFile(GALLERY / "records" / "fusion.zip") as archive:
        told = json.loads(archive.read("suites/fusion.json"))["dataset"]
    own = load_suite("fusion").dataset.synthetic
    assert own is not None
    source = own.source
    scans = [[scan, *scan.split("_")] for scan in source.ids()]
    how = {"size": own.size, "rendering": RENDERING_VERSION, "pose": "annotated", "detector": told["detector"]}
    table = pd.DataFrame(scans, columns=list(LABELS))
    assert dataset_fingerprint(table, source=source.describe(), **how) == told["fingerprint"]


def test_the_matrix_of_datasets_ranks_strategies_as_the_gallery_says() -> None:
    table = pd.read_csv(GALLERY / MATRIX / "tables" / "cross_dataset.csv")
    everywhere = table.groupby("method").filter(lambda own: own["trained_on"].nunique() == 4)
    assert everywhere.groupby("method").size().tolist() == [16] * 7
    pairs = everywhere[everywhere["trained_on"] != everywhere["tested_on"]]
    ranked = pairs.groupby("method")["accuracy"].mean().sort_values(ascending=False).index.tolist()
    assert ranked[:3] == ["late", "mmtm", "afnetm"]
    assert ranked.index("concat") > ranked.index("depth")
    assert ranked[-1] == "texture"
    cells = everywhere[everywhere["method"] == "afnetm"].pivot(
        index="trained_on", columns="tested_on", values="accuracy"
    )
    assert (cells["synthetic-fusion"] == cells.max(axis=1)).all()  # the easiest
    assert cells.min().min() == cells.loc["synthetic-population", "synthetic-sensor"]
    assert (cells["synthetic-sensor"].drop("synthetic-sensor") < 0.66).all()


def test_of_the_ablation_s_rows_detected_masks_alone_differ_significantly() -> None:
    p, accuracy = adjusted("ablation")["afnetm"], comparison("ablation")["accuracy"]
    assert len(p) == 29
    assert [name for name, value in p.items() if value < 0.05] == ["masks-detected"]
    sources = [f"masks-{name}" for name in ("annotated", "other", "random", "ones", "ellipse")]
    assert (accuracy[sources] >= accuracy["afnetm"]).all()
    assert accuracy.nsmallest(2).index.tolist() == ["curvature", "no-normals"]


def test_the_table_of_masks_has_each_method_in_its_place() -> None:
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section("masks").splitlines() if "|" in line]
    table = lines[next(at for at, cells in enumerate(lines) if cells[1:] == MASKS) + 2 :]
    ends = "accuracy", "accuracy_low", "accuracy_high"
    for title, *cells in table[: len(ARMS)]:
        for cell, method in zip(cells, ARMS[title], strict=True):
            assert tuple(re.findall(r"\d+\.\d", cell)) == (percent("masks", method, *ends) if method else ()), title
    assert [title for title, *_ in table[: len(ARMS)]] == list(ARMS)


def test_what_detected_masks_tell_is_what_the_gallery_says() -> None:
    p, accuracy = adjusted("masks"), comparison("masks")["accuracy"]
    rivals = [f"{name}-detected" for name in ("product", "late", "concat")]
    assert min(p.loc[("afnetm-detected", rival)] for rival in rivals) > 0.05
    assert accuracy.idxmax() == "product-detected"
    unmasked = accuracy.loc[gains().index].max()
    text = " ".join(section("masks").split())
    assert f"{100 * unmasked:.1f} % at most without masks, and {100 * accuracy.max():.1f} % with detected ones" in text


def test_what_strategies_gain_by_annotated_masks_is_what_the_gallery_says() -> None:
    text = " ".join(section("masks").split())
    low, high, mean = re.search(r"differ by (\S+) to (\S+) points, by (\S+) on average", text).groups()
    found = gains()
    assert (low, high, mean) == (f"{found.min():.1f}", f"{found.max():+.1f}", f"{found.mean():.1f}")
    words = {18: "eighteen", 31: "Thirty-one"}
    assert f"{words[len(found)]} other strategies" in text
    assert f"{words[int((found > 0).sum())]} of them gain" in text
    assert min(adjusted("masks").loc[(name, f"{name}-masks")] for name in found.index) > 0.05


def test_what_differs_significantly_in_fusion_is_what_the_gallery_says() -> None:
    text, p, accuracy = " ".join(section("fusion").split()), adjusted("fusion"), comparison("fusion")["accuracy"]
    words = {10: "ten", 11: "eleven", 12: "twelve"}
    ahead = p["afnetm-detected"]
    assert f"differs significantly from {words[int((ahead < 0.05).sum())]} of the {len(ahead)} others" in text
    nearest = accuracy.drop("afnetm-detected").nlargest(20).index
    assert [name for name in nearest if ahead[name] < 0.05] == ["afnetm"]
    titles = {
        "texture": "texture",
        "moddrop": "modality dropout",
        "embracenet": "EmbraceNet",
        "ogm": "OGM-GE",
        "mbt": "MBT",
        "joint_tokens": "joint tokens",
        "mult": "MulT",
        "gblend": "Gradient-Blending",
        "umt": "unimodal distillation",
    }
    differ = [name for name, value in p["afnetm"].items() if value < 0.05]
    assert {name for name in differ if accuracy[name] < accuracy["afnetm"]} == set(titles)
    assert [name for name in differ if accuracy[name] > accuracy["afnetm"]] == ["afnetm-detected"]
    worse = re.search(r"Significantly worse than AFNet-M with its default are (.*?);", text)[1]
    assert sorted(re.split(r", | and ", worse)) == sorted(titles.values())
