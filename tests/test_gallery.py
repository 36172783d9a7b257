"""README.md and the gallery say of results what the gallery's tables say, and of how many repeats they are."""

import re
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.plans.suite import load_suite

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "gallery"
TEXT = (GALLERY / "README.md").read_text(encoding="utf-8")
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
SUITES = ("fusion", "masks", "ablation")


def comparison(suite: str) -> pd.DataFrame:
    return pd.read_csv(GALLERY / suite / "tables" / "comparison.csv").set_index("method")


def percent(suite: str, method: str, *columns: str) -> tuple[str, ...]:
    """Shares of a method as a reader meets them."""
    return tuple(f"{100 * comparison(suite).loc[method, column]:.1f}" for column in columns)


def section(suite: str) -> str:
    """The prose about a suite: without links, pictures, and lines of versions and machines."""
    found = next(part for part in TEXT.split("\n## ") if f"{suite}/tables/comparison.md" in part)
    return re.sub(r"!?\[[^]]*\]\([^)]*\)|\b\d+(\.\d+){2,}", "", found)


def gains() -> pd.Series:
    """Accuracy with annotated masks minus that without, in percentage points, by strategy."""
    accuracy = comparison("masks")["accuracy"]
    names = [name for name in accuracy.index if f"{name}-masks" in accuracy.index]
    return pd.Series({name: 100 * (accuracy[f"{name}-masks"] - accuracy[name]) for name in names})


def derived(suite: str) -> set[str]:
    """Numbers that the prose computes from the tables, or takes from another page, without their signs."""
    if suite != "masks":
        return set()
    elsewhere = re.search(r"masks alone reached (\S+) %", (ROOT / "docs" / "synthetic.md").read_text(encoding="utf-8"))
    return {f"{abs(value):.1f}" for value in (gains().min(), gains().max(), gains().mean())} | {elsewhere[1]}


def test_readme_s_headline_is_the_tables() -> None:
    ends = "accuracy", "accuracy_low", "accuracy_high"
    mean, detected = re.search(
        r"AFNet-M has (\S+ % \(95 % interval \S+ to \S+\)) with its default.*? and (\S+ % \(\S+ to \S+\)) with", README
    ).groups()
    assert tuple(re.findall(r"\d+\.\d", mean)) == percent("fusion", "afnetm", *ends)
    assert tuple(re.findall(r"\d+\.\d", detected)) == percent("fusion", "afnetm-detected", *ends)
    best = r"highest accuracy of (\d+) methods, but it does not differ significantly from that of any other"
    count = re.search(best, README)[1]
    table = comparison("fusion")
    assert (int(count), table["accuracy"].idxmax()) == (len(table), "afnetm-detected")
    pairs = pd.read_csv(GALLERY / "fusion" / "tables" / "pairwise.csv")
    detected = pairs[(pairs["method_a"] == "afnetm-detected") | (pairs["method_b"] == "afnetm-detected")]
    assert not (detected["p_holm"] < 0.05).any()
    others = re.search(r"QMF has (\S+) %, depth alone (\S+) %, texture alone (\S+) %", README).groups()
    assert others == sum((percent("fusion", name, "accuracy") for name in ("qmf", "depth", "texture")), ())
    bare = re.search(r"without mask attention and importance weights it has (\S+) %", README)[1]
    assert (bare,) == percent("ablation", "no-ma-no-iwc", "accuracy")
    masks = re.search(r"sees these masks alone has (\S+) %, AFNet-M with them (\S+) %", README).groups()
    assert masks == percent("masks", "masks", "accuracy") + percent("masks", "afnetm", "accuracy")
    assert re.search(r"accuracy of (\d+) other strategies changes by (\S+) percentage points", README).groups() == (
        str(len(gains())),
        f"{gains().mean():.1f}",
    )


@pytest.mark.parametrize("suite", SUITES)
def test_it_says_that_there_is_one_repeat_of_three(suite: str) -> None:
    assert "**One repeat of three.**" in TEXT
    assert "one of three repeats" in README
    plan = load_suite(suite)
    table = comparison(suite)
    assert plan.protocol.repeats == 3
    assert set(table.index) == set(plan.methods)
    assert (table["units"] == plan.protocol.runs // 3).all()


@pytest.mark.parametrize("suite", SUITES)
def test_every_number_that_the_gallery_quotes_is_in_its_tables(suite: str) -> None:
    """Decimals of scores, differences and p, whatever their sign."""
    tables = [path.read_text(encoding="utf-8") for path in (GALLERY / suite / "tables").glob("*.md")]
    known = set(re.findall(r"\d+\.\d+", " ".join(tables))) | derived(suite)
    quoted = set(re.findall(r"\d+\.\d+", section(suite)))
    assert quoted - known == set()
    assert len(quoted) > 8


def test_what_strategies_gain_by_annotated_masks_is_what_the_gallery_says() -> None:
    text = " ".join(section("masks").split())
    low, high, mean = re.search(r"differ by (\S+) to (\S+) points, by (\S+) on average", text).groups()
    found = gains()
    assert (low, high, mean) == (f"{found.min():.1f}", f"{found.max():+.1f}", f"{found.mean():.1f}")
    words = {16: "sixteen", 31: "Thirty-one"}
    assert f"{words[len(found)]} other strategies" in text
    assert f"{words[int((found > 0).sum())]} of them gain" in text
    pairs = pd.read_csv(GALLERY / "masks" / "tables" / "pairwise.csv").set_index(["method_a", "method_b"])["p_holm"]
    both = [pairs.get((name, f"{name}-masks"), pairs.get((f"{name}-masks", name))) for name in found.index]
    assert min(both) > 0.05
