"""Exporting: the scans of a synthetic source written in a dataset's layout or people's own, whole or not at all."""

import shutil
from collections.abc import Callable
from pathlib import Path

from afnetm.data.scan import Scan
from afnetm.data.sources.bosphorus_export import bosphorus_files
from afnetm.data.sources.bu3dfe_export import bu3dfe_files
from afnetm.data.sources.bu4dfe_export import bu4dfe_files
from afnetm.data.sources.folder_export import HEADER, TABLE, folder_files
from afnetm.data.synthetic import SyntheticSource
from afnetm.data.synthetic.source import MARK, mark
from afnetm.errors import UserError
from afnetm.workers import in_processes

#: The layouts, by what commands call them: from a scan and its subject's number to files by name. A file called `TABLE`
#: is a scan's row of that table.
LAYOUTS: dict[str, Callable[..., dict[str, bytes]]] = {
    "bu3dfe": bu3dfe_files,
    "bu4dfe": bu4dfe_files,
    "bosphorus": bosphorus_files,
    "folder": folder_files,
}


def export(
    directory: Path,
    source: SyntheticSource,
    *,
    layout: str,
    workers: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write every scan of `source` into `directory`.

    Args:
        directory: a folder that does not exist yet; it appears when it is complete.
        source: which scans.
        layout: one of `LAYOUTS`.
        workers: processes.
        progress: called with the number of scans done and in all.

    Raises:
        UserError: no such layout, `directory` exists, it cannot be written, or a scan has no place in the layout.
    """
    if layout not in LAYOUTS:
        raise UserError(f"layout: {layout!r} (allowed: {', '.join(LAYOUTS)})")
    if workers < 1:
        raise UserError(f"workers: {workers} (allowed: 1 or more)")
    if directory.exists():
        raise UserError(f"folder {directory}: exists already (allowed: a new one)")
    partial = directory.with_name(f".{directory.name}.partial")
    ids = source.ids()
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of an export that was killed
        partial.mkdir(parents=True)
        (partial / MARK).write_bytes(mark(source))
        tasks = [(partial, source, scan_id, layout) for scan_id in ids]
        rows = []
        for done, row in enumerate(in_processes(_write, tasks, workers=workers), start=1):
            rows.append(row)
            progress(done, len(ids))
        if any(rows):
            (partial / TABLE).write_text(HEADER + "".join(sorted(rows)), encoding="utf-8")
        partial.rename(directory)
    except OSError as error:
        raise UserError(f"folder {directory}: cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(root: Path, source: SyntheticSource, scan_id: str, layout: str) -> str:
    """Writes the files of a scan, and returns its row of the table, empty where the layout has none."""
    scan: Scan = source.load(scan_id)
    files = LAYOUTS[layout](scan, number=int(scan.subject.removeprefix("s")))
    row = files.pop(TABLE, b"")
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return row.decode()
