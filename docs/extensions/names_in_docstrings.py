"""Names in docstrings: public ones are links, all others must exist.

Docstrings write names in single backticks. One that begins with a folder of this project is imported, so that a name
which is gone breaks the build; others are arguments, attributes and names of the same module, and are shown as code.
"""

import re
from importlib import import_module
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from docutils import nodes
from sphinx.addnodes import desc_annotation, pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

#: Folders of this project.
_OURS = re.compile(r"(afnetm|baselines|benchmarks|reports|scripts|studies)\.[\w.]+")
#: Types of signatures that no page here describes: Python's and other projects', whose documentation a build without
#: network cannot ask; and the values of ``Literal``, which Sphinx takes for names.
_OTHERS = re.compile(
    r"""['"].*['"]|\d+|None|NoneType|Any|Ellipsis|(int|float|str|bool|bytes|tuple|list|dict|set|type|object)(\[.*)?"""
    r"|~?(abc|collections|datetime|numpy|np|optuna|pandas|pathlib|pd|pydantic|torch|typing|nn)(\.[\w.]+)?(\[.*)?"
    r"|(Tensor|Path|NDArray|ArrayLike|DataFrame|Sequence|Iterator|Iterable|Mapping|Callable|BaseDistribution|Module)"
    r"|ABC|Protocol|ArithmeticError|ValueError|Exception"
)
#: A type with pydantic's constraints, as Sphinx writes it.
_CONSTRAINED = re.compile(r"Annotated\[([^,\[\]]+), FieldInfo\((?:[^()]|\([^()]*\))*\)\]")
_PAGE = re.compile(r"\bdocs/([a-z]+)\.md\b")


def exists(name: str) -> bool:
    """Whether a dotted name of this project can be imported, were it an attribute or a field of a class."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            if part in getattr(found, "__annotations__", {}) and not hasattr(found, part):
                return True
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def _linked_pages(app: Sphinx, kind: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Pages of ``docs/`` that a docstring names become links."""
    lines[:] = [_PAGE.sub(r":doc:`/\1`", line) for line in lines]


def _whole_sentence(app: Sphinx, kind: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keeps napoleon from taking what stands before the colon of an attribute's first line for its type."""
    if kind in {"attribute", "data", "property"} and lines and ": " in lines[0]:
        before, _, after = lines[0].partition(": ")
        lines[:1] = [f"{before}:", after]


def _plain(annotation: Any) -> Any:
    """An annotation without constraints, which the text states."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return Union[tuple(map(_plain, get_args(annotation)))]  # noqa: UP007
    if get_origin(annotation) is tuple:
        return tuple[tuple(map(_plain, get_args(annotation)))]  # type: ignore[misc]
    return annotation


def _without_constraints(app: Sphinx, obj: Any, bound: bool) -> None:
    try:
        hints = get_type_hints(obj, include_extras=True)
    except (NameError, TypeError):  # a name that only a type checker imports
        return
    if hasattr(obj, "__annotations__"):
        obj.__annotations__ = {name: _plain(hint) for name, hint in hints.items()}


def _type_alone(app: Sphinx, domain: str, kind: str, content: nodes.Element) -> None:
    """Takes constraints out of the type of a field, as `_without_constraints` does of a signature."""
    described = content.parent
    for shown in [] if described is None else list(described.findall(desc_annotation)):
        text = _CONSTRAINED.sub(r"\1", shown.astext())
        if text != shown.astext():
            shown.children = [nodes.Text(text)]


def _unresolved(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement
) -> nodes.Element | None:
    """A name without an entry of its own, as code; None, which is an error, where it is ours and does not exist."""
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") != "py":
        return None
    if _OURS.fullmatch(target):
        return shown if exists(target) else None
    if node.get("reftype") == "obj" or _OTHERS.fullmatch(target):
        return shown
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers what is done to docstrings and to references that nothing answers."""
    app.connect("autodoc-process-docstring", _linked_pages)
    app.connect("autodoc-process-docstring", _whole_sentence, priority=400)  # before napoleon
    app.connect("object-description-transform", _type_alone)
    app.connect("autodoc-before-process-signature", _without_constraints)
    app.connect("missing-reference", _unresolved)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
