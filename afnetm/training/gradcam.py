"""Grad-CAM: where in each stream's last map the evidence for a class is, for any method.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017. With
the last feature map ``A`` (C, H, W) of a stream and the logit ``y`` of a class::

    a_k = mean over positions of dy / dA_k
    L   = relu(sum over k of a_k A_k)

divided by its largest value, so that every map reaches 1 (a map without any evidence is zero throughout).
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from afnetm.data.maps import SHOWN_CELLS
from afnetm.face_batch import FaceBatch
from afnetm.model.encoder import Stage
from afnetm.model.stream import Stream


def last_maps(model: nn.Module) -> dict[str, nn.Module]:
    """The modules whose output is a stream's last map, by the stream's name in `model`.

    Every `Stream`, and the last of every list of an encoder's stages: of either stream up to where they are fused and
    of the trunk behind, where a method divides them so. What a stream is wrapped in gives it its name.
    """
    found: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        if any(name.startswith(f"{outer}.") for outer in found):
            continue  # a stream's own stages
        if isinstance(module, Stream):
            found[name.removesuffix(".stream")] = module
        elif isinstance(module, nn.ModuleList) and len(module) and isinstance(module[-1], Stage):
            found[name.removesuffix(".stages")] = module[-1]
    return found


def gradcam(model: nn.Module, faces: FaceBatch, classes: Tensor) -> dict[str, Tensor]:
    """Grad-CAM maps of the evidence for `classes`, by stream.

    Args:
        model: ``forward(faces) -> Output``; is in eval mode afterwards, and otherwise left as it was.
        faces: ``B`` of them.
        classes: ``(B,)`` int64 on the faces' device, whose evidence to show: those predicted, say.

    Returns:
        ``(B, h, w)`` float32 in 0..1 on the CPU, with ``h`` and ``w`` at most `SHOWN_CELLS`. Empty if no gradient leads
        from the logits to a stream.
    """
    maps: dict[str, Tensor] = {}

    def keep(name: str, _module: nn.Module, _inputs: Any, output: Tensor) -> None:
        maps[name] = output if output.requires_grad else output.requires_grad_()  # a frozen encoder's

    hooks = [module.register_forward_hook(partial(keep, name)) for name, module in last_maps(model).items()]
    try:
        logits = model.eval()(faces).logits
    finally:
        for hook in hooks:
            hook.remove()
    if not maps or not logits.requires_grad:
        return {}
    # In eval mode faces do not mix, so that the sum's gradient is each face's own.
    score = logits.gather(1, classes[:, None]).sum()
    gradients = torch.autograd.grad(score, list(maps.values()), materialize_grads=True)
    pairs = zip(maps.items(), gradients, strict=True)
    return {name: _evidence(features.detach(), gradient).cpu() for (name, features), gradient in pairs}


def _evidence(features: Tensor, gradient: Tensor) -> Tensor:
    """Grad-CAM of ``(B, C, H, W)`` maps and their gradients: ``(B, h, w)`` in 0..1."""
    evidence = (gradient.mean((2, 3), keepdim=True) * features).sum(1).relu()
    height, width = evidence.shape[1:]
    small = adaptive_avg_pool2d(evidence, (min(height, SHOWN_CELLS), min(width, SHOWN_CELLS)))
    largest = small.amax((1, 2), keepdim=True)
    return small / torch.where(largest > 0, largest, 1)
