"""The manifest: what a suite consisted of when it was last run, so that reports and clean-ups need no torch."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from afnetm.strict import STRICT, parse
from benchmarks.records.home import Home, write_text
from benchmarks.records.index import keys_in

#: Before the key of a run that waits for the best trial of its search.
UNTUNED = "untuned-"
#: In `Manifest.resolved`, the text of the file of a split of one's own; it has subjects' names.
SPLIT_TEXT = "split_file"


class NoManifestError(UserError):
    """A suite was never run in a home, or by another version that kept other manifests."""


@dataclass(frozen=True)
class ListedRun:
    """One run of a suite: its key, and where it stands in the comparison.

    One whose `search` or `reseed` is not 0 stands beside it (`benchmarks.search.tuning.AdditionalRun`), and so does an
    evaluation of a trained model, which names its `corruption`, or the other `dataset` that it is on.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    key: Annotated[str, Field(pattern=r"^[\w-]+$")]  # a folder's name
    method: str
    repeat: int
    fold: int
    search: int = 0
    reseed: int = 0
    corruption: str = ""
    dataset: str = ""

    @property
    def evaluated_on(self) -> str:
        """Name of what an evaluation is on; empty for a run that trains."""
        return self.corruption or self.dataset


@dataclass(frozen=True)
class Manifest:
    """A suite as it was run.

    Attributes:
        suite: its name.
        text: its TOML.
        resolved: what its TOML means, every default filled in.
        description: its one sentence.
        control: the method that the others are compared with.
        dataset: the dataset info, with ``source`` beside what ``data check`` prints.
        methods: by label: name, title (empty where it has none), version, summary, source, hyperparameters,
            probabilities (whether its scores are), reading (whether its form is one of a paper), changed (which
            hyper-parameters are not at their defaults); manifests of earlier versions have not all of these.
        runs: every run, in the order planned.
        axes: what an ablation changes, by hyper-parameter: title and part_of (`reports.data.results.Axis`).
        added: methods that are not in the TOML.
        tuning: how the methods were tuned (`benchmarks.search.tuning.Tuned.record`); empty where they were not.
        additional: trainings beside the comparison.
        defaults: of methods that were tuned, the same runs with the suite's own settings.
        trains_defaults: whether these are trained for this suite; else those are there that others have trained.
        evaluations: of the trained models, each after the run that trained it.
        others: the other datasets that models were tested on, by name: as `dataset`, and ``secret`` as below.
        path: the suite's file, absolute, which is for this home alone; empty for a suite that comes with the project,
            None where the suite came from elsewhere.
        secret: what reports make pseudonyms of subjects with; it never enters one, nor MLflow. Empty where the dataset
            is shareable.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    suite: str
    text: str
    resolved: dict[str, Any]
    description: str
    control: str | None
    dataset: dict[str, Any]
    methods: dict[str, dict[str, Any]]
    runs: list[ListedRun]
    axes: dict[str, dict[str, Any]] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    tuning: dict[str, Any] = field(default_factory=dict)
    additional: list[ListedRun] = field(default_factory=list)
    defaults: list[ListedRun] = field(default_factory=list)
    trains_defaults: bool = False
    evaluations: list[ListedRun] = field(default_factory=list)
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    path: str | None = None
    secret: str = ""

    def save(self, home: Home) -> None:
        """Writes the manifest to the home."""
        write_text(_place(home, self.suite), json.dumps(asdict(self), indent=1))

    def only(self, labels: list[str] | None) -> list[ListedRun]:
        """The runs of these methods, or all: those trained beside them and evaluations included."""
        for label in labels or ():
            if label not in self.methods:
                raise UserError(f"method '{label}' is not in suite '{self.suite}'; it has: {', '.join(self.methods)}")
        beside = [*self.additional, *(self.defaults if self.trains_defaults else ()), *self.evaluations]
        return [listed for listed in [*self.runs, *beside] if not labels or listed.method in labels]


def read_manifest(home: Home, reference: str) -> Manifest:
    """The manifest of the suite called `reference`, a name or a TOML file.

    Raises:
        NoManifestError: it was never run in this home.
        UserError: another of that name was.
    """
    file = Path(reference)
    manifest = manifest_named(home, file.name.removesuffix(".toml"))
    if file.suffix == ".toml" and file.is_file():
        return check_same(manifest, home, path=str(file.resolve()), text=file.read_bytes().decode(errors="replace"))
    return manifest


def manifest_named(home: Home, name: str) -> Manifest:
    """The manifest of the suite of that name.

    Raises:
        NoManifestError: it was never run in this home.
        UserError: its packed runs cannot be read.
    """
    path = _place(home, name)
    try:
        if (packed := home.packed / f"{name}.zip").is_file():
            keys_in(home, packed)
    except UserError as error:
        raise UserError(
            f"packed runs of suite '{name}': {error}; restore that file, or delete it and run the suite again"
        ) from None
    try:
        manifest: Manifest = parse(Manifest, json.loads(path.read_text()))
        return manifest
    except (FileNotFoundError, NotADirectoryError):
        known = ", ".join(sorted(p.stem for p in home.suites.glob("*.json"))) or "none"
        raise NoManifestError(f"suite '{name}' was never run in home '{home.path}'; run there: {known}") from None
    except (ValueError, RecursionError, UserError) as error:
        raise NoManifestError(f"{path}: not a manifest of this version; run the suite again ({error})") from None


def check_same(manifest: Manifest, home: Home, *, path: str, text: str) -> Manifest:
    """The manifest, unless a suite comes from another file and says something else: one would replace the other.

    A file that was edited is the same suite, and so is one that was moved.

    Raises:
        UserError: it is another suite.
    """
    if manifest.path is not None and manifest.path != path and manifest.text != text:
        here = f"'{manifest.path}'" if manifest.path else "the suite of that name that comes with the project"
        raise UserError(
            f"suite '{manifest.suite}': home '{home.path}' has results of another suite of this name, {here}; rename "
            f"the file, choose another --home, or, if this one takes its place, delete '{_place(home, manifest.suite)}'"
        )
    return manifest


def _place(home: Home, suite: str) -> Path:
    return home.suites / f"{suite}.json"


def pathless(source: dict[str, Any]) -> dict[str, Any]:
    """Source of a dataset without what may be a path: sources name none, but datasets of other programs may."""
    return {key: value for key, value in source.items() if not {"/", "\\"} & set(str(value))}


def dataset_secret(dataset: FaceDataset) -> str:
    """The same for one dataset wherever it is, and unknown to who has not got its scans: a digest of their digests."""
    return hashlib.sha256("".join(dataset.table["sha256"]).encode()).hexdigest()
