"""AFNet-M and what it stands on: data, models and training of 2D+3D facial expression recognition.

    import afnetm

    data = afnetm.synthetic_dataset(subjects=24, intensities=(3, 4), size=64, seed=0, workers=1)
    model = afnetm.create_model("afnetm", num_classes=data.num_classes, encoder="resnet18", width=0.25)
    train, test = next(afnetm.SubjectKFold(5, seed=0).split(data))
    history = afnetm.fit(model, data.subset(train), afnetm.TrainingConfig(epochs=20))
    probabilities = afnetm.predict(model, data.subset(test))

Everything in `__all__` is public and stable. Importing this package imports none of it before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from afnetm.data.dataset import FaceDataset, FaceSubset, open_dataset
    from afnetm.data.scan import Scan
    from afnetm.data.scan_source import ScanSource
    from afnetm.errors import UserError
    from afnetm.face_batch import FaceBatch
    from afnetm.hooks import Phase, TrainingBatch, TrainingHooks
    from afnetm.library import (
        SubjectKFold,
        create_model,
        fit,
        predict,
        prepare_dataset,
        synthetic_dataset,
    )
    from afnetm.method import Method, Output
    from afnetm.trained.folders import load_model
    from afnetm.trained.model import TrainedModel
    from afnetm.trained.prediction import Prediction
    from afnetm.training.config import Augmentation, TrainingConfig
    from afnetm.training.loop import Curves, DivergedError

__all__ = [
    "Augmentation",
    "Curves",
    "DivergedError",
    "FaceBatch",
    "FaceDataset",
    "FaceSubset",
    "Method",
    "Output",
    "Phase",
    "Prediction",
    "Scan",
    "ScanSource",
    "SubjectKFold",
    "TrainedModel",
    "TrainingBatch",
    "TrainingConfig",
    "TrainingHooks",
    "UserError",
    "create_model",
    "fit",
    "load_model",
    "open_dataset",
    "predict",
    "prepare_dataset",
    "synthetic_dataset",
]

_WHERE = {
    "Augmentation": "training.config",
    "Curves": "training.loop",
    "DivergedError": "training.loop",
    "FaceBatch": "face_batch",
    "FaceDataset": "data.dataset",
    "FaceSubset": "data.dataset",
    "Method": "method",
    "Output": "method",
    "Phase": "hooks",
    "Prediction": "trained.prediction",
    "Scan": "data.scan",
    "ScanSource": "data.scan_source",
    "SubjectKFold": "library",
    "TrainedModel": "trained.model",
    "TrainingBatch": "hooks",
    "TrainingConfig": "training.config",
    "TrainingHooks": "hooks",
    "UserError": "errors",
    "create_model": "library",
    "fit": "library",
    "load_model": "trained.folders",
    "open_dataset": "data.dataset",
    "predict": "library",
    "prepare_dataset": "library",
    "synthetic_dataset": "library",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'afnetm' has no attribute '{name}'; it has: {', '.join(__all__)}")
    return getattr(import_module(f"afnetm.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
