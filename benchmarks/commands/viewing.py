"""Viewing: the page with scans in 3D of ``afnetm data view``."""

from collections.abc import Sequence
from pathlib import Path

from afnetm.data.dataset import open_dataset
from afnetm.data.sources.scan_files import read_scan
from afnetm.data.sources.textured import SUFFIXES
from afnetm.data.sources.units import Unit
from afnetm.errors import UserError
from benchmarks.records.home import Home, write_text
from benchmarks.viewing.viewed import dataset_page, scan_page


def write_view(
    home: Home,
    reference: str,
    *,
    directory: Path,
    ids: Sequence[str],
    scans: int,
    landmarks: Path | None,
    texture: Path | None,
    unit: Unit,
    size: int,
    out: Path | None,
) -> Path:
    """Writes the page on a scan or on scans of a dataset, whole or not at all; returns the file.

    Args:
        home: below which it is written unless `out` is given.
        reference: the file of a scan's mesh, or a dataset.
        directory: the dataset's.
        ids: of the dataset's scans; none for a choice of as many as `scans` says.
        scans: how many.
        landmarks, texture, unit: of a scan (`read_scan`).
        size: of its maps, pixels.
        out: the file.

    Raises:
        UserError: a file or the dataset is missing or wrong, or the page cannot be written.
    """
    if out is not None and out.suffix.lower() not in {".html", ".htm"}:
        raise UserError(f"--out: '{out}' must be named *.html")
    mesh = Path(reference)
    of_dataset = directory.is_dir() and not mesh.is_file()
    if of_dataset:
        if landmarks or texture or unit != "mm":
            raise UserError("--landmarks, --texture and --unit: only with the file of a scan")
        dataset = open_dataset(directory)
        name, page = dataset.directory.name, dataset_page(dataset, ids=ids, scans=scans)
    elif mesh.exists() or mesh.suffix.lower() in SUFFIXES:
        if ids:
            raise UserError("--scan: only with a prepared dataset")
        scan = read_scan(mesh, landmarks=landmarks, texture=texture, unit=unit)
        name, page = scan.id, scan_page(scan, size=size)
    else:
        raise UserError(
            f"'{reference}' is neither a prepared dataset ({directory}) nor the file of a mesh ({', '.join(SUFFIXES)})"
        )
    if out is None:
        home.make(free=0)
        out = home.views / f"{name}.html"
    try:
        write_text(out, page.html)
    except OSError as error:
        raise UserError(f"--out: '{out}' cannot be written: {error.strerror}") from None
    return out
