"""``afnetm check``: methods held to the contract, before anything is trained with them."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from benchmarks.cli.options import Json
from benchmarks.terminal.console import console, output


def check(
    methods: Annotated[
        list[str] | None, typer.Argument(metavar="[METHOD|FILE]...", help="Names, or Python files; by default all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tests methods against the contract of all methods, in a few seconds each, and says what to fix.

    A method is built, trained on 32 small scans, saved and loaded again, with three kinds of encoder and at both ends
    of its search space. The exit code is 1 if something has to be fixed.

    Example: `afnetm check concat afnetm`, `afnetm check mine.py`
    """
    with console.status("loading"):
        from afnetm.contract.checks import CHECKS, findings
        from afnetm.errors import UserError
        from afnetm.registry import add_method_file, registry
    methods = [add_method_file(Path(name)) if name.endswith(".py") else name for name in methods or ()]
    for name in methods:
        if name not in registry().names:
            registry().find(name)  # says what is
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(methods or registry().names):
        begun, total, found[name] = time.perf_counter(), len(CHECKS), []
        with console.status(f"checking {escape(name)}") as status:
            try:
                for number, finding in enumerate(findings(registry().find(name)), start=1):
                    status.update(f"checking {escape(name)}: {number} of {total}")
                    if finding and finding not in found[name]:
                        found[name].append(finding)
            except UserError as error:  # it cannot even be loaded
                found[name] = [str(error)]
        if not as_json:
            _tell(name, found[name], total=total, seconds=time.perf_counter() - begun)
    if as_json:
        print(json.dumps(found))
    if any(found.values()):
        raise typer.Exit(1)


def _tell(name: str, faults: list[str], *, total: int, seconds: float) -> None:
    out = output()
    if not faults:
        out.say(f"[bold]{escape(name)}[/]: passed {total} checks in {seconds:.1f} s")
        return
    out.say(f"[bold]{escape(name)}[/]: [red]to be fixed:[/]")
    for fault in faults:
        out.say(f"  - {escape(fault)}")
