"""The model of a final fit in MLflow, where its suite is tracked."""

from dataclasses import asdict
from pathlib import Path

from afnetm.errors import UserError
from afnetm.trained.folders import load_model
from benchmarks.commands.final_fit import FinalFit
from benchmarks.execution.onnx_models import log_onnx_model
from benchmarks.execution.troubles import check_tracking_uri, trouble
from benchmarks.records.home import Home


def log_final_fit(found: FinalFit, folder: Path, home: Home, *, tracking_uri: str, readme: str) -> str | None:
    """Logs the model that is in a folder to MLflow, in its ONNX flavour.

    Returns:
        MLflow's identifier of it; None where the suite is not in MLflow.

    Raises:
        UserError: why it is not logged, in one line.
    """
    settings = asdict(found.settings)
    shown = {name: settings[name] for name in ("method", "version", "hyperparameters", "encoder", "training")}
    try:
        check_tracking_uri(tracking_uri)
        return log_onnx_model(
            tracking_uri,
            home,
            found.about["suite"],
            load_model(folder),
            name=f"{found.about['label']} final",
            settings=shown,
            about=readme.partition("## Use")[0].rstrip(),
        )
    except UserError:
        raise
    except Exception as error:
        why = trouble(error, tracking_uri)
        if why is None:
            raise
        raise UserError(why) from error
