"""Links that GitHub follows lead to pages of the site as well."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "extensions"))
from repository_links import PAGES, redirected  # noqa: E402


@pytest.mark.parametrize(
    ("page", "link", "there"),
    [
        ("tuning.md", "splits.md#groups", "splits.md#groups"),
        ("tuning.md", "../CONTRIBUTING.md#the-house", "contributing.md#the-house"),
        ("gallery/README.md", "../tuning.md", "../tuning.md"),
        ("gallery/README.md", "../../CONTRIBUTING.md", "../contributing.md"),
        ("gallery/README.md", "fusion/tables/comparison.md", "fusion/tables/comparison.md"),
        ("../CONTRIBUTING.md", "docs/splits.md", "splits.md"),
        ("../CHANGELOG.md", "CONTRIBUTING.md", "contributing.md"),
        ("tuning.md", "https://example.org/a.md", "https://example.org/a.md"),
    ],
)
def test_a_link_leads_to_the_page_that_shows_the_file(page: str, link: str, there: str) -> None:
    assert redirected(f"See [it]({link}).", page) == f"See [it]({there})."


def test_files_that_pages_show_are_there() -> None:
    for file, page in PAGES.items():
        assert (ROOT / "docs" / file).resolve().is_file()
        assert (ROOT / "docs" / page).is_file()
