"""Shell completion of suites, methods and devices; nothing here takes long to import."""

from importlib.metadata import entry_points
from pathlib import Path

from benchmarks.plans.suite_files import suite_names


def complete_suites(incomplete: str) -> list[str]:
    """Suites that come with the project, and TOML files and folders beside what was typed."""
    folder = Path(incomplete).parent if "/" in incomplete else Path()
    try:
        beside = [str(path) + "/" if path.is_dir() else str(path) for path in folder.iterdir()]
    except OSError:
        beside = []
    files = [path for path in beside if path.endswith((".toml", "/")) and not Path(path).name.startswith(".")]
    return [name for name in [*suite_names(), *sorted(files)] if name.startswith(incomplete)]


def complete_methods(incomplete: str) -> list[str]:
    """Registered methods; after a comma, the next one."""
    before, comma, last = incomplete.rpartition(",")
    names = sorted({point.name for point in entry_points(group="afnetm.methods")})
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]


def complete_devices(incomplete: str) -> list[str]:
    """Devices that start with what was typed."""
    return [name for name in ("auto", "cpu", "cuda") if name.startswith(incomplete)]


def complete_executors(incomplete: str) -> list[str]:
    """Executors that start with what was typed."""
    return [name for name in ("local", "ray") if name.startswith(incomplete)]


def complete_datasets(incomplete: str) -> list[str]:
    """Names of dataset sources that start with what was typed."""
    names = sorted({point.name for point in entry_points(group="afnetm.datasets")})
    return [name for name in names if name.startswith(incomplete)]
