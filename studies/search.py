"""A search: one study, asked what to try next and told how it went. It proposes and learns; it runs nothing."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from afnetm.errors import UserError
from afnetm.seeding import derive_seed
from studies.samplers import Earlier, cuts_short, intermediate, make_pruner, make_sampler
from studies.space import Space
from studies.spec import SearchSpec, allowed

#: An attribute of a study: how many trials it shall have; None where hours are counted.
BUDGET = "trials planned"


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
    runs: list[str] = field(default_factory=list)
    seconds: float = 0.0
    out: bool = False  # a task of it is with whoever runs it
    end: TrialState | None = None
    reason: str | None = None


class Search:
    """One study.

    Trials are proposed in generations of ``spec.parallel`` and told together in their order, whatever order they end
    in: what is proposed, and pruned, depends on the study's seed and on scores, not on workers, nor on being killed and
    taken up. Beside a new study's name nothing is written before tasks are asked for.

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
        self._space, self._spec, self._identity = space, spec, identity
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # Wilcoxon's pruner, for years
            pruner = make_pruner(spec.pruner)
        try:
            self.study = optuna.load_study(storage=storage, study_name=name, pruner=pruner)
        except KeyError:  # another process may make it at the same time
            self.study = optuna.create_study(
                storage=storage, study_name=name, pruner=pruner, direction="maximize", load_if_exists=True
            )
        self.take_up()

    def take_up(self) -> None:
        """Goes on from what the study has by now, which another process may have searched meanwhile.

        Raises:
            UserError: it searches something else.
        """
        self._plan = self._agree(self._identity)
        self._open = self._under_way()
        self._earlier = Earlier(())
        self._taken_up = False

    @classmethod
    def kept(cls, storage: BaseStorage, name: str, spec: SearchSpec) -> "Search | None":
        """The study of that name as it is in the storage, to be looked at; None where there is none to go by `spec`."""
        try:
            plan = optuna.load_study(storage=storage, study_name=name).user_attrs["plan"]
            space = Space.planned(plan)
        except KeyError:
            return None
        identity = {key: value for key, value in plan.items() if key not in {*space.plan(), *_how(spec)}}
        try:
            return cls(storage, name, space=space, spec=spec, identity=identity)
        except UserError:
            return None

    @property
    def space(self) -> Space:
        """The space that it searches."""
        return self._space

    @property
    def trials(self) -> list[FrozenTrial]:
        """The trials that count, in their order: those within the budget, without what was cut off unfinished."""
        whole = self._whole_trials()
        return whole[: allowed(self._spec, self._space, whole)]

    @property
    def most(self) -> int | None:
        """Trials that its budget gives; None where hours are counted."""
        return self._spec.most(self._space)

    @property
    def finished(self) -> bool:
        """Whether the budget is spent and everything is told."""
        return not self._open and not self._left(self._whole_trials())

    def tasks(self) -> list[Task]:
        """Tasks that can be trained now and were not handed out before; proposes new trials where none is under way."""
        if not self._open or not self._taken_up:
            self._propose()
            self._taken_up = True
        ready = [(number, one) for number, one in self._open.items() if not one.out and one.end is None]
        for _, one in ready:
            one.out = True
        return [Task(number, len(one.scores), one.trial.params) for number, one in ready]

    def learn(self, task: Task, score: float, *, run: str, seconds: float) -> None:
        """Takes the score (0..1) of a task, the key of the run that gave it, and the seconds that it took."""
        one = self._open[task.trial]
        one.scores.append(score)
        one.runs.append(run)
        one.seconds += seconds
        one.out = False
        if task.fold not in _message(self.study, task.trial).intermediate_values:
            one.trial.report(intermediate(self._spec.pruner, one.scores), step=task.fold)
        if len(one.scores) == self._spec.folds:
            one.end = TrialState.COMPLETE
        elif cuts_short(self.study.pruner, self._spec.pruner, self._earlier, one.scores):
            one.end = TrialState.PRUNED
        self._tell()

    def fail(self, task: Task, reason: str) -> None:
        """Takes that a task failed, and its trial with it; `reason` is one line."""
        one = self._open[task.trial]
        one.end, one.reason, one.out = TrialState.FAIL, reason, False
        self._tell()

    def best_trial(self) -> FrozenTrial | None:
        """The complete trial with the best mean within the budget, the first among equals; None where none is."""
        complete = [t for t in self.trials if t.state == TrialState.COMPLETE]
        return max(complete, key=lambda t: (t.value, -t.number), default=None)

    def _left(self, whole: list[FrozenTrial]) -> int:
        """Number of trials that the generation under way still lacks, or the next one has."""
        begun = len(whole) % self._spec.parallel
        if self._open and not begun:
            return 0
        return max(0, min(self._spec.parallel - begun, allowed(self._spec, self._space, whole) - len(whole)))

    def _propose(self) -> None:
        """Completes the generation under way, or begins the next."""
        whole = self._whole_trials()
        left = self._left(whole)
        if left and self._plan is not None:
            self.study.set_user_attr("plan", self._plan)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)  # years old, too
                self.study.set_metric_names([f"inner {self._spec.metric}"])  # what Optuna's dashboard calls the score
            self._plan = None
        if left and self.study.user_attrs.get(BUDGET) != self.most:
            self.study.set_user_attr(BUDGET, self.most)
        if left and not self._taken_up:
            self._give_up()
        for index in range(len(whole), len(whole) + left):
            self._ask(index)
        ended = next((i for i, trial in enumerate(whole) if trial.number in self._open), len(whole))
        self._earlier = Earlier(whole[: ended - ended % self._spec.parallel])

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
            one.trial.set_user_attr("runs", one.runs)
            one.trial.set_user_attr("seconds", one.seconds)
            if one.reason is not None:
                one.trial.set_user_attr("reason", one.reason)
            whole = one.end == TrialState.COMPLETE
            self.study.tell(number, sum(one.scores) / len(one.scores) if whole else None, state=one.end)
        self._open.clear()

    def _agree(self, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        """Records what a new study searches, and how; refuses an old one that differs."""
        plan: dict[str, Any] = json.loads(json.dumps({**self._space.plan(), **_how(self._spec), **identity}))
        before = self.study.user_attrs.get("plan")
        ours = self.study.directions == [StudyDirection.MAXIMIZE]
        if ours and before is None and not self.study.get_trials(deepcopy=False):
            return plan
        if not ours or not isinstance(before, dict):
            raise UserError(f"study '{self.name}' is not one of this project's; choose another storage or suite's name")
        if before != plan:
            key, old, new = _difference(before, plan)
            raise UserError(
                f"study '{self.name}' was begun with another {key}: {_short(old)}, now {_short(new)}; forget the "
                f"search first (--search), or give the suite another name"
            )
        return None

    def _under_way(self) -> dict[int, _Open]:
        """By number, the trials that have begun and not ended."""
        # There is no other way to a trial that another process has asked for.
        return {t.number: _Open(Trial(self.study, t._trial_id)) for t in self.trials if t.state == TrialState.RUNNING}

    def _give_up(self) -> None:
        """Ends the trials that were cut off while they were proposed."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if not self._whole(trial):
                self.study.tell(trial.number, state=TrialState.FAIL)

    def _whole_trials(self) -> list[FrozenTrial]:
        return [trial for trial in self.study.get_trials(deepcopy=False) if self._whole(trial)]

    def _whole(self, trial: FrozenTrial) -> bool:
        """False where it was cut off while it was proposed."""
        return set(trial.params) == set(self._space.distributions)


def _how(spec: SearchSpec) -> dict[str, Any]:
    """The part of a specification that decides which trials are proposed, whatever the budget."""
    decides = {"selection", "metric", "folds", "sampler", "pruner", "seed", "parallel"}
    return spec.model_dump(mode="json", include=decides)


def _message(study: optuna.Study, number: int) -> FrozenTrial:
    return study.get_trials(deepcopy=False)[number]


def _difference(before: Any, now: Any, at: str = "") -> tuple[str, Any, Any]:
    """The first that differs of two JSON values, its dotted name first."""
    if isinstance(before, dict) and isinstance(now, dict):
        key = next(key for key in {**before, **now} if before.get(key) != now.get(key))
        return _difference(before.get(key), now.get(key), f"{at}.{key}" if at else key)
    return at, before, now


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) < 120 else f"{text[:117]}..."
