"""Speed of preparing a dataset from files in BU-3DFE's layout, at 224 px, and its parts."""

import cProfile
import pstats
import time
from collections.abc import Callable
from pathlib import Path

from afnetm.data.preparing import prepare_dataset
from afnetm.data.rendering import render
from afnetm.data.sources.bu3dfe import Bu3dfeSource
from afnetm.data.sources.exporting import export
from afnetm.data.synthetic import SyntheticSource
from afnetm.workers import core_count

_SUBJECTS, _SIZE, _WORKERS, _PROFILED = 6, 224, 2, 12
#: What the profile tells apart: function and file, and what it is called in the table.
_STAGES = {
    ("read_vrml", "reading.py"): "parsing the mesh",
    ("read_picture", "pictures.py"): "decoding the picture",
    ("fit_pose", "pose.py"): "pose fit",
    ("cast_rays", "rays.py"): "rays",
    ("sample", "sampling.py"): "sampling the texture",
    ("region_planes", "regions.py"): "regions",
    ("fill", "holes.py"): "filling holes",
}


def preparing(directory: Path) -> dict[str, float]:
    """Scans a second, from files to a dataset, with two workers, their start included; shares of one scan's time."""
    directory.mkdir()
    made = SyntheticSource(seed=0, subjects=_SUBJECTS, intensities=(1, 2, 3, 4))
    files = directory / "files"
    export(files, made, layout="bu3dfe", workers=core_count())
    source = Bu3dfeSource(folder=files)
    started = time.perf_counter()
    prepare_dataset(directory / "dataset", source, size=_SIZE, workers=_WORKERS)
    seconds = time.perf_counter() - started
    some = source.ids()[:: len(source.ids()) // _PROFILED]
    scan = source.load(some[0])
    meshes = [path.stat().st_size for path in files.rglob("*.wrl")]
    return {
        "scans": len(source.ids()),
        "triangles a scan": len(scan.faces),
        "MB a mesh file": sum(meshes) / len(meshes) / 1e6,
        "scans a second, 2 workers": len(source.ids()) / seconds,
        **_profile(lambda: [render(source.load(one), size=_SIZE) for one in some], count=len(some)),
    }


def _profile(work: Callable[[], object], *, count: int) -> dict[str, float]:
    """Milliseconds a scan by stage, in one process."""
    work()  # caches and imports
    profile = cProfile.Profile()
    profile.runcall(work)
    stats = pstats.Stats(profile).get_stats_profile()
    total = stats.total_tt
    found = {"one scan, ms": 1000 * total / count}
    cumulative = {(name, Path(one.file_name).name): one.cumtime for name, one in stats.func_profiles.items()}
    stages = {f"  {label}, ms": 1000 * cumulative.get(key, 0.0) / count for key, label in _STAGES.items()}
    return found | stages | {"  the rest, ms": found["one scan, ms"] - sum(stages.values())}
