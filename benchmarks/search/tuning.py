"""What a search found, or a file gives, made into the runs that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.training.config import TrainingConfig
from benchmarks.plans.runs import PlannedRun, hyperparameters, with_settings
from benchmarks.plans.suite import Suite, validate
from benchmarks.search.searching import Question
from studies.search import Search
from studies.space import PREFIX, apply, told
from studies.spec import SearchSpec
from studies.winners import Where, Winner, place, read_winners

#: Where a run stands in a comparison: label, repeat and fold. Two methods' winners may be one run.
Position = tuple[str, int, int]


def position(one: PlannedRun) -> Position:
    """A run's."""
    return one.label, one.run.repeat, one.run.fold


@dataclass(frozen=True)
class AdditionalRun:
    """A training beside the comparison, which tells where a score's spread comes from.

    Attributes:
        planned: what is trained.
        search: whose winner it is: of the first search (0) or of a repeated one.
        reseed: 0, or with which other seed the same is trained again.
    """

    planned: PlannedRun
    search: int
    reseed: int


@dataclass(frozen=True)
class Tuned:
    """The runs of a comparison whose methods were tuned.

    Attributes:
        planned: as many as the suite has, each with its winner's settings.
        winners: what they were made with.
        lacking: by label, repeat and fold of a run, why it has no winner, and so cannot be trained; empty where its
            method was not asked for. Such a run is planned as the suite has it.
        additional: trainings of repeated searches' winners, and of winners with other seeds.
        record: what a report needs to tell how it was done.
    """

    planned: list[PlannedRun]
    winners: list[Winner]
    lacking: Mapping[Position, str] = field(default_factory=dict)
    additional: Sequence[AdditionalRun] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    def lacks(self, one: PlannedRun) -> bool:
        """Whether a run of `planned` has no winner."""
        return position(one) in self.lacking


def by_search(
    suite: Suite, spec: SearchSpec, planned: list[PlannedRun], found: Mapping[Question, Search], *, asked: list[str]
) -> Tuned:
    """The winners of finished searches, in every fold that they are for; `asked` are the methods asked for."""
    best = {(q.label, q.where, q.search): search.winner() for q, search in found.items()}
    names = {(q.label, q.where): q.name for q in found if q.search == 0}
    tuned, lacking, additional = [], {}, []
    for one in planned:
        where = (one.run.repeat, one.run.fold) if spec.selection == "nested" else None
        winner = best.get((one.label, where, 0))
        if winner is None:
            name = names.get((one.label, where))
            tuned.append(one)
            told_of = name and one.label in asked
            lacking[position(one)] = f"no trial of study '{name}' was completed" if told_of else ""
            continue
        tuned.append(_applied(suite, one, winner.params))
        for number in range(1, spec.selection_repeats):
            again = best.get((one.label, where, number))
            if again is not None:
                additional.append(AdditionalRun(_applied(suite, one, again.params), number, 0))
            additional.append(AdditionalRun(_applied(suite, one, winner.params, reseed=number), 0, number))
    winners = [
        winner_of(q, winner) for q in found if q.search == 0 and (winner := best[q.label, q.where, 0]) is not None
    ]
    record = {
        "spec": spec.model_dump(mode="json"),
        "budget": spec.budget,
        "given": False,
        "spaces": {q.label: {name: told(d) for name, d in q.space.distributions.items()} for q in found},
        "studies": [_summary(question, search) for question, search in found.items()],
    }
    return Tuned(tuned, winners, lacking, additional, record)


def by_file(suite: Suite, planned: list[PlannedRun], path: Path) -> Tuned:
    """The settings that a file gives; a fold that it does not name keeps the suite's own.

    Raises:
        UserError: it names a method or a fold that the suite does not have, or a setting that is not allowed.
    """
    winners = read_winners(path)
    settings: dict[tuple[str, Where], tuple[Method, TrainingConfig]] = {}
    places = {(one.run.repeat, one.run.fold) for one in planned}
    for winner in winners:
        if winner.label not in suite.methods:
            raise UserError(
                f"{path.name}: method '{winner.label}' is not in suite '{suite.name}': {', '.join(suite.methods)}"
            )
        if winner.where is not None and winner.where not in places:
            raise UserError(f"{path.name}: {winner.label}.{place(winner.where)}: suite '{suite.name}' has no such fold")
        settings[winner.label, winner.where] = _checked(winner, suite, path)
    tuned = []
    for one in planned:
        found = settings.get((one.label, (one.run.repeat, one.run.fold)), settings.get((one.label, None)))
        tuned.append(one if found is None else with_settings(one, *found))
    spec = suite.search or SearchSpec()
    record = {"spec": spec.model_dump(mode="json"), "budget": spec.budget, "given": True, "spaces": {}, "studies": []}
    return Tuned(tuned, winners, record=record)


def winner_of(question: Question, trial: FrozenTrial) -> Winner:
    """What a study's best trial is in a file of winners."""
    line = f"trial {trial.number} of study {question.name}: inner {question.spec.metric} {trial.value:.4f}"
    return Winner(question.label, question.where, trial.params, line)


def _applied(suite: Suite, one: PlannedRun, params: Mapping[str, Any], *, reseed: int = 0) -> PlannedRun:
    return with_settings(one, *apply(params, suite.methods[one.label], suite.training), reseed=reseed)


def _checked(winner: Winner, suite: Suite, path: Path) -> tuple[Method, TrainingConfig]:
    """A winner's settings over the suite's own, checked as a suite's are."""
    at = f"{winner.label}.{place(winner.where)}"
    method = suite.methods[winner.label]
    own = {name: value for name, value in winner.params.items() if not name.startswith(PREFIX)}
    config = {name.removeprefix(PREFIX): value for name, value in winner.params.items() if name.startswith(PREFIX)}
    before = asdict(suite.training)
    return (
        validate(type(method), hyperparameters(method) | own, path.name, at),
        validate(TrainingConfig, before | config, path.name, f"{at}.{PREFIX.removesuffix('.')}"),
    )


def _summary(question: Question, search: Search) -> dict[str, Any]:
    """A study in numbers."""
    trials, winner = search.trials, search.winner()
    states = [trial.state for trial in trials]
    repeat, fold = question.where or (-1, -1)
    return {
        "study": question.name,
        "method": question.label,
        "repeat": repeat,
        "fold": fold,
        "search": question.search,
        "complete": states.count(TrialState.COMPLETE),
        "pruned": states.count(TrialState.PRUNED),
        "failed": states.count(TrialState.FAIL),
        "seconds": sum(trial.user_attrs.get("seconds", 0.0) for trial in trials),
        "best_trial": winner.number if winner else None,
        "best_value": winner.value if winner else None,
        "params": dict(winner.params) if winner else {},
    }
