"""Studies of a suite that exist, whatever they searched: to be looked at, and to be deleted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from benchmarks.records.home import Home
from studies.search import BUDGET
from studies.storage import NoStudiesError, open_storage, storage_errors, view_storage


@dataclass(frozen=True)
class FoundStudies:
    """The studies of a suite.

    Attributes:
        trials: those of each study, by its name.
        budgets: how many each shall have, by its name; those on hours are not in it.
    """

    trials: dict[str, list[FrozenTrial]] = field(default_factory=dict)
    budgets: dict[str, int] = field(default_factory=dict)

    @property
    def runs(self) -> set[str]:
        """Keys of the runs that their finished trials are made of."""
        return {key for own in self.trials.values() for trial in own for key in trial.user_attrs.get("runs", [])}

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of ``studies``, and of trials: ``complete``, ``pruned``, ``failed``, ``running``, and ``planned``.

        Planned are those of all studies that have begun; 0 where hours are counted.
        """
        trials = [trial for own in self.trials.values() for trial in own]
        # What was cut off while it was proposed is a failed trial to Optuna, and none to the budget.
        states = [trial.state for trial in trials if "runs" in trial.user_attrs or trial.state == TrialState.RUNNING]
        kinds = {
            "complete": TrialState.COMPLETE,
            "pruned": TrialState.PRUNED,
            "failed": TrialState.FAIL,
            "running": TrialState.RUNNING,
        }
        counts = {name: states.count(state) for name, state in kinds.items()}
        return {"studies": len(self.trials), **counts, "planned": sum(self.budgets.values())}


def found_studies(home: Home, storage_url: str | None, suite: str, labels: Sequence[str] | None = None) -> FoundStudies:
    """The studies of `suite`, of these methods or all; none where there is no storage yet."""
    with storage_errors(storage_url):
        try:
            storage = view_storage(home.journal, storage_url)
        except NoStudiesError:
            return FoundStudies()
        studies = [optuna.load_study(study_name=name, storage=storage) for name in _names(storage, suite, labels)]
        budgets = {study.study_name: study.user_attrs.get(BUDGET) for study in studies}
        return FoundStudies(
            {study.study_name: study.get_trials(deepcopy=False) for study in studies},
            {name: most for name, most in budgets.items() if isinstance(most, int)},
        )


def forget_studies(home: Home, storage_url: str | None, suite: str, labels: Sequence[str] | None = None) -> int:
    """Deletes these studies; returns how many. The home's lock must be held."""
    with storage_errors(storage_url):
        storage = open_storage(home.journal, storage_url)
        names = _names(storage, suite, labels)
        for name in names:
            optuna.delete_study(study_name=name, storage=storage)
    return len(names)


def _names(storage: BaseStorage, suite: str, labels: Sequence[str] | None) -> list[str]:
    own = "|".join(map(re.escape, labels)) if labels else ".+"  # a label may be anything, a suite's name is a file's
    pattern = re.compile(rf"{re.escape(suite)}/({own})(/\d+-\d+)?( #\d+)?", re.DOTALL)
    return [name for name in optuna.get_all_study_names(storage) if pattern.fullmatch(name)]
