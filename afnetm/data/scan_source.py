"""Scan sources: what every dataset's reader and the synthetic generator have in common."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict

from afnetm.data.formats.inside import DataFolder
from afnetm.data.scan import Scan
from afnetm.strict import STRICT


@dataclass(frozen=True, kw_only=True)
class Found:
    """One scan that is asked for, as the names of its files tell.

    Attributes:
        id: of the scan.
        subject: whose face it is.
        expression: its class.
        intensity: 1 to 4, 0 where the dataset does not say.
        missing: what it needs and has not, such as ``"landmarks"``; empty where it is whole.
        landmarks: whether it comes with landmarks; if not, they are to be found in it.
    """

    id: str
    subject: str
    expression: str
    intensity: int
    missing: tuple[str, ...] = ()
    landmarks: bool = True


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Content of a folder, before anything of it is read.

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
        """The number of subjects."""
        return len({scan.subject for scan in self.scans})

    @property
    def expressions(self) -> Counter[str]:
        """Number of scans by expression."""
        return Counter(scan.expression for scan in self.scans)

    @property
    def intensities(self) -> Counter[int]:
        """Number of scans by intensity."""
        return Counter(scan.intensity for scan in self.scans)

    @property
    def without_landmarks(self) -> int:
        """The number of scans in which landmarks are to be found."""
        return sum(not scan.landmarks for scan in self.scans)

    @property
    def missing(self) -> Counter[str]:
        """Number of scans by the file that they lack."""
        return Counter(what for scan in self.scans for what in scan.missing)


class ScanSource(ABC):
    """Source of scans: the base class of a dataset's reader.

    A subclass is a frozen dataclass. Its field ``folder`` is where the dataset's files are; other fields are options
    of this dataset, set by name (``afnetm data prepare ... --set views=2``). It is cheap to make and to pickle: workers
    get it whole and load one scan after another. Registered in the entry-point group ``afnetm.datasets`` under its
    `name`, it is found by `afnetm.prepare_dataset`, by ``afnetm data prepare`` and by suites.

    Example: faces in files called ``SUBJECT_EXPRESSION.npz``.

        >>> from dataclasses import dataclass
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from afnetm.data.landmarks import LANDMARKS_83
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Arrays(ScanSource):
        ...     '''Faces as NumPy arrays with the 83 landmarks, in mm.'''
        ...
        ...     name = "arrays"
        ...     folder: Path
        ...
        ...     def ids(self):
        ...         return sorted(path.stem for path in self.folder.glob("*.npz"))
        ...
        ...     def load(self, scan_id):
        ...         with np.load(self.folder / f"{scan_id}.npz") as file:
        ...             arrays = dict(file)  # vertices, faces, uv, uv_faces, texture, landmarks
        ...         subject, expression = scan_id.split("_")
        ...         labels = {"subject": subject, "expression": expression, "intensity": 0}
        ...         return Scan(id=scan_id, **labels, **arrays, landmark_names=LANDMARKS_83)
        >>> Arrays(folder=folder).ids()
        ['ada_anger', 'ada_neutral']
        >>> Arrays(folder=folder).load("ada_neutral").expression
        'neutral'
        >>> sorted(Arrays(folder=folder).describe())
        ['kind', 'listing']
    """

    #: Options are checked as suites are.
    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    #: Under which it is registered; datasets remember it as ``source["kind"]``.
    name: ClassVar[str]
    #: Whether pictures and subjects' names may leave the dataset: not unless nobody is shown who could be harmed.
    shareable: ClassVar[bool] = False

    @abstractmethod
    def ids(self) -> Sequence[str]:
        """The scans' ids, in the dataset's order."""

    @abstractmethod
    def load(self, scan_id: str) -> Scan:
        """The scan called `scan_id`; the same whatever was loaded before.

        Raises:
            UserError: it is missing or damaged. It is then left out of the dataset, with this reason.
        """

    def describe(self) -> dict[str, Any]:
        """Description of what decides the scans, as a JSON object; written to the dataset info.

        An interrupted preparation resumes only where this is the same. By default the name, the options, and a digest
        of the names and sizes of all files in the folder.
        """
        values = {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]
        folder = DataFolder(Path(values.pop("folder")))
        options = {name: value.name if isinstance(value, Path) else value for name, value in values.items()}
        return {"kind": self.name, **options, "listing": folder.listing(folder.names())}

    def inspect(self) -> Inspection | None:
        """Content of the folder by the names of its files; None where that cannot be told before they are read.

        Raises:
            UserError: nothing of this dataset.
        """
        return None
