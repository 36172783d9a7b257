"""The public functions: datasets, splits, models, training and prediction, for notebooks and other programs.

The names are exported by `afnetm` itself; they are imported from there when they are first used.
"""

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from afnetm.data.dataset import FaceDataset, FaceSubset
from afnetm.data.preparing import prepare_dataset as prepare_from_source
from afnetm.data.registry import open_source
from afnetm.data.scan import PoseSource
from afnetm.data.splits import hold_out, subject_folds
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError
from afnetm.hooks import hooks_of
from afnetm.method import Method, built
from afnetm.model.encoder import EncoderSpec, check_frozen
from afnetm.registry import find_method
from afnetm.strict import parse
from afnetm.training.config import TrainingConfig
from afnetm.training.loop import Curves
from afnetm.training.loop import fit as fit_on_device
from afnetm.training.loop import predict as predict_on_device
from afnetm.training.placing import placed
from afnetm.workers import core_count


def synthetic_dataset(
    *,
    subjects: int = 24,
    intensities: Sequence[int] = (3, 4),
    size: int = 96,
    seed: int = 0,
    clean: bool = False,
    neutral: bool = False,
    variant: str = "standard",
    pose: PoseSource = "annotated",
    detect: bool = False,
    directory: Path | str | None = None,
    workers: int | None = None,
) -> FaceDataset:
    """Makes a dataset of synthetic subjects with the six basic expressions, or these and neutral (docs/synthetic.md).

    Args:
        subjects: how many.
        intensities: of each expression, 1 (subtle) to 4 (strong).
        size: pixels along a side.
        seed: decides every scan.
        clean: whether to leave out sensor failures.
        neutral: whether each subject has a neutral scan, of intensity 0, too: a seventh class.
        variant: ``"standard"``, ``"light"``, ``"sensor"`` or ``"population"``: other light and camera, another range
            sensor, other people.
        pose: which landmarks poses are fitted to: ``"annotated"``, those that the generator places, or ``"detected"``.
        detect: whether landmarks are detected in the scans as well (docs/landmarks.md).
        directory: a folder that does not exist yet, where it is written; None for a temporary one, which is deleted
            when the program ends.
        workers: processes; None for one per core. Where a program has no ``if __name__ == "__main__"``, use 1.

    Raises:
        UserError: an argument is out of range, or `directory` exists.
    """
    source = SyntheticSource(
        seed=seed,
        subjects=subjects,
        intensities=tuple(intensities),
        clean=clean,
        neutral=neutral,
        variant=variant,
    )
    if directory is None:
        folder = Path(tempfile.mkdtemp(prefix="afnetm-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        directory = folder / "synthetic"
    count = workers or core_count()
    return prepare_from_source(Path(directory), source, size=size, workers=count, pose=pose, detect=detect)


def prepare_dataset(
    source: str,
    folder: Path | str,
    directory: Path | str,
    *,
    size: int = 224,
    pose: PoseSource = "annotated",
    detect: bool = False,
    workers: int | None = None,
    **options: Any,
) -> FaceDataset:
    """Prepares a dataset from files: of BU-3DFE, BU-4DFE or Bosphorus, meshes of your own, or what a plug-in reads.

    Args:
        source: ``"bu3dfe"``, ``"bu4dfe"``, ``"bosphorus"``, ``"folder"``, or a name that an installed package
            registers in the entry-point group ``afnetm.datasets`` (`ScanSource`).
        folder: where the files are.
        directory: a folder that does not exist yet, where the dataset is written.
        size: pixels along a side.
        pose: which landmarks poses are fitted to: ``"annotated"``, those that come with the scans or, where one comes
            without, are found in it, or ``"detected"``.
        detect: whether landmarks are detected in the scans as well (docs/landmarks.md).
        workers: processes; None for one per core.
        options: of the source: ``table``, the file that lists the scans, for ``"folder"``; ``intensities`` for
            ``"bu3dfe"``, ``frames`` and ``every`` for ``"bu4dfe"`` (docs/datasets.md).

    Raises:
        UserError: there is no such source, folder or option, nothing in it can be used, or `directory` exists.
    """
    opened = open_source(source, folder, **options)
    count = workers or core_count()
    return prepare_from_source(Path(directory), opened, size=size, workers=count, pose=pose, detect=detect)


class SubjectKFold:
    """Subject-independent k-fold cross-validation, as a scikit-learn splitter.

    Folds have as many subjects as each other, to within one, and about the same share of every class.

    Args:
        n_splits: folds, at least 2.
        seed: decides who is in which fold.

    Example:
        >>> folds = SubjectKFold(2, seed=0)
        >>> subjects, labels = ["a", "a", "b", "b"], [0, 1, 0, 1]
        >>> [test.tolist() for _, test in folds.split(subjects, labels, groups=subjects)]
        [[2, 3], [0, 1]]
    """

    def __init__(self, n_splits: int = 5, *, seed: int = 0) -> None:
        self.n_splits, self.seed = n_splits, seed

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: N803
        """`n_splits`; the arguments are there for scikit-learn."""
        return self.n_splits

    def split(
        self,
        X: Any,  # noqa: N803 (scikit-learn's name)
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Indices to train on and to test on, fold by fold.

        Args:
            X: a dataset of this library; or anything, if `y` and `groups` are given.
            y: ``(N,)`` classes.
            groups: ``(N,)`` subjects.

        Raises:
            UserError: `X` is no dataset and something else is missing, or there are too few subjects.
        """
        if y is None or groups is None:
            if not isinstance(X, FaceDataset | FaceSubset):
                raise UserError("SubjectKFold.split: give y (classes) and groups (subjects), or a dataset of afnetm")
            y = X.labels if y is None else y
            groups = X.subjects if groups is None else groups
        subjects, classes = [str(one) for one in np.asarray(groups)], [str(one) for one in np.asarray(y)]
        for fold in subject_folds(subjects, classes, folds=self.n_splits, repeats=1, seed=self.seed):
            yield fold.train, fold.test


def create_model(
    name: str | Method,
    *,
    num_classes: int,
    encoder: str = "resnet18",
    width: float = 1.0,
    size: int | None = None,
    weights: Path | str | None = None,
    output_stride: Literal[8, 16, 32] = 32,
    frozen_stages: Literal[0, 1, 2, 3, "all"] = 0,
    **hyperparameters: Any,
) -> nn.Module:
    """A registered method's module, from `afnetm.FaceBatch` to `afnetm.Output`.

    Args:
        name: of the method (``afnetm methods`` lists them); or a method of your own, an instance
            of `afnetm.Method`.
        num_classes: of its logits.
        encoder: one of ``timm.list_models()``.
        width: of the stages' channels, as a fraction of the original's (ResNets only).
        size: of the faces in pixels, for encoders built for one size; None for timm's own.
        weights: a ``.safetensors`` file of timm's state dict for the encoder, or ``"timm"`` for those that timm
            publishes, which are downloaded once; None for random ones.
        output_stride: pixels from one position of the last map to the next (`afnetm.model.encoder.EncoderSpec`).
        frozen_stages: how many of the first stages of given weights are not trained, or ``"all"``.
        hyperparameters: of the method; its defaults otherwise.

    Raises:
        UserError: there is no such method, encoder or hyper-parameter; says what is allowed.
    """
    if isinstance(name, Method):
        method = replace(name, **hyperparameters)
    else:
        method = parse(find_method(name), hyperparameters, table=name)
    settings = {
        "name": encoder,
        "width": width,
        "size": size,
        "weights": None if weights is None else str(weights),
        "output_stride": output_stride,
        "frozen_stages": frozen_stages,
    }
    spec = parse(EncoderSpec, settings, table="encoder")
    check_frozen(spec)
    return built(method, spec, num_classes)


def fit(
    model: nn.Module,
    data: FaceDataset | FaceSubset,
    config: TrainingConfig | None = None,
    *,
    seed: int = 0,
    device: str | torch.device | None = None,
) -> Curves:
    """Trains a model in place, by the benchmark's own loop, and returns its training curves.

    Args:
        model: of `create_model`, or any module from `afnetm.FaceBatch` to `afnetm.Output`.
        data: what it is trained on.
        config: how; None for the defaults.
        seed: decides order and augmentation.
        device: where; None for where the model is.

    Raises:
        DivergedError: the loss became infinite or no number; says from which epoch on, and what helps.
    """
    config = config or TrainingConfig()
    model, faces = placed(model, data, config, device, train=True)
    everyone = np.arange(len(data))
    parts = hold_out([str(one) for one in data.subjects], everyone, share=hooks_of(model).held_out, seed=seed)
    index, held_out = (torch.from_numpy(part).to(faces.device) for part in parts)
    labels = torch.from_numpy(data.labels.copy()).to(faces.device)
    return fit_on_device(model, faces, index, labels, config, seed=seed, held_out=held_out)


def predict(
    model: nn.Module,
    data: FaceDataset | FaceSubset,
    config: TrainingConfig | None = None,
    *,
    device: str | torch.device | None = None,
) -> NDArray[np.float32]:
    """``(N, K)`` float32: the class probabilities of each scan.

    Args:
        model: a trained one.
        data: what it is asked about; not augmented.
        config: its precision and batch size count; None for the defaults.
        device: where; None for where the model is.

    Raises:
        DivergedError: some are not finite.
    """
    config = config or TrainingConfig()
    model, faces = placed(model, data, config, device, train=False)
    probabilities, _ = predict_on_device(model, faces, torch.arange(len(data), device=faces.device), config)
    return probabilities.numpy()
