"""How much of the scores' variance each parameter explains in a study."""

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

#: With fewer complete trials a forest fits chance: ten are also what a sampler draws at random before it learns.
FEWEST = 10
#: Its time grows faster than the trials; so many, spread evenly over the study, say the same within a second.
MOST = 200


def importances(trials: Sequence[FrozenTrial]) -> dict[str, float]:
    """Shares of the variance of the score by parameter, the largest first; they add up to 1.

    By fANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014), as Optuna has it: a random forest is fitted to the complete
    trials, and its variance over the whole space is taken apart. PED-ANOVA, Optuna's default, asks what sets the best
    tenth apart, which in the usual 20 trials are two. The forest's seed is fixed: the same trials give the same shares.

    Returns:
        Nothing where there is nothing to tell: fewer than `FEWEST` complete trials or two parameters, or equal scores.
    """
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if len(complete) < FEWEST or len({trial.value for trial in complete}) == 1:
        return {}
    names = list(complete[0].distributions)
    if len(names) < 2:
        return {}
    chosen = np.unique(np.linspace(0, len(complete) - 1, MOST).round().astype(int))
    study = optuna.create_study(direction="maximize")
    study.add_trials([complete[index] for index in chosen])
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0), params=names)
    return {name: float(share) for name, share in found.items()}
