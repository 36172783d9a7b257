"""Runs: the atoms of a comparison, each one training and its test, named by a hash of what decides its result."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.data.splits import Split, complete_subjects, subject_folds
from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import find_method
from afnetm.seeding import derive_seed
from afnetm.strict import parse
from afnetm.training.config import TrainingConfig
from benchmarks.plans.keys import run_key
from benchmarks.plans.suite import DatasetSpec, ProtocolSpec, Suite


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training and its test: everything that decides its result, and nothing else.

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
        encoder: its name and width, and the SHA-256 of given weights.
        training: the training configuration's fields.
        device: the kind, ``"cpu"`` or ``"cuda"``: they differ in rounding.
        inner: for a run of a search, which of its inner folds: ``selection``, ``folds`` and ``fold``; its repeat and
            fold are those that are searched for, 0 under ``development``. None for a run of the comparison.
        reseed: counted from 0; the same training again with another seed, to see what the seed decides.
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

    @property
    def key(self) -> str:
        """Twenty hexadecimal digits (`benchmarks.plans.keys.run_key`)."""
        return run_key(asdict(self))

    @property
    def seed(self) -> int:
        """Of the weights, the order and the augmentation: by method, repeat and fold, under the protocol's seed.

        All trials of a search have the same one in the same inner fold: they differ in what they try.
        """
        axes: dict[str, Any] = {"method": self.method, "repeat": self.repeat, "fold": self.fold}
        if self.inner is not None:
            axes |= {"inner": self.inner["fold"], "selection": self.inner["selection"]}
        if self.reseed:
            axes["reseed"] = self.reseed
        return derive_seed(use="training", seed=self.protocol["seed"], **axes)


@dataclass(frozen=True)
class PlannedRun:
    """A run as a suite names it, with what a worker needs beside it.

    Attributes:
        label: what the suite calls the method.
        run: what decides the result.
        dataset_name: where the dataset is, under the home.
        weights: path of given encoder weights.
        keep_weights: whether the record keeps the trained weights.
        rehearsal: whether it is only tried on a few faces, for nothing but its not failing.
    """

    label: str
    run: Run
    dataset_name: str
    weights: str | None
    keep_weights: bool
    rehearsal: bool = False


def select(dataset: FaceDataset, spec: DatasetSpec) -> NDArray[np.int64]:
    """Row numbers of the scans that a suite selects: the six expressions, at its intensities.

    Raises:
        UserError: no scan is left, or an intensity is not in the dataset.
    """
    table = dataset.table
    known = sorted(set(table["intensity"]))
    for intensity in spec.intensities or ():
        if intensity not in known:
            raise UserError(
                f"dataset.intensities: {intensity} is not in '{dataset.name}'; it has: {', '.join(map(str, known))}"
            )
    chosen = table["expression"].isin(EXPRESSIONS)
    if spec.intensities is not None:
        chosen &= table["intensity"].isin(spec.intensities)
    rows = np.flatnonzero(chosen.to_numpy())
    if not len(rows):
        raise UserError(f"dataset '{dataset.name}' has no scan with one of: {', '.join(EXPRESSIONS)}")
    return rows


def class_indices(dataset: FaceDataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """``(len(rows),)`` int64: the scans' expressions as indices into `EXPRESSIONS`."""
    return dataset.table["expression"].iloc[rows].map(EXPRESSIONS.index).to_numpy(np.int64, copy=True)


def split(
    dataset: FaceDataset,
    rows: NDArray[np.int64],
    *,
    folds: int,
    repeats: int,
    seed: int,
    subjects: int | None = None,
    redraw: bool = False,
    complete: bool = False,
) -> Sequence[Split]:
    """The folds over `rows` by a protocol (`ProtocolSpec` says what each key means); their indices are into `rows`.

    Raises:
        UserError: the dataset has too few subjects, or too few scans of a class.
    """
    table = dataset.table.iloc[rows]
    kept = _complete(table, dataset.name, at_least=subjects or folds) if complete else np.arange(len(rows))
    table = table.iloc[kept]
    splits = subject_folds(
        table["subject"].tolist(),
        table["expression"].tolist(),
        folds=folds,
        repeats=repeats,
        seed=seed,
        drawn=subjects,
        redraw=redraw,
    )
    return [replace(one, train=kept[one.train], test=kept[one.test]) for one in splits]


def scans_of(run: Run, dataset: FaceDataset) -> tuple[NDArray[np.int64], Split]:
    """The scans that a run may see, as row numbers of the dataset, and its fold; the fold's indices are into them.

    A run of a search sees no scan of a subject whom the comparison tests with what is found.

    Raises:
        UserError: nobody is left for `inner`.
    """
    rows = select(dataset, DatasetSpec(name=dataset.name, intensities=run.intensities))
    splits = split(dataset, rows, repeats=run.repeat + 1, **run.protocol)
    outer = next(one for one in splits if (one.repeat, one.fold) == (run.repeat, run.fold))
    if run.inner is None:
        return rows, outer
    if run.inner["selection"] == "nested":
        own = rows[outer.train]
        seed = derive_seed(use="inner folds", seed=run.protocol["seed"], repeat=run.repeat, fold=run.fold)
    else:
        own = undrawn(run, dataset)
        seed = derive_seed(use="development folds", seed=run.protocol["seed"])
    found = split(dataset, own, folds=run.inner["folds"], repeats=1, seed=seed)
    return own, found[run.inner["fold"]]


def undrawn(run: Run, dataset: FaceDataset) -> NDArray[np.int64]:
    """Rows of the subjects whom a run's protocol could have drawn and did not, so that no repeat tests them."""
    rows = select(dataset, DatasetSpec(name=dataset.name, intensities=run.intensities))
    drawn = split(dataset, rows, repeats=1, **run.protocol)[0]
    table = dataset.table.iloc[rows]
    able = _complete(table, dataset.name, at_least=0) if run.protocol.get("complete") else np.arange(len(rows))
    left: NDArray[np.int64] = rows[np.setdiff1d(able, np.concatenate([drawn.train, drawn.test]))]
    return left


def _complete(table: pd.DataFrame, name: str, *, at_least: int) -> NDArray[np.intp]:
    """Row numbers of the scans of subjects with each expression at each intensity that `table` has."""
    subjects, intensities = table["subject"].tolist(), sorted(set(table["intensity"]))
    kinds = list(zip(table["expression"], table["intensity"], strict=True))
    complete = complete_subjects(subjects, kinds, needed=product(EXPRESSIONS, intensities))
    if len(complete) < at_least:
        at = "" if intensities == [0] else f" at each intensity ({', '.join(map(str, intensities))})"  # 0: not known
        raise UserError(
            f"protocol.complete = true: {len(complete)} of the {len(set(subjects))} subjects of '{name}' have each of "
            f"the six expressions{at}; {at_least} are needed"
        )
    return np.flatnonzero(table["subject"].isin(complete))


def plan(suite: Suite, dataset: FaceDataset, *, device: str) -> list[PlannedRun]:
    """Every run of `suite` as it is written, fold by fold, so that all methods advance together.

    Raises:
        UserError: the protocol does not fit the dataset.
    """
    splits = split(dataset, select(dataset, suite.dataset), **suite.protocol.model_dump())
    protocol = _protocol_identity(suite.protocol)
    encoder = _encoder_identity(suite.encoder)
    planned = []
    for one in splits:
        for label, method in suite.methods.items():
            run = Run(
                dataset=dataset.fingerprint,
                intensities=suite.dataset.intensities,
                protocol=protocol,
                repeat=one.repeat,
                fold=one.fold,
                method=method.name,
                version=method.version,
                hyperparameters=hyperparameters(method),
                encoder=encoder,
                training=asdict(suite.training),
                device=device,
            )
            planned.append(PlannedRun(label, run, suite.dataset.name, suite.encoder.weights, suite.keep_weights))
    return planned


def with_settings(
    planned: PlannedRun,
    method: Method,
    config: TrainingConfig,
    *,
    inner: dict[str, Any] | None = None,
    reseed: int = 0,
) -> PlannedRun:
    """The same run with other settings of its method and training, on an inner fold or with another seed if so said."""
    run = replace(
        planned.run,
        hyperparameters=hyperparameters(method),
        training=asdict(config),
        inner=inner,
        reseed=reseed,
    )
    return replace(planned, run=run, keep_weights=planned.keep_weights and inner is None)


def hyperparameters(method: Method) -> dict[str, Any]:
    """A method's hyper-parameters by name, as JSON has them: what is planned is what will be read."""
    found: dict[str, Any] = json.loads(
        json.dumps({field.name: getattr(method, field.name) for field in fields(method)})
    )
    return found


def changed(method: Method) -> list[str]:
    """Names of the hyper-parameters that are not at their defaults."""
    defaults = hyperparameters(type(method)())
    return [name for name, value in hyperparameters(method).items() if value != defaults[name]]


def rebuild(planned: PlannedRun) -> tuple[Method, EncoderSpec, TrainingConfig]:
    """Method, encoder and training configuration of a run, as the objects that they were in the suite."""
    run = planned.run
    method: Method = parse(find_method(run.method), run.hyperparameters)
    config: TrainingConfig = parse(TrainingConfig, run.training)
    encoder = EncoderSpec(name=run.encoder["name"], width=run.encoder["width"], weights=planned.weights)
    return method, encoder, config


def _protocol_identity(spec: ProtocolSpec) -> dict[str, Any]:
    """What decides a repeat's folds: not how many there are, nor a key at its default, which decides nothing."""
    choices = spec.model_dump(include={"subjects", "redraw", "complete"}, exclude_defaults=True)
    return {"folds": spec.folds, "seed": spec.seed, **choices}


def _encoder_identity(spec: EncoderSpec) -> dict[str, Any]:
    digest = None
    if spec.weights is not None:
        with open(spec.weights, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": spec.name, "width": spec.width, "weights": digest}
