"""A study's trials in numbers: a table of one row per trial, and how much of the variance each parameter explains."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import optuna
import pandas as pd
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

#: How a trial stands, in the words of the command line.
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}

#: Before a parameter's name in a column: a hyper-parameter may be called ``runs``, too.
_PARAMS = "params/"
#: Before an inner fold's number.
_FOLD = "fold/"
_AROUND = ["trial", "state", "value"], ["seconds", "started", "ended", "reason", "runs"]
#: With fewer complete trials a forest fits chance: ten are also what a sampler draws at random before it learns.
FEWEST = 10
#: Its time grows faster than the trials; so many, spread evenly over the study, say the same within a second.
MOST = 200


def trials_table(trials: Sequence[FrozenTrial], *, pruner: str) -> pd.DataFrame:
    """One row a trial, in the order given.

    Args:
        trials: of one study.
        pruner: its pruner's name, which decides what a trial reports after a fold.

    Columns:
        trial: its number, from 0.
        state: ``complete``, ``pruned``, ``failed``; ``running`` or ``waiting`` where it has not ended.
        value: the mean of its inner scores, 0 to 1; NaN unless it is complete.
        params/NAME: a column a parameter; a key of the training configuration is called ``params/training/KEY``.
        fold/0, fold/1, ...: its score on each inner fold, 0 to 1; NaN where it did not get so far.
        seconds: of its trainings and tests, summed (processor time on a CPU).
        started, ended: local time where the search ran; NaT where it has not.
        reason: why it failed, one line; empty otherwise.
        runs: the keys of its folds' records, with spaces between.
    """
    before, after = _AROUND
    parameters = dict.fromkeys(_column(name) for trial in trials for name in trial.params)
    folds = max((len(trial.intermediate_values) for trial in trials), default=0)
    columns = [*before, *parameters, *(f"{_FOLD}{fold}" for fold in range(folds)), *after]
    frame = pd.DataFrame([_row(trial, pruner) for trial in trials], columns=columns)
    kinds = {"value": "float64", "seconds": "float64", "started": "datetime64[us]", "ended": "datetime64[us]"}
    return frame.astype(kinds | {"trial": "int64", "state": "str", "reason": "str", "runs": "str"})


def fold_scores(trial: FrozenTrial, *, pruner: str) -> list[float]:
    """A trial's score on each inner fold that it got through, out of what `studies.samplers.intermediate` reported."""
    reported = [score for _, score in sorted(trial.intermediate_values.items())]
    if pruner == "wilcoxon":
        return reported
    sums = [0.0, *(count * mean for count, mean in enumerate(reported, 1))]
    return [round(after - before, 12) for before, after in pairwise(sums)]  # further digits are rounding's


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


def _column(parameter: str) -> str:
    return _PARAMS + parameter.replace(".", "/")  # MLflow's page takes a dot for a path, and shows such a column empty


def _row(trial: FrozenTrial, pruner: str) -> dict[str, object]:
    return {
        "trial": trial.number,
        "state": STATES[trial.state],
        "value": trial.value if trial.state == TrialState.COMPLETE else None,
        **{_column(name): value for name, value in trial.params.items()},
        **{f"{_FOLD}{fold}": score for fold, score in enumerate(fold_scores(trial, pruner=pruner))},
        "seconds": trial.user_attrs.get("seconds"),
        "started": trial.datetime_start,
        "ended": trial.datetime_complete,
        "reason": trial.user_attrs.get("reason", ""),
        "runs": " ".join(trial.user_attrs.get("runs", ())),
    }
