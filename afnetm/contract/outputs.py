"""What a method's module may return: types, shapes and ranges of an `Output`."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from afnetm.contract.bench import demand
from afnetm.method import Output

#: Of `Output.extras`, what reports know.
KNOWN = ("importance", "attention", "attention_texture", "attention_depth")
#: Positions a side of a map of attention, at most.
_WIDEST = 14


def tensors(output: Output) -> dict[str, Tensor]:
    """What a module returned of each face, by name."""
    named = {"logits": output.logits, **{f"extras['{name}']": extra for name, extra in output.extras.items()}}
    named |= {f"trained[{i}]": logits for i, logits in enumerate(output.trained)}
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
    demand(isinstance(output.trained, Sequence), f"{of}: trained is {_type(output.trained)}; it should be a tuple")
    demand(isinstance(output.extras, Mapping), f"{of}: extras is {_type(output.extras)}; it should be a dictionary")
    for name, tensor in tensors(output).items():
        demand(isinstance(tensor, Tensor), f"{of}: {name} is {_type(tensor)}; it should be a tensor")
        demand(tensor.dtype in {torch.float32, dtype}, f"{of}: {name} is {tensor.dtype}; it should be float32")
        demand(tensor.isfinite().all(), f"{of}: {name} is not finite; guard what is divided by or logarithms of 0")
        first = tensor.shape[0] if tensor.ndim else None
        demand(first == count, f"{of}: {name} is {tuple(tensor.shape)}; its first axis is the batch")
        if name == "logits" or name.startswith("trained"):
            wanted = (count, classes)
            demand(tensor.shape == wanted, f"{of}: {name} is {tuple(tensor.shape)}; it should be (B, {classes})")
    if output.penalty is not None:
        penalty = output.penalty
        demand(isinstance(penalty, Tensor), f"{of}: penalty is {_type(penalty)}; it should be a tensor")
        demand(penalty.shape == (), f"{of}: penalty is {tuple(penalty.shape)}; it should be a scalar")
        demand(penalty.dtype in {torch.float32, dtype}, f"{of}: penalty is {penalty.dtype}; it should be float32")
        demand(penalty.isfinite(), f"{of}: penalty is {penalty}; mend what overflows")
    if output.features is not None:
        shape = tuple(output.features.shape)
        demand(len(shape) == 2, f"{of}: features are {shape}; they should be (B, D)")
    for name, tensor in output.extras.items():
        _check_extra(name, tensor, f"{of}: extras['{name}'] {tuple(tensor.shape)}")


def _check_extra(name: str, tensor: Tensor, of: str) -> None:
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
        demand(max(tensor.shape[1:]) <= _WIDEST, f"{of}: attention has {_WIDEST} positions a side at most; pool it")


def _type(value: object) -> str:
    return type(value).__name__
