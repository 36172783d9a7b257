"""Numbers in words."""

import math


def counted(count: int, thing: str) -> str:
    """``1 fold``, ``2 folds``, ``3 studies``."""
    many = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{count} {thing if count == 1 else many}"


def disk(count: int) -> str:
    """Bytes: ``0 kB``, ``310 kB``, ``1.2 MB``, ``12 MB``, ``1.2 GB``."""
    value, unit = next(((count / 10**k, u) for k, u in ((9, "GB"), (6, "MB")) if count >= 10**k), (count / 1e3, "kB"))
    return f"{value:.1f} {unit}" if value < 9.95 and unit != "kB" else f"{value:.0f} {unit}"


def duration(seconds: float) -> str:
    """For people: ``50 s``, ``12 min``, ``1 h 05 min``, ``3 days``; ``?`` for NaN."""
    if math.isnan(seconds):
        return "?"
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes / 1440:.0f} days"
