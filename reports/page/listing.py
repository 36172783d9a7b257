"""What lies beside the page, as lists of links."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

#: A file's name without its ending, and a link for each of its endings.
Item = tuple[str, Sequence[tuple[str, str]]]

_TITLES = {".": "The report", "tables": "Tables", "figures": "Pictures"}


def listed(paths: Sequence[str]) -> Mapping[str, Sequence[Item]]:
    """Files by their folder's title, those that differ in their ending alone together, all in the order of names.

    Args:
        paths: relative to the page, with slashes.
    """
    found: dict[str, dict[str, list[tuple[str, str]]]] = {title: {} for title in _TITLES.values()}
    for path in sorted(map(PurePosixPath, paths)):
        title = _TITLES.get(str(path.parent), str(path.parent))
        found.setdefault(title, {}).setdefault(path.stem, []).append((path.suffix, quote(str(path))))
    return {title: list(entries.items()) for title, entries in found.items() if entries}
