"""``afnetm suites``, ``afnetm methods`` and ``afnetm corruptions``: what there is to run."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from benchmarks.cli.options import Json
from benchmarks.terminal.console import console, output
from benchmarks.terminal.progress import progress_bar
from benchmarks.terminal.tables import Described

if TYPE_CHECKING:
    from afnetm.corruptions import Corruption


def suites(as_json: Json = False) -> None:
    """Lists the suites that come with the project and what they compare.

    Example: `afnetm suites`
    """
    from benchmarks.plans.suite_files import listed_suites

    found = listed_suites()
    if as_json:
        print(json.dumps(found))
        return
    out = output()
    rows = [(one["name"], str(len(one["methods"])), escape(one["description"])) for one in found]
    out.print(Described(("suite", "methods>", "what it compares"), rows))
    out.print(
        "[dim]Any TOML file can be a suite as well; see docs/reference/suites.md. To run one: afnetm run SUITE[/]"
    )


def methods(
    costs: Annotated[
        bool, typer.Option("--costs", help="Also count parameters and operations (takes seconds).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Lists the registered methods with description and reference.

    With --costs also its parameters, and its operations for one face of 224 px, both with a ResNet-18. With --json
        also inputs, hyper-parameters with defaults and search ranges, and all else that it declares.

    Example: `afnetm methods --costs`
    """
    from benchmarks.commands import catalogue

    found = catalogue.catalogue()
    if costs or as_json:
        with console.status("loading"):
            import afnetm.registry  # noqa: F401 takes the seconds that torch needs
    if costs:
        with progress_bar("counting", console, what="methods") as progress:
            for done, one in enumerate(found, start=1):
                one.update(catalogue.costs(one["name"]))
                progress(done, len(found))
    if as_json:
        print(json.dumps([one | catalogue.described(one["name"]) for one in found]))
        return
    out = output()
    columns = ("method", "version>", *(("parameters>", "GFLOPs>") if costs else ()), "what it does, and its source")
    out.print(Described(columns, [_row(one, costs=costs) for one in found]))
    if costs:
        note = f"with a {catalogue.ENCODER}, for one face of {catalogue.SIZE} px; a multiply-add is two operations"
        out.print(f"[dim]{note}[/]")


def corruptions(as_json: Json = False) -> None:
    """Lists the corruptions by which trained models are tested, with the values of their severities.

    Example: `afnetm corruptions`
    """
    from afnetm.corruptions import corruptions as registered

    found = list(registered().values())
    if as_json:
        keys = ("name", "title", "version", "of", "kind", "severities", "unit", "meaning")
        print(json.dumps([{key: getattr(one, key) for key in keys} for one in found]))
        return
    out = output()
    rows = [(one.name, one.of, escape(": ".join(filter(None, (one.meaning, _values(one)))))) for one in found]
    out.print(Described(("corruption", "of", "severities, mild to strong"), rows))


def _values(corruption: "Corruption") -> str:
    """The values of its severities in one line, with their unit; empty where there are no grades."""
    if len(corruption.severities) == 1:
        return ""
    return f"{', '.join(f'{value:g}' for value in corruption.severities)} {corruption.unit}".rstrip()


def _row(one: Mapping[str, Any], *, costs: bool) -> tuple[str, ...]:
    if one["fault"] is None:
        about = f"{escape(one['summary'])}\n[dim]{escape(one['source'])}[/]"
    else:
        about = f"[red]{escape(one['fault'])}[/]"
    version = "" if one["version"] is None else str(one["version"])
    if not costs:
        return one["name"], version, about
    known = one["parameters"] is not None
    numbers = (f"{one['parameters'] / 1e6:.2f} M", f"{one['flops'] / 1e9:.2f}") if known else ("?", "?")
    return one["name"], version, *numbers, about
