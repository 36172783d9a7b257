"""ONNX: a trained model as one file that other programs run, from the maps of scans to probabilities."""

import json
import os
import secrets
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import FaceDataset
from afnetm.data.decoding import DEPTH_UNIT_MM, plane_bits
from afnetm.data.maps import CONSTANT, LANDMARK_ROWS, PLANES, WINDOW_MM
from afnetm.errors import UserError
from afnetm.method import TEMPLATE, Method
from afnetm.trained.model import TrainedModel
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset, StoredFaces
from afnetm.training.loop import predict
from afnetm.unwritten import why_unwritten

#: Largest difference of a probability from torch's that an exported model may have: float32 in another order.
TOLERANCE = 1e-4
#: The inputs that a file may have, each as a dataset stores it, and its type and shape behind the batch.
INPUTS: Mapping[str, tuple[Any, tuple[int | str, ...]]] = {
    "texture": (np.uint8, (3, "S", "S")),
    "depth": (np.uint16, (1, "S", "S")),
    "planes": (np.uint8, (1, "S", "S")),
    "landmarks": (np.float32, (LANDMARK_ROWS, 3)),
}
OUTPUT = "probabilities"
_REGIONS = np.uint8(sum(PLANES.values()) - PLANES["valid"])
#: What export and its check need.
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        inputs: name, type and shape of each, in order.
        difference: the largest of a probability from torch's in float32, over the scans of the check.
        rounding: the largest from what the model itself answers on a processor: `difference`, and the rounding of the
            precision that it was trained in, which a file in float32 does not have.
    """

    inputs: tuple[tuple[str, str, str], ...]
    difference: float
    rounding: float


class _Graph(nn.Module):
    """The network from stored maps to probabilities.

    Args:
        network: trained.
        config: how; it decides whether faces are as soft as those that training moved.
        inputs: names of what it is given, in order.
        size: of the maps, pixels.
    """

    bits: Tensor
    template: Tensor

    def __init__(self, network: nn.Module, config: TrainingConfig, inputs: Sequence[str], size: int) -> None:
        super().__init__()
        self.network, self.inputs, self.size = network, tuple(inputs), size
        self.softened = config.augmentation.moves
        self.register_buffer("bits", plane_bits(torch.device("cpu")))
        template = getattr(network, TEMPLATE, None)
        no_masks = torch.zeros(1, 1, size, size, dtype=torch.uint8)
        self.register_buffer("template", template if isinstance(template, Tensor) else no_masks)

    def forward(self, *maps: Tensor) -> Tensor:
        """``(B, K)`` float32 of the maps that are among its inputs."""
        given = dict(zip(self.inputs, maps, strict=True))
        count, side = maps[0].shape[0], self.size
        texture = given.get("texture", torch.zeros(count, 3, side, side, dtype=torch.uint8))
        depth = given.get("depth", torch.zeros(count, 1, side, side, dtype=torch.uint8)).int()
        planes = given.get("planes", (depth > 0).to(torch.uint8) * PLANES["valid"] | self.template)
        landmarks = torch.nan_to_num(given["landmarks"] / DEPTH_UNIT_MM) if "landmarks" in given else None
        stored = StoredFaces(texture, depth, planes, landmarks, self.bits, WINDOW_MM / side)
        logits: Tensor = self.network(stored.decoded(softened=self.softened)).logits
        return logits.softmax(1)


def export_onnx(model: TrainedModel, path: Path) -> Exported:
    """Writes a model as ONNX, and checks in ONNX Runtime that it answers as torch does, within `TOLERANCE`.

    The file computes in float32, and so does torch where they are compared. A model that was trained in bfloat16
    answers in bfloat16 itself: how much that changes is measured as well, and no reason for a refusal.

    Its inputs are those of `INPUTS` that the method reads, ``(B, ...)`` of any number of scans ``B``: what a dataset
    stores of them (`afnetm.FaceDataset.texture` and so on). Masks that are the same for every scan are in the file. Its
    output are the ``probabilities`` ``(B, K)`` float32; the classes are in the file's metadata.

    Args:
        model: on the CPU.
        path: a file that does not exist yet; it appears when it is complete and checked.

    Raises:
        UserError: the extra is not installed, `path` exists or cannot be written, the network cannot be exported, or it
            answers otherwise.
    """
    check_installed()
    if os.path.lexists(path):
        raise UserError(f"{path}: exists already (allowed: a new file)")
    content, done = onnx_content(model)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.rename(path)
    except OSError as error:
        why = why_unwritten(error) or error.strerror or error
        raise UserError(f"{path}: cannot be written: {why}") from None
    finally:
        beside.unlink(missing_ok=True)
    return done


def onnx_content(model: TrainedModel) -> tuple[bytes, Exported]:
    """The content of the file that `export_onnx` writes, checked, and what is said of it.

    Raises:
        UserError: the extra is not installed, the network cannot be exported, or it answers otherwise.
    """
    check_installed()
    method = model.method
    if method.no_onnx:
        raise UserError(f"'{method.name}' cannot be exported to ONNX: {method.no_onnx}")
    inputs = inputs_of(method)
    about = {"method": method.name, "method_version": str(method.version), "classes": json.dumps(model.classes)}
    try:
        content = onnx_bytes(model.module, model.config, inputs, size=model.making.size, about=about)
        difference, rounding = (
            difference_of(content, model.module, config, inputs, size=model.making.size)
            for config in (replace(model.config, precision="float32"), model.config)
        )
    except Exception as error:  # of any part of torch's exporter
        words = (str(error).strip().splitlines() or [""])[0][:200]
        raise UserError(f"'{method.name}' cannot be exported to ONNX: {type(error).__name__}: {words}") from error
    if difference > TOLERANCE:
        raise UserError(
            f"'{method.name}': in ONNX Runtime a probability differs by {difference:.2g} from torch's (allowed: "
            f"{TOLERANCE:g}); nothing was written"
        )
    return content, Exported(tuple(_said(name, model.making.size) for name in inputs), difference, rounding)


def _said(name: str, size: int) -> tuple[str, str, str]:
    kind, shape = INPUTS[name]
    sides = ", ".join(str(size if side == "S" else side) for side in shape)
    return name, np.dtype(kind).name, f"(batch, {sides})"


def check_installed() -> None:
    """Refuses where the extra is not installed.

    Raises:
        UserError: names the packages, and what installs them.
    """
    missing = []
    for package in _PACKAGES:
        try:
            version(package)
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        raise UserError(f"ONNX needs packages that are not installed: {', '.join(missing)}; pip install 'afnetm[onnx]'")


def inputs_of(method: Method) -> tuple[str, ...]:
    """The inputs of a method's file: maps that it reads, and planes where each scan has masks of its own."""
    read = ["planes" if name == "masks" else name for name in method.inputs]
    if "planes" in read and method.masks in CONSTANT:
        read.remove("planes")
    return tuple(name for name in INPUTS if name in read) or ("texture",)


def onnx_bytes(
    network: nn.Module,
    config: TrainingConfig,
    inputs: Sequence[str],
    *,
    size: int,
    about: Mapping[str, str] | None = None,
) -> bytes:
    """The content of a file, whatever torch's exporter raises."""
    graph = _Graph(deepcopy(network).cpu().float(), config, inputs, size).eval()
    graph = graph.to(memory_format=torch.contiguous_format)
    batch = torch.export.Dim("batch")
    maps = tuple(torch.from_numpy(of[:3]) for of in _maps(size, inputs).values())
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's own parts
        program = torch.onnx.export(
            graph,
            maps,
            dynamo=True,
            verbose=False,
            input_names=list(inputs),
            output_names=[OUTPUT],
            dynamic_shapes={"maps": tuple({0: batch} for _ in maps)},
        )
    assert program is not None
    program.model.metadata_props.update(about or {})
    proto: bytes = program.model_proto.SerializeToString()
    return proto


def difference_of(
    content: bytes, network: nn.Module, config: TrainingConfig, inputs: Sequence[str], *, size: int
) -> float:
    """The largest difference of a probability in ONNX Runtime from torch's in `config`'s precision, on a few scans.

    They are asked about one by one and together.
    """
    import onnxruntime

    dataset, template = _scans(size), getattr(network, TEMPLATE, None)
    planes = dataset.planes & _REGIONS if "planes" in inputs else None
    if planes is None and isinstance(template, Tensor):
        planes = template.cpu().numpy()
    data = DeviceDataset(dataset, dataset.rows, torch.device("cpu")).with_masks(planes, dataset.landmarks)
    expected, _ = predict(network.cpu(), data, torch.arange(len(dataset)), config)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    maps = _maps(size, inputs)
    answers = [session.run([OUTPUT], {name: of[:count] for name, of in maps.items()})[0] for count in (1, len(dataset))]
    return float(max(np.abs(answer - expected.numpy()[: len(answer)]).max() for answer in answers))


def _maps(size: int, inputs: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Maps for the check, as a dataset stores them."""
    dataset = _scans(size)
    return {name: np.ascontiguousarray(getattr(dataset, name), INPUTS[name][0]) for name in inputs}


def _scans(size: int) -> FaceDataset:
    """Scans for the check; in the upper half nothing was measured, so that a network that reads this is found out."""
    dataset = learnable_dataset(subjects=1, size=size)
    planes = dataset.planes.copy()
    planes[:, :, : size // 2] &= _REGIONS
    return replace(dataset, planes=planes)
