"""The files of suites: found by path or name, extended, changed from the command line, and read into plain tables."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from afnetm.errors import UserError, suggestion

#: Where the suites that come with the project are.
SUITES = Path(__file__).parents[1] / "suites"
#: The key by which a suite names another one that it changes.
EXTENDS = "extends"
#: Keys of the table ``search`` that are one choice: who names one leaves the others of what is changed aside.
_BUDGETS = {"trials_per_dimension", "trials", "hours"}
#: Keys of the table ``protocol`` by which scans are drawn: where it names a file of a split, there are none of them.
SPLITTING = ("folds", "repeats", "subjects", "redraw", "complete")


@dataclass(frozen=True)
class SuiteFile:
    """A suite as it was read, before its keys are checked.

    Attributes:
        path: the file.
        tables: what it says, with what it extends and what was changed on the command line.
        text: the file's text; where it extends another or was changed, the whole of `tables` as TOML, so that a
            record holds all that was run.
        said: what messages call it.
        folders: of the file and of those that it extends, but for the project's own.
    """

    path: Path
    tables: dict[str, Any]
    text: str
    said: str
    folders: tuple[Path, ...] = ()

    @property
    def place(self) -> str:
        """The file, absolute; empty where it comes with the project."""
        return "" if self.path.parent == SUITES else str(self.path)


def suite_names() -> list[str]:
    """Names of the suites that come with the project."""
    return sorted(path.stem for path in SUITES.glob("*.toml"))


def listed_suites() -> list[dict[str, Any]]:
    """Name, description, labels of the methods, and dataset of each of them; read without being checked."""
    found = []
    for name in suite_names():
        tables = read_suite_file(name).tables
        about = {"description": tables["description"], "methods": list(tables["methods"])}
        found.append({"name": name, **about, "dataset": tables["dataset"]["name"]})
    return found


def read_suite_file(reference: str, changes: Sequence[str] = ()) -> SuiteFile:
    """A suite's file, what it extends, and `changes`, put together.

    ``extends = "NAME or FILE"`` begins with another suite, whose file is looked for beside this one: tables are merged
    key by key, and a key that both have is this file's. A table with another ``name``, of a dataset or an encoder,
    begins anew, and so does the budget of a search. Changes are merged in the same way, last.

    Args:
        reference: a TOML file, or the name of a suite that comes with the project.
        changes: each ``table.key=value``; the value as TOML has it, or any other text as it is.

    Raises:
        UserError: there is no such suite, it is no TOML, extends itself, or a change is not of that form.
    """
    path, text = _found(reference, Path())
    tables = _parsed(path, text)
    chain = [path.resolve()]
    said = path.name
    while EXTENDS in tables:
        base = tables.pop(EXTENDS)
        if not isinstance(base, str):
            raise UserError(f"{path.name}: {EXTENDS} is not the name of a suite or a file")
        path, text = _found(base, path.parent, of=path.name)
        if path.resolve() in chain:
            raise UserError(f"{chain[0].name}: {EXTENDS} = '{base}' leads back to {path.name}")
        chain.append(path.resolve())
        tables = overlaid(_parsed(path, text), tables)
    tables = overlaid(tables, reduce(_merged, map(change_of, changes), {}))
    first = chain[0]
    if len(chain) > 1 or changes:
        import tomlkit  # takes a while, and most suites are one file

        text = tomlkit.dumps(tables)
    if changes:
        said = f"{said} with {', '.join(changes)}"
    folders = tuple(dict.fromkeys(path.parent for path in chain if path.parent != SUITES))
    return SuiteFile(first, tables, text, said, folders)


def _found(reference: str, folder: Path, *, of: str = "") -> tuple[Path, str]:
    """Path and text of a suite; `of` is the file that names it."""
    path = SUITES / f"{reference}.toml" if reference in suite_names() else folder / reference
    said = f"{of}: {EXTENDS} = '{reference}'" if of else f"suite '{reference}'"
    try:
        return path, path.read_bytes().decode("utf-8-sig")  # Windows' editors put a mark before it
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        known = suggestion(reference, suite_names())
        raise UserError(f"{said} is neither a TOML file nor the name of a suite; {known}") from None
    except OSError as error:
        raise UserError(f"{said} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, ValueError) as error:
        raise UserError(f"{path.name}: not valid TOML: {error}") from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of too many digits is a plain ValueError
        raise UserError(f"{path.name}: not valid TOML: {error}") from error


def overlaid(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The tables of a suite with those of what changes it.

    Another budget of a search takes the place of its own; a file of a split that of what draws folds, and vice versa.
    """
    for table, given, gone in (
        ("search", _BUDGETS, _BUDGETS),
        ("protocol", {"split"}, SPLITTING),
        ("protocol", {"folds"}, {"split"}),
    ):
        before, after = base.get(table), over.get(table)
        if isinstance(before, dict) and isinstance(after, dict) and given & after.keys():
            base = base | {table: {key: value for key, value in before.items() if key not in gone}}
    return _merged(base, over)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `over`, table by table; in the order of `base`, what it lacks last."""
    return base | {key: _replaced(base.get(key), value) for key, value in over.items()}


def _replaced(before: Any, value: Any) -> Any:
    """The new value of a key; of a table the former one with its changes, unless it is about something else."""
    tables = isinstance(before, dict) and isinstance(value, dict)
    return _merged(before, value) if tables and not _names_another(before, value) else value


def _names_another(before: dict[str, Any], value: dict[str, Any]) -> bool:
    """Whether a table is about another dataset or encoder, to which the keys of the first one mean nothing."""
    return "name" in before and value.get("name", before["name"]) != before["name"]


def change_of(change: str) -> dict[str, Any]:
    """Tables that ``--set`` is given as ``a.b=value``; raises `UserError`."""
    key, equals, given = change.partition("=")
    names = [name.strip() for name in key.split(".")]
    if not equals or not all(names):
        raise UserError(f"--set {change}: write TABLE.KEY=VALUE, for example protocol.repeats=3")
    try:
        value: Any = tomllib.loads(f"value = {given}")["value"]
    except (ValueError, RecursionError):
        value = given.strip()  # a text without quotation marks, which a shell takes away
    for name in reversed(names):
        value = {name: value}
    found: dict[str, Any] = value
    return found
