"""Inspection: what a dataset's folder holds, as its names tell, before anything of it is read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from afnetm.data.scan import ScanSource


@dataclass(frozen=True, kw_only=True)
class Found:
    """One scan that is asked for, as the names of its files tell.

    Attributes:
        id: of the scan.
        subject: whose face it is.
        expression: its class.
        intensity: 1 to 4, 0 where the dataset does not say.
        missing: what it needs and has not, such as ``"landmarks"``; empty where it is whole.
    """

    id: str
    subject: str
    expression: str
    intensity: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a folder holds.

    Attributes:
        scans: those that are asked for, in the order of the source's ids.
        left_out: how many files or scans are there and not asked for, by what they are (``"neutral scans"``).
        absent: what the dataset should have and the folder has not, a line each; empty where nothing is known to lack.
    """

    scans: Sequence[Found]
    left_out: Counter[str] = field(default_factory=Counter)
    absent: Sequence[str] = ()

    @property
    def subjects(self) -> int:
        """How many people."""
        return len({scan.subject for scan in self.scans})

    @property
    def expressions(self) -> Counter[str]:
        """Scans by expression."""
        return Counter(scan.expression for scan in self.scans)

    @property
    def intensities(self) -> Counter[int]:
        """Scans by intensity."""
        return Counter(scan.intensity for scan in self.scans)

    @property
    def missing(self) -> Counter[str]:
        """Scans by what they lack."""
        return Counter(what for scan in self.scans for what in scan.missing)


class FileSource(ScanSource, Protocol):
    """A source of scans in files: it can say what is there before it reads it."""

    def inspect(self) -> Inspection:
        """What the folder holds of this dataset.

        Raises:
            UserError: nothing of it.
        """
