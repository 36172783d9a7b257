"""Specification of a search: the ``[search]`` table of a suite, the same for all its methods."""

from collections.abc import Sequence
from typing import Annotated, Literal

from optuna.trial import FrozenTrial, TrialState
from pydantic import BaseModel, Field, model_validator

from afnetm.errors import UserError
from afnetm.strict import STRICT
from studies.space import FINE_TUNING, TRAINING, Space

#: Trials for each dimension searched where nothing else is said: ten are the customary size of a first design of a
#: computer experiment (Loeppky, Sacks and Welch, Technometrics 2009).
TRIALS_PER_DIMENSION = 10
#: Keys of which at most one is given: how long a study goes on.
BUDGETS = ("trials_per_dimension", "trials", "hours")
#: A study on hours ends when so many trials in a row have failed: they cost none, and it would never end.
GIVE_UP = 10


class SearchSpec(BaseModel):
    """Budget, algorithm and selection of a search, the same for every method.

    A method has one study under ``development``, one for each outer fold under ``nested``; budgets are a study's.

    Attributes:
        trials_per_dimension: how many settings a study tries for each dimension of its method's space, pruned and
            failed ones counted; 10 where no budget is given.
        trials: how many settings a study tries, whatever its dimensions.
        hours: how long a study goes on: it begins no trial once its trainings and tests have taken so many hours,
            summed over workers (processor time on a CPU).
        sampler: what proposes settings: tree-structured Parzen estimators, random draws, a Gaussian process, or CMA-ES.
        pruner: what stops a trial early between two inner folds.
        selection: whose faces score a setting: inner folds of each outer training fold (``nested``), or subjects who
            are tested in no repeat (``development``).
        metric: what is maximised, averaged over the inner folds.
        folds: number of inner folds.
        seed: decides what the sampler proposes.
        training: keys of the training configuration that are searched for every method, beside its own space.
        parallel: trials of a study that are proposed together. Their results are learned together too, so that the
            number of workers decides nothing.
        selection_repeats: how often all of it is done, each time with other sampler seeds; the best trials of the first
            are the suite's. More than one tells how much of a score's spread comes from selecting.
        defaults: whether methods are trained and tested with the suite's own settings as well, beside the comparison,
            so that reports can tell what tuning has brought.
    """

    model_config = STRICT

    trials_per_dimension: Annotated[int, Field(ge=1, le=100_000)] | None = None
    trials: Annotated[int, Field(ge=1, le=100_000)] | None = None
    hours: Annotated[float, Field(gt=0)] | None = None
    sampler: Literal["tpe", "random", "gp", "cmaes"] = "tpe"
    pruner: Literal["none", "median", "wilcoxon"] = "median"
    selection: Literal["nested", "development"] = "nested"
    metric: Literal["accuracy", "macro_f1"] = "accuracy"
    folds: Annotated[int, Field(ge=2, le=100)] = 3
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    training: tuple[str, ...] = tuple(TRAINING)
    parallel: Annotated[int, Field(ge=1, le=1000)] = 1
    selection_repeats: Annotated[int, Field(ge=1, le=100)] = 1
    defaults: bool = False

    @model_validator(mode="after")
    def _one_budget(self) -> "SearchSpec":
        given = [f"{name} = {value}" for name in BUDGETS if (value := getattr(self, name)) is not None]
        if len(given) > 1:
            raise UserError(f"{' and '.join(given)}: one of them is the budget")
        for key in self.training:
            if key not in FINE_TUNING:
                raise UserError(f"training = '{key}': not searched; allowed: {', '.join(FINE_TUNING)}")
        if self.pruner == "wilcoxon" and self.folds < 5:
            # One-sided, n folds all worse have p = 2**-n, and the last fold cuts nothing short any more.
            raise UserError(
                f"pruner = 'wilcoxon': it needs 5 inner folds to reach p < 0.1, not {self.folds}; or 'median'"
            )
        return self

    @property
    def per_dimension(self) -> int | None:
        """Trials for each dimension of a method's space; None where another budget is given."""
        if self.trials is not None or self.hours is not None:
            return None
        return self.trials_per_dimension or TRIALS_PER_DIMENSION

    @property
    def budget(self) -> str:
        """The budget of every study in words, such as ``20 trials`` or ``10 trials per dimension searched``."""
        if self.hours is not None:
            return f"{self.hours:g} hour{'' if self.hours == 1 else 's'}"
        if self.per_dimension is None:
            return counted_trials(self.trials or 0)
        return f"{counted_trials(self.per_dimension)} per dimension searched"

    def most(self, space: Space) -> int | None:
        """Trials of a study of `space`; None where hours are counted."""
        if self.hours is not None:
            return None
        return self.trials or (self.per_dimension or 0) * space.dimensions

    def budget_of(self, space: Space) -> str:
        """The budget of a study of `space` in words, such as ``30 trials, 10 for each of 3 dimensions``."""
        most = self.most(space)
        if most is None or self.per_dimension is None:
            return self.budget
        things = "dimension" if space.dimensions == 1 else "dimensions"
        return f"{counted_trials(most)}, {self.per_dimension} for each of {space.dimensions} {things}"


def counted_trials(count: int) -> str:
    """``1 trial``, ``20 trials``."""
    return f"{count} trial{'' if count == 1 else 's'}"


def allowed(spec: SearchSpec, space: Space, trials: Sequence[FrozenTrial]) -> int:
    """Number of trials that `spec` gives a study of `space` that has had `trials` so far.

    Of a larger budget it may have had more. Hours are counted before each generation: the one that exceeds them is
    finished, and is the last.
    """
    most = spec.most(space)
    if most is not None:
        return most
    assert spec.hours is not None
    count, spent, failed = 0, 0.0, 0
    while count <= len(trials) and spent < 3600 * spec.hours and failed < GIVE_UP:
        for trial in trials[count : count + spec.parallel]:
            spent += trial.user_attrs.get("seconds", 0.0)
            failed = failed + 1 if trial.state == TrialState.FAIL else 0
        count += spec.parallel
    return count
