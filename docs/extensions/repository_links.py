"""Links of pages that GitHub shows too: to files beside `docs`, and pages that no table of contents names."""

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: Files of the repository, relative to `docs`, and the pages that show them.
PAGES = {"../README.md": "start.md", "../CONTRIBUTING.md": "contributing.md", "../CHANGELOG.md": "changelog.md"}
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+\.md)(#[^)\s]*)?\)")
#: A page that is a file beside `docs`.
_WHOLE_FILE = re.compile(r"```\{include\} (\.\./\w+\.md)\n```")
#: Tables of the gallery are reached from its page.
_LINKED_ONLY = re.compile(r"gallery/.+")


def redirected(text: str, page: str) -> str:
    """The text of a page with its links to `PAGES` leading to what shows them; `page` is relative to `docs`."""
    folder = PurePosixPath(page).parent

    def link(match: re.Match[str]) -> str:
        target = os.path.normpath(folder / match[1])
        target = PAGES.get(target, target.removeprefix("../docs/"))
        return f"]({os.path.relpath(target, folder if folder != PurePosixPath('..') else '.')}{match[2] or ''})"

    return _LINK.sub(link, text)


def _read(app: "Sphinx", page: str, source: list[str]) -> None:
    def file(match: re.Match[str]) -> str:
        path = Path(app.srcdir) / match[1]
        app.env.note_dependency(path)
        return redirected(path.read_text(encoding="utf-8"), match[1])

    source[0] = _WHOLE_FILE.sub(file, redirected(source[0], f"{page}.md"))


def _parsed(app: "Sphinx", doctree: Any) -> None:
    if _LINKED_ONLY.fullmatch(app.env.docname):
        app.env.metadata[app.env.docname]["orphan"] = "yes"


def setup(app: "Sphinx") -> dict[str, bool]:
    """Registers what is done to pages as they are read."""
    app.connect("source-read", _read)
    app.connect("doctree-read", _parsed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
