"""The catalogue: every registered method, and what it costs at one common size."""

import ast
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from afnetm.errors import UserError
from afnetm.installation import METHODS

#: What is told of a method, as its class has it.
ABOUT = ("title", "version", "summary", "source")
#: What `described` tells, too, as its class has it.
_DECLARED = ("reads_in_training", "staged", "probabilities", "reading")
#: The encoder and the side of a face, in pixels, that costs are counted for.
ENCODER, SIZE = "resnet18", 224


def catalogue() -> list[dict[str, Any]]:
    """Each method by its name: `ABOUT`, and ``fault``, why it cannot be used, where that is seen; None elsewhere.

    That is read in the methods' files: to import them takes seconds, which torch needs. A method that does not say it
    there in plain words, as one that inherits it, is imported.
    """
    points = {point.name: point for point in entry_points(group=METHODS)}
    return [{"name": name} | (_read(points[name]) or _loaded(name)) for name in sorted(points)]


def described(name: str) -> dict[str, Any]:
    """All that a method declares beside `ABOUT`; None each where it cannot be used. To import it takes seconds.

    These are `inputs` at test time and ``reads_in_training``, ``staged``, ``probabilities``, ``reading``, and
    ``hyperparameters``: of each its ``default`` and the range that is ``searched``, None where none is.
    """
    from afnetm.registry import find_method
    from benchmarks.plans.runs import hyperparameters
    from studies.space import exactly

    try:
        kind = find_method(name)
        method = kind()
    except UserError:
        return dict.fromkeys((*_DECLARED, "inputs", "hyperparameters"))
    space = {parameter: exactly(distribution) for parameter, distribution in kind.space.items()}
    settings = {
        parameter: {"default": value, "searched": space.get(parameter)}
        for parameter, value in hyperparameters(method).items()
    }
    declared = {one: getattr(kind, one) for one in _DECLARED}
    return {"inputs": list(method.inputs), **declared, "hyperparameters": settings}


def costs(name: str) -> dict[str, int | None]:
    """``parameters``, and ``flops`` of one face, of a method with `ENCODER` at `SIZE`; None where it cannot be used."""
    import torch

    from afnetm.data.scan import EXPRESSIONS
    from afnetm.model.cost import flop_count, parameter_count
    from afnetm.model.encoder import EncoderSpec
    from afnetm.registry import find_method

    try:
        method = find_method(name)()
    except UserError:
        return {"parameters": None, "flops": None}
    for device in ("meta", "cpu"):  # the first computes nothing; what depends on numbers needs them
        try:
            with torch.device(device):
                network = method.build(EncoderSpec(name=ENCODER), len(EXPRESSIONS))
            return {"parameters": parameter_count(network), "flops": flop_count(network, size=SIZE)}
        except Exception:  # any method of any package; `afnetm check` says what is wrong with it
            continue
    return {"parameters": None, "flops": None}


def _read(point: EntryPoint) -> dict[str, Any] | None:
    """Declarations of a class in its file; None where the file has not all of it in plain words."""
    try:
        spec = find_spec(point.module)
        tree = ast.parse(Path(spec.origin or "").read_bytes()) if spec else None
    except Exception:  # any package, any error: it is told where the method is loaded
        return None
    found: dict[str, Any] = {"title": ""}
    for one in tree.body if tree else []:
        if isinstance(one, ast.ClassDef) and one.name == point.attr:
            found |= {name: value.value for name, value in map(_assigned, one.body) if isinstance(value, ast.Constant)}
    found = {name: found.get(name) for name in ABOUT}
    whole = isinstance(found["version"], int) and all(
        isinstance(found[name], str) for name in ABOUT if name != "version"
    )
    return found | {"fault": None} if whole else None


def _assigned(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id, statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value
    return "", None


def _loaded(name: str) -> dict[str, Any]:
    from afnetm.registry import find_method

    try:
        kind = find_method(name)
    except UserError as error:
        return dict.fromkeys(ABOUT) | {"fault": str(error)}
    return {one: getattr(kind, one) for one in ABOUT} | {"fault": None}
