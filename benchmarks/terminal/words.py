"""Numbers in words."""

import math


def counted(count: int, thing: str) -> str:
    """``1 fold``, ``2 folds``, ``3 studies``."""
    many = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{count} {thing if count == 1 else many}"


def megabytes(count: int) -> str:
    """``0.3 MB``, ``12 MB``, ``1,234 MB``."""
    return f"{count / 1e6:.1f} MB" if count < 9.95e6 else f"{count / 1e6:,.0f} MB"


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
