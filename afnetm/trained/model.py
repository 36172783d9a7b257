"""A trained model: a network, and how scans become what it reads."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pandas as pd
import torch
from torch import Tensor, nn

from afnetm.data.dataset import FaceDataset, FaceSubset
from afnetm.data.face_models import face_models
from afnetm.data.in_memory import dataset_of
from afnetm.data.making import Made, Making, make_maps
from afnetm.data.maps import PLANES, RENDERING_VERSION
from afnetm.data.scan import Scan
from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.trained.landmark_origins import LandmarkOrigins, check_landmarks, landmark_warning, origins_of
from afnetm.trained.prediction import Prediction
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.gradcam import gradcam
from afnetm.training.loop import predict
from afnetm.training.placing import placed
from afnetm.training.process import prepared

#: Streams in the order of the weights that methods give them.
STREAMS = ("texture", "depth")


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained model, as a run of the benchmark stored it, or ``afnetm train``.

    Attributes:
        module: the network, in eval mode, on the CPU.
        classes: of its logits, in their order.
        making: how the scans that it was trained on were made into maps, their size among it.
        rendering: the version of the rendering that made them; 0 where none did.
        config: how it was trained.
        about: what else its folder says of it, as JSON has it (docs/models.md).
        landmarks: whence those of the scans were that it was trained on; None where it is not known.
    """

    module: nn.Module
    classes: tuple[str, ...]
    making: Making
    rendering: int
    config: TrainingConfig
    about: Mapping[str, Any] = field(default_factory=dict)
    landmarks: LandmarkOrigins | None = None

    @property
    def method(self) -> Method:
        """The method, with its hyper-parameters, that built the network."""
        return cast(Method, self.module.built_from)

    def predict(
        self, data: FaceDataset | FaceSubset | Scan | Sequence[Scan], *, device: str | torch.device | None = None
    ) -> pd.DataFrame:
        """The probability of each class: one row per scan, labelled by its id, one column per class.

        Args:
            data: a dataset; or a scan or several, which are rendered as those were that the model was trained on.
            device: where it is computed; None for where the module is.

        Raises:
            UserError: the faces are of another size or rendering than those that it was trained on, a scan cannot be
                rendered, or it lacks what the model reads.
            DivergedError: some probabilities are not finite.

        Warns:
            UserWarning: poses or masks are of landmarks of another origin than in training, given or found.
        """
        if not isinstance(data, FaceDataset | FaceSubset):
            data = self._dataset([self._made(scan) for scan in ([data] if isinstance(data, Scan) else data)])
        module, faces = self._placed(data, device)
        if said := self._warning(data):
            warnings.warn(f"dataset '{data.dataset.name}': {said}", stacklevel=2)
        found, _ = predict(module, faces, _everyone(faces), self.config)
        return pd.DataFrame(found.numpy(), index=pd.Index(data.table["id"], name="id"), columns=list(self.classes))

    def predict_scan(self, scan: Scan, *, device: str | torch.device | None = None) -> Prediction:
        """The prediction for one scan, with where the network looked; computed as in training, on one core of a CPU.

        Args:
            scan: is rendered as those were that the model was trained on.
            device: where it is computed; None for where the module is.

        Raises:
            UserError: it cannot be rendered, no face is found in it, or it lacks what the model reads.
            DivergedError: the probabilities are not finite.
        """
        made = self._made(scan)
        data = self._dataset([made])
        module, faces = self._placed(data, device)
        everyone = _everyone(faces)
        with prepared():  # several threads wait for each other for longer than they compute one scan
            found, auxiliary = predict(module, faces, everyone, self.config)
            seen = faces.faces(everyone, softened=self.config.augmentation.moves)
            evidence = gradcam(module, seen, found.argmax(1).to(faces.device))
        importance = auxiliary.pop("importance", None)
        return Prediction(
            scan=made.scan,
            classes=self.classes,
            probabilities=found[0].numpy(),
            weights={} if importance is None else dict(zip(STREAMS, importance[0].tolist(), strict=True)),
            evidence={name: of[0].numpy() for name, of in evidence.items()},
            attention={name: of[0].numpy() for name, of in auxiliary.items()},
            maps=made.maps,
            masks=(faces.planes[0] & ~PLANES["valid"]).cpu().numpy(),
            pose=made.pose,
            warning=self._warning(data),
        )

    def check_renders(self) -> None:
        """Refuses where no scan can be made into maps like those that the model was trained on.

        Raises:
            UserError: these are of another rendering, or landmarks are to be detected and the landmarker is missing.
        """
        if self.rendering != RENDERING_VERSION:
            raise UserError(
                f"the model was trained on maps of rendering {self.rendering}, this version of afnetm makes those of "
                f"rendering {RENDERING_VERSION}; train the model with it"
            )
        if self.making.detects:
            face_models()

    def _made(self, scan: Scan) -> Made:
        self.check_renders()
        return make_maps(scan, self.making)

    def _dataset(self, made: Sequence[Made]) -> FaceDataset:
        return dataset_of(made, self.making)

    def _placed(
        self, data: FaceDataset | FaceSubset, device: str | torch.device | None
    ) -> tuple[nn.Module, DeviceDataset]:
        name, given = data.dataset.name, data.dataset
        if given.size != self.making.size:
            raise UserError(f"dataset '{name}': {given.size} px, the model was trained on {self.making.size} px")
        if given.rendering != self.rendering:
            raise UserError(
                f"dataset '{name}': made by rendering {given.rendering}, what the model was trained on by "
                f"{self.rendering}; prepare the dataset, or train the model, with one version of afnetm"
            )
        asked = origins_of(data.table)
        check_landmarks(self.method, self.landmarks, asked, name=f"dataset '{name}'")
        return placed(self.module, data, self.config, device, train=False)

    def _warning(self, data: FaceDataset | FaceSubset) -> str:
        """Differences of the landmarks from those in training (`afnetm.trained.landmark_origins.landmark_warning`)."""
        return landmark_warning(
            self.method,
            self.landmarks,
            origins_of(data.table),
            trained_pose=self.making.pose,
            asked_pose=data.dataset.pose,
        )


def _everyone(faces: DeviceDataset) -> Tensor:
    return torch.arange(len(faces), device=faces.device)
