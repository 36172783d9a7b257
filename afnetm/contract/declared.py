"""Checks of a class's declarations, made whenever one is loaded: all that planning, recording and searching need."""

import dataclasses
import inspect
import json
from collections.abc import Iterator
from typing import Any, get_args

from optuna.distributions import BaseDistribution, CategoricalDistribution

from afnetm.blame import error_message
from afnetm.errors import UserError, suggestion
from afnetm.method import Input, Method
from afnetm.strict import OwnError, parse

_ATTRIBUTES = ("name", "version", "summary", "source", "space")
_FLAGS = ("staged", "probabilities", "reading")
_MAY_BE_EMPTY = ("title", "no_onnx")
#: Hyper-parameters of these names could not be written down: a suite's table and a file of best parameters use them
#: otherwise.
_TAKEN = ("method", "title", "training")
_DECORATE = "decorate it with @dataclass(frozen=True, kw_only=True)"


def check_declared(name: str, kind: Any, *, said: str) -> None:
    """Refuses what would fail, or be passed over, once it is planned or searched. Nothing is built.

    Args:
        name: under which it is registered.
        kind: what is registered.
        said: what messages begin with.

    Raises:
        UserError: names what is wrong and what mends it.
    """
    for faults in (_of_class, _of_fields, _of_space):
        for fault in faults(name, kind):  # the first: what comes after it may rest on its being mended
            raise UserError(f"{said}: {fault}")


def ends(distribution: BaseDistribution) -> tuple[Any, ...]:
    """Both ends of a range, or all choices."""
    if isinstance(distribution, CategoricalDistribution):
        return tuple(distribution.choices)
    return distribution.low, distribution.high


def _of_class(name: str, kind: Any) -> Iterator[str]:
    if not (isinstance(kind, type) and issubclass(kind, Method)):
        yield "is not a subclass of afnetm.method.Method; make it one"
    lacking = [attribute for attribute in _ATTRIBUTES if not hasattr(kind, attribute)]
    if lacking:
        yield f"has no {', '.join(lacking)}; set them as class attributes"
    if kind.name != name:
        yield f"name = {kind.name!r}; make it {name!r}, or register it so"
    if type(kind.version) is not int or kind.version < 1:
        yield f"version = {kind.version!r}; make it an integer, counted from 1"
    for flag in _FLAGS:
        if type(getattr(kind, flag)) is not bool:
            yield f"{flag} = {getattr(kind, flag)!r}; make it True or False"
    for attribute in ("name", "summary", "source", *_MAY_BE_EMPTY):
        text = getattr(kind, attribute)
        empty = attribute not in _MAY_BE_EMPTY and not str(text).strip()
        if not isinstance(text, str) or empty or not text.isprintable():
            yield f"{attribute} = {text!r}; make it a text of one line that can be printed, tables show it"
    for attribute in ("reads", "reads_in_training"):
        value = getattr(kind, attribute)
        if not isinstance(value, tuple) or not set(value) <= set(get_args(Input)):
            yield f"{attribute} = {value!r}; make it a tuple of {', '.join(map(repr, get_args(Input)))}"
    if abstract := sorted(kind.__abstractmethods__):
        yield f"does not define {', '.join(abstract)}; define it"


def _of_fields(_: str, kind: type[Method]) -> Iterator[str]:
    added = [key for key, hint in inspect.get_annotations(kind).items() if "ClassVar" not in str(hint)]
    if "__dataclass_params__" not in vars(kind) and added:
        yield f"only its base is a dataclass, so that nothing comes of {', '.join(added)}; {_DECORATE}"
    if not kind.__dataclass_params__.frozen or not kind.__dataclass_params__.eq:  # type: ignore[attr-defined]
        yield f"can be changed, or is compared by identity; {_DECORATE}"
    names = [field.name for field in dataclasses.fields(kind)]
    for name in (*_ATTRIBUTES, *_FLAGS):
        if name in names:
            yield f"{name} is a hyper-parameter, as it has a type; write {name} = ... without one, or ClassVar[...]"
    for name in _TAKEN:
        if name in names:
            yield f"a hyper-parameter cannot be called '{name}': suites use that word otherwise; rename it"
    hidden = [field.name for field in dataclasses.fields(kind) if not field.init or not field.compare]
    if hidden:
        yield f"{hidden[0]} is left out of what is given or compared; make it a plain field, or compute it in build()"
    needed = [f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING]
    if needed:
        yield f"{needed[0]} has no default; give every hyper-parameter one"
    try:
        defaults = {name: getattr(kind(), name) for name in names}
        again = parse(kind, json.loads(json.dumps(defaults)))
    except (Exception, SystemExit) as error:
        what = error_message(error, kind.__module__)
        yield f"its defaults are not what a suite could give: {what}; mend them or their types"
    odd = next((name for name, value in defaults.items() if getattr(again, name) != value), None)
    if odd is not None:
        yield (
            f"{odd} = {defaults[odd]!r} comes back from a suite's table as {getattr(again, odd)!r}; use a simple type"
        )


def _of_space(_: str, kind: type[Method]) -> Iterator[str]:
    if not isinstance(kind.space, dict):
        yield f"space = {kind.space!r}; make it a dictionary of optuna.distributions by hyper-parameter, or {{}}"
    names = [field.name for field in dataclasses.fields(kind)]
    for name, distribution in kind.space.items():
        if name not in names:
            yield f"space[{name!r}] is none of its hyper-parameters; {suggestion(str(name), names)}"
        if not isinstance(distribution, BaseDistribution):
            yield f"space[{name!r}] = {distribution!r}; make it a distribution of optuna.distributions"
        for value in ends(distribution):
            try:
                parse(kind, {name: value})
            except OwnError:
                continue  # what goes together is the method's to say, one by one in a search
            except UserError as error:
                yield f"space[{name!r}] holds what its type refuses: {error}; narrow one or widen the other"
