"""The source of a method as digests, by which changed code is told from a changed comment."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec, resolve_name
from pathlib import Path

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_NOTHING = ast.Module([], [])


@cache
def source_digests(module: str) -> dict[str, str]:
    """Sixteen hexadecimal digits for each file that a module's code is in, looked at once a process.

    The files are the module's own and those that it imports, directly or not, of its own package; by their paths from
    that package on, ``baselines/concat.py``, so that they say nothing of where it is installed. Comments, docstrings
    and layout change no digest, nor does the version of Python. What cannot be read is left out: a digest is worth
    less than the training that it goes with.
    """
    found, waiting, seen = {}, [module], {module}
    while waiting:
        name = waiting.pop()
        path = _file(name)
        try:
            tree = ast.parse(path.read_bytes()) if path else _NOTHING
        except (OSError, SyntaxError, ValueError):
            continue
        if path is None or _canonical(tree) == _canonical(_NOTHING):
            continue
        is_package = path.name == "__init__.py"
        parts = path.parts[-(name.count(".") + 1 + is_package) :]
        found["/".join(parts)] = hashlib.sha256(repr(_canonical(tree)).encode()).hexdigest()[:16]
        for other in _imported(tree, name if is_package else name.rpartition(".")[0]):
            if other.partition(".")[0] == module.partition(".")[0] and other not in seen:
                seen.add(other)
                waiting.append(other)
    return dict(sorted(found.items()))


def changed_files(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """The files whose code differs, or that are in one of them alone."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _file(module: str) -> Path | None:
    """File of a module's code; None where there is none. Nothing is imported, as it is no matter of a digest's."""
    package, *below = module.split(".")
    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    if not below and spec.origin:
        return Path(spec.origin) if spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        for path in (Path(folder, *below).with_suffix(".py"), Path(folder, *below, "__init__.py")):
            if path.is_file():
                return path
    return None


def _canonical(node: object) -> object:
    """Syntax as nested tuples: without what is empty, which other versions of Python leave out, and docstrings."""
    if isinstance(node, ast.AST):
        named = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            named = [(name, value[1:] if name == "body" else value) for name, value in named]
        return type(node).__name__, [(name, _canonical(value)) for name, value in named if value != []]
    return [_canonical(one) for one in node] if isinstance(node, list) else repr(node)


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Names that may be modules: all that the code imports, and the packages that they are in."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
