"""Rendering of pages: how templates are filled, and that nothing of a page lies elsewhere."""

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from reports import formats
from reports.page.templates import TEMPLATES, allowed, environment, style
from reports.pictures.collection import Pictures
from reports.pictures.theme import embedded


def rendered(
    template: str,
    *,
    images: bool = False,
    scripts: Sequence[str] = ("sort.js",),
    sheets: Sequence[str] = (),
    **values: Any,
) -> str:
    """A page as HTML, of one of our templates and what it names.

    All of it can be read with scripts off; those it has, by default the one that sorts tables, are the only ones that
    are allowed, by their hash. `sheets` are style sheets beside the one of all pages. Pictures are drawings, and may
    hold photographs only if it has `images`.
    """
    templates = environment()
    templates.filters |= {"plain": formats.setting, "sections": _sections}
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in scripts)
    own = [(TEMPLATES / name).read_text(encoding="utf-8") for name in sheets]
    return templates.get_template(template).render(
        **values,
        images=images,
        style=Markup("".join([style(), *own])),
        script=Markup(script),
        script_hash=allowed(script),
    )


def _sections(main: Markup) -> list[tuple[str, Markup]]:
    """The ids and titles of a page's sections."""
    return [(name, Markup(title)) for name, title in re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', main)]


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
