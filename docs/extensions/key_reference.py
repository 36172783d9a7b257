"""Keys of suites and hyper-parameters of methods as Markdown, from the classes that read them."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, get_args, get_origin, get_type_hints

from allowed_values import allowed, is_table, keys_of, toml

from afnetm.method import Method
from afnetm.registry import methods
from benchmarks.plans.suite import DERIVED, Suite
from benchmarks.plans.tables import AxisSpec
from studies.space import message

#: Keys of a suite's file that are no table, and tables by any name, which the page itself describes.
_ANY_NAME = {"methods", "axes"}


def suite_reference() -> str:
    """Every table of a suite's file, in the order of its classes, as definition lists; keys of a class stand once."""
    parts = []
    known: dict[type, str] = {}
    for name, kind, many in _tables("", Suite):
        heading = (f"## `[[{name}]]`" if many else f"## `[{name}]`") if name else "## Top level"
        if kind in known:
            parts.append(f"{heading}\n\nThe keys of `[{known[kind]}]`.\n")
            continue
        known[kind] = name
        shown = {key: value for key, value in keys_of(kind).items() if kind is not Suite or key not in DERIVED}
        plain = {
            key: value
            for key, value in shown.items()
            if (_table_of(value[0]) is None or get_origin(value[0]) is tuple) and key not in _ANY_NAME
        }
        parts.append(f"{heading}\n\n{_introduction(kind, name)}\n\n{definitions(plain, descriptions(kind), name)}")
    return "\n".join(parts)


def axis_reference() -> str:
    """The keys of a table of an axis."""
    return definitions(keys_of(AxisSpec), descriptions(AxisSpec), "axes.KEY")


def method_reference() -> str:
    """Every registered method with its hyper-parameters; those of all methods once, before them."""
    common = keys_of_method(Method)
    parts = [f"## All methods\n\n{definitions(common, comments(Method), 'methods.LABEL')}"]
    for name, kind in methods().items():
        own = {
            key: value
            for key, value in keys_of_method(kind).items()
            if key not in common or value[1] != common[key][1] or key in kind.space
        }
        title = kind.title or name
        facts = [f"{kind.summary[:1].upper()}{kind.summary[1:]}."]
        facts.append(f"Source: {kind.source}.")
        facts.append(f"Reads {', '.join(kind().inputs)} at test time. Version {kind.version}.")
        searched = {key: message(distribution) for key, distribution in kind.space.items()}
        listed = definitions(own, comments(kind), f"methods.{name}", searched)
        parts.append(f"## {title}: `{name}`\n\n{' '.join(facts)}\n\n{listed}")
    return "\n".join(parts)


def keys_of_method(kind: type[Method]) -> dict[str, tuple[Any, Any]]:
    """The hyper-parameters of a method, see `keys_of`."""
    if not inspect.isabstract(kind):
        return keys_of(kind)
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: (hints[field.name], field.default) for field in fields(kind)}


def definitions(
    keys: Mapping[str, tuple[Any, Any]],
    texts: Mapping[str, str],
    table: str,
    searched: Mapping[str, str] = {},
) -> str:
    """Keys as a definition list of MyST Markdown.

    Args:
        keys: of a table, see `keys_of`.
        texts: what each key means.
        table: its name, dotted; keys are linked to by it: ``#protocol-folds``.
        searched: ranges of a search, by key.
    """
    lines = []
    for key, (annotation, default) in keys.items():
        anchor = f"{table}.{key}".strip(".").replace(".", "-")  # a dot would begin a class in an attribute of MyST
        facts = [allowed(annotation)]
        if default is ...:
            facts.append("required")
        elif default is not None and default != {}:
            facts.append(f"default `{toml(default)}`")
        if key in searched:
            facts.append(f"searched in {searched[key]}")
        lines.append(f"[`{key}`]{{#{anchor}}} · {' · '.join(facts)}\n: {_sentence(texts.get(key, ''))}\n")
    return "\n".join(lines)


def descriptions(kind: type) -> dict[str, str]:
    """What the section ``Attributes`` of a class's docstring says of each."""
    text = inspect.getdoc(kind) or ""
    _, found, section = text.partition("Attributes:\n")
    parts = re.split(r"^    (\w+): ", section, flags=re.MULTILINE)[1:] if found else []
    return {name: " ".join(value.split()) for name, value in zip(parts[::2], parts[1::2], strict=True)}


def comments(kind: type) -> dict[str, str]:
    """What ``#:`` comments say of a class's attributes, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        try:
            lines = inspect.getsource(base).splitlines()
        except (OSError, TypeError):
            continue
        text: list[str] = []
        for line in lines:
            if (comment := line.strip()).startswith("#:"):
                text.append(comment.removeprefix("#:").strip())
                continue
            if text and (match := re.match(r"    (\w+): ", line)):
                found[match[1]] = " ".join(text)
            text = []
    return found


def _tables(name: str, kind: type, *, many: bool = False) -> Iterator[tuple[str, type, bool]]:
    """A table, and those inside it, by their dotted names; with each whether there may be several of it."""
    yield name, kind, many
    for key, (annotation, _) in keys_of(kind).items():
        inner = _table_of(annotation)
        if inner is not None and key not in _ANY_NAME and not (kind is Suite and key in DERIVED):
            several = get_origin(annotation) is tuple
            yield from _tables(f"{name}.{key}" if name else key, inner, many=several)


def _table_of(annotation: Any) -> type | None:
    return next((kind for kind in (annotation, *get_args(annotation)) if is_table(kind)), None)


def _introduction(kind: type, name: str) -> str:
    first = (inspect.getdoc(kind) or "").partition("Attributes:")[0].split("\n\n")
    return " ".join(first[0].split()) if name else ""


def _sentence(text: str) -> str:
    """A description as a sentence, without the modules that it refers programmers to."""
    text = re.sub(r" \(`(afnetm|benchmarks|studies)[\w.]+`\)", "", text[:1].upper() + text[1:])
    return text if text.endswith(".") else f"{text}."
