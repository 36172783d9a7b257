"""Runs: the atoms of a comparison, each one training and its test, named by a hash of what decides its result."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afnetm.data.dataset import FaceDataset
from afnetm.data.masks import detector
from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec
from afnetm.model.weights import weights_path
from afnetm.registry import find_method
from afnetm.seeding import derive_seed
from afnetm.strict import parse
from afnetm.training.config import TrainingConfig
from benchmarks.plans.folds import Place, Scans, complete_rows, groups, select, split, split_by_file
from benchmarks.plans.keys import run_key
from benchmarks.plans.split_files import SUBJECT, SplitFile
from benchmarks.plans.suite import Suite
from benchmarks.plans.tables import ProtocolSpec

#: How a run is trained and tested beside its settings; raised whenever the same settings give other numbers, so that
#: earlier runs are not mixed with these. 2: the order of scans and their augmentation do not depend on the method. 3:
#: test faces are as sharp as training faces, what is black stays black, norms and biases do not decay.
PROCEDURE = 3


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training and its test, or one evaluation of a trained model: all that decides its result, and nothing else.

    Library versions and the commit are recorded with the result and not part of it.

    Attributes:
        dataset: the dataset's fingerprint.
        intensities: which of its scans are selected; None for all.
        protocol: folds and seed of the cross-validation, and who takes part where the suite says so.
        repeat: counted from 0.
        fold: counted from 0.
        method: the registered name.
        version: the method's version.
        hyperparameters: the method's fields.
        encoder: its name and width, the SHA-256 of given weights, and what is not at its default.
        training: the training configuration's fields.
        device: the kind, ``"cpu"`` or ``"cuda"``: they differ in rounding.
        inner: for a run of a search, which of its inner folds: ``selection``, ``folds`` and ``fold``; its repeat and
            fold are those that are searched for, 0 under ``development``. None for a run of the comparison.
        reseed: counted from 0; the same training again with other seeds, to see what they decide.
        procedure: how all this is done (`PROCEDURE`).
        detector: what detected masks come from (`afnetm.data.masks.detector`); None for a method that is given none.
        evaluation: on what else the trained model is tested (`benchmarks.plans.corrupted`,
            `benchmarks.plans.other_datasets`); None for the training and its own test.
    """

    dataset: str
    intensities: tuple[int, ...] | None
    protocol: dict[str, Any]
    repeat: int
    fold: int
    method: str
    version: int
    hyperparameters: dict[str, Any]
    encoder: dict[str, Any]
    training: dict[str, Any]
    device: str
    inner: dict[str, Any] | None = None
    reseed: int = 0
    procedure: int = PROCEDURE
    detector: str | None = None
    evaluation: dict[str, Any] | None = None

    @cached_property
    def key(self) -> str:
        """Twenty hexadecimal digits (`benchmarks.plans.keys.run_key`)."""
        return run_key(vars(self))

    @property
    def training_run(self) -> "Run":
        """The run that trained the model which an evaluation tests."""
        return replace(self, evaluation=None)

    @property
    def evaluated_on(self) -> str:
        """Name of the corruption, or of the other dataset, that an evaluation is on; empty for a run that trains."""
        said = self.evaluation or {}
        return str(said.get("corruption") or said.get("dataset") or "")

    @property
    def place(self) -> str:
        """Repeat and fold, and on what a model is evaluated, in words."""
        return ", ".join(filter(None, (f"repeat {self.repeat}, fold {self.fold}", self.evaluated_on)))

    @property
    def seed(self) -> int:
        """Of the initial weights and of dropout: by method, repeat and fold, under the protocol's seed.

        All trials of a search have the same one in the same inner fold: they differ in what they try.
        """
        return derive_seed(use="training", method=self.method, **self._axes)

    @property
    def data_seed(self) -> int:
        """Of the order of scans and of their augmentation: the same for all methods, by all else that `seed` is by.

        So methods that are compared on a fold have seen the same pictures, and chance in these is none between them.
        """
        return derive_seed(use="order and augmentation", **self._axes)

    @property
    def _axes(self) -> dict[str, Any]:
        axes: dict[str, Any] = {"seed": self.protocol["seed"], "repeat": self.repeat, "fold": self.fold}
        if self.inner is not None:
            axes |= {"inner": self.inner["fold"], "selection": self.inner["selection"]}
        return axes | ({"reseed": self.reseed} if self.reseed else {})


@dataclass(frozen=True)
class PlannedRun:
    """A run as a suite names it, whole: with all that a worker needs, so that it plans nothing again.

    Attributes:
        label: what the suite calls the method.
        run: what decides the result.
        scans: what it sees, trains on and tests, which `run` decides.
        dataset_name: where the dataset is, under the home.
        weights: where given encoder weights are, and those for depth.
        keep_weights: whether the record keeps the trained weights.
        rehearsal: whether it is only tried on a few faces, for nothing but its not failing.
        group: the column of the dataset's table by which it is split.
        alone: why it failed before, if its neighbours may have been the cause: nothing else is under way now.
    """

    label: str
    run: Run
    scans: Scans = field(compare=False, repr=False)
    dataset_name: str
    weights: tuple[str | None, str | None]
    keep_weights: bool
    rehearsal: bool = False
    alone: str = ""
    group: str = SUBJECT


def plan(suite: Suite, dataset: FaceDataset, *, device: str) -> list[PlannedRun]:
    """Every run of `suite` as it is written, fold by fold, so that all methods advance together.

    Raises:
        UserError: the protocol does not fit the dataset.
    """
    encoder, training = _encoder_identity(suite.encoder), asdict(suite.training)
    weights = suite.encoder.weights, suite.encoder.depth_weights
    settings = {label: hyperparameters(method) for label, method in suite.methods.items()}
    detectors = {
        label: detector(dataset)
        for label, method in suite.methods.items()
        if method.uses_masks and method.masks == "detected"
    }
    rows = select(dataset, suite.dataset.intensities)
    own = _group_identity(dataset, suite.protocol.group)
    planned = []
    for (repeat, fold), scans in protocol_folds(dataset, rows, suite.protocol, suite.split_file).items():
        protocol = _protocol_identity(suite.protocol, scans) | own
        for label, method in suite.methods.items():
            run = Run(
                dataset=dataset.fingerprint,
                intensities=suite.dataset.intensities,
                protocol=protocol,
                repeat=repeat,
                fold=fold,
                method=method.name,
                version=method.version,
                hyperparameters=settings[label],
                encoder=encoder,
                training=training,
                device=device,
                detector=detectors.get(label),
            )
            planned.append(
                PlannedRun(
                    label,
                    run,
                    scans,
                    suite.dataset.name,
                    weights,
                    suite.keep_weights or suite.evaluation is not None,
                    group=suite.protocol.group,
                )
            )
    return planned


def protocol_folds(
    dataset: FaceDataset, rows: NDArray[np.int64], protocol: ProtocolSpec, file: SplitFile | None
) -> dict[Place, Scans]:
    """The folds over `rows` by a protocol, or as the file of its split has them, in order.

    Raises:
        UserError: the dataset has too few subjects, or too few scans of a class; or the file does not fit it.
    """
    own = groups(dataset, protocol.group)[rows]
    if file is not None:
        return split_by_file(dataset, rows, own, file)
    choices = protocol.model_dump(include={"repeats", "seed", "subjects", "redraw", "complete"})
    assert protocol.folds is not None
    return split(dataset, rows, own, folds=protocol.folds, **choices)


def folds_of(dataset: FaceDataset, rows: NDArray[np.int64], protocol: ProtocolSpec) -> int:
    """The folds of a protocol, which are as many as those who take part where one is left out in each."""
    if protocol.folds is not None:
        return protocol.folds
    own = groups(dataset, protocol.group)[rows]
    if protocol.complete:
        own = own[complete_rows(dataset.table.iloc[rows], own, dataset.name, at_least=protocol.subjects or 2)]
    return protocol.subjects or len(set(own))


def with_settings(
    planned: PlannedRun,
    method: Method,
    config: TrainingConfig,
    *,
    reseed: int = 0,
) -> PlannedRun:
    """The same run with other settings of its method and training, and with another seed if so said."""
    run = replace(planned.run, hyperparameters=hyperparameters(method), training=asdict(config), reseed=reseed)
    return replace(planned, run=run)


def on_inner_fold(planned: PlannedRun, scans: Scans, inner: dict[str, Any]) -> PlannedRun:
    """The same run on an inner fold of a search, whose weights nobody wants."""
    return replace(planned, run=replace(planned.run, inner=inner), scans=scans, keep_weights=False)


def hyperparameters(method: Method) -> dict[str, Any]:
    """A method's hyper-parameters by name, as JSON has them: what is planned is what will be read.

    Where masks come from is one of a method that reads any, and decides nothing of another.
    """
    values = {field.name: getattr(method, field.name) for field in fields(method)}
    if not method.uses_masks:
        del values["masks"]
    found: dict[str, Any] = json.loads(json.dumps(values))
    return found


def changed(method: Method) -> list[str]:
    """Names of the hyper-parameters that are not at their defaults."""
    defaults = hyperparameters(type(method)())
    return [name for name, value in hyperparameters(method).items() if value != defaults.get(name, value)]


def rebuild(planned: PlannedRun) -> tuple[Method, EncoderSpec, TrainingConfig]:
    """Method, encoder and training configuration of a run, as the objects that they were in the suite."""
    run = planned.run
    method: Method = parse(find_method(run.method), run.hyperparameters)
    config: TrainingConfig = parse(TrainingConfig, run.training)
    weights = dict(zip(("weights", "depth_weights"), planned.weights, strict=True))
    encoder = EncoderSpec(**{**run.encoder, **weights})
    return method, encoder, config


def _protocol_identity(spec: ProtocolSpec, scans: Scans) -> dict[str, Any]:
    """Part of a protocol that decides a repeat's folds: not how many there are, nor a key at its default.

    Of a split of one's own it is who trains and who is tested here, by row numbers, whatever file says it and how.
    """
    if spec.split is not None:
        sides = [scans.rows[scans.train].tolist(), scans.rows[scans.test].tolist()]
        return {"seed": spec.seed, "split": hashlib.sha256(json.dumps(sides).encode()).hexdigest()[:20]}
    choices = spec.model_dump(include={"subjects", "redraw", "complete"}, exclude_defaults=True)
    return {"folds": spec.folds, "seed": spec.seed, **choices}


def _group_identity(dataset: FaceDataset, column: str) -> dict[str, Any]:
    """Digest of who belongs together, without their names; nothing where each subject is alone."""
    subjects, own = dataset.subjects, groups(dataset, column)
    if (subjects == own).all():
        return {}
    first = np.unique(own, return_inverse=True)[1].tolist()
    return {"group": hashlib.sha256(json.dumps(first).encode()).hexdigest()[:20]}


def _encoder_identity(spec: EncoderSpec) -> dict[str, Any]:
    """Part of an encoder that decides a result; keys younger than many records are left out at their defaults."""
    younger: dict[str, Any] = {"output_stride": spec.output_stride} if spec.output_stride != 32 else {}
    if spec.depth_weights is not None:
        younger["depth_weights"] = _digest(spec.depth_weights, spec.name)
    if spec.normalise is not None:
        younger["normalise"] = spec.normalise
    if spec.frozen_stages != 0:
        younger["frozen_stages"] = spec.frozen_stages
    weights = None if spec.weights is None else _digest(spec.weights, spec.name)
    return {"name": spec.name, "width": spec.width, "weights": weights, **younger}


def _digest(source: str, encoder: str) -> str:
    """SHA-256 of given weights (`afnetm.model.weights.weights_path`)."""
    with open(weights_path(source, encoder), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
