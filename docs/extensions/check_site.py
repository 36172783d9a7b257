"""Check of a built site, ``python check_site.py FOLDER``: links lead somewhere, nothing is loaded from elsewhere."""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: What a page loads by itself, and the attribute that says from where.
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
}
_IN_CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


class Page(HTMLParser):
    """What a page refers to: ``links`` that a reader follows, ``assets`` that it loads, and its own ``anchors``."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.assets: set[str] = set()
        self.anchors: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag in {"a", "area"} and "href" in given:
            self.links.add(given["href"])
        if tag == "link" and given.get("rel") not in {"canonical", "search", "index", "next", "prev"}:
            self.assets.add(given.get("href", ""))
        if tag in LOADED and LOADED[tag] in given:
            self.assets.add(given[LOADED[tag]])
        self.assets.update(one[0] or one[1] for one in _IN_CSS.findall(given.get("style", "")))


def faults(folder: Path) -> Iterator[str]:
    """What is wrong with a site, a line each."""
    found = [path for path in sorted(folder.rglob("*.html")) if path.relative_to(folder).parts[0] != "_static"]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in found}
    for path, page in pages.items():
        said = path.relative_to(folder)
        for asset in sorted(page.assets):
            yield from (f"{said}: {fault}" for fault in _asset_faults(path, asset))
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{said}: '{link}' leads nowhere"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{said}: '{link}': there is no such place on that page"
    for sheet in sorted(folder.rglob("*.css")):
        for one in _IN_CSS.findall(sheet.read_text(encoding="utf-8")):
            yield from (f"{sheet.relative_to(folder)}: {fault}" for fault in _asset_faults(sheet, one[0] or one[1]))


def _asset_faults(path: Path, asset: str) -> Iterator[str]:
    parts = urlsplit(asset)
    if parts.scheme == "data" or not (parts.scheme or parts.netloc or parts.path):
        return
    if parts.scheme or parts.netloc:
        yield f"loads '{asset}' from elsewhere"
    elif not (path.parent / unquote(parts.path)).exists():
        yield f"loads '{asset}', which is not there"


def main() -> None:
    """Prints the faults of the site in the folder that is named; the exit code is 1 where there are any."""
    found = list(faults(Path(sys.argv[1]).resolve()))
    print(*found, f"{len(found)} faults", sep="\n")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
