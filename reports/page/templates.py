"""Templates that pages are filled from: the settings that all are read with, the style sheet that all have."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"


def environment(folder: Path = TEMPLATES) -> Environment:
    """Templates of a folder: values are escaped, and one that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def style() -> str:
    """The style sheet's text."""
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


def allowed(script: str) -> str:
    """A script of a page as its Content-Security-Policy allows it, by its hash."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
