"""From a study's run in MLflow to the study in Optuna's dashboard, and back."""

from urllib.parse import urlsplit

import optuna
from optuna_dashboard import get_note, save_note

from benchmarks.running.interfaces import HERE, MLFLOW_PORT, OPTUNA_PORT

#: An attribute of a study, and how its note begins.
_ATTRIBUTE, _NOTE = "mlflow_run", "Its numbers, pictures and trainings in MLflow"


def dashboard_link(study: optuna.Study) -> str:
    """Markdown to a study's page in Optuna's dashboard, where `afnetm ui --optuna` serves it by default."""
    # The dashboard's addresses have no names in them.
    url = f"http://{HERE}:{OPTUNA_PORT}/dashboard/studies/{study._study_id}"
    return f"[{study.study_name}]({url}) (`afnetm ui --optuna`)"


def mlflow_page(uri: str, experiment: str, run: str) -> str:
    """The address of a run's page: a server's own, or for a database where `afnetm ui` serves it by default.

    No password in `uri` is part of it.
    """
    parts = urlsplit(uri)
    server = f"http://{HERE}:{MLFLOW_PORT}"
    if parts.scheme in {"http", "https"}:
        server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    return f"{server}/#/experiments/{experiment}/runs/{run}"


def link_to_mlflow(study: optuna.Study, *, run: str, page: str) -> None:
    """Writes which run a study was copied to beside it: an attribute, and a note for the dashboard.

    What is there already is not written again, and a note of the user's own is left alone.
    """
    attribute = {"run": run, "page": page}
    if study.user_attrs.get(_ATTRIBUTE) != attribute:
        study.set_user_attr(_ATTRIBUTE, attribute)
    note = f"{_NOTE}: [{page}]({page}) (`afnetm ui`)"
    before = get_note(study)
    if before != note and (not before or before.startswith(_NOTE)):
        save_note(study, note)
