"""Optuna's samplers and pruners by the names that suites use.

Optuna's pruners are asked about a trial as it stood after a fold, by what was known when it was proposed. Optuna itself
asks about a trial as it stands now, among those that have ended by now: a search that is taken up again would be
answered otherwise than before it was cut off.
"""

import copy
from collections.abc import Container, Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from afnetm.errors import UserError

#: Settings drawn at random before a sampler goes by what it has learned, and complete ones before a pruner does.
START_UP, PRUNE_AFTER = 10, 5


def make_sampler(name: str, *, seed: int) -> BaseSampler:
    """A sampler of its own for one trial: `seed` is that trial's, or a search taken up again would repeat its draws."""
    seed %= 2**32  # numpy's older generators take no more
    if name == "random":
        return RandomSampler(seed=seed)
    if name == "gp":
        return GPSampler(seed=seed, n_startup_trials=START_UP)
    if name == "cmaes":
        return _CmaEs(seed=seed, n_startup_trials=1, warn_independent_sampling=False)
    return TPESampler(seed=seed, n_startup_trials=START_UP)


class _CmaEs(CmaEsSampler):  # type: ignore[misc]  # Optuna shows mypy no types
    """Optuna adds the trial's number to the seed, and that depends on how often a search was cut off."""

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As Optuna's, for a trial without a number."""
        unnumbered = copy.copy(trial)
        unnumbered.number = 0
        found: dict[str, Any] = super().sample_relative(study, unnumbered, search_space)
        return found


def check_sampler(name: str, distributions: Mapping[str, BaseDistribution], *, method: str) -> None:
    """Refuses a space that a sampler cannot search.

    Raises:
        UserError: names the sampler, the method and the parameter.
    """
    if name != "cmaes":
        return
    for parameter, distribution in distributions.items():
        if isinstance(distribution, CategoricalDistribution):
            raise UserError(
                f"sampler = 'cmaes': '{parameter}' of method '{method}' is one of several choices, and CMA-ES searches "
                f"numbers only; allowed there: tpe, random, gp"
            )
    if sum(not distribution.single() for distribution in distributions.values()) < 2:
        raise UserError(
            f"sampler = 'cmaes': method '{method}' has one parameter, CMA-ES needs two; allowed there: tpe, random, gp"
        )


def make_pruner(name: str) -> BasePruner:
    """A pruner; what it reads after each inner fold is `intermediate`."""
    if name == "median":
        return MedianPruner(n_startup_trials=PRUNE_AFTER)
    return WilcoxonPruner() if name == "wilcoxon" else NopPruner()


def intermediate(pruner: str, scores: Sequence[float]) -> float:
    """Intermediate value of a trial after its last fold: the running mean, or for Wilcoxon's test that fold alone."""
    return scores[-1] if pruner == "wilcoxon" else sum(scores) / len(scores)


class Earlier:
    """All that a pruner looks at of a study, at an earlier time."""

    direction = StudyDirection.MAXIMIZE

    def __init__(self, trials: Sequence[FrozenTrial]) -> None:
        self._trials = trials

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        """As Optuna's; never copies, for which pruners do not ask."""
        return [trial for trial in self._trials if states is None or trial.state in states]

    @property
    def best_trial(self) -> FrozenTrial:
        """As Optuna's; the first among equals.

        Raises:
            ValueError: none is complete.
        """
        return max(self.get_trials(states=(TrialState.COMPLETE,)), key=lambda trial: trial.value)


def cuts_short(pruner: BasePruner, name: str, earlier: Earlier, scores: Sequence[float]) -> bool:
    """Whether the pruner called `name` ends a trial after the folds that `scores` are of."""
    reported = {fold: intermediate(name, scores[: fold + 1]) for fold in range(len(scores))}
    trial = create_trial(state=TrialState.RUNNING, intermediate_values=reported)
    return bool(pruner.prune(earlier, trial))
