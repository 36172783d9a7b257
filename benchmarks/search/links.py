"""Notes on a study in Optuna's dashboard and in MLflow, and links from one to the other."""

import hashlib
from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from benchmarks.execution.interfaces import HERE, OPTUNA_PORT
from benchmarks.search.searching import SuiteStudy
from studies.search import Search
from studies.spec import counted_trials

#: Attributes of a study: its run in MLflow, and a digest of the note that was written for the dashboard.
_RUN, _NOTED = "mlflow_run", "noted"
#: How notes began that have no digest.
_EARLIER = "Its numbers, pictures and trainings in MLflow"


def dashboard_link(study: optuna.Study) -> str:
    """Markdown to a study's page in Optuna's dashboard, where `afnetm ui --optuna` serves it by default."""
    # The dashboard's addresses have no names in them.
    url = f"http://{HERE}:{OPTUNA_PORT}/dashboard/studies/{study._study_id}"
    return f"[{study.study_name}]({url}) (`afnetm ui --optuna`)"


def outcome(study_spec: SuiteStudy, trials: Sequence[FrozenTrial], best_trial: FrozenTrial | None) -> str:
    """Outcome of a study and its budget, in two sentences without the last stop."""
    states = [trial.state for trial in trials]
    kinds = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    counts = ", ".join(f"{states.count(state)} {name}" for name, state in kinds.items())
    won = "No trial was completed, so nothing was chosen"
    if best_trial is not None:
        won = (
            f"Trial {best_trial.number} is the best, with {100 * best_trial.value:.1f} % inner {study_spec.spec.metric}"
        )
    return f"{won}; {counted_trials(len(trials))} ({counts}). Budget: {study_spec.spec.budget_of(study_spec.space)}"


def link_to_mlflow(study: optuna.Study, *, run: str, page: str) -> None:
    """Writes which run a study was copied to beside it; `note_outcome` tells it to the dashboard."""
    attribute = {"run": run, "page": page}
    if study.user_attrs.get(_RUN) != attribute:
        study.set_user_attr(_RUN, attribute)


def note_outcome(study_spec: SuiteStudy, search: Search) -> None:
    """Writes a note for the dashboard: inner score, the best parameters, and the way to MLflow once that has it.

    What is there already is not written again, and a note of the user's own is left alone.
    """
    from optuna_dashboard import get_note, save_note  # takes a second to import, and most runs have no search

    study, best_trial = search.study, search.best_trial()
    lines = [f"**{outcome(study_spec, search.trials, best_trial)}.**"]
    if best_trial is not None:
        lines += ["", "| parameter | best |", "| :-- | --: |"]
        lines += [f"| `{name}` | {_message(value)} |" for name, value in best_trial.params.items()]
    page = study.user_attrs.get(_RUN, {}).get("page")
    if page:
        lines += ["", f"[Numbers, pictures and training runs in MLflow]({page}) (`afnetm ui`)"]
    note, before = "\n".join(lines), get_note(study)
    own = not before or before.startswith(_EARLIER) or study.user_attrs.get(_NOTED) == _digest(before)
    if own and note != before:
        study.set_user_attr(_NOTED, _digest(note))
        save_note(study, note)


def _message(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _digest(note: str) -> str:
    return hashlib.sha256(note.encode()).hexdigest()[:16]
