"""The ledger: what a suite consisted of when it was last run, so that reports and clean-ups need no torch."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from afnetm.data.cohort import Cohort
from afnetm.errors import UserError
from benchmarks.records.home import Home, write_text


@dataclass(frozen=True)
class Entry:
    """One unit of a suite: its key, and where it stands in the comparison.

    One whose `search` or `reseed` is not 0 stands beside it (`benchmarks.search.tuning.Extra`).
    """

    key: str
    method: str
    repeat: int
    fold: int
    search: int = 0
    reseed: int = 0


@dataclass(frozen=True)
class Ledger:
    """A suite as it was run.

    Attributes:
        suite: its name.
        text: its TOML.
        resolved: what its TOML means, every default filled in.
        description: its one sentence.
        control: the method that the others are compared with.
        cohort: the cohort's card, with ``source`` beside what ``data check`` prints.
        methods: by label: name, title (empty where it has none), version, summary, source, hyperparameters.
        units: every unit, in the order planned.
        axes: what an ablation changes, by hyper-parameter: title and part_of (`reports.data.results.Axis`).
        added: methods that are not in the TOML.
        tuning: how the methods were tuned (`benchmarks.search.tuning.Tuned.record`); empty where they were not.
        extras: trainings beside the comparison.
        secret: what reports make pseudonyms of subjects with; it never enters one, nor MLflow. Empty where the cohort
            is shareable.
    """

    suite: str
    text: str
    resolved: dict[str, Any]
    description: str
    control: str | None
    cohort: dict[str, Any]
    methods: dict[str, dict[str, Any]]
    units: list[Entry]
    axes: dict[str, dict[str, Any]] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    tuning: dict[str, Any] = field(default_factory=dict)
    extras: list[Entry] = field(default_factory=list)
    secret: str = ""

    def save(self, home: Home) -> None:
        """Writes the ledger to the home."""
        write_text(home.suites / f"{self.suite}.json", json.dumps(asdict(self), indent=1))

    def only(self, labels: list[str] | None) -> list[Entry]:
        """The units of these methods, extras among them; all where `labels` is empty or None."""
        for label in labels or ():
            if label not in self.methods:
                raise UserError(f"method '{label}' is not in suite '{self.suite}'; it has: {', '.join(self.methods)}")
        return [entry for entry in [*self.units, *self.extras] if not labels or entry.method in labels]


def read_ledger(home: Home, reference: str) -> Ledger:
    """The ledger of the suite called `reference`, a name or a TOML file.

    Raises:
        UserError: it was never run in this home.
    """
    name = Path(reference).name.removesuffix(".toml")
    path = home.suites / f"{name}.json"
    try:
        return from_json(json.loads(path.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        known = ", ".join(sorted(p.stem for p in home.suites.glob("*.json"))) or "none"
        raise UserError(f"suite '{name}' was never run in home '{home.path}'; run there: {known}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: not a ledger of this version; run the suite again ({error})") from None


def from_json(stored: dict[str, Any]) -> Ledger:
    """The ledger that was written as `stored`; raises TypeError where it is none of this version."""
    if not isinstance(stored, dict):
        raise TypeError("no table")
    entries = {name: [Entry(**entry) for entry in stored.get(name, [])] for name in ("units", "extras")}
    if not all(isinstance(axis, dict) for axis in stored.get("axes", {}).values()):
        raise TypeError("axes are no tables")
    return Ledger(**{**stored, **entries})


def pathless(source: dict[str, Any]) -> dict[str, Any]:
    """What a cohort came from without what may be a path: sources name none, but a cohort may be another program's."""
    return {key: value for key, value in source.items() if not {"/", "\\"} & set(str(value))}


def cohort_secret(cohort: Cohort) -> str:
    """The same for one cohort wherever it is, and unknown to who has not got its scans: a digest of their digests."""
    return hashlib.sha256("".join(cohort.table["sha256"]).encode()).hexdigest()
