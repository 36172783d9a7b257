"""Methods of other packages, as their installers leave them."""

from pathlib import Path


def point(folder: Path, entries: str, code: str) -> str:
    """A folder to be put on the path: a module ``theirs`` and the entry points, a line each, that name its methods."""
    (folder / "theirs.py").write_text(code)
    about = folder / "theirs-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[afnetm.methods]\n{entries}\n")
    return str(folder)
