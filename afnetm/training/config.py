"""The training configuration: how every method of a suite is trained, the same for all."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from afnetm.strict import STRICT

Precision = Literal["float32", "tf32", "bfloat16"]
Sampling = Literal["shuffled", "balanced"]
Fraction = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Ranges of augmentation, drawn anew for each face and epoch, uniformly within plus and minus.

    Texture, depth and planes move together; depth scales with the picture, so that a face keeps its shape. The defaults
    are small, because maps are pose-normalised: what is left to undo is the landmarks' inaccuracy. (With 8 degrees, 8 %
    and 5 %, texture alone reached .37 where with these it reached .53: a quarter-width ResNet-18, 24 epochs, two folds
    of a synthetic dataset of 40 people at 64 px, seed 101.)

    Attributes:
        rotation: in the picture's plane, degrees.
        scale: relative to 1.
        shift: as a fraction of the picture's width.
        flip: probability of mirroring left and right.
        brightness: added to texture, as a fraction of its range.
        contrast: relative to 1.
        depth_shift: towards or away from the viewer, mm.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    rotation: Annotated[float, Field(ge=0, le=180)] = 3.0
    scale: Fraction = 0.03
    shift: Fraction = 0.02
    flip: Annotated[float, Field(ge=0, le=1)] = 0.5
    brightness: Fraction = 0.1
    contrast: Fraction = 0.1
    depth_shift: Annotated[float, Field(ge=0, le=100)] = 2.0

    @property
    def moves(self) -> bool:
        """Whether faces are resampled, which blurs them a little."""
        return any((self.rotation, self.scale, self.shift))


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Configuration of training: AdamW with a linear warm-up and a cosine decay to zero, cross-entropy.

    Attributes:
        epochs: passes over the training scans.
        batch_size: at most so many faces a step; an epoch is cut into equal batches.
        learning_rate: the peak, reached after the warm-up.
        pretrained_factor: the learning rate of encoders' given weights as a fraction of `learning_rate`, which is that
            of all that is new: heads, fusion modules and encoders with random weights.
        weight_decay: AdamW's, on the weights of convolutions and linear layers; not on norms, biases, tokens or
            scalars.
        gradient_clip: gradients are scaled down to this norm, over all parameters, where it is larger; None for never.
        warmup: the fraction of all steps spent rising to `learning_rate`.
        label_smoothing: the mass spread over all classes.
        precision: ``"float32"`` is that of IEEE 754 on every device. ``"tf32"`` is the same but for convolutions and
            matrix products, which round what they multiply to 10 bits of mantissa; CUDA GPUs do so from Ampere on, and
            whatever else computes in float32. ``"bfloat16"`` runs the forward pass under autocast; weights and loss
            stay float32.
        channels_last: the memory format of the weights, and so of the feature maps.
        compile: the network is compiled by ``torch.compile`` (its graph mode).
        graph: on a GPU, a training step is recorded once as a CUDA graph and replayed (`afnetm.training.graphs`).
        sampling: which scans an epoch has. ``"shuffled"``: each once. ``"balanced"``: as many, drawn with replacement,
            all classes being as likely: for classes of uneven sizes. A scan's chance is in proportion to the "balanced"
            class weight of scikit-learn, N / (K x scans of its class) of the training scans. It changes no loss, so
            that it does the same for methods with a loss of their own.
        augmentation: what is changed in training faces.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    pretrained_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.05
    gradient_clip: Annotated[float, Field(gt=0)] | None = 1.0
    warmup: Fraction = 0.1
    label_smoothing: Fraction = 0.1
    precision: Precision = "float32"
    channels_last: bool = True
    compile: bool = False
    graph: bool = False
    sampling: Sampling = "shuffled"
    augmentation: Augmentation = field(default_factory=Augmentation)
