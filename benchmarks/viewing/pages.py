"""Pages as HTML: templates filled, with all that they show in them, so that nothing is loaded from anywhere."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from afnetm.data.contact_sheet import FILLED_COLOUR, REGION_COLOURS
from benchmarks.viewing.scenes import Scene
from reports.page.templates import allowed, environment, style

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Page:
    """A page, and what a browser that shows it may do (`policy`, a Content-Security-Policy)."""

    html: str
    policy: str


def view_page(name: str, scenes: Sequence[Scene], *, lede: str, privacy: str) -> Page:
    """A page on some scans, of which one is shown at a time; it may ask nobody for anything."""
    # "<" begins what would end the element that holds the text.
    content = Markup(json.dumps(scenes, separators=(",", ":")).replace("<", "\\u003c"))
    return page(
        "view.html",
        ("surface.js", "scene.js", "view.js"),
        name=name,
        lede=lede,
        privacy=privacy,
        titles=[scene["title"] for scene in scenes],
        scenes=content,
    )


def page(template: str, scripts: Sequence[str], *, connect: str = "'none'", **values: Any) -> Page:
    """A page of one of our templates with these of our scripts, the only ones that it runs.

    Args:
        template: a file's name.
        scripts: files' names, in order.
        connect: what its scripts may ask, as a policy says it.
        values: of the template.
    """
    texts = [(_TEMPLATES / script).read_text(encoding="utf-8") for script in scripts]
    hashes = " ".join(f"'{allowed(text)}'" for text in texts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; connect-src {connect}; "
        "base-uri 'none'; form-action 'none'"
    )
    html = (
        environment(_TEMPLATES)
        .get_template(template)
        .render(
            **values,
            policy=policy,
            style=Markup(f"{style()}\n{(_TEMPLATES / 'style.css').read_text(encoding='utf-8')}"),
            scripts=[Markup(text) for text in texts],
            colours=REGION_COLOURS,
            filled=FILLED_COLOUR,
        )
    )
    return Page(html, policy)
