"""A survey: every scan of a source read and rendered as for a dataset, without writing anything."""

from collections.abc import Callable

import pandas as pd

from afnetm.data.chunks import Rendered, render_scans, scans_table
from afnetm.data.processes import in_processes
from afnetm.data.rendering import SIZES
from afnetm.data.scan import ScanSource
from afnetm.errors import UserError

#: Scans a task: a step of the progress bar.
_STEP = 8


def survey(
    source: ScanSource, *, workers: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of the scans of `source` that can be used, and of the others their id and the reason.

    Both are as in a dataset, but for the digests of the maps, which are made as small as they can be.

    Args:
        source: picklable if there are several workers.
        workers: processes; 1 is this one.
        progress: called with the number of scans done and in all.
    """
    if workers < 1:
        raise UserError(f"workers: {workers} (allowed: 1 or more)")
    ids = list(source.ids())
    source.describe()  # what it has to look at once is then known to every worker
    found: dict[int, Rendered] = {}
    done = 0
    progress(done, len(ids))
    tasks = [(start, source, ids[start : start + _STEP]) for start in range(0, len(ids), _STEP)]
    for start, some in in_processes(_look, tasks, workers=workers):
        found[start] = some
        done += len(some.rows) + len(some.rejected)
        progress(done, len(ids))
    parts = [found[start] for start in sorted(found)]
    rejected = pd.DataFrame([one for part in parts for one in part.rejected], columns=["id", "reason"])
    return scans_table([row for part in parts for row in part.rows]), rejected


def _look(start: int, source: ScanSource, ids: list[str]) -> tuple[int, Rendered]:
    found = render_scans(source, ids, size=SIZES.start)
    found.maps.clear()
    return start, found
