"""A method on every sort of encoder: what fuses between stages says so, and all others take any encoder."""

import torch

from afnetm.contract.bench import ENCODER, Bench, demand
from afnetm.contract.inputs import noise_faces
from afnetm.errors import UserError
from afnetm.hooks import step_loss
from afnetm.model.cost import flop_count, parameter_count
from afnetm.model.encoder import EncoderSpec
from afnetm.model.stream import Stream

# Small networks that timm keeps for tests: stages, other convolutions, tokens on a grid.
_STAGES = EncoderSpec(name="test_convnext", size=64)
_OTHERS = (EncoderSpec(name="test_efficientnet", size=64), EncoderSpec(name="test_vit", size=64))


def check_other_stages(bench: Bench) -> None:
    """It takes other stages than a ResNet's."""
    _check_gradients(bench, _STAGES)


def check_encoders_without_stages(bench: Bench) -> None:
    """It takes one, or says that it cannot."""
    for other in _OTHERS:
        try:
            bench.build(encoder=other)
        except UserError as error:
            demand(other.name in str(error), f"{error}; name the encoder that it cannot take")
            demand(
                bench.kind.staged,
                f"{error}; use afnetm.model.stream.Stream, or set staged = True if it fuses between stages",
            )
            continue
        demand(not bench.kind.staged, f"says staged = True and takes '{other.name}', which has none; take that away")
        _check_gradients(bench, other)


def check_costs(bench: Bench) -> None:
    """Parameters and operations can be counted."""
    network = bench.build()
    small, large = (flop_count(network, size=size) for size in (48, 96))
    demand(network.training, "counting leaves it in eval mode; respect train() and eval()")
    maps = bench.kind.reads != ("landmarks",)
    demand(0 < small < large or (small and not maps), f"{small} operations at 48 px, {large} at 96; from what?")
    lone = parameter_count(Stream(ENCODER, 3)) if maps else 1
    demand(parameter_count(network) >= lone / 2, "fewer parameters than half a stream; is one unregistered?")


def _check_gradients(bench: Bench, encoder: EncoderSpec) -> None:
    network = bench.build(encoder=encoder)
    _, loss = step_loss(network, noise_faces(4, size=64), torch.arange(4))
    torch.autograd.backward(loss)
    finite = all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
    demand(finite, f"gradients on {encoder.name} are not finite")
