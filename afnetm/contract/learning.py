"""Checks of learning: every part learns, from the seed alone, in either precision; and of what is kept of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load, save
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from afnetm.contract.bench import Bench, demand
from afnetm.contract.inputs import SCANS, learnable, noise_faces
from afnetm.hooks import TrainingHooks, hooks_of, step_loss, training_phase
from afnetm.method import Finalizing

#: Of those that torch refuses on a GPU when it must repeat itself (torch.use_deterministic_algorithms), what a net
#: might use.
_REFUSED_ON_GPU = {
    "_adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d_backward",
    "upsample_linear1d_backward",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "grid_sampler_2d_backward",
    "scatter_reduce",
    "median",
    "histc",
}


def check_every_parameter_learns(bench: Bench) -> None:
    """Within three steps of one of its phases, from one of four seeds: with one, a small net's ReLUs may be dead."""
    idle = {name for name, _ in bench.build().named_parameters()}
    operations = _Names()
    for seed in range(4):
        network = bench.build(seed=seed)
        hooks = hooks_of(network)
        idle -= {name for name in idle if name.partition(".")[0] in hooks.frozen_parts}
        for number, phase in enumerate(hooks.phases):
            hooks.begin_phase(number)
            with operations, training_phase(network, hooks, phase):
                optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-2)
                for step in range(3):
                    _, loss = step_loss(network, noise_faces(12, size=64, seed=step), torch.arange(12) % 6)
                    torch.autograd.backward(loss)
                    idle -= {n for n, p in network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
                    optimizer.step()
                    optimizer.zero_grad()
        if not idle:
            break
    demand(
        not idle,
        f"no gradient reaches {', '.join(sorted(idle))}; use it, leave it out, make it a buffer, or name its part in "
        "frozen_parts",
    )
    refused = operations.seen & _REFUSED_ON_GPU
    demand(
        not refused,
        f"uses {', '.join(sorted(refused))}, which torch refuses on a GPU when it must repeat itself; take what has a "
        "deterministic backward pass (mean, avg_pool2d, max_pool2d, bilinear interpolation)",
    )


def check_it_overfits(bench: Bench) -> None:
    """A method that can learn fits 32 scans."""
    network, losses = bench.trained.network, bench.trained.curves.loss
    demand(losses.isfinite().all(), f"its loss is {losses.tolist()} over the epochs; mend what overflows")
    with torch.no_grad():
        right = (network(bench.trained.faces).logits.argmax(1) == bench.trained.labels).float().mean().item()
    demand(
        right >= 0.95,
        f"answers {right:.0%} of the {SCANS} scans right that it was trained on, where a method that can learn reaches "
        f"95 %; its loss went from {losses[0]:.2f} to {losses[-1]:.2f}: what keeps it from fitting them?",
    )


def check_the_seed_decides(bench: Bench) -> None:
    """One seed gives the same initial weights and the same training, another seed other ones."""
    states = []
    for seed in (1, 1, 2):
        network = bench.build(seed=seed)
        before = _copied(network)
        bench.train(network, epochs=1, seed=1)
        states.append((before, network.state_dict()))
    for when, (one, same, other) in zip(("built", "trained"), zip(*states, strict=True), strict=True):
        apart = [name for name in one if not torch.equal(one[name], same[name])]
        first = apart[0] if apart else ""
        demand(not apart, f"{when} twice from one seed, {first} differs; draw from torch's generator only")
        demand(
            any(not torch.equal(one[name], other[name]) for name in one),
            f"{when} from another seed it is the same; it must not set a seed of its own",
        )


def check_bfloat16(bench: Bench) -> None:
    """It trains and answers in half the digits."""
    network = bench.build()
    curves = bench.train(network, epochs=2, precision="bfloat16")
    demand(curves.loss.isfinite().all(), f"its loss in bfloat16 is {curves.loss.tolist()}; compute in float")
    for name, tensor in network.state_dict().items():
        demand(tensor.isfinite().all(), f"{name} is not finite after training in bfloat16")
        demand(tensor.dtype != torch.bfloat16, f"{name} is bfloat16; weights and buffers stay float32")
    network.eval()
    data, _ = learnable()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        output = network(data.faces(torch.arange(SCANS)))
    sums = output.logits.float().softmax(1).sum(1)
    demand(torch.allclose(sums, torch.ones(SCANS), atol=1e-5), f"bfloat16 probabilities sum to {sums}")
    if "importance" in output.auxiliary_outputs:
        sums = output.auxiliary_outputs["importance"].float().sum(1)
        demand(torch.allclose(sums, torch.ones(SCANS), atol=5e-3), f"bfloat16 importance sums to {sums}")


def check_a_saved_network_comes_back(bench: Bench) -> None:
    """A state dict that is saved and loaded gives the same logits, bit for bit."""
    trained = bench.trained
    state = {name: tensor.contiguous().numpy() for name, tensor in trained.network.state_dict().items()}
    read = {name: torch.from_numpy(np.array(array)) for name, array in load(save(state)).items()}
    again = bench.build(seed=99)
    try:
        again.load_state_dict(read, strict=True)
    except RuntimeError as error:
        words = " ".join(str(error).split())
        demand(
            False,
            f"a fresh network cannot take the saved one's weights: {words}; register what is fitted as buffers whose "
            "shapes are known when it is built",
        )
    with torch.no_grad():
        one, other = trained.network(trained.faces), again.eval()(trained.faces)
    demand(
        torch.equal(one.logits, other.logits),
        "read from safetensors it answers otherwise; what it needs and is no parameter must be a buffer",
    )


def check_what_is_fitted_after_training(bench: Bench) -> None:
    """Is kept in buffers and the same each time."""
    network = bench.build().eval()
    if not isinstance(network, Finalizing):
        return
    data, labels = learnable()
    with torch.no_grad():
        features = network(data.faces(torch.arange(SCANS))).features
    _check_fitting(network, "finalize", lambda: network.finalize(features, labels))


def check_what_is_fitted_to_held_out_scans(bench: Bench) -> None:
    """Is kept in buffers and the same each time; and scans are held out where they are wanted, and nowhere else."""
    network = bench.build().eval()
    hooks = hooks_of(network)
    fits, reviews = (getattr(type(hooks), of) is not getattr(TrainingHooks, of) for of in ("calibrate", "review"))
    demand(
        (fits or reviews) == (hooks.held_out > 0),
        f"has {'a' if fits else 'no'} calibrate, {'a' if reviews else 'no'} review and held_out = {hooks.held_out}; "
        "these two are given held-out scans, and nothing else wants them",
    )
    if not fits:
        return
    data, labels = learnable()
    with torch.no_grad():
        output = network(data.faces(torch.arange(SCANS)))
    _check_fitting(network, "calibrate", lambda: hooks.calibrate(output, labels))


@torch.no_grad()
def _check_fitting(network: nn.Module, name: str, fit: Callable[[], None]) -> None:
    """Fits twice to the same: buffers change, and nothing but them, and they are the same each time."""
    states = [_copied(network)]
    for _ in range(2):
        fit()
        states.append(_copied(network))
    changed = {key for key in states[0] if not torch.equal(states[0][key], states[1][key])}
    demand(changed, f"{name} changes no buffer; write what it fits into registered buffers")
    parameters = sorted(changed & dict(network.named_parameters()).keys())
    demand(not parameters, f"{name} changes {', '.join(parameters)}; make what it fits buffers")
    again = [key for key in states[1] if not torch.equal(states[1][key], states[2][key])]
    demand(
        not again,
        f"{name}, given the same, fits another {', '.join(again[:1])}; give its random_state a number, and begin from "
        "the same start",
    )


class _Names(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every operation that torch is asked for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}
