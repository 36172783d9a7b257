"""What scans of the synthetic source are called, and at which intensities there are any."""

#: Intensities, subtle to strong.
INTENSITIES = (1, 2, 3, 4)


def scan_name(number: int, expression: str, intensity: int) -> str:
    """The id of a scan, for example ``s003_happiness_4``."""
    return f"s{number:03d}_{expression}_{intensity}"
