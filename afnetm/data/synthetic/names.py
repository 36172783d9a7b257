"""What scans of the synthetic source are called, and at which levels there are any."""

#: Intensities, subtle to strong.
LEVELS = (1, 2, 3, 4)


def scan_name(number: int, expression: str, level: int) -> str:
    """The id of a scan, for example ``s003_happiness_4``."""
    return f"s{number:03d}_{expression}_{level}"
