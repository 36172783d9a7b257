"""What README.md and the gallery say of results is what the gallery's tables say, and is not passed off as today's."""

import re
from pathlib import Path

import pandas as pd
import pytest

from afnetm.data.scan import EXPRESSIONS
from afnetm.model.afnetm import AFNetM
from afnetm.model.cost import parameter_count
from afnetm.model.encoder import EncoderSpec

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "gallery"
TEXT = (GALLERY / "README.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
SUITES = ("fusion", "fusion-clean", "ablation", "ablation-clean")
COMMIT = "627c9f3"


def comparison(suite: str) -> pd.DataFrame:
    return pd.read_csv(GALLERY / suite / "tables" / "comparison.csv").set_index("method")


def difference(suite: str, method: str) -> tuple[str, str, str]:
    """A method minus AFNet-M, and its interval, as a reader meets them."""
    return tuple(f"{100 * comparison(suite).loc[method, f'difference{end}']:.1f}" for end in ("", "_low", "_high"))


def section(suite: str) -> str:
    """The prose about a suite: without links, pictures, and lines of versions and machines."""
    found = next(part for part in TEXT.split("\n## ") if f"{suite}/tables/comparison.md" in part)
    return re.sub(r"!?\[[^]]*\]\([^)]*\)|\b\d+(\.\d+){2,}", "", found)


def test_readme_s_headline_is_the_table_s_and_named_as_of_a_commit_that_is_not_today_s() -> None:
    text = " ".join(README.split())
    lead, low, high, others = re.search(
        r"AFNet-M was (\S+) percentage points \(95 % interval (\S+) to (\S+)\) ahead of the next of (\d+) strategies",
        text,
    ).groups()
    assert (f"-{lead}", f"-{high}", f"-{low}") == difference("fusion", "late")
    table = comparison("fusion")
    assert table["accuracy"].sort_values().index[-2:].tolist() == ["late", "afnetm"]
    assert int(others) == len(table) - 1
    clean = re.search(
        r"late fusion is (\S+) percentage points \((\S+) to (\S+)\) ahead, which is not significant", text
    )
    assert clean.groups() == difference("fusion-clean", "late")
    pairs = pd.read_csv(GALLERY / "fusion-clean" / "tables" / "pairwise.csv")
    assert pairs.set_index(["method_a", "method_b"]).loc[("late", "afnetm"), "p_holm"] > 0.05
    parts = comparison("ablation")["accuracy"]
    assert max(parts["no-ma"], parts["masks-random"]) < table.loc["late", "accuracy"] < parts["afnetm"]
    assert f"commit {COMMIT}, on one machine, with other defaults of methods than today's" in text
    assert not re.search(r"untuned, AFNet-M", text)


def test_the_gallery_says_which_commit_it_is_of_and_that_today_s_defaults_are_others() -> None:
    head = " ".join(TEXT.partition("\n## ")[0].split())
    assert head.startswith(f"# Gallery: what the suites found on synthetic subjects, at commit {COMMIT}")
    assert "They are not results of today's code and defaults" in head
    today = parameter_count(AFNetM().build(EncoderSpec(width=0.25, size=64), len(EXPRESSIONS)))
    assert today != comparison("fusion").loc["afnetm", "parameters"]


@pytest.mark.parametrize("suite", SUITES)
def test_every_number_that_the_gallery_quotes_is_in_its_tables(suite: str) -> None:
    """Decimals of scores, differences and p, whatever their sign."""
    folders = {suite, "fusion-clean" if suite.endswith("clean") else "fusion"}
    tables = [path.read_text(encoding="utf-8") for of in folders for path in (GALLERY / of / "tables").glob("*.md")]
    known = set(re.findall(r"\d+\.\d+", " ".join(tables)))
    known |= {f"{float(p):.2f}" for p in known if len(p) == 5}  # p is quoted with two decimals here and there
    quoted = set(re.findall(r"\d+\.\d+", section(suite)))
    assert quoted - known == set()
    assert len(quoted) > 8
