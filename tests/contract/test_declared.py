"""What a method says of itself: its class attributes, its hyper-parameters and their search space."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
from optuna.distributions import CategoricalDistribution
from pydantic import TypeAdapter
from torch import nn

from afnetm.method import Finalizing, Method
from afnetm.training.loop import sum_loss


def ends(kind: type[Method]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each hyper-parameter that is searched, with both ends of its range, or all choices."""
    for name, distribution in kind.space.items():
        if isinstance(distribution, CategoricalDistribution):
            yield name, distribution.choices
        else:
            yield name, (distribution.low, distribution.high)


def readings(kind: type[Method]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each hyper-parameter whose type lists what is allowed, with all of that."""
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if get_origin(hint) is Literal:
            yield field.name, get_args(hint)
        elif hint is bool:
            yield field.name, (False, True)


def from_suite(kind: type[Method], **values: Any) -> Method:
    """The method with these hyper-parameters, as a suite's table gives them."""
    method: Method = TypeAdapter(kind).validate_json(json.dumps(values), strict=True)
    return method


def test_class_attributes_are_complete(kind, request):
    registered = request.node.callspec.params["kind"]
    said = f"{kind.__module__}:{kind.__qualname__} (registered as '{registered}')"
    lacking = [name for name in ("name", "version", "summary", "source", "space") if not hasattr(kind, name)]
    assert not lacking, f"{said}: has no {', '.join(lacking)}; set them as class attributes"
    assert issubclass(kind, Method), f"{said}: is not a subclass of afnetm.method.Method; make it one"
    assert kind.name == registered, f"{said}: name = {kind.name!r}; make it {registered!r}, or register it so"
    assert type(kind.version) is int, f"{said}: version = {kind.version!r}; make it an integer"
    assert kind.version >= 1, f"{said}: version = {kind.version}; count from 1"
    for name in ("summary", "source"):
        text = getattr(kind, name)
        assert isinstance(text, str), f"{said}: {name} = {text!r}; make it a string"
        assert text, f"{said}: {name} is empty; tables show it"
        assert text == text.strip(), f"{said}: {name} has blanks around it; take them away"
        assert "\n" not in text, f"{said}: {name} has several lines; tables show one"
    assert isinstance(kind.title, str), f"{said}: title = {kind.title!r}; make it a string, or leave it out"
    assert kind.title.isprintable(), f"{said}: title = {kind.title!r}; papers show it on one line, as text"
    assert kind.title == kind.title.strip(), f"{said}: title has blanks around it; take them away"
    assert len(kind.summary) <= 80, f"{said}: summary has {len(kind.summary)} characters; say it in 80, tables show it"


def test_hyperparameters_are_a_frozen_dataclass_s_fields(kind):
    assert dataclasses.is_dataclass(kind), f"{kind.name}: is no dataclass; decorate it: @dataclass(frozen=True)"
    assert "__dataclass_params__" in vars(kind), f"{kind.name}: only its base is a dataclass; decorate it too"
    assert vars(kind)["__dataclass_params__"].frozen, f"{kind.name}: can be changed; decorate it with frozen=True"
    try:
        method = kind()
    except TypeError as error:
        raise AssertionError(f"{kind.name}: {error}; give every hyper-parameter a default") from None
    fields = {field.name: getattr(method, field.name) for field in dataclasses.fields(kind)}
    again = from_suite(kind, **fields)
    assert again == method, f"{kind.name}: {again} comes back from a suite's table as {method}; use simple types"


def test_the_search_space_is_about_its_hyperparameters_and_holds_their_defaults(kind):
    defaults = {field.name: getattr(kind(), field.name) for field in dataclasses.fields(kind)}
    for name, distribution in kind.space.items():
        assert name in defaults, f"{kind.name}: space['{name}'] is no field; its fields: {', '.join(defaults)}"
        assert distribution._contains(distribution.to_internal_repr(defaults[name])), (
            f"{kind.name}: the default {name} = {defaults[name]} is outside space['{name}'], {distribution}; a search "
            "could not come back to it: widen the range or change the default"
        )
        assert not distribution.single(), f"{kind.name}: space['{name}'] has a single value; leave it out"


def test_every_hyperparameter_is_accepted_at_both_ends_of_its_space(kind, build, make_faces):
    searched = dict(ends(kind))
    tried = [{name: value} for name, values in [*searched.items(), *readings(kind)] for value in values]
    tried += [{name: values[end] for name, values in searched.items()} for end in (0, -1)]
    for values in tried:
        try:
            network = build(from_suite(kind, **values)).eval()
            with torch.no_grad():
                logits = network(make_faces(2)).logits
        except Exception as error:
            raise AssertionError(f"{kind.name}: {values} is in its space or type and fails; narrow that") from error
        assert logits.isfinite().all(), f"{kind.name}: {values} gives {logits}; narrow its space or mend the module"


def test_no_hyperparameter_is_idle(kind, build, make_faces):
    """A step of training, and whatever is fitted afterwards, at both ends of each range: the answers must differ."""

    def answer(method: Method) -> torch.Tensor:
        network = build(method).train()
        faces, labels = make_faces(12), torch.arange(12) % 6
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        torch.autograd.backward(sum_loss(network(faces), labels, 0.0))
        optimizer.step()
        return _settled(network, faces, labels)

    for name, values in ends(kind):
        answers = [answer(from_suite(kind, **{name: value})) for value in (values[0], values[-1])]
        assert not torch.equal(*answers), (
            f"{kind.name}: {name} = {values[0]} and {values[-1]} come to the same, bit for bit, after a step of "
            f"training; use it in the module, or leave it out of the space"
        )


@torch.no_grad()
def _settled(network: nn.Module, faces, labels) -> torch.Tensor:
    """The answer after `finalize`, where there is one."""
    network.eval()
    if isinstance(network, Finalizing):
        network.finalize(network(faces).features.float(), labels)
    logits: torch.Tensor = network(faces).logits
    return logits
