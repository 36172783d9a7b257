"""Options that several commands share."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from afnetm.errors import UserError
from benchmarks.cli.completion import complete_devices, complete_executors, complete_methods, complete_suites
from benchmarks.records.home import Home, without_secrets
from benchmarks.terminal.console import errors

SuiteName = Annotated[
    str,
    typer.Argument(
        metavar="SUITE", help="A TOML file, or a name in benchmarks/suites/.", autocompletion=complete_suites
    ),
]
Methods = Annotated[
    list[str] | None,
    typer.Option("--methods", help="Only these, for example: --methods late afnetm", autocompletion=complete_methods),
]
MethodsToRun = Annotated[
    list[str] | None,
    typer.Option(
        "--methods",
        help="Only these, for example: --methods late afnetm. A registered method that the suite does not "
        "list is run with its defaults and stays part of the suite, also in reports, until it is "
        "deleted by forget.",
        autocompletion=complete_methods,
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change the suite for this run, for example: --set protocol.repeats=1 training.epochs=40",
    ),
]
MethodFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--method-file",
        metavar="FILE",
        help="Compare the method in this Python file as well; its name is the file's. A file of that name beside the "
        "suite's own needs no option.",
    ),
]
#: Of a trained model, whose method is in no package.
ModelMethodFiles = Annotated[
    list[Path] | None,
    typer.Option("--method-file", metavar="FILE", help="The Python file of the model's method, where that is one."),
]
#: None for the reader's own, which is mm.
Unit = Annotated[
    Literal["um", "mm", "cm", "m", "inch"] | None,
    typer.Option(help="Of the lengths in a scan's files; mm by default.", show_default=False),
]
WithFaces = Annotated[
    bool,
    typer.Option(
        "--with-faces",
        help="Name subjects of a dataset that is not shareable, and show faces. Applies to this report "
        "only; the next one without it has pseudonyms and no faces. With `run`, files that name or "
        "may show subjects are copied to MLflow too, and stay there.",
    ),
]
Artifacts = Annotated[
    str,
    typer.Option(
        metavar="auto|on|off",
        envvar="AFNETM_ARTIFACTS",
        help="Copy the files of runs to MLflow; auto: where a suite has at most 5,000 runs. Others say where they are.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON only.")]
Workers = Annotated[
    int | None,
    typer.Option(help="Worker processes in all; by default one per core on a CPU, or as many as the GPUs take."),
]
WorkersPerGpu = Annotated[
    int, typer.Option("--workers-per-gpu", help="Worker processes that share a GPU and its memory, at most.")
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to train.", autocompletion=complete_devices)]
ModelDevice = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda", help="Where the model computes.", autocompletion=complete_devices)
]
ExecutorName = Annotated[
    str,
    typer.Option(
        "--executor",
        metavar="local|ray",
        help="What trains: processes of this machine, or those of a Ray cluster (docs/ray.md).",
        autocompletion=complete_executors,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="HOST:PORT",
        help="The Ray cluster to join, by its head; without it, Ray is started on this machine alone.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and an estimate of its duration.")]


def check_artifacts(choice: str) -> None:
    """Refuses what is none of the values of `Artifacts`.

    Raises:
        UserError: it is none.
    """
    if choice not in {"auto", "on", "off"}:
        raise UserError(f"--artifacts: '{choice}' is not allowed; one of: auto, on, off")


def command_line(context: typer.Context, *words: str) -> str:
    """This program with `words`, on this home and its servers, as one would type it here without passwords."""
    home: Home = context.obj
    where = ["--home", str(home.path)] if home.path != Path("runs") else []
    for name in ("tracking_uri", "storage"):
        url = context.meta.get(name)
        if url not in {None, home.tracking_uri, os.environ.get(f"AFNETM_{name.upper()}")}:
            from studies.urls import public_url  # sqlalchemy takes a moment

            where += [f"--{name.replace('_', '-')}", public_url(url)]
    return shlex.join([_program(), *where, *words])


def as_typed() -> str:
    """This command as it was typed, without passwords."""
    return without_secrets(shlex.join([_program(), *sys.argv[1:]]))


def say_untracked(why: str, again: str) -> None:
    """Says that MLflow lacks something, why, and which command catches up."""
    errors.say(f"[yellow]copying to MLflow is incomplete:[/] {escape(why)}")
    errors.say(f"Nothing is lost. Once this is resolved, this command copies the rest: {escape(again)}")


def _program() -> str:
    script = Path(sys.argv[0])
    return os.path.relpath(script) if script.name == "afnetm" and script.is_file() else "afnetm"
