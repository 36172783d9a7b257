"""The budget of a study: how many trials it has."""

from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from studies.spec import SearchSpec

#: A study on hours ends when so many trials in a row have failed: they cost none, and it would never end.
GIVE_UP = 10


def allowed(spec: SearchSpec, trials: Sequence[FrozenTrial]) -> int:
    """How many trials `spec` gives a study that has had `trials` so far; it may have had more, of a larger budget.

    Hours are counted before each generation: the one that exceeds them is finished, and is the last.
    """
    if spec.most is not None:
        return spec.most
    assert spec.hours is not None
    count, spent, failed = 0, 0.0, 0
    while count <= len(trials) and spent < 3600 * spec.hours and failed < GIVE_UP:
        for trial in trials[count : count + spec.parallel]:
            spent += trial.user_attrs.get("seconds", 0.0)
            failed = failed + 1 if trial.state == TrialState.FAIL else 0
        count += spec.parallel
    return count
