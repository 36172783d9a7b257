"""Results: the tables that a report is made of, and where they came from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from reports.data.consistency import (
    check_calibration,
    check_cross_dataset,
    check_evaluations,
    check_evidence,
    check_plan,
    check_protocol,
    check_scores,
    check_selection,
    check_studies,
    check_units,
)
from reports.data.ensembling import StoredPredictions, check_inner
from reports.data.faces import Face
from reports.data.search import Search
from reports.data.spelling import classes_of
from reports.data.usable import LeftOut
from reports.formats import READING
from reports.schema import (
    CALIBRATION,
    CORRUPTIONS,
    CROSS_DATASET,
    CURVES,
    EVALUATIONS,
    FOLDS,
    IMPORTANCES,
    MAPS,
    SELECTION,
    STUDIES,
    Column,
    ReportError,
    checked,
    nuisance_factors,
    predictions_of,
)
from reports.statistics.paired import Pairing

_DATASET = ("name", "scans", "subjects", "classes", "size", "fingerprint", "shareable", "source")
_METHOD = ("version", "summary", "source", "hyperparameters")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Axis of an ablation: a hyper-parameter that it changes.

    Attributes:
        title: of its column.
        part_of: the axis that it belongs to: where that one is ``"none"``, taken away, this one is gone with it.
    """

    title: str
    part_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Provenance of results, in words and numbers for the reader.

    Attributes:
        suite: its name.
        description: what it asks, one or two sentences.
        suite_toml: its text.
        dataset: name, scans, subjects, classes (scans by expression), size (pixels), fingerprint, shareable (whether
            subjects' names may be shown), maybe pose and detector (which landmarks poses were fitted to, and what
            detected some), maybe landmarks (of how many scans they were given, and in how many found), source (a
            mapping: what decides the scans; its ``kind`` is the dataset).
        protocol: a mapping: folds, repeats, seed, and who takes part.
        versions: the versions seen of each library; more than one is told to the reader.
        hardware: the machines seen, one line each.
        commits: the commits of the code seen.
        devices: the devices seen, GPUs by their names.
        planned: runs that the suite asks for.
        done: runs that finished, as many as the rows of `Results.folds`.
        failed: (method, repeat, fold, reason) of each run that raised.
        created: when the report is made, as it shall be printed.
        synthetic: whether the faces are synthetic.
        methods: by name, in the order of every table and picture: version, summary (one line), source (where it was
            published), hyperparameters (a mapping); maybe title, what papers call it; probabilities, false where its
            scores are none; reading, true where its exact form is a reading of its paper; inputs, what it reads of a
            face at test time, training_inputs, what in training alone, and masks, where its masks and landmarks come
            from; changed, the hyper-parameters that are not at their defaults; page, the address of its runs;
            module, of its source, and repository, the address of that.
        control: the method that the others are compared with; the first of `methods` if None.
        axes: what an ablation changes, by hyper-parameter, which every method has; the control is the full model.
            Empty for other comparisons.
        added: methods that `suite_toml` does not have.
        search: how settings were searched; None where they were not.
        with_faces: whether the user wants subjects named and shown though the dataset is not shareable.
        secret: what pseudonyms of subjects are made with where they may not be named (`reports.data.pseudonyms`); None
            where the tables have pseudonyms already, so that no number depends on who may be named.
        names: where they have, and the user wants subjects named, the names by their pseudonyms.
        training: what all methods share, encoder and training, a setting a key (``"training.epochs"``); may be empty.
        rope: differences up to so many points either way are practically none (region of practical equivalence).
        files: of results from elsewhere, (name, SHA-256) of the files that they were read from; the latter is empty
            where it could confirm a guess at names that may not be shown. How they were made is not known then: what
            else stands here is empty, or was counted in them.
        remarks: how these files were read where they are spelt otherwise than docs/results.md says, a sentence a file.
        left_out: what of the results could not be used and stands in no table.
        gpu_workers: the numbers of workers that shared a GPU, as seen; none where all was computed on processors.
        others: the other datasets that models were tested on, by name, each as `dataset`; none where they were not.
    """

    suite: str
    description: str
    suite_toml: str
    dataset: Mapping[str, Any]
    protocol: Mapping[str, Any]
    versions: Mapping[str, Sequence[str]]
    hardware: Sequence[str]
    commits: Sequence[str]
    devices: Sequence[str]
    planned: int
    done: int
    failed: Sequence[tuple[str, int, int, str]]
    created: str
    synthetic: bool
    methods: Mapping[str, Mapping[str, Any]]
    control: str | None = None
    axes: Mapping[str, Axis] = field(default_factory=dict)
    added: Sequence[str] = ()
    search: Search | None = None
    with_faces: bool = False
    secret: str | None = ""
    names: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    rope: float = 1.0
    files: Sequence[tuple[str, str]] = ()
    remarks: Sequence[str] = ()
    left_out: Sequence[LeftOut] = ()
    gpu_workers: Sequence[str] = ()
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def named(self) -> bool:
        """Whether who the subjects are may be told: their names, their faces, and what may hold either."""
        return bool(self.dataset["shareable"]) or self.with_faces

    @property
    def single(self) -> bool:
        """Whether the protocol has one training run a method, of a split into training and test set."""
        return self.protocol.get("folds") == 1 and self.protocol.get("repeats") == 1

    @property
    def titles(self) -> dict[str, str]:
        """Titles of methods in papers, by name: no two alike, the name where there is no title.

        Those whose exact form is a reading of their paper end in `reports.formats.READING`.
        """
        found = {name: about.get("title") or name for name, about in self.methods.items()}
        often = Counter(found.values())
        unique = {name: title if often[title] == 1 else f"{title} ({name})" for name, title in found.items()}
        readings = {name for name, about in self.methods.items() if about.get("reading")}
        return {name: f"{title}{READING}" if name in readings else title for name, title in unique.items()}

    @property
    def called(self) -> str:
        """Name of the results in captions."""
        return f"{self.suite}, synthetic faces" if self.synthetic else self.suite

    def __post_init__(self) -> None:
        _need("dataset", self.dataset, _DATASET)
        for name, about in self.methods.items():
            _need(f"methods: {name!r}", about, _METHOD)
            # An axis that is part of another may be gone with it.
            own = [axis for axis, about_it in self.axes.items() if about_it.part_of is None]
            _need(f"hyperparameters: {name!r}", about["hyperparameters"], own)
        _need("axes", self.axes, [axis.part_of for axis in self.axes.values() if axis.part_of is not None])
        if self.control is not None and self.control not in self.methods:
            raise ReportError(f"control: {self.control!r} is not in the comparison, allowed: {', '.join(self.methods)}")
        for name in self.search.spaces if self.search else ():
            if name not in self.methods:
                raise ReportError(f"search: {name!r} is not in the suite, allowed: {', '.join(self.methods)}")
        if not 0.0 <= self.rope <= 100.0:
            raise ReportError(f"rope: {self.rope} points, allowed is 0 to 100")
        if not 0 <= self.done <= self.planned:
            raise ReportError(f"done: {self.done} runs of {self.planned} planned, allowed is 0 to {self.planned}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Results:
    """Checked tables of a suite's finished runs, each sorted by its key, and their provenance.

    Attributes:
        folds: a row a run (`reports.schema.FOLDS`): suite, method, repeat, fold, seed, unit, n_train, n_test, accuracy
            and macro_f1 (0..1); where known seconds (training and test; processor time on a CPU), train_seconds and
            test_seconds, which they are the sum of, parameters, flops (one forward of one sample), and peak_memory
            (bytes of the device's memory, at most, the scans on it included).
        predictions: a row a tested scan (`reports.schema.PREDICTIONS`): unit, method, repeat, fold, scan, subject,
            expression, intensity (0 where unknown), predicted; p_CLASS (0..1, sum 1) of each class, where they are
            known of all scans of a method.
        curves: a row an epoch (`reports.schema.CURVES`): unit, method, repeat, fold, epoch, loss, accuracy (of the
            training scans as seen in training), learning_rate. A run may have none.
        provenance: how they were made.
        studies: a row a study with at least one complete trial (`reports.schema.STUDIES`): study (its name), method,
            repeat, fold (the outer fold that it chose for; both -1 under development), search (0 for the suite's own, 1
            and so on where whole searches are repeated), complete, pruned, failed (trials),
            runs (trainings that scored them), seconds (of all its
            trainings), best_trial (number), best_value (0..1, the inner score), params (the best trial's, a JSON
            object). Empty where nothing was searched.
        selection: a row a training of a best trial on an outer fold (`reports.schema.SELECTION`): method, repeat, fold,
            search (whose best trial), reseed (0: the training's ordinary seed; 1 and so on: the same with other seeds),
            accuracy. Empty unless the suite repeats its searches.
        importances: a row a test scan of a method that weighs texture and depth (`reports.schema.IMPORTANCES`): method,
            repeat, fold, scan, texture, depth (0..1). Empty where none does.
        nuisance_factors: a row a scan (`reports.schema.nuisance_factors`): scan, and ``nuisance_NAME``: how strong each
            recorded disturbance was, in units of its own, any number of them; ``nuisance_texture_failure`` and
            ``nuisance_depth_failure``, 0 or 1, tell whether a sensor failed. Empty where none is recorded.
        attributes: a row a scan: scan, and by the attribute's name the text of each by which accuracy is to be given,
            empty where unknown. Empty where it is to be given by none.
        maps: a row a cell (`reports.schema.MAPS`): method, kind (attention, gradcam), stream, row (from the forehead
            down), column (from the viewer's left), value (the mean over test scans and trainings), trainings (over
            how many); where known shift: what a cell sees is centred so far up and to the left of it, in cells. Empty
            where there are none.
        faces: of scans, by what the tables call them, their pictures, which may be read when they are asked for; of
            any scans, or none. None at all where subjects may not be named, whatever was given.
        stored: what ensembles need beside these.
        evaluations: a row a subject, training, corruption and severity (`reports.schema.EVALUATIONS`). Empty where
            models were evaluated on nothing but their test scans.
        corruptions: a row a corruption and severity (`reports.schema.CORRUPTIONS`), in the suite's order.
        calibration: a row a method, corruption, severity and bin of confidence that has scans, over all trainings and
            subjects of `evaluations` (`reports.schema.CALIBRATION`). Empty where no probabilities are known.
        cross_dataset: a row a subject of another dataset and training (`reports.schema.CROSS_DATASET`); the datasets
            are those of `Provenance.others`. Empty where models were tested on no other.

    Raises:
        ReportError: a table breaks its schema; the tables contradict one another; methods were tested on different
            scans of one fold; a subject is in two test folds of one repeat, or is tested by what was chosen on it.
    """

    folds: pd.DataFrame
    predictions: pd.DataFrame
    curves: pd.DataFrame
    provenance: Provenance
    studies: pd.DataFrame = field(default_factory=pd.DataFrame)
    selection: pd.DataFrame = field(default_factory=pd.DataFrame)
    importances: pd.DataFrame = field(default_factory=pd.DataFrame)
    nuisance_factors: pd.DataFrame = field(default_factory=pd.DataFrame)
    attributes: pd.DataFrame = field(default_factory=pd.DataFrame)
    maps: pd.DataFrame = field(default_factory=pd.DataFrame)
    faces: Mapping[str, Face] = field(default_factory=dict)
    stored: StoredPredictions = field(default_factory=StoredPredictions)
    evaluations: pd.DataFrame = field(default_factory=pd.DataFrame)
    corruptions: pd.DataFrame = field(default_factory=pd.DataFrame)
    calibration: pd.DataFrame = field(default_factory=pd.DataFrame)
    cross_dataset: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        folds = checked("folds", self.folds, FOLDS, key=("method", "repeat", "fold"))
        columns = predictions_of(classes_of(self.predictions))
        predictions = checked("predictions", self.predictions, columns, key=("method", "repeat", "fold", "scan"))
        curves = checked("curves", _given(self.curves, CURVES), CURVES, key=("method", "repeat", "fold", "epoch"))
        places = ("method", "repeat", "fold", "search")
        studies = checked("studies", _given(self.studies, STUDIES), STUDIES, key=places)
        selection = checked("selection", _given(self.selection, SELECTION), SELECTION, key=(*places, "reseed"))
        object.__setattr__(self, "folds", folds)
        object.__setattr__(self, "predictions", predictions)
        object.__setattr__(self, "curves", curves)
        object.__setattr__(self, "studies", studies)
        object.__setattr__(self, "selection", selection)
        importances = _given(self.importances, IMPORTANCES)
        importances = checked("importances", importances, IMPORTANCES, key=("method", "repeat", "fold", "scan"))
        recorded = nuisance_factors(self.nuisance_factors)
        object.__setattr__(self, "importances", importances)
        object.__setattr__(
            self,
            "nuisance_factors",
            checked("nuisance_factors", _given(self.nuisance_factors, recorded), recorded, key=("scan",)),
        )
        cells = checked("maps", _given(self.maps, MAPS), MAPS, key=("method", "kind", "stream", "row", "column"))
        object.__setattr__(self, "maps", cells)
        self._check_evaluations()
        plan = self.provenance
        object.__setattr__(self, "faces", self.faces if plan.named else {})
        check_plan(folds, suite=plan.suite, methods=list(plan.methods), done=plan.done)
        check_units(folds, predictions, curves)
        check_scores(folds, predictions)
        check_protocol(folds, predictions)
        check_studies(studies, plan.search, methods=list(plan.methods))
        check_selection(selection, studies, folds, plan.search)
        check_evidence(importances, cells, predictions)
        check_inner(self.stored.inner, predictions)

    def _check_evaluations(self) -> None:
        """Has all tables of evaluations checked; corruptions stay in their order."""
        of = ("method", "repeat", "fold", "subject", "corruption", "severity")
        evaluations = checked("evaluations", _given(self.evaluations, EVALUATIONS), EVALUATIONS, key=of)
        given = _given(self.corruptions, CORRUPTIONS)
        order = {name: place for place, name in enumerate(dict.fromkeys(given["corruption"]))}
        corruptions = checked("corruptions", given, CORRUPTIONS, key=("corruption", "severity"))
        places = corruptions["corruption"].map(order)
        corruptions = corruptions.loc[places.sort_values(kind="stable").index].reset_index(drop=True)
        object.__setattr__(self, "evaluations", evaluations)
        object.__setattr__(self, "corruptions", corruptions)
        check_evaluations(evaluations, corruptions, self.predictions)
        bins = ("method", "corruption", "severity", "bin")
        calibration = checked("calibration", _given(self.calibration, CALIBRATION), CALIBRATION, key=bins)
        object.__setattr__(self, "calibration", calibration)
        check_calibration(calibration, evaluations)
        by = ("method", "repeat", "fold", "dataset", "subject")
        found = checked("cross_dataset", _given(self.cross_dataset, CROSS_DATASET), CROSS_DATASET, key=by)
        object.__setattr__(self, "cross_dataset", found)
        check_cross_dataset(found, list(self.provenance.others))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes that methods tell apart, in the order of tables and pictures."""
        return classes_of(self.predictions)

    @property
    def methods(self) -> list[str]:
        """Names of the methods with at least one finished run, in the suite's order."""
        done = set(self.folds["method"])
        return [name for name in self.provenance.methods if name in done]

    @property
    def described(self) -> dict[str, Mapping[str, Any]]:
        """Each of `methods` as `Provenance.methods` describes it; a suite may have others, which were not run."""
        return {name: self.provenance.methods[name] for name in self.methods}

    @property
    def failed_methods(self) -> list[str]:
        """Names of the methods that were tried and have nothing that can be used, in the suite's order."""
        plan = self.provenance
        tried = {method for method, *_ in plan.failed} | {one.method for one in plan.left_out}
        return [name for name in plan.methods if name in tried and name not in self.methods]

    @property
    def control(self) -> str:
        """The method that the others are compared with; it may have no finished run."""
        return self.provenance.control or next(iter(self.provenance.methods))

    @cached_property
    def pairing(self) -> Pairing:
        """The same as `folds` and `predictions`, laid out for comparing methods in pairs."""
        return Pairing(self.folds, self.predictions, single=self.provenance.single)


def _given(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """`frame`, or where it has neither rows nor columns, an empty one with these columns."""
    return pd.DataFrame(columns=list(columns)) if frame.shape == (0, 0) else frame


def _need(table: str, mapping: Mapping[str, Any], keys: Sequence[str]) -> None:
    for key in keys:
        if key not in mapping:
            raise ReportError(f"{table}: {key!r} is missing; needed: {', '.join(keys)}")
