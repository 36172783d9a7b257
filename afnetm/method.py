"""Methods: the base class of a fusion strategy, and the output of its module."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Protocol, runtime_checkable

import torch
from optuna.distributions import BaseDistribution
from pydantic import ConfigDict, Field
from torch import Tensor, nn

from afnetm.data.maps import MaskSource
from afnetm.errors import UserError
from afnetm.face_batch import Geometry, geometry_channels
from afnetm.model.encoder import EncoderSpec
from afnetm.strict import STRICT


@dataclass(frozen=True, eq=False)
class Output:
    """Output of a method's module for a batch of ``B`` faces and ``K`` classes.

    Attributes:
        logits: ``(B, K)``; their softmax are the class probabilities.
        supervised_logits: each ``(B, K)``; the loss is the sum of their cross-entropies. Empty for `logits` alone.
        supervised_weights: of these cross-entropies in the sum, one each: numbers, or a float32 tensor on the logits'
            device; None for 1 each.
        auxiliary_outputs: what the report shows per scan, by name, first axis ``B``: importance weights, attention.
        auxiliary_loss: float32 scalar added to the loss, such as a regulariser of the batch's features; None for none.
        features: ``(B, D)``, what `Finalizing.finalize` is given of the training scans, or a loss of the module's own
            (`afnetm.hooks`) reads; None where a method has none.
    """

    logits: Tensor
    supervised_logits: tuple[Tensor, ...] = ()
    supervised_weights: tuple[float, ...] | Tensor | None = None
    auxiliary_outputs: Mapping[str, Tensor] = field(default_factory=dict)
    auxiliary_loss: Tensor | None = None
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


#: What a method may read of a face (`FaceBatch`).
Input = Literal["texture", "depth", "masks", "landmarks"]

#: Probability of dropping a feature.
Dropout = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True, kw_only=True)
class Method(ABC):
    """A fusion strategy: its hyper-parameters as fields, and a module built from them.

    A subclass is a frozen dataclass that sets the class attributes, adds its own hyper-parameters and their search
    space, and is registered (`afnetm.registry`). The encoder is the suite's, the same for every method.
    Raise `version` whenever what the method computes changes: records of other versions are then not reused.

    Example:
        >>> import afnetm
        >>> import torch
        >>> from afnetm.model.encoder import Head
        >>> from afnetm.model.stream import Stream
        >>> class Network(nn.Module):
        ...     def __init__(self, encoder, classes):
        ...         super().__init__()
        ...         self.stream = Stream(encoder, 3)
        ...         self.head = Head(self.stream.channels, classes)
        ...
        ...     def forward(self, faces):
        ...         return Output(self.head(self.stream(faces.texture)))
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Mine(Method):
        ...     name, version = "mine", 1
        ...     summary, source = "texture alone", "an example"
        ...     space = {}
        ...
        ...     def build(self, encoder, classes):
        ...         return Network(encoder, classes)
        >>> model = afnetm.create_model(Mine(), num_classes=3, width=0.25)
        >>> faces = afnetm.FaceBatch(
        ...     texture=torch.rand(2, 3, 64, 64),
        ...     depth=torch.rand(2, 1, 64, 64),
        ...     valid=torch.ones(2, 1, 64, 64),
        ...     masks=torch.ones(2, 4, 64, 64),
        ...     pixel_mm=2.5,
        ... )
        >>> model(faces).logits.shape
        torch.Size([2, 3])
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: ClassVar[str]
    version: ClassVar[int]
    summary: ClassVar[str]
    source: ClassVar[str]
    space: ClassVar[dict[str, BaseDistribution]]
    #: What a paper's tables and figures call it: ``"Late fusion"``; its name if empty.
    title: ClassVar[str] = ""
    #: Whether the softmax of its logits are meant as probabilities; an SVM's margins are not, and no report says how
    #: well they are calibrated.
    probabilities: ClassVar[bool] = True
    #: Whether its exact form is this project's reading of a paper that could not be read in full, and of which no code
    #: is known: tables mark it.
    reading: ClassVar[bool] = False
    #: Why its network cannot be written as an ONNX file, in a few words; empty where it can.
    no_onnx: ClassVar[str] = ""
    #: What it reads of a face at test time, whatever its hyper-parameters; what a setting adds or takes away is for
    #: `inputs` to say. Tables show it, and the contract suite holds the module to it.
    reads: ClassVar[tuple[Input, ...]] = ("texture", "depth")
    #: What it reads in training alone, as masks that guide an attention.
    reads_in_training: ClassVar[tuple[Input, ...]] = ()
    #: Whether it fuses between an encoder's stages, and so needs one that `afnetm.model.encoder.Encoder` can cut,
    #: whatever its settings (`needs_stages`).
    staged: ClassVar[bool] = False

    #: What the depth stream reads: depth alone, or with it the three components of its normals, its curvature as a
    #: shape index, or the salient mask.
    geometry: Geometry = "depth+normals"
    #: Where masks and landmarks come from (`afnetm.data.masks`), in training and at test time alike.
    masks: MaskSource = "mean"
    #: Before the classifier.
    dropout: Dropout = 0.0

    @abstractmethod
    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """A fresh module with ``forward(faces: FaceBatch) -> Output``, for `classes` classes."""

    @property
    def needs_stages(self) -> bool:
        """Whether it needs an encoder that can be cut into stages; overridden by what does with some settings alone."""
        return self.staged

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The tensors of a face that it reads at test time, with these hyper-parameters."""
        more: tuple[Input, ...] = ("masks",) if self.geometry.endswith("mask") and "depth" in self.reads else ()
        return (*self.reads, *more)

    @property
    def uses_masks(self) -> bool:
        """Whether `masks` decides anything: whether it reads masks or landmarks, at test time or in training."""
        return not {"masks", "landmarks"}.isdisjoint((*self.inputs, *self.reads_in_training))

    @property
    def depth_channels(self) -> int:
        """Channels of what `FaceBatch.geometry` gives for this method."""
        return geometry_channels(self.geometry)


#: Buffers of a trained network, of which masks and landmarks of further scans are made (`afnetm.training.given`): masks
#: that are the same for every scan, or for those in which no face is found; and a landmark regressor's, by their names.
TEMPLATE, REGRESSOR = "mask_template", "landmark_regressor_"


def built(method: Method, encoder: EncoderSpec, classes: int) -> nn.Module:
    """Module that `Method.build` returns, which knows it as ``built_from``.

    It takes `TEMPLATE` and the buffers of `REGRESSOR` with saved weights.

    Raises:
        UserError: it is no module.
    """
    network = method.build(encoder, classes)
    if not isinstance(network, nn.Module):
        raise UserError(f"build() returns {type(network).__name__}; return a torch.nn.Module")
    network.built_from = method  # type: ignore[assignment]
    network.register_load_state_dict_pre_hook(_take_buffers)  # type: ignore[no-untyped-call]
    return network


def _take_buffers(network: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for key, found in state.items():
        name = key.removeprefix(prefix)
        if (name == TEMPLATE or (name.startswith(REGRESSOR) and "." not in name)) and isinstance(found, Tensor):
            network.register_buffer(name, torch.empty_like(found))
