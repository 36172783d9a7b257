"""What is wrong with a built site is found: links that lead nowhere, and whatever is loaded from elsewhere."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "extensions"))
from check_site import faults  # noqa: E402


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "style.css").write_text("a { color: red }")
    (tmp_path / "index.html").write_text(
        '<link rel="stylesheet" href="style.css?v=1"><h1 id="top-of-it">One</h1><a href="sub/two.html#there">2</a>'
        '<a href="https://example.org/">elsewhere</a><a href="#top-of-it">up</a>'
    )
    (tmp_path / "sub" / "two.html").write_text('<p id="there"><a href="../index.html">1</a>')
    return tmp_path


def test_a_sound_site_has_no_fault(site: Path) -> None:
    assert list(faults(site)) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ('<a href="gone.html">', "index.html: 'gone.html' leads nowhere"),
        ('<a href="sub/two.html#gone">', "index.html: 'sub/two.html#gone': there is no such place on that page"),
        ('<a href="#gone">', "index.html: '#gone': there is no such place on that page"),
        (
            '<script src="https://cdn.example.org/a.js"></script>',
            "index.html: loads 'https://cdn.example.org/a.js' from elsewhere",
        ),
        ('<img src="//cdn.example.org/a.png">', "index.html: loads '//cdn.example.org/a.png' from elsewhere"),
        (
            '<link rel="preload" href="https://fonts.example.org/a">',
            "index.html: loads 'https://fonts.example.org/a' from elsewhere",
        ),
        ('<img src="gone.png">', "index.html: loads 'gone.png', which is not there"),
    ],
)
def test_a_fault_is_named_with_its_page(site: Path, wrong: str, fault: str) -> None:
    page = site / "index.html"
    page.write_text(page.read_text() + wrong)
    assert list(faults(site)) == [fault]


def test_sheets_load_nothing_from_elsewhere(site: Path) -> None:
    (site / "style.css").write_text("@import 'https://a.example.org/b.css'; p { background: url(gone.png) }")
    assert sorted(faults(site)) == [
        "style.css: loads 'gone.png', which is not there",
        "style.css: loads 'https://a.example.org/b.css' from elsewhere",
    ]
