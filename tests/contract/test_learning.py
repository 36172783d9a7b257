"""How a method learns: every part, from the seed alone, in either precision; and what of it is kept."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save
from torch.utils._python_dispatch import TorchDispatchMode

from afnetm.method import Finalizing
from afnetm.training.loop import sum_loss

# Of those that torch refuses on a GPU when it must repeat itself (torch.use_deterministic_algorithms), what a net
# might use.
REFUSED_ON_GPU = (
    "_adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d_backward",
    "upsample_linear1d_backward",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "grid_sampler_2d_backward",
    "scatter_reduce",
    "median",
    "histc",
)


class Names(TorchDispatchMode):
    """Notes every operation that torch is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_every_parameter_has_a_gradient_within_three_steps(kind, build, make_faces):
    """From one of four seeds: from a single one, the few ReLUs of so small a net may all be dead."""
    idle = {name for name, _ in build(kind).named_parameters()}
    operations = Names()
    for seed in range(4):
        network = build(kind, seed=seed).train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
        with operations:
            for step in range(3):
                output = network(make_faces(12, size=64, seed=step))
                torch.autograd.backward(sum_loss(output, torch.arange(12) % 6, 0.0))
                idle -= {n for n, p in network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
                optimizer.step()
                optimizer.zero_grad()
        if not idle:
            break
    assert not idle, (
        f"{kind.name}: no gradient reaches {', '.join(sorted(idle))}; use it, leave it out, or make it a buffer"
    )
    refused = operations.seen & set(REFUSED_ON_GPU)
    assert not refused, (
        f"{kind.name}: uses {', '.join(sorted(refused))}, which torch refuses on a GPU when it must repeat itself; "
        "take what has a deterministic backward pass (mean, avg_pool2d, max_pool2d, bilinear interpolation)"
    )


def test_it_overfits_thirty_two_scans(kind, trained):
    losses = trained.curves.loss
    assert losses.isfinite().all(), f"{kind.name}: its loss is {losses.tolist()} over the epochs; mend what overflows"
    with torch.no_grad():
        right = (trained.network(trained.faces).logits.argmax(1) == trained.labels).float().mean().item()
    assert right >= 0.95, (
        f"{kind.name}: answers {right:.0%} of the 32 scans right that it was trained on, where a method that can learn "
        f"reaches 95 %; its loss went from {losses[0]:.2f} to {losses[-1]:.2f}: what keeps it from fitting them?"
    )


def test_the_seed_decides_weights_and_training(kind, build, train):
    states = []
    for seed in (1, 1, 2):
        network = build(kind, seed=seed)
        before = _copied(network)
        train(network, epochs=1, seed=1)
        states.append((before, network.state_dict()))
    for when, (one, same, other) in zip(("built", "trained"), zip(*states, strict=True), strict=True):
        apart = [name for name in one if not torch.equal(one[name], same[name])]
        assert not apart, (
            f"{kind.name}: {when} twice from one seed, {apart[0]} differs; draw from torch's generator only"
        )
        assert any(not torch.equal(one[name], other[name]) for name in one), (
            f"{kind.name}: {when} from another seed it is the same; it must not set a seed of its own"
        )


def test_it_trains_in_bfloat16(kind, build, train, data, labels):
    network = build(kind)
    curves = train(network, epochs=2, precision="bfloat16")
    assert curves.loss.isfinite().all(), (
        f"{kind.name}: its loss in bfloat16 is {curves.loss.tolist()}; compute in float"
    )
    for name, tensor in network.state_dict().items():
        assert tensor.isfinite().all(), f"{kind.name}: {name} is not finite after training in bfloat16"
        assert tensor.dtype != torch.bfloat16, f"{kind.name}: {name} is bfloat16; weights and buffers stay float32"
    network.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        output = network(data.faces(torch.arange(32)))
    sums = output.logits.float().softmax(1).sum(1)
    assert torch.allclose(sums, torch.ones(32), atol=1e-5), f"{kind.name}: bfloat16 probabilities sum to {sums}"
    if "importance" in output.extras:
        sums = output.extras["importance"].float().sum(1)
        assert torch.allclose(sums, torch.ones(32), atol=5e-3), f"{kind.name}: bfloat16 importance sums to {sums}"


def test_a_saved_network_comes_back_bit_for_bit(kind, trained, build):
    state = {name: tensor.contiguous().numpy() for name, tensor in trained.network.state_dict().items()}
    read = {name: torch.from_numpy(np.array(array)) for name, array in load(save(state)).items()}
    again = build(kind, seed=99)
    try:
        again.load_state_dict(read, strict=True)
    except RuntimeError as error:
        raise AssertionError(
            f"{kind.name}: a fresh network cannot take the saved one's weights: {error}; register what is fitted as "
            "buffers whose shapes are known when it is built"
        ) from None
    with torch.no_grad():
        one, other = trained.network(trained.faces), again.eval()(trained.faces)
    assert torch.equal(one.logits, other.logits), (
        f"{kind.name}: read from safetensors it answers otherwise; what it needs and is no parameter must be a buffer"
    )


def test_what_is_fitted_after_training_is_kept_in_buffers_and_the_same_each_time(kind, build, data, labels):
    network = build(kind).eval()
    if not isinstance(network, Finalizing):
        pytest.skip("nothing is fitted after training")
    states = [_copied(network)]
    with torch.no_grad():
        features = network(data.faces(torch.arange(32))).features
        for _ in range(2):
            network.finalize(features, labels)
            states.append(_copied(network))
    changed = {name for name in states[0] if not torch.equal(states[0][name], states[1][name])}
    assert changed, f"{kind.name}: finalize changes no buffer; write what it fits into registered buffers"
    parameters = changed & dict(network.named_parameters()).keys()
    assert not parameters, f"{kind.name}: finalize changes {', '.join(parameters)}; make what it fits buffers"
    again = [name for name in states[1] if not torch.equal(states[1][name], states[2][name])]
    assert not again, f"{kind.name}: finalize, given the same, fits another {again[0]}; give its random_state a number"


def _copied(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}
