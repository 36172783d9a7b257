"""What a method is: faces in, logits out. And the registry, through which every method is found."""

import difflib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, ClassVar, Literal, Protocol, runtime_checkable

from optuna.distributions import BaseDistribution
from pydantic import ConfigDict, Field
from torch import Tensor, nn

from afnetm.errors import UserError
from afnetm.model.encoder import EncoderSpec
from afnetm.strict import STRICT

#: The entry-point group in which this project and any other package names its methods.
GROUP = "afnetm.methods"


@dataclass(frozen=True, eq=False)
class Output:
    """What a method's module returns for a batch of ``B`` faces and ``K`` classes.

    Attributes:
        logits: ``(B, K)``; their softmax are the class probabilities.
        trained: the logits, each ``(B, K)``, whose cross-entropies are summed as the loss; `logits` alone if empty.
        extras: what the report shows per scan, by name, first axis ``B``: importance weights, attention.
        penalty: float32 scalar added to the loss, a regulariser of the batch's features, say; None where there is none.
        features: ``(B, D)``, what `Finalizing.finalize` is given of the training scans; None where a method has none.
    """

    logits: Tensor
    trained: tuple[Tensor, ...] = ()
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    penalty: Tensor | None = None
    features: Tensor | None = None


@runtime_checkable
class Finalizing(Protocol):
    """A method's module of which a part is fitted once after the last epoch, not by gradients: an SVM, say."""

    def finalize(self, features: Tensor, labels: Tensor) -> None:
        """Fits that part and writes it into registered buffers, so that the state dict holds all.

        Args:
            features: ``(N, D)`` float32, `Output.features` of the training scans, not augmented, in eval mode.
            labels: ``(N,)`` int64, their classes.
        """


#: Probability of dropping a feature.
Dropout = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True, kw_only=True)
class Method(ABC):
    """A fusion strategy: its hyper-parameters as fields, and a module built from them.

    A subclass is a frozen dataclass that sets the class attributes, adds its own hyper-parameters and their search
    space, and is named in the entry-point group `GROUP`. The encoder is the suite's, the same for every method.
    Raise `version` whenever what the method computes changes: records of other versions are then not reused.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: ClassVar[str]
    version: ClassVar[int]
    summary: ClassVar[str]
    source: ClassVar[str]
    space: ClassVar[dict[str, BaseDistribution]]
    #: What a paper's tables and figures call it: ``"Late fusion"``; its name if empty.
    title: ClassVar[str] = ""
    #: Whether it fuses between an encoder's stages, and so needs one that `afnetm.model.encoder.Encoder` can cut.
    staged: ClassVar[bool] = False

    #: What the depth stream reads: depth alone, or depth and the three components of its normals.
    geometry: Literal["depth", "depth+normals"] = "depth+normals"
    #: Before the classifier.
    dropout: Dropout = 0.0

    @abstractmethod
    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """A fresh module with ``forward(faces: Faces) -> Output``, for `classes` classes."""

    @property
    def depth_channels(self) -> int:
        """Channels of what `Faces.geometry` gives for this method."""
        return 1 if self.geometry == "depth" else 4


def load_methods(points: list[EntryPoint] | None = None) -> dict[str, type[Method]]:
    """Every registered method by name, sorted; a plug-in that cannot be imported is warned about and left out.

    Raises:
        UserError: two packages register one name.
    """
    found: dict[str, type[Method]] = {}
    origin: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda p: (p.name, p.value)):
        if origin.get(point.name, point.value) != point.value:
            raise UserError(f"method '{point.name}' is registered twice: {origin[point.name]} and {point.value}")
        try:
            found[point.name] = point.load()
        except Exception as error:  # any plug-in, any error: the others must still run
            warnings.warn(f"method '{point.name}' ({point.value}) left out: {error!r}", stacklevel=2)
        origin[point.name] = point.value
    return found


@cache
def methods() -> dict[str, type[Method]]:
    """The registered methods, loaded once a process."""
    return load_methods()


def find_method(name: str) -> type[Method]:
    """The method registered as `name`.

    Raises:
        UserError: there is none; names the nearest.
    """
    if name not in methods():
        raise UserError(f"method '{name}' is not registered; {nearest(name, methods())}")
    return methods()[name]


def nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """The end of a message about an unknown name: the nearest known ones, or all of a few."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5) or sorted(known)[:12]
    return "known: " + ", ".join(close)
