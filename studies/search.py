"""A search: one study, asked what to try next and told how it went. It proposes and learns; it runs nothing."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from afnetm.errors import UserError
from afnetm.seeding import derive_seed
from studies.samplers import intermediate, make_pruner, make_sampler
from studies.space import Space
from studies.spec import SearchSpec

optuna.logging.set_verbosity(optuna.logging.WARNING)  # progress is told by who runs the trials


@dataclass(frozen=True)
class Task:
    """One inner fold of one trial: what is to be trained next."""

    trial: int
    fold: int
    params: Mapping[str, Any]


@dataclass
class _Open:
    """A trial that is not told yet."""

    trial: Trial
    scores: list[float] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    seconds: float = 0.0
    out: bool = False  # a task of it is with whoever runs it
    end: TrialState | None = None
    reason: str | None = None


class Search:
    """One study.

    Trials are proposed in generations of ``spec.parallel`` and told together in their order, whatever order they end
    in: what is proposed depends on the study's seed and on scores, not on workers, nor on being killed and taken up.

    Args:
        storage: where the study is, or is made.
        name: the study's.
        space: what it searches.
        spec: how.
        identity: everything else that decides a trial's score, as JSON values.

    Raises:
        UserError: there is a study of that name that searches something else.
    """

    def __init__(
        self, storage: BaseStorage, name: str, *, space: Space, spec: SearchSpec, identity: Mapping[str, Any]
    ) -> None:
        self.name = name
        self._space, self._spec = space, spec
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # Wilcoxon's pruner, for years
            pruner = make_pruner(spec.pruner)
        self.study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True, pruner=pruner
        )
        self._agree(spec, identity)
        self._open: dict[int, _Open] = {}
        self._take_up()

    @property
    def trials(self) -> list[FrozenTrial]:
        """The trials that count, in their order: all but those cut off before they were whole."""
        return [t for t in self.study.get_trials(deepcopy=False) if self._whole(t)]

    @property
    def finished(self) -> bool:
        """Whether the budget is spent and everything is told."""
        return not self._open and not self._left(self.trials)

    def tasks(self) -> list[Task]:
        """What can be trained now and was not handed out before; proposes new trials where none is under way."""
        if not self._open:
            trials = self.trials
            for _ in range(self._left(trials)):
                self._ask(len(trials) + len(self._open))
        ready = [(number, one) for number, one in self._open.items() if not one.out and one.end is None]
        for _, one in ready:
            one.out = True
        return [Task(number, len(one.scores), one.trial.params) for number, one in ready]

    def learn(self, task: Task, score: float, *, unit: str, seconds: float) -> None:
        """Takes the score (0..1) of a task, the key of the unit that gave it, and the seconds that it took."""
        one = self._open[task.trial]
        one.scores.append(score)
        one.units.append(unit)
        one.seconds += seconds
        one.out = False
        if task.fold not in _told(self.study, task.trial).intermediate_values:
            one.trial.report(intermediate(self._spec.pruner, one.scores), step=task.fold)
        if len(one.scores) == self._spec.folds:
            one.end = TrialState.COMPLETE
        elif one.trial.should_prune():
            one.end = TrialState.PRUNED
        self._tell()

    def fail(self, task: Task, reason: str) -> None:
        """Takes that a task failed, and its trial with it; `reason` is one line."""
        one = self._open[task.trial]
        one.end, one.reason, one.out = TrialState.FAIL, reason, False
        self._tell()

    def winner(self) -> FrozenTrial | None:
        """The complete trial with the best mean within the budget, the first among equals; None where none is."""
        complete = [t for t in self.trials[: self._spec.most] if t.state == TrialState.COMPLETE]
        return max(complete, key=lambda t: (t.value, -t.number), default=None)

    def _left(self, trials: list[FrozenTrial]) -> int:
        """How many trials the next generation has."""
        if self._spec.most is not None:
            return max(0, min(self._spec.parallel, self._spec.most - len(trials)))
        assert self._spec.hours is not None
        spent = sum(trial.user_attrs.get("seconds", 0.0) for trial in trials)
        return self._spec.parallel if spent < 3600 * self._spec.hours else 0

    def _ask(self, index: int) -> None:
        """Proposes a trial, the `index`-th that counts; its sampler's seed is derived from that."""
        seed = derive_seed(use="sampler", seed=self._spec.seed, study=self.name, trial=index)
        self.study.sampler = make_sampler(self._spec.sampler, seed=seed)
        if index == 0 and not self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self.study.enqueue_trial(dict(self._space.start))
        trial = self.study.ask(dict(self._space.distributions))
        self._open[trial.number] = _Open(trial)

    def _tell(self) -> None:
        """Tells the generation once it has ended, in the order of its trials."""
        if any(one.end is None for one in self._open.values()):
            return
        for number, one in sorted(self._open.items()):
            one.trial.set_user_attr("units", one.units)
            one.trial.set_user_attr("seconds", one.seconds)
            if one.reason is not None:
                one.trial.set_user_attr("reason", one.reason)
            whole = one.end == TrialState.COMPLETE
            self.study.tell(number, sum(one.scores) / len(one.scores) if whole else None, state=one.end)
        self._open.clear()

    def _agree(self, spec: SearchSpec, identity: Mapping[str, Any]) -> None:
        """Writes what is searched, and how, beside a new study; refuses an old one that differs."""
        how = spec.model_dump(mode="json", include={"sampler", "pruner", "metric", "folds", "seed", "parallel"})
        plan = json.loads(json.dumps({**self._space.plan(), **how, **identity}))
        before = self.study.user_attrs.get("plan")
        if before is None and not self.study.get_trials(deepcopy=False):
            self.study.set_user_attr("plan", plan)
        elif before is None:
            raise UserError(f"study '{self.name}' is not one of this project's; choose another storage or suite's name")
        elif before != plan:
            key = next(key for key in {**before, **plan} if before.get(key) != plan.get(key))
            raise UserError(
                f"study '{self.name}' was begun with another {key}: {_short(before.get(key))}, now "
                f"{_short(plan.get(key))}; forget the search first (--search), or give the suite another name"
            )

    def _take_up(self) -> None:
        """Goes on with trials that were under way, and gives up those that were cut off while they were proposed."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for frozen in running:
            if self._whole(frozen):
                # The only way to a trial that another process has asked for.
                self._open[frozen.number] = _Open(Trial(self.study, frozen._trial_id))
            else:
                self.study.tell(frozen.number, state=TrialState.FAIL)

    def _whole(self, trial: FrozenTrial) -> bool:
        return set(trial.params) == set(self._space.distributions)


def _told(study: optuna.Study, number: int) -> FrozenTrial:
    return study.get_trials(deepcopy=False)[number]


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) < 120 else f"{text[:117]}..."
