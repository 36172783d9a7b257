"""Pruning: Optuna's rules, asked about a trial as it stood after a fold, by what was known when it was proposed.

Optuna asks about a trial as it stands now, among those that have ended by now. A search that is taken up again would
be answered otherwise than before it was cut off.
"""

from collections.abc import Container, Sequence

from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from studies.samplers import intermediate


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
