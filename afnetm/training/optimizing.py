"""The optimiser's part of a training: AdamW's parameter groups, and the learning rate of each step."""

import math
from typing import Any

from torch import nn

from afnetm.hooks import hooks_of
from afnetm.model.encoder import EncoderPart
from afnetm.training.config import TrainingConfig


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """The schedule, 0..1: linear over the first ``warmup * steps`` steps, then a cosine to zero after the last."""
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))


def parameter_groups(model: nn.Module, config: TrainingConfig) -> list[dict[str, Any]]:
    """AdamW's parameter groups, of what is trained: what decays and what does not, new weights and pretrained ones.

    Decay is for the weights of convolutions and linear layers alone: the parameters called ``weight`` (or
    ``in_proj_weight``) with two axes or more, embeddings excepted. Norms, biases, tokens and scalars are left out, as
    timm leaves them out: zero is no simpler a value of theirs. Encoders' given weights have `pretrained_factor`,
    beside which a module's own `TrainingHooks.rate_factors` count.
    """
    own = hooks_of(model).rate_factors
    embeddings = {module.weight for module in model.modules() if isinstance(module, nn.Embedding)}
    parts = [part for part in model.modules() if isinstance(part, EncoderPart) and part.pretrained]
    pretrained = {parameter for part in parts for parameter in part.parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decays = name.endswith("weight") and parameter.ndim > 1 and parameter not in embeddings
            rate = config.learning_rate * own.get(name.partition(".")[0], 1.0)
            if parameter in pretrained:
                rate *= config.pretrained_factor
            groups.setdefault((rate, config.weight_decay if decays else 0.0), []).append(parameter)
    return [{"params": of, "lr": rate, "weight_decay": decay} for (rate, decay), of in groups.items()]
