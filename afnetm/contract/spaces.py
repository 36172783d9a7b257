"""Checks of a method's declarations, in full: texts, and that every setting that a search may try works and matters."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
from torch import Tensor, nn

from afnetm.blame import error_message
from afnetm.contract.bench import Bench, demand
from afnetm.contract.declared import ends
from afnetm.contract.inputs import noise_faces
from afnetm.face_batch import FaceBatch
from afnetm.hooks import hooks_of, step_gradients, training_phase
from afnetm.method import Finalizing, Method
from afnetm.strict import parse


def check_wording(bench: Bench) -> None:
    """Tables show title, summary and source as they are."""
    for name in ("title", "summary", "source"):
        text = getattr(bench.kind, name)
        demand(text == text.strip(), f"{name} has blanks around it; take them away")
    letters = len(bench.kind.summary)
    demand(letters <= 80, f"summary has {letters} characters; say it in 80, tables show it")


def check_space_holds_defaults(bench: Bench) -> None:
    """A search can come back to the defaults."""
    defaults = {field.name: getattr(bench.kind(), field.name) for field in dataclasses.fields(bench.kind)}
    for name, distribution in bench.kind.space.items():
        try:
            within = distribution._contains(distribution.to_internal_repr(defaults[name]))
        except (TypeError, ValueError):  # it is none of the choices
            within = False
        demand(
            within,
            f"the default {name} = {defaults[name]} is outside space['{name}'], {distribution}; a search could not "
            "come back to it: widen the range or change the default",
        )
        demand(not distribution.single(), f"space['{name}'] has a single value; leave it out")


def check_every_setting_answers(bench: Bench) -> None:
    """At both ends of each range, alone and together, and at all that a type lists."""
    searched = {name: ends(distribution) for name, distribution in bench.kind.space.items()}
    tried = [{name: value} for name, values in [*searched.items(), *_readings(bench.kind)] for value in values]
    tried += [{name: values[end] for name, values in searched.items()} for end in (0, -1)]
    for values in tried:
        try:
            network = bench.build(_given(bench.kind, values)).eval()
            with torch.no_grad():
                logits = network(noise_faces(2)).logits
        except Exception as error:
            said = error_message(error, bench.kind.__module__)
            demand(False, f"{values} is in its space or type and fails: {said}; narrow that")
        demand(logits.isfinite().all(), f"{values} gives {logits}; narrow its space or mend the module")


def check_no_setting_is_idle(bench: Bench) -> None:
    """A step of each phase, halfway through, and what is fitted then, at both ends of a range: answers must differ."""
    for name, distribution in bench.kind.space.items():
        values = ends(distribution)[0], ends(distribution)[-1]
        answers = [_after_a_step(bench, _given(bench.kind, {name: value})) for value in values]
        demand(
            not torch.equal(*answers),
            f"{name} = {values[0]} and {values[1]} come to the same, bit for bit, after a step of each phase; use it "
            "in the module, or leave it out of the space",
        )


def _readings(kind: type[Method]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each hyper-parameter whose type lists what is allowed, with all of that."""
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if get_origin(hint) is Literal:
            yield field.name, get_args(hint)
        elif hint is bool:
            yield field.name, (False, True)


def _given(kind: type[Method], values: dict[str, Any]) -> Method:
    """The method with these hyper-parameters, as a suite's table gives them."""
    method: Method = parse(kind, values)
    return method


def _after_a_step(bench: Bench, method: Method) -> Tensor:
    network = bench.build(method)
    faces, labels = noise_faces(12), torch.arange(12) % 6
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    hooks = hooks_of(network)
    for number, phase in enumerate(hooks.phases):
        hooks.begin_phase(number)
        with training_phase(network, hooks, phase):
            step_gradients(network, faces, labels, progress=0.5)
            optimizer.step()
            optimizer.zero_grad()
    return _settled(network, faces, labels)


@torch.no_grad()
def _settled(network: nn.Module, faces: FaceBatch, labels: Tensor) -> Tensor:
    """The answer after `finalize`, where there is one."""
    network.eval()
    if isinstance(network, Finalizing):
        network.finalize(network(faces).features.float(), labels)
    logits: Tensor = network(faces).logits
    return logits
