"""Our training loop against two Lightning loops: the same network, epochs and scans, per second of processor time.

The first reads what many projects read: a 256 px PNG file a map, decoded and changed by torchvision's transforms,
one scan at a time, in a DataLoader. The second reads our memory-mapped arrays through a DataLoader and changes them
by the same transforms. Both resize to the dataset's size, rotate, scale, shift, flip and change brightness and contrast
as our augmentation does; neither computes normals, and the network is given none. All three run in the mode of a
worker, in which the same seed gives the same bits, so that they differ in nothing but the loop.
"""

import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.decoding import DEPTH_UNIT_MM
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM
from afnetm.data.scan import EXPRESSIONS
from afnetm.face_batch import FaceBatch
from afnetm.method import built
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import find_method
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.loop import fit
from afnetm.training.process import prepare_process

for _noisy in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(_noisy).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")

_PNG = 256
_SCANS, _EPOCHS, _ROUNDS = 320, 3, 3
_WIDTH = 0.25


def compare(home: Path, folder: Path, *, device: str) -> dict[str, float]:
    """Processor seconds a training of each loop, interleaved, medians; and the ratios to ours."""
    prepare_process()
    dataset = open_dataset(home / "datasets" / "synthetic-quick")
    _write_png(dataset, folder)
    out: dict[str, float] = {"scans": _SCANS, "epochs": _EPOCHS, "size": dataset.size}
    where = torch.device(device)
    plain = TrainingConfig(epochs=_EPOCHS, batch_size=32, learning_rate=2e-3)
    for config in (plain, replace(plain, precision="bfloat16")):
        loops: dict[str, Callable[[], None]] = {
            "ours": partial(_ours, dataset, config, where),
            "Lightning over PNG": partial(_lightning, _Files(dataset, folder), config, where),
            "Lightning over arrays": partial(_lightning, _Arrays(dataset), config, where),
        }
        seconds: dict[str, list[float]] = {name: [] for name in loops}
        for round_ in range(_ROUNDS + 1):
            for name, loop in loops.items():
                started = time.process_time() if device == "cpu" else time.perf_counter()
                loop()
                ended = time.process_time() if device == "cpu" else time.perf_counter()
                if round_:  # the first warms up
                    seconds[name].append(ended - started)
        for name, times in seconds.items():
            out[f"{config.precision}: {name}, s"] = float(np.median(times))
        for name in list(loops)[1:]:
            ratios = [theirs / ours for theirs, ours in zip(seconds[name], seconds["ours"], strict=True)]
            out[f"{config.precision}: {name} / ours"] = float(np.median(ratios))
    return out


def with_loaders(
    dataset: FaceDataset, folder: Path, config: TrainingConfig, *, device: str, width: float, scans: int, workers: int
) -> dict[str, float]:
    """Scans a second of each loop by the clock, the better of two rounds, Lightning's with processes that load.

    Args:
        dataset: its first scans are read.
        folder: a new one, for PNG files.
        config: of all loops; ours is run once more with ``graph = true``.
        device: ``"cpu"`` or ``"cuda"``.
        width: of the encoders.
        scans: an epoch.
        workers: processes that load for Lightning.
    """
    _write_png(dataset, folder, scans)
    where = torch.device(device)
    loops: dict[str, Callable[[], None]] = {
        "ours": partial(_ours, dataset, config, where, width, scans),
        "ours, graph": partial(_ours, dataset, replace(config, graph=True), where, width, scans),
        "Lightning over PNG": partial(_lightning, _Files(dataset, folder, scans), config, where, width, workers),
        "Lightning over arrays": partial(_lightning, _Arrays(dataset, scans), config, where, width, workers),
    }
    out = {}
    for name, loop in loops.items():
        times = []
        for _ in range(2):
            started = time.perf_counter()
            loop()
            times.append(time.perf_counter() - started)
        out[name] = scans * config.epochs / min(times)
    return out


def _network(width: float = _WIDTH) -> nn.Module:
    torch.manual_seed(0)
    concat = find_method("concat")(geometry="depth")
    return built(concat, EncoderSpec(width=width), len(EXPRESSIONS)).to(memory_format=torch.channels_last)


def _classes(dataset: FaceDataset, scans: int) -> list[int]:
    return [EXPRESSIONS.index(e) for e in dataset.table["expression"][:scans]]


def _ours(
    dataset: FaceDataset, config: TrainingConfig, device: torch.device, width: float = _WIDTH, scans: int = _SCANS
) -> None:
    data = DeviceDataset(dataset, np.arange(scans), device)
    labels = torch.tensor(_classes(dataset, scans), device=device)
    fit(_network(width).to(device), data, torch.arange(scans, device=device), labels, config, seed=0)


def _write_png(dataset: FaceDataset, folder: Path, scans: int = _SCANS) -> None:
    folder.mkdir()
    for row in range(scans):
        texture = Image.fromarray(np.ascontiguousarray(dataset.texture[row].transpose(1, 2, 0)))
        texture.resize((_PNG, _PNG), Image.Resampling.BILINEAR).save(folder / f"{row}-texture.png")
        depth = Image.fromarray(np.ascontiguousarray(dataset.depth[row, 0]))
        depth.resize((_PNG, _PNG), Image.Resampling.NEAREST).save(folder / f"{row}-depth.png")


def _transform(size: int, config: TrainingConfig) -> v2.Transform:
    a = config.augmentation
    return v2.Compose(
        [
            v2.Resize((size, size), antialias=True),
            v2.RandomAffine(a.rotation, translate=(a.shift, a.shift), scale=(1 - a.scale, 1 + a.scale)),
            v2.RandomHorizontalFlip(a.flip),
        ]
    )


class _Scans(Dataset[tuple[Tensor, Tensor, int]]):
    """One scan at a time, changed by torchvision; subclasses say where it is read from."""

    def __init__(self, dataset: FaceDataset, scans: int = _SCANS) -> None:
        self.labels = _classes(dataset, scans)
        self.size = dataset.size
        self.moved = _transform(dataset.size, TrainingConfig())
        lit = TrainingConfig().augmentation
        self.lit = v2.ColorJitter(brightness=lit.brightness, contrast=lit.contrast)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor, int]:
        texture, depth = self.read(row)
        both = self.moved(tv_tensors.Image(texture), tv_tensors.Mask(depth))
        millimetres = DEPTH_ZERO_MM + (both[1].float() - 1) * DEPTH_STEP_MM
        return v2.functional.to_dtype(self.lit(both[0]), torch.float32, scale=True), millimetres, self.labels[row]

    def read(self, row: int) -> tuple[Tensor, Tensor]:
        raise AssertionError("subclasses read")


class _Files(_Scans):
    def __init__(self, dataset: FaceDataset, folder: Path, scans: int = _SCANS) -> None:
        super().__init__(dataset, scans)
        self.folder = folder

    def read(self, row: int) -> tuple[Tensor, Tensor]:
        texture = torch.from_numpy(np.array(Image.open(self.folder / f"{row}-texture.png"))).permute(2, 0, 1)
        depth = torch.from_numpy(np.array(Image.open(self.folder / f"{row}-depth.png")).astype(np.int32))
        return texture, depth[None]


class _Arrays(_Scans):
    def __init__(self, dataset: FaceDataset, scans: int = _SCANS) -> None:
        super().__init__(dataset, scans)
        self.texture, self.depth = dataset.texture, dataset.depth

    def read(self, row: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.texture[row].copy()), torch.from_numpy(self.depth[row].astype(np.int32))


class _Module(lightning.LightningModule):
    def __init__(self, config: TrainingConfig, width: float) -> None:
        super().__init__()
        self.network, self.config = _network(width), config

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> Tensor:
        texture, millimetres, labels = batch
        blank = torch.zeros(len(texture), 4, *texture.shape[2:], device=texture.device)
        faces = FaceBatch((texture - 0.5) / 0.25, millimetres / DEPTH_UNIT_MM, blank[:, :1], blank, 1.0)
        logits = self.network(faces).logits
        return nn.functional.cross_entropy(logits.float(), labels, label_smoothing=self.config.label_smoothing)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(
            self.parameters(), self.config.learning_rate, weight_decay=self.config.weight_decay
        )
        steps = self.trainer.estimated_stepping_batches
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.config.learning_rate, total_steps=int(steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _lightning(
    data: _Scans, config: TrainingConfig, device: torch.device, width: float = _WIDTH, workers: int = 0
) -> None:
    trainer = lightning.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        max_epochs=config.epochs,
        precision="bf16-mixed" if config.precision == "bfloat16" else "32-true",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = DataLoader(
        data, batch_size=config.batch_size, shuffle=True, num_workers=workers, pin_memory=device.type == "cuda"
    )
    trainer.fit(_Module(config, width), loader)
