"""Every registered method in turn, on the smallest encoder, built and trained once for all tests of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import entry_points

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from afnetm.data.cohort import Cohort
from afnetm.data.scan import EXPRESSIONS
from afnetm.faces import Faces
from afnetm.method import GROUP, Method
from afnetm.model.encoder import EncoderSpec
from afnetm.training.loop import Curves, fit
from afnetm.training.recipe import Augmentation, Recipe
from afnetm.training.resident import Resident

CLASSES = len(EXPRESSIONS)
#: The last feature map has 2 x 2 positions: attention over a single one would have nothing to choose.
SIZE = 48
STILL = Augmentation(rotation=0, scale=0, shift=0, flip=0, brightness=0, contrast=0, depth_shift=0)

Build = Callable[..., nn.Module]
Fit = Callable[..., Curves]
MakeFaces = Callable[..., Faces]


@dataclass(frozen=True, eq=False)
class Trained:
    """A method at its defaults after a training on 32 scans: what most tests look at.

    Attributes:
        network: in eval mode, whatever its `finalize` fits fitted.
        faces: the 32 scans.
        labels: ``(32,)`` int64, their classes.
        curves: of the training.
    """

    network: nn.Module
    faces: Faces
    labels: Tensor
    curves: Curves


@pytest.fixture(scope="session", params=sorted({point.name for point in entry_points(group=GROUP)}))
def kind(request: pytest.FixtureRequest) -> type[Method]:
    """A registered method; one that cannot be imported fails its own tests with the error it raised."""
    (point,) = {p.value: p for p in entry_points(group=GROUP, name=request.param)}.values()
    found: type[Method] = point.load()
    return found


@pytest.fixture(autouse=True)
def _deterministic() -> Iterator[None]:
    """As in a worker."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="session")
def encoder() -> EncoderSpec:
    return EncoderSpec(name="resnet18", width=0.125)


@pytest.fixture(scope="session")
def build(encoder: EncoderSpec) -> Build:
    """A network of a method (or of a class of methods at its defaults) from a seed, laid out as in a worker."""

    def build(method: Method | type[Method], *, seed: int = 0, encoder: EncoderSpec = encoder) -> nn.Module:
        torch.manual_seed(seed)
        network = (method() if isinstance(method, type) else method).build(encoder, CLASSES)
        return network.to(memory_format=torch.channels_last)

    return build


@pytest.fixture(scope="session")
def make_faces() -> MakeFaces:
    """`count` faces of noise; `masks` and `valid` are 0 or 1."""

    def make_faces(count: int, *, size: int = SIZE, seed: int = 0) -> Faces:
        noise = torch.Generator().manual_seed(seed)
        texture, depth = (torch.randn(count, c, size, size, generator=noise) for c in (3, 1))
        valid, masks = ((torch.rand(count, c, size, size, generator=noise) > 0.5).float() for c in (1, 4))
        return Faces(texture, depth, valid, masks, pixel_mm=200 / size)

    return make_faces


@pytest.fixture(scope="session")
def data(learnable: Cohort) -> Resident:
    """32 scans that can be learnt, of all six classes."""
    grown = np.arange(SIZE) * learnable.size // SIZE
    maps = {name: getattr(learnable, name)[..., grown, :][..., grown] for name in ("texture", "depth", "planes")}
    return Resident(replace(learnable, size=SIZE, **maps), np.arange(32), torch.device("cpu"))


@pytest.fixture(scope="session")
def labels(learnable: Cohort) -> Tensor:
    return torch.tensor([EXPRESSIONS.index(name) for name in learnable.table["expression"][:32]])


@pytest.fixture(scope="session")
def train(data: Resident, labels: Tensor) -> Fit:
    """Trains a network on the 32 scans by the project's own loop, without augmentation unless it is asked for."""

    def train(network: nn.Module, *, epochs: int, seed: int = 0, **recipe: object) -> Curves:
        options = {"batch_size": 16, "learning_rate": 3e-3, "label_smoothing": 0.0, "augmentation": STILL, **recipe}
        return fit(network, data, torch.arange(32), labels, Recipe(epochs=epochs, **options), seed=seed)

    return train


@pytest.fixture(scope="session")
def trained(kind: type[Method], build: Build, train: Fit, data: Resident, labels: Tensor) -> Trained:
    network = build(kind)
    curves = train(network, epochs=25)
    return Trained(network.eval(), data.faces(torch.arange(32)), labels, curves)
