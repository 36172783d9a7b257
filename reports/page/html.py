"""What the pages of all reports have in common: how templates are filled, and that nothing of a page lies elsewhere."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import formats
from reports.pictures.collection import Pictures
from reports.pictures.theme import embedded

_TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, *, reason: Callable[[str], str] = str, images: bool = False, **values: Any) -> str:
    """A page as HTML, of one of our templates and what it names; `reason` is how errors are told.

    All of it can be read with scripts off; the one it has sorts tables, and its hash is the only one that is allowed.
    Pictures are drawings, and may hold photographs only if it has `images`.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": formats.percent,
        "points": formats.points,
        "p_value": formats.p_value,
        "chance": formats.chance,
        "number": formats.number,
        "seconds": formats.seconds,
        "duration": formats.duration,
        "decimal": formats.decimal,
        "memory": formats.memory,
        "plain": formats.setting,
        "reason": reason,
    }
    script = (_TEMPLATES / "sort.js").read_text(encoding="utf-8")
    return environment.get_template(template).render(
        **values,
        images=images,
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    )


def elements(pictures: Pictures) -> dict[str, Any]:
    """The pictures as elements of a page: by section one, or one a method."""
    made: dict[str, Any] = {}
    for section, found in pictures.items():
        parts = {
            method: Markup(embedded(picture.svg, name=f"{section}{index}", alt=picture.alt))
            for index, (method, picture) in enumerate(found.items())
        }
        made[section] = parts.get("", parts)
    return made
