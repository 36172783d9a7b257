"""Checks of the output of a method's module, for any faces that go in."""

from dataclasses import replace
from typing import get_args

import torch
from torch import Tensor, nn

from afnetm.contract.bench import Bench, demand
from afnetm.contract.inputs import TENSORS, blank_faces, noise_faces
from afnetm.contract.outputs import check_output, tensors
from afnetm.data.scan import EXPRESSIONS
from afnetm.face_batch import FaceBatch
from afnetm.hooks import TrainingHooks, hooks_of
from afnetm.method import Finalizing, Input, Output

#: (size, count): odd sizes, a single face, and the size of real scans.
_BATCHES = ((33, 1), (48, 3), (65, 1), (65, 2))


def check_any_size_and_a_single_face(bench: Bench) -> None:
    """Types and shapes hold at other sizes and for one face."""
    for size, count in _BATCHES:
        network = bench.build().eval()
        of = f"forward() on a batch of {count} at {size} px"
        try:
            output = network(noise_faces(count, size=size))
        except RuntimeError as error:
            words = str(error).split("\n", maxsplit=1)[0]
            demand(False, f"{of}: {words}; take the maps' sizes from what the streams return")
        check_output(output, count=count, classes=len(EXPRESSIONS), of=of)
        fits, found = isinstance(network, Finalizing), output.features is not None
        learns = type(hooks_of(network)).loss is not TrainingHooks.loss
        demand(
            found if fits else learns or not found,
            f"has {'a' if fits else 'no'} finalize and returns {'no' if fits else 'some'} features; what finalize fits "
            "is features, and nothing else wants them but a loss of its own",
        )


def check_trained_at_any_size(bench: Bench) -> None:
    """Ranges hold after a training as well, and at the size of real scans."""
    for size in (48, 224):
        output = _answer(bench.trained.network, noise_faces(2, size=size))
        check_output(output, count=2, classes=len(EXPRESSIONS), of=f"trained, forward() on a batch of 2 at {size} px")


def check_faces_without_a_measurement(bench: Bench) -> None:
    """Faces without any measurement have finite logits."""
    for name, tensor in tensors(_answer(bench.build().eval(), blank_faces(2))).items():
        demand(tensor.isfinite().all(), f"{name} of a face without any mask is not finite; clamp divisors")


def check_eval_repeats_itself(bench: Bench) -> None:
    """Two passes in eval mode give the same logits and change no buffer."""
    network = bench.build(bench.kind(dropout=0.5)).eval()
    faces, untouched = noise_faces(4), noise_faces(4)
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    one, other = tensors(_answer(network, faces)), tensors(_answer(network, faces))
    for name in one:
        demand(torch.equal(one[name], other[name]), f"{name} differs the second time; what draws in eval?")
    for name, tensor in network.state_dict().items():
        demand(torch.equal(state[name], tensor), f"an eval forward changes {name}; respect self.training")
    for name in TENSORS:
        demand(
            torch.equal(getattr(faces, name), getattr(untouched, name)),
            f"changes faces.{name} in place; work on a copy, others read it too",
        )


def check_others_in_the_batch_do_not_matter(bench: Bench) -> None:
    """Bit for bit where the others are replaced; within 1e-4 alone, because kernels add in an order of their own
    for each size of batch."""
    faces, others = _rows(bench.trained.faces, torch.arange(6)), noise_faces(6)
    mixed = {name: torch.cat([getattr(faces, name)[:2], getattr(others, name)[2:]]) for name in TENSORS}
    network = bench.trained.network
    multi = tensors(_answer(network, faces))
    beside = tensors(_answer(network, FaceBatch(**mixed, pixel_mm=faces.pixel_mm)))
    alone = tensors(_answer(network, _rows(bench.trained.faces, torch.tensor([1]))))
    advice = "normalise and pool each face by itself in eval mode"
    for name, tensor in multi.items():
        demand(torch.equal(tensor[:2], beside[name][:2]), f"{name} depends on other faces; {advice}")
        apart = (tensor[1] - alone[name][0]).abs().max()
        demand(apart <= 1e-4, f"{name} of a face alone is {apart:.1e} away; {advice}")


def check_what_it_reads_matters(bench: Bench) -> None:
    """It reads what it declares and nothing else: to replace that must change its answer, and the rest may be NaN."""
    method, trained = bench.kind(), bench.trained
    read, before = _read(trained.network, trained.faces)
    read_in_training, _ = _read(bench.build().train(), trained.faces)
    for name in get_args(Input):
        declared = name in method.inputs
        demand(name in read or not declared, f"never reads faces.{name}; read it, or leave it out of reads and inputs")
        demand(name not in read or declared, f"reads faces.{name} at test time; add it to reads, tables tell")
        more = name in (*method.inputs, *method.reads_in_training)
        demand(name not in read_in_training or more, f"reads faces.{name} in training; add it to reads_in_training")
        demand(name in read_in_training or not more, f"never reads faces.{name} in training; mend reads_in_training")
    noise = noise_faces(len(trained.labels))
    for name in TENSORS:
        usual = getattr(trained.faces, name)
        spoilt = getattr(noise, name) if name in read else torch.full_like(usual, torch.nan)
        fields = {field: getattr(trained.faces, field) for field in TENSORS} | {name: spoilt}
        after = _answer(trained.network, FaceBatch(**fields, pixel_mm=trained.faces.pixel_mm))
        changed = any(not torch.equal(old, new) for old, new in zip(_outcome(before), _outcome(after), strict=True))
        demand(
            changed or name not in read,
            f"reads faces.{name}, and noise instead of it changes nothing; where is it lost?",
        )
        demand(not changed or name in read, f"faces.{name} changes its answer by a way round `FaceBatch`")


@torch.no_grad()
def _read(network: nn.Module, faces: FaceBatch) -> tuple[set[str], Output]:
    """Names of the tensors that `network` reads of `faces`, and its answer."""
    fields = {name: getattr(faces, name) for name in TENSORS}
    watched = _Watched(**fields, pixel_mm=faces.pixel_mm)
    output = network(watched)
    return vars(watched).get("read", set()), output


class _Watched(FaceBatch):
    """Faces that record which of their tensors were read."""

    def __getattribute__(self, name: str) -> object:
        if name in TENSORS:
            object.__getattribute__(self, "__dict__").setdefault("read", set()).add(name)
        return super().__getattribute__(name)


@torch.no_grad()
def _answer(network: nn.Module, faces: FaceBatch) -> Output:
    """Output of `network` for faces whose normals have not been computed yet."""
    output: Output = network(replace(faces))
    return output


def _outcome(output: Output) -> list[Tensor]:
    """Output per face, and the auxiliary loss: what only guides the training changes this alone."""
    return [*tensors(output).values(), *([] if output.auxiliary_loss is None else [output.auxiliary_loss])]


def _rows(faces: FaceBatch, index: Tensor) -> FaceBatch:
    return FaceBatch(**{name: getattr(faces, name)[index] for name in TENSORS}, pixel_mm=faces.pixel_mm)
