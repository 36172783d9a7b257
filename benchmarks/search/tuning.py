"""Tuned runs: those of a comparison with the settings that a search found, or a file gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from afnetm.errors import UserError
from afnetm.registry import registry
from afnetm.strict import parse
from afnetm.training.config import TrainingConfig
from benchmarks.plans.runs import PlannedRun, hyperparameters, with_settings
from benchmarks.plans.suite import Suite
from benchmarks.search.searching import StudySpec, SuiteStudy
from studies.best_parameters import BestParameters, Where, place, read_best_parameters
from studies.search import Search
from studies.space import PREFIX, apply, message
from studies.spec import SearchSpec

#: Where a run stands in a comparison: label, repeat and fold. Two methods' best trials may be one run.
Position = tuple[str, int, int]


def position(one: PlannedRun) -> Position:
    """The position of a run: its label, repeat and fold."""
    return one.label, one.run.repeat, one.run.fold


@dataclass(frozen=True)
class AdditionalRun:
    """A training beside the comparison, which tells where a score's spread comes from.

    Attributes:
        planned: what is trained.
        search: whose best trial it is: of the first search (0) or of a repeated one.
        reseed: 0, or with which other seed the same is trained again.
    """

    planned: PlannedRun
    search: int
    reseed: int


@dataclass(frozen=True)
class Tuned:
    """The runs of a comparison whose methods were tuned.

    Attributes:
        planned: as many as the suite has, each with its best parameters.
        best_parameters: what they were made with.
        lacking: by label, repeat and fold of a run, why it has no best trial, and so cannot be trained; empty where its
            method was not asked for. Such a run is planned as the suite has it.
        additional: trainings of repeated searches' best trials, and of best trials with other seeds.
        defaults: the runs of the comparison with the suite's own settings.
        trains_defaults: whether these are to be trained as well; some may be, for another suite.
        record: what a report needs to tell how it was done.
    """

    planned: list[PlannedRun]
    best_parameters: list[BestParameters]
    lacking: Mapping[Position, str] = field(default_factory=dict)
    additional: Sequence[AdditionalRun] = ()
    defaults: Sequence[PlannedRun] = ()
    trains_defaults: bool = False
    record: Mapping[str, Any] = field(default_factory=dict)

    def lacks(self, one: PlannedRun) -> bool:
        """Whether a run of `planned` has no best trial."""
        return position(one) in self.lacking


def by_search(
    suite: Suite, spec: SearchSpec, planned: list[PlannedRun], found: Mapping[StudySpec, Search], *, asked: list[str]
) -> Tuned:
    """The best trials of finished searches, in every fold that they are for; `asked` are the methods asked for."""
    best = {(q.label, q.where, q.search): search.best_trial() for q, search in found.items()}
    names = {(q.label, q.where): q.name for q in found if q.search == 0}
    tuned, lacking, additional = [], {}, []
    for one in planned:
        where = (one.run.repeat, one.run.fold) if spec.selection == "nested" else None
        best_trial = best.get((one.label, where, 0))
        if best_trial is None:
            name = names.get((one.label, where))
            tuned.append(one)
            told_of = name and one.label in asked
            lacking[position(one)] = f"no trial of study '{name}' was completed" if told_of else ""
            continue
        tuned.append(_applied(suite, one, best_trial.params))
        for number in range(1, spec.selection_repeats):
            again = best.get((one.label, where, number))
            if again is not None:
                additional.append(AdditionalRun(_applied(suite, one, again.params), number, 0))
            additional.append(AdditionalRun(_applied(suite, one, best_trial.params, reseed=number), 0, number))
    best_parameters = [
        best_parameters_of(q, best_trial)
        for q in found
        if q.search == 0 and (best_trial := best[q.label, q.where, 0]) is not None
    ]
    record = {
        "spec": spec.model_dump(mode="json"),
        "budget": spec.budget,
        "per_dimension": spec.per_dimension,
        "file": "",
        "spaces": {q.label: {name: message(d) for name, d in q.space.distributions.items()} for q in found},
        "studies": [_summary(study_spec, search) for study_spec, search in found.items()],
    }
    return Tuned(tuned, best_parameters, lacking, additional, planned, spec.defaults, record)


def by_file(
    suite: Suite, planned: list[PlannedRun], path: Path, *, left_out: Callable[[str], object] = lambda why: None
) -> Tuned:
    """The settings that a file gives; a fold that it does not name keeps the suite's own.

    A file stands in for the methods' defaults: a label that it does not name has the settings of its registered method,
    but for the hyper-parameters that its table in the suite sets.

    Args:
        suite: which is run.
        planned: its runs, as it is written.
        path: the file.
        left_out: is told in one line of registered methods in the file that the suite does not have.

    Raises:
        UserError: it names a method that there is not, or a fold that the suite does not have, a setting that is not
            allowed, or none of the suite's methods.
    """
    file = read_best_parameters(path)
    labels = {best.label for best in file.best_parameters}
    sources = {label: label if label in labels else method.name for label, method in suite.methods.items()}
    beside = [label for label in labels if label not in sources.values()]
    if beside and (len(beside) == len(labels) or not set(beside) <= set(registry().names)):
        unknown = next((label for label in beside if label not in registry().names), beside[0])
        raise UserError(f"{path.name}: method '{unknown}' is not in suite '{suite.name}': {', '.join(suite.methods)}")
    if beside:
        left_out(f"{path.name}: not in suite '{suite.name}', and left out: {', '.join(sorted(beside))}")
    written = {one.label: one.run for one in planned}  # with the suite's own settings, in every fold the same
    places = {None, *((one.run.repeat, one.run.fold) for one in planned)}
    settings: dict[tuple[str, Where], dict[str, Any]] = {}  # fields of a run, shared by all that have them
    params: dict[str, list[Mapping[str, Any]]] = {}
    for label, best in product(suite.methods, file.best_parameters):
        if best.label != sources[label]:
            continue
        at = f"{best.label}.{place(best.where)}"
        if best.where not in places:
            raise UserError(f"{path.name}: {at}: suite '{suite.name}' has no such fold")
        kept = suite.fixed.get(label, ()) if label not in labels else ()
        values = {name: value for name, value in best.params.items() if name not in kept}
        own = {name: value for name, value in values.items() if not name.startswith(PREFIX)}
        config = {name.removeprefix(PREFIX): value for name, value in values.items() if name.startswith(PREFIX)}
        own, config = written[label].hyperparameters | own, written[label].training | config
        method = parse(type(suite.methods[label]), own, table=at, file=path.name)
        training = parse(TrainingConfig, config, table=f"{at}.{PREFIX.removesuffix('.')}", file=path.name)
        settings[label, best.where] = {"hyperparameters": hyperparameters(method), "training": asdict(training)}
        if values:
            params.setdefault(label, []).append(values)
    tuned = []
    for one in planned:
        found = settings.get((one.label, (one.run.repeat, one.run.fold)), settings.get((one.label, None)))
        tuned.append(one if found is None else replace(one, run=replace(one.run, **found)))
    spec = suite.search or SearchSpec()
    record = {"spec": spec.model_dump(mode="json"), "budget": spec.budget, "spaces": {}, "studies": []}
    name = "".join(letter if letter.isprintable() else "?" for letter in path.name)
    record |= {"file": name, "found_by": file.found_by, "params": params}
    return Tuned(tuned, list(file.best_parameters), defaults=planned, trains_defaults=spec.defaults, record=record)


def found_by(suite: str, dataset: str, spec: SearchSpec) -> str:
    """Origin of the best parameters of a search, as their file says it and a report that uses it repeats it."""
    return f"the search of suite {suite} on dataset {dataset}, {spec.budget} in each study"


def best_parameters_of(study_spec: SuiteStudy, trial: FrozenTrial) -> BestParameters:
    """Best trial of a study, as a file of best parameters has it."""
    line = f"trial {trial.number} of study {study_spec.name}: inner {study_spec.spec.metric} {trial.value:.4f}"
    return BestParameters(study_spec.label, study_spec.where, trial.params, line)


def _applied(suite: Suite, one: PlannedRun, params: Mapping[str, Any], *, reseed: int = 0) -> PlannedRun:
    return with_settings(one, *apply(params, suite.methods[one.label], suite.training), reseed=reseed)


def _summary(study_spec: StudySpec, search: Search) -> dict[str, Any]:
    """A study in numbers."""
    trials, best_trial = search.trials, search.best_trial()
    states = [trial.state for trial in trials]
    repeat, fold = study_spec.where or (-1, -1)
    return {
        "study": study_spec.name,
        "method": study_spec.label,
        "repeat": repeat,
        "fold": fold,
        "search": study_spec.search,
        "complete": states.count(TrialState.COMPLETE),
        "pruned": states.count(TrialState.PRUNED),
        "failed": states.count(TrialState.FAIL),
        "runs": sum(len(trial.user_attrs.get("runs", ())) for trial in trials),
        "seconds": sum(trial.user_attrs.get("seconds", 0.0) for trial in trials),
        "best_trial": best_trial.number if best_trial else None,
        "best_value": best_trial.value if best_trial else None,
        "params": dict(best_trial.params) if best_trial else {},
        "best_runs": list(best_trial.user_attrs["runs"]) if best_trial else [],
    }
