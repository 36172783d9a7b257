"""Trained models: what a run of the benchmark kept, for asking it about other scans."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from afnetm.data.dataset import FaceDataset, FaceSubset
from afnetm.data.in_memory import dataset_of
from afnetm.data.making import Making
from afnetm.data.scan import Scan
from afnetm.errors import UserError
from afnetm.method import built
from afnetm.model.encoder import EncoderPart, EncoderSpec
from afnetm.registry import find_method
from afnetm.strict import parse
from afnetm.training.config import TrainingConfig
from afnetm.training.loop import predict
from afnetm.training.placing import placed
from afnetm.zipped import BROKEN, run_folder


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained model, as a run of the benchmark stored it.

    Attributes:
        module: the network, in eval mode, on the CPU.
        classes: of its logits, in their order.
        making: how the scans that it was trained on were made into maps, their size among it.
        rendering: the version of the rendering that made them; 0 where none did.
        config: how it was trained.
    """

    module: nn.Module
    classes: tuple[str, ...]
    making: Making
    rendering: int
    config: TrainingConfig

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
        """
        faces = self._faces(data)
        module, placed_faces = placed(self.module, faces, self.config, device, train=False)
        everyone = torch.arange(len(faces), device=placed_faces.device)
        found, _ = predict(module, placed_faces, everyone, self.config)
        return pd.DataFrame(found.numpy(), index=pd.Index(faces.table["id"], name="id"), columns=list(self.classes))

    def _faces(self, data: FaceDataset | FaceSubset | Scan | Sequence[Scan]) -> FaceDataset | FaceSubset:
        if not isinstance(data, FaceDataset | FaceSubset):
            data = dataset_of([data] if isinstance(data, Scan) else data, self.making)
        name, given = data.dataset.name, data.dataset
        if given.size != self.making.size:
            raise UserError(f"dataset '{name}': {given.size} px, the model was trained on {self.making.size} px")
        if given.rendering != self.rendering:
            raise UserError(
                f"dataset '{name}': made by rendering {given.rendering}, what the model was trained on by "
                f"{self.rendering}; prepare the dataset, or train the model, with one version of afnetm"
            )
        return data


def load_model(directory: Path | str) -> TrainedModel:
    """The model that a run of a suite with ``keep_weights = true`` trained: ``HOME/runs/ab/KEY``, were it packed since.

    No code in the folder is run: settings are JSON, weights are safetensors, and the method is the registered one.

    Raises:
        UserError: there is no such run, it kept no weights, or they are not of the method that is registered.
    """
    folder = run_folder(Path(directory))
    try:
        result = json.loads((folder / "result.json").read_bytes())
        kind, hyperparameters = find_method(result["method"]), result["hyperparameters"]
        version, classes, maps = result["version"], tuple(result["classes"]), dict(result["maps"])
        rendering, making = int(maps.pop("rendering")), parse(Making, maps, table="maps")
        given = {"normalise": result["encoder"]["weights"] is not None, **result["encoder"]}
        own = {"weights": None, "depth_weights": None, "size": making.size}  # what it was trained to is in the run
        encoder = parse(EncoderSpec, {**given, **own}, table="encoder")
        config: TrainingConfig = parse(TrainingConfig, result["training"], table="training")
    except FileNotFoundError:
        raise UserError(f"{folder}: no run of a suite; it has no result.json") from None
    except (ValueError, KeyError, TypeError, *BROKEN) as error:
        raise UserError(f"{folder}: result.json is damaged, or of another version of afnetm ({error})") from None
    if version != kind.version:
        raise UserError(f"{folder}: of version {version} of '{kind.name}'; version {kind.version} is registered")
    weights = folder / "weights.safetensors"
    if not weights.is_file():
        raise UserError(
            f"{folder}: the run kept no weights; set keep_weights = true in its suite, delete it (afnetm forget) "
            "and run it again"
        )
    module = built(parse(kind, hyperparameters, table=kind.name), encoder, len(classes))
    try:
        module.load_state_dict(load(weights.read_bytes()))
    except (SafetensorError, RuntimeError, *BROKEN) as error:
        raise UserError(f"{weights}: not the weights of '{kind.name}' ({str(error).splitlines()[0]})") from None
    for part in module.modules():
        if isinstance(part, EncoderPart):
            part.pretrained = True  # by that run, where it is trained further
    return TrainedModel(module.eval(), classes, making, rendering, config)
