"""The style sheet that all pages have."""

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"


def style() -> str:
    """Its text."""
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")
