"""The synthetic source: a dataset of subjects, each scan decided by the seed and the generator's version."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from afnetm.data.formats.inside import DataFolder
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.scan_source import ScanSource
from afnetm.data.synthetic.nuisance import draw_nuisance
from afnetm.data.synthetic.variants import STANDARD, VARIANTS
from afnetm.errors import UserError, suggestion
from afnetm.seeding import stream

#: Intensities, subtle to strong.
INTENSITIES = (1, 2, 3, 4)
#: Rises whenever a scan of the same seed changes.
GENERATOR_VERSION = 2
#: The file by which a folder says that its scans are synthetic, though they look like a licensed dataset's.
MARK = "SYNTHETIC.txt"


@dataclass(frozen=True, kw_only=True)
class SyntheticSource(ScanSource):
    """Scans of `subjects` synthetic subjects with six expressions at `intensities` (of 1 to 4).

    A subject, and each of its scans, is the same whatever `subjects`, `intensities` and `neutral` are and whatever was
    loaded before; the same bits on one machine and set of library versions.

    Attributes:
        seed: decides every scan, 0 or more.
        subjects: how many, at least 1.
        intensities: of each expression, 1 (subtle) to 4 (strong).
        clean: without sensor failures, everything else milder.
        neutral: one neutral scan of each subject as well, of intensity 0, as BU-3DFE has it; a seventh class.
        variant: one of `VARIANTS`: other people, light or sensors.

    Raises:
        UserError: for fewer than one subject, no intensity, an intensity that is repeated or not 1 to 4, or an unknown
            variant.
    """

    name, shareable = "synthetic", True  # nobody is shown
    seed: int
    subjects: int
    intensities: tuple[int, ...]
    clean: bool = False
    neutral: bool = False
    variant: str = STANDARD

    def __post_init__(self) -> None:
        if self.subjects < 1:
            raise UserError(f"subjects = {self.subjects}: at least 1 is needed")
        if self.seed < 0:
            raise UserError(f"seed = {self.seed}: it must be 0 or more")
        if not self.intensities or any(intensity not in INTENSITIES for intensity in self.intensities):
            raise UserError(f"intensities = {list(self.intensities)}: one or more of 1, 2, 3, 4 are allowed")
        if len(set(self.intensities)) < len(self.intensities):
            raise UserError(f"intensities = {list(self.intensities)}: an intensity is given twice")
        if self.variant not in VARIANTS:
            raise UserError(f"variant = {self.variant!r} is not known; {suggestion(self.variant, VARIANTS)}")

    def describe(self) -> dict[str, Any]:
        """The settings and versions that decide the scans, as a JSON object; `neutral` and `variant` only where set."""
        later = {"neutral": (self.neutral, False), "variant": (self.variant, STANDARD)}
        return {
            "kind": self.name,
            "version": GENERATOR_VERSION,
            "seed": self.seed,
            "subjects": self.subjects,
            "intensities": list(self.intensities),
            "clean": self.clean,
            **{key: value for key, (value, usual) in later.items() if value != usual},
        }

    def ids(self) -> Sequence[str]:
        """``s000_anger_3`` ...: subject by subject, expression by expression, intensity by intensity."""
        return [scan_name(number, *kind) for number in range(self.subjects) for kind in self.kinds]

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """Expression and intensity of each of a subject's scans."""
        basic = [(expression, intensity) for expression in EXPRESSIONS for intensity in self.intensities]
        return [*basic, ("neutral", 0)] if self.neutral else basic

    def load(self, scan_id: str) -> Scan:
        """The scan called `scan_id`; raises `UserError` where this source has no such scan."""
        from afnetm.data.synthetic.making import make_scan  # meshes: whoever only asks what there is does not wait

        number, expression, intensity = self._parse(scan_id)
        rng = stream(self.seed, "nuisance", number, expression, intensity)
        nuisance = draw_nuisance(rng, clean=self.clean, variant=self.variant)
        return make_scan(
            seed=self.seed,
            number=number,
            expression=expression,
            intensity=intensity,
            nuisance=nuisance,
            variant=self.variant,
        )

    def _parse(self, scan_id: str) -> tuple[int, str, int]:
        match scan_id.removeprefix("s").split("_"):
            case [number, expression, intensity] if number.isdecimal() and intensity.isdecimal():
                parsed = int(number), expression, int(intensity)
                known = parsed[0] < self.subjects and parsed[1:] in self.kinds
                if known and scan_id == scan_name(*parsed):
                    return parsed
        raise UserError(f"scan {scan_id!r} is not in this source; its scans are named like {self.ids()[0]!r}")


def scan_name(number: int, expression: str, intensity: int) -> str:
    """The id of a scan, for example ``s003_happiness_4``."""
    return f"s{number:03d}_{expression}_{intensity}"


def mark(source: SyntheticSource) -> bytes:
    """The text that marks a folder as synthetic."""
    return f"These faces are synthetic: nobody looks like this. {json.dumps(source.describe())}\n".encode()


def is_synthetic(folder: DataFolder) -> bool:
    """Whether `folder` is marked."""
    return folder.find(MARK) is not None
