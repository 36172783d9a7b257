"""Checks of an `Output`: types, shapes and ranges."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from afnetm.contract.bench import demand
from afnetm.data.maps import SHOWN_CELLS
from afnetm.method import Output

#: Of `Output.auxiliary_outputs`, what reports know.
KNOWN = ("importance", "attention", "attention_texture", "attention_depth")


def tensors(output: Output) -> dict[str, Tensor]:
    """Tensors of an output that have a row per face, by name."""
    named = {
        "logits": output.logits,
        **{f"auxiliary_outputs['{name}']": extra for name, extra in output.auxiliary_outputs.items()},
    }
    named |= {f"supervised_logits[{i}]": logits for i, logits in enumerate(output.supervised_logits)}
    return named if output.features is None else {**named, "features": output.features}


def check_output(output: object, *, count: int, classes: int, of: str, dtype: torch.dtype = torch.float32) -> None:
    """Refuses what no training could use and no report show.

    Args:
        output: what the module returned.
        count: of the faces that it was given.
        classes: that it was built for.
        of: what messages begin with.
        dtype: that tensors may have beside float32, under autocast.

    Raises:
        UserError: names the tensor, what it is and what it should be.
    """
    demand(isinstance(output, Output), f"{of}: returns {type(output).__name__}; return afnetm.method.Output")
    assert isinstance(output, Output)
    demand(
        isinstance(output.supervised_logits, Sequence),
        f"{of}: supervised_logits is {_type(output.supervised_logits)}; it should be a tuple",
    )
    demand(
        isinstance(output.auxiliary_outputs, Mapping),
        f"{of}: auxiliary_outputs is {_type(output.auxiliary_outputs)}; it should be a dictionary",
    )
    for name, tensor in tensors(output).items():
        demand(isinstance(tensor, Tensor), f"{of}: {name} is {_type(tensor)}; it should be a tensor")
        demand(tensor.dtype in {torch.float32, dtype}, f"{of}: {name} is {tensor.dtype}; it should be float32")
        demand(tensor.isfinite().all(), f"{of}: {name} is not finite; guard what is divided by or logarithms of 0")
        first = tensor.shape[0] if tensor.ndim else None
        demand(first == count, f"{of}: {name} is {tuple(tensor.shape)}; its first axis is the batch")
        if name == "logits" or name.startswith("supervised_logits"):
            wanted = (count, classes)
            demand(tensor.shape == wanted, f"{of}: {name} is {tuple(tensor.shape)}; it should be (B, {classes})")
    if output.auxiliary_loss is not None:
        auxiliary_loss = output.auxiliary_loss
        demand(
            isinstance(auxiliary_loss, Tensor),
            f"{of}: auxiliary_loss is {_type(auxiliary_loss)}; it should be a tensor",
        )
        demand(
            auxiliary_loss.shape == (), f"{of}: auxiliary_loss is {tuple(auxiliary_loss.shape)}; it should be a scalar"
        )
        demand(
            auxiliary_loss.dtype in {torch.float32, dtype},
            f"{of}: auxiliary_loss is {auxiliary_loss.dtype}; it should be float32",
        )
        demand(auxiliary_loss.isfinite(), f"{of}: auxiliary_loss is {auxiliary_loss}; mend what overflows")
    if output.features is not None:
        shape = tuple(output.features.shape)
        demand(len(shape) == 2, f"{of}: features are {shape}; they should be (B, D)")
    for name, tensor in output.auxiliary_outputs.items():
        _check_auxiliary(name, tensor, f"{of}: auxiliary_outputs['{name}'] {tuple(tensor.shape)}")


def _check_auxiliary(name: str, tensor: Tensor, of: str) -> None:
    rounding = 1e-5 if tensor.dtype == torch.float32 else 5e-3
    tensor = tensor.float()
    demand(name in KNOWN, f"{of}: reports know {', '.join(KNOWN)}; name it as one of them or leave it out")
    demand(tensor.numel(), f"{of}: holds nothing; leave it out")
    demand(tensor.min() >= 0, f"{of}: is {tensor.min()} somewhere; it is 0 to 1")
    demand(tensor.max() <= 1 + rounding, f"{of}: is {tensor.max()} somewhere; it is 0 to 1")
    if name == "importance":
        demand(tensor.shape[1:] == (2,), f"{of}: importance is (B, 2), texture first")
        sums = tensor.sum(1)
        demand(torch.allclose(sums, torch.ones_like(sums), atol=rounding), f"{of}: sums to {sums[0]}; it is 1 a face")
    else:
        demand(tensor.ndim == 3, f"{of}: attention is (B, h, w)")
        demand(
            max(tensor.shape[1:]) <= SHOWN_CELLS, f"{of}: attention has {SHOWN_CELLS} positions a side at most; pool it"
        )


def _type(value: object) -> str:
    return type(value).__name__
