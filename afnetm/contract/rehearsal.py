"""The rehearsal: a method with a suite's own settings, on a few faces, before anything is trained with them."""

import torch
from torch import nn

from afnetm.contract.bench import demand
from afnetm.contract.inputs import noise_faces
from afnetm.contract.outputs import check_output
from afnetm.hooks import step_loss
from afnetm.method import Finalizing, Method, built
from afnetm.model.encoder import EncoderSpec
from afnetm.training.config import TrainingConfig
from afnetm.training.step import autocast

#: Faces in a batch, at most.
_FACES = 4


def rehearse(
    method: Method, encoder: EncoderSpec, config: TrainingConfig, *, size: int, classes: int, device: torch.device
) -> None:
    """Builds a method, has it answer, and takes a step's gradients, in the mode that this process computes in.

    Args:
        method: with a suite's settings.
        encoder: of its streams, for faces of `size` pixels.
        config: by which it is to be trained.
        size: of a face, pixels.
        classes: of the labels.
        device: where it is to be trained.

    Raises:
        UserError: what comes out is nothing that could be trained or reported; whatever else is raised is the method's.
    """
    torch.manual_seed(0)
    model = built(method, encoder, classes).to(device)
    if config.channels_last:
        model = model.to(memory_format=torch.channels_last)
    check_answer(model, config, size=size, classes=classes, device=device)
    count = min(_FACES, config.batch_size)
    targets = torch.arange(count, device=device) % classes
    with autocast(device, config):
        faces = noise_faces(count, size=size, device=device)
        output, loss = step_loss(model.train(), faces, targets, smoothing=config.label_smoothing)
    of = f"in training, forward() on a batch of {count} at {size} px"
    check_output(output, count=count, classes=classes, of=of, dtype=_dtype(config))
    demand(loss.requires_grad, "its loss depends on no parameter; train what forward() returns")
    torch.autograd.backward(loss)


@torch.no_grad()
def check_answer(model: nn.Module, config: TrainingConfig, *, size: int, classes: int, device: torch.device) -> None:
    """Refuses what a module answers in eval mode where nothing could be evaluated by it; the module stays as it is.

    Raises:
        UserError: names the tensor, what it is and what it should be.
    """
    training = model.training
    with autocast(device, config):
        output = model.eval()(noise_faces(2, size=size, device=device))
    model.train(training)
    check_output(output, count=2, classes=classes, of=f"forward() on a batch of 2 at {size} px", dtype=_dtype(config))
    if isinstance(model, Finalizing):
        demand(output.features is not None, "has finalize() and returns no features; return what is to be fitted")


def _dtype(config: TrainingConfig) -> torch.dtype:
    return torch.bfloat16 if config.precision == "bfloat16" else torch.float32
