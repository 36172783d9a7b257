"""What comes out of a method's module for whatever faces go in."""

from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from afnetm.faces import Faces
from afnetm.method import Finalizing, Output

MAPS = ("texture", "depth", "valid", "masks")


def tensors(output: Output) -> dict[str, Tensor]:
    """What a module returned of each face, by name."""
    named = {"logits": output.logits, **{f"extras['{name}']": extra for name, extra in output.extras.items()}}
    named |= {f"trained[{i}]": logits for i, logits in enumerate(output.trained)}
    return named if output.features is None else {**named, "features": output.features}


def rows(faces: Faces, index: Tensor) -> Faces:
    return Faces(**{name: getattr(faces, name)[index] for name in MAPS}, pixel_mm=faces.pixel_mm)


@torch.no_grad()
def answer(network: torch.nn.Module, faces: Faces) -> dict[str, Tensor]:
    """What `network` returns, of faces that nobody has computed normals of yet."""
    return tensors(network(replace(faces)))


@pytest.mark.parametrize(("size", "count"), [(33, 1), (48, 3), (65, 1), (65, 2)])
def test_shapes_and_types_hold_for_any_size_and_a_single_face(size, count, kind, build, make_faces):
    network = build(kind).eval()
    of = f"{kind.name}: of {count} faces of {size} px"
    try:
        output = network(make_faces(count, size=size))
    except RuntimeError as error:
        raise AssertionError(f"{of}: {error}; take the maps' sizes from what the streams return") from error
    assert isinstance(output, Output), f"{of}: returns {type(output).__name__}; return afnetm.method.Output"
    for name, tensor in tensors(output).items():
        assert tensor.dtype == torch.float32, f"{of}: {name} is {tensor.dtype}; it should be float32"
        assert tensor.isfinite().all(), f"{of}: {name} is not finite; guard what is divided by or logarithms of 0"
        assert len(tensor) == count, f"{of}: {name} is {tuple(tensor.shape)}; its first axis is the batch"
        if name == "logits" or name.startswith("trained"):
            assert tensor.shape == (count, 6), f"{of}: {name} is {tuple(tensor.shape)}; it should be (B, 6)"
    if output.penalty is not None:
        assert output.penalty.shape == (), f"{of}: penalty is {tuple(output.penalty.shape)}; it should be a scalar"
        assert output.penalty.dtype == torch.float32, f"{of}: penalty is {output.penalty.dtype}; it should be float32"
        assert output.penalty.isfinite(), f"{of}: penalty is {output.penalty}; mend what overflows"
    fits = isinstance(network, Finalizing)
    assert fits == (output.features is not None), (
        f"{kind.name}: has {'a' if fits else 'no'} finalize and returns {'no' if fits else 'some'} features; "
        "what finalize fits is features, and nothing else wants them"
    )
    if output.features is not None:
        assert output.features.ndim == 2, f"{of}: features are {tuple(output.features.shape)}; they should be (B, D)"


def test_faces_of_which_nothing_was_measured_have_an_answer(kind, build):
    blank = {"texture": 3, "depth": 1, "valid": 1, "masks": 4}
    faces = Faces(**{name: torch.zeros(2, channels, 48, 48) for name, channels in blank.items()}, pixel_mm=4.0)
    for name, tensor in answer(build(kind).eval(), faces).items():
        assert tensor.isfinite().all(), f"{kind.name}: {name} of a face without any mask is not finite; clamp divisors"


def test_an_eval_forward_repeats_itself_and_changes_nothing(kind, build, make_faces):
    network = build(kind(dropout=0.5)).eval()
    faces, untouched = make_faces(4), make_faces(4)
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    one, other = answer(network, faces), answer(network, faces)
    for name in one:
        assert torch.equal(one[name], other[name]), f"{kind.name}: {name} differs the second time; what draws in eval?"
    for name, tensor in network.state_dict().items():
        assert torch.equal(state[name], tensor), f"{kind.name}: an eval forward changes {name}; respect self.training"
    for name in MAPS:
        assert torch.equal(getattr(faces, name), getattr(untouched, name)), (
            f"{kind.name}: changes faces.{name} in place; work on a copy, others read it too"
        )


def test_an_answer_does_not_depend_on_the_others_in_the_batch(kind, trained, make_faces):
    """Bit for bit where the others are replaced; within 1e-4 alone, because kernels add in an order of their own
    for each size of batch."""
    faces, others = rows(trained.faces, torch.arange(6)), make_faces(6)
    mixed = {name: torch.cat([getattr(faces, name)[:2], getattr(others, name)[2:]]) for name in MAPS}
    together = answer(trained.network, faces)
    beside = answer(trained.network, Faces(**mixed, pixel_mm=faces.pixel_mm))
    alone = answer(trained.network, rows(faces, torch.tensor([1])))
    advice = "normalise and pool each face by itself in eval mode"
    for name, tensor in together.items():
        assert torch.equal(tensor[:2], beside[name][:2]), f"{kind.name}: {name} depends on other faces; {advice}"
        apart = (tensor[1] - alone[name][0]).abs().max()
        assert apart <= 1e-4, f"{kind.name}: {name} of a face alone is {apart:.1e} away; {advice}"


def outcome(output: Output) -> list[Tensor]:
    """What it returned of each face, and the penalty: what only guides the training changes this alone."""
    return [*tensors(output).values(), *([] if output.penalty is None else [output.penalty])]


class Watched(Faces):
    """Faces that know what has been read of them."""

    def __getattribute__(self, name: str) -> object:
        if name in MAPS:
            object.__getattribute__(self, "__dict__").setdefault("read", set()).add(name)
        return super().__getattribute__(name)


def test_what_it_uses_changes_its_answer_and_what_it_does_not_use_cannot(kind, trained, make_faces):
    """A method uses what it reads of `Faces`: to replace that must change its answer, and the rest may be NaN."""
    maps = {name: getattr(trained.faces, name) for name in MAPS}
    watched = Watched(**maps, pixel_mm=trained.faces.pixel_mm)
    with torch.no_grad():
        before = trained.network(watched)
    read = vars(watched)["read"]
    for modality, other in (("texture", "depth"), ("depth", "texture")):
        assert modality in read or f"{other} alone" in kind.summary, (
            f"{kind.name}: never reads faces.{modality}; read it, or say '{other} alone' in its summary"
        )
        assert modality not in read or f"{other} alone" not in kind.summary, (
            f"{kind.name}: reads faces.{modality}, and its summary says '{other} alone'; mend one of them"
        )
    for name in MAPS:
        spoilt = getattr(make_faces(32), name) if name in read else torch.full_like(maps[name], torch.nan)
        faces = Faces(**maps | {name: spoilt}, pixel_mm=trained.faces.pixel_mm)
        with torch.no_grad():
            after = trained.network(faces)
        changed = any(not torch.equal(old, new) for old, new in zip(outcome(before), outcome(after), strict=True))
        assert changed or name not in read, (
            f"{kind.name}: reads faces.{name}, and noise instead of it changes nothing; where is it lost?"
        )
        assert not changed or name in read, f"{kind.name}: faces.{name} changes its answer by a way round `Faces`"


@pytest.mark.parametrize("size", [48, 224])
def test_extras_are_small_and_in_their_ranges(size, kind, trained, make_faces):
    for name, tensor in answer(trained.network, make_faces(2, size=size)).items():
        if not name.startswith("extras"):
            continue
        of = f"{kind.name}: {name} {tuple(tensor.shape)} at {size} px"
        known = ("importance", "attention", "attention_texture", "attention_depth")
        assert name[8:-2] in known, f"{of}: reports know {', '.join(known)}; name it as one of them or leave it out"
        assert tensor.min() >= 0, f"{of}: is {tensor.min()} somewhere; it is 0 to 1"
        assert tensor.max() <= 1 + 1e-6, f"{of}: is {tensor.max()} somewhere; it is 0 to 1"
        if "importance" in name:
            assert tensor.shape == (2, 2), f"{of}: importance is (B, 2), texture first"
            assert torch.allclose(tensor.sum(1), torch.ones(2)), f"{of}: sums to {tensor.sum(1)}; it is 1 a face"
        else:
            assert tensor.ndim == 3, f"{of}: attention is (B, h, w)"
            assert max(tensor.shape[1:]) <= 14, f"{of}: attention has 14 positions a side at most; pool it"


def test_every_field_of_faces_is_looked_at_here():
    assert {field.name for field in fields(Faces)} == {*MAPS, "pixel_mm"}
