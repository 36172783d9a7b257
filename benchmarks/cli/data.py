"""The commands under ``afnetm data``."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from afnetm.errors import UserError
from benchmarks.cli.arguments import Command
from benchmarks.cli.completion import complete_datasets
from benchmarks.cli.options import Unit, command_line
from benchmarks.execution.interfaces import open_page
from benchmarks.records.home import Home
from benchmarks.records.occupancy import exclusive
from benchmarks.terminal.console import console, errors, output
from benchmarks.terminal.progress import progress_bar
from benchmarks.terminal.words import counted

if TYPE_CHECKING:
    from afnetm.data.dataset import FaceDataset

app = typer.Typer(help="Datasets: make, check and look at prepared datasets.", no_args_is_help=True)
#: So many of the scans left out are shown with their reasons; the file has them all.
_MOST_SHOWN = 5

Name = Annotated[str, typer.Argument(metavar="NAME", help="The dataset's name under HOME/datasets/.")]
Intensities = Annotated[
    list[int], typer.Option(help="Intensities of expressions, 1 (subtle) to 4 (strong): --intensities 3 4")
]
Pose = Annotated[
    Literal["annotated", "detected"],
    typer.Option(help="Which landmarks poses are fitted to: those that come with the scans, or detected ones."),
]
Variant = Annotated[
    str, typer.Option(help="Other distributions: light (and camera), sensor (of depth), population; or standard.")
]
Reference = Annotated[
    str, typer.Argument(metavar="NAME|DIR", help="A prepared dataset's name, or a folder that holds one.")
]


@app.command(cls=Command)
def make(
    context: typer.Context,
    name: Name,
    subjects: Annotated[int, typer.Option(help="Number of synthetic subjects.")] = 24,
    intensities: Intensities = [3, 4],  # noqa: B006
    size: Annotated[int, typer.Option(help="Pixels along a side.")] = 96,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    clean: Annotated[bool, typer.Option("--clean", help="Without sensor failures.")] = False,
    neutral: Annotated[
        bool, typer.Option("--neutral", help="With a neutral scan of each subject, a seventh class.")
    ] = False,
    variant: Variant = "standard",
    pose: Pose = "annotated",
    detect: Annotated[bool, typer.Option("--detect", help="Detect landmarks in the scans as well.")] = False,
    workers: Annotated[int | None, typer.Option(help="Worker processes; by default one per core.")] = None,
) -> None:
    """Makes a synthetic dataset.

    Example: `afnetm data make faces --subjects 24 --intensities 3 4 --size 96 --seed 0`
    """
    from afnetm.data.dataset import dataset_directory
    from afnetm.data.making import Making
    from afnetm.data.synthetic import SyntheticSource
    from benchmarks.plans.datasets import make_synthetic

    home: Home = context.obj
    dataset_directory(home.path, name)  # a wrong name is refused before the home is made
    source = SyntheticSource(
        seed=seed,
        subjects=subjects,
        intensities=tuple(intensities),
        clean=clean,
        neutral=neutral,
        variant=variant,
    )
    home.make()
    with exclusive(home):
        making = Making(size=size, pose=pose, detect=detect)
        made = make_synthetic(home, name, source, making, workers=workers, console=console)
    _print_info(made)


@app.command(cls=Command)
def prepare(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Which dataset it is: bu3dfe, bu4dfe, bosphorus, folder, or one that an installed package registers.",
            autocompletion=complete_datasets,
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where its files are; nothing outside it is read.")],
    name: Name,
    intensities: Annotated[
        list[int] | None, typer.Option(help="Of BU-3DFE, 1 (subtle) to 4 (strong): --intensities 3 4; all by default.")
    ] = None,
    frames: Annotated[
        list[int] | None,
        typer.Option(
            help="Of BU-4DFE: --frames 0 40; by default the one of each sequence that is least like its first."
        ),
    ] = None,
    size: Annotated[int, typer.Option(help="Pixels along a side.")] = 224,
    pose: Pose = "annotated",
    detect: Annotated[
        bool | None,
        typer.Option(
            "--detect/--no-detect",
            help="Whether landmarks are detected in the scans as well; by default where the models are installed.",
        ),
    ] = None,
    table: Annotated[Path | None, typer.Option(help="For a folder: the CSV file that lists its scans.")] = None,
    unit: Unit = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE ...", help="Other options of the source, for example: --set views=2"),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes; by default one per core.")] = None,
) -> None:
    """Prepares a dataset from files: of BU-3DFE, BU-4DFE or Bosphorus, a folder of your own meshes, or a plug-in's.

    It first says what the folder holds and what is missing. A scan that cannot be read is left out and listed with the
    reason in the dataset's `rejected.csv`; the exit code is 1 then. Stopped, it goes on where it was.

    Example: `afnetm data prepare bu3dfe ~/BU_3DFE bu3dfe --workers 4`
    """
    with console.status("loading"):
        from afnetm.data.face_models import can_detect
        from afnetm.data.making import Making
        from afnetm.data.preparing import NothingRenderedError
        from benchmarks.commands import datasets

    home: Home = context.obj
    given = {"table": table, "unit": unit, "intensities": intensities, "frames": frames}
    options = {key: value for key, value in given.items() if value is not None}
    source = datasets.opened(kind, folder, options, changes or ())
    home.make()
    try:
        with exclusive(home):
            making = Making(size=size, pose=pose, detect=can_detect() if detect is None else detect)
            dataset, rejected = datasets.prepare(home, name, source, making, workers=workers, console=console)
    except KeyboardInterrupt:
        errors.say("stopped; finished scans are kept. To resume, prepare again")
        raise typer.Exit(130) from None
    except NothingRenderedError as error:
        words = ["data", "check", os.path.join(folder, ""), "--summary", *(["--table", str(table)] if table else [])]
        raise UserError(f"{error}; all reasons, counted: {command_line(context, *words)}") from None
    _print_info(dataset)
    print(f"pictures:   {dataset.directory / datasets.SHEET}")
    if rejected:
        for scan, reason in rejected[:_MOST_SHOWN]:
            errors.say(f"[red]left out:[/] {escape(scan)}: {escape(reason)}")
        print(f"left out:   {counted(len(rejected), 'scan')}, listed in {dataset.directory / datasets.LEFT_OUT}")
        raise typer.Exit(1)


@app.command(cls=Command)
def export(
    layout: Annotated[
        str, typer.Argument(metavar="bu3dfe|bu4dfe|bosphorus|folder", help="Whose layout; folder: one's own.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write; it must not exist yet.")],
    subjects: Annotated[int, typer.Option(help="Number of synthetic subjects.")] = 4,
    intensities: Intensities = [3, 4],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    clean: Annotated[bool, typer.Option("--clean", help="Without sensor failures.")] = False,
    variant: Variant = "standard",
    workers: Annotated[int | None, typer.Option(help="Worker processes; by default one per core.")] = None,
) -> None:
    """Writes synthetic scans as files in a dataset's layout, to try `prepare` and tools of one's own on.

    The layout `folder` is that of `data prepare folder`: a table, and examples of every format of meshes and landmarks.

    Example: `afnetm data export bu3dfe files --subjects 4 --seed 0`
    """
    with console.status("loading"):
        from afnetm.data.synthetic import SyntheticSource
        from benchmarks.commands.datasets import export_scans

    source = SyntheticSource(seed=seed, subjects=subjects, intensities=tuple(intensities), clean=clean, variant=variant)
    export_scans(layout, folder, source, workers=workers, console=console)
    print(folder)


@app.command(cls=Command)
def check(
    context: typer.Context,
    reference: Reference,
    summary: Annotated[
        bool,
        typer.Option("--summary", help="Print what may be sent on: counts and measures, no faces, names or paths."),
    ] = False,
    table: Annotated[
        Path | None, typer.Option(help="With --summary, for a folder of meshes: the CSV file that lists its scans.")
    ] = None,
    unit: Unit = None,
    workers: Annotated[int | None, typer.Option(help="With --summary, for files: processes; one a core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Verifies everything in a prepared dataset and prints its info.

    With --summary it prints instead what may be sent to people who do not hold the dataset: counts, sizes, how well
    poses fit, which order the nose's landmarks were found in, and why scans were refused, without faces and without
    names of people, files or folders. DIR may then also be a dataset's files (BU-3DFE, BU-4DFE, Bosphorus, or with
    --table one's own): all are read as `prepare` reads them, and nothing is written.

    Example: `afnetm data check bu3dfe --summary > summary.txt`
    """
    if summary:
        _summary(context.obj, reference, table=table, unit=unit, workers=workers, as_json=as_json)
        return
    for option, value in (("--table", table), ("--unit", unit), ("--workers", workers)):
        if value is not None:
            raise UserError(f"{option}: only with --summary, for a dataset's files")
    from afnetm.data.dataset import check_dataset, dataset_info
    from benchmarks.plans.datasets import warn_of_rendering

    directory = _directory(context.obj, reference)
    with progress_bar("verifying", console) as progress:
        checked = check_dataset(directory, progress)
    warn_of_rendering(checked)
    if as_json:
        print(json.dumps(dataset_info(checked)))
    else:
        _print_info(checked)


@app.command(cls=Command)
def show(
    context: typer.Context,
    reference: Reference,
    out: Annotated[Path, typer.Option(help="The picture to write, PNG.")],
    scans: Annotated[int, typer.Option(help="How many.")] = 12,
) -> None:
    """Writes a contact sheet: texture, depth, normals and masks of some scans.

    Example: `afnetm data show faces --out grid.png`
    """
    from benchmarks.plans.datasets import write_sheet

    with console.status("drawing"):
        write_sheet(_directory(context.obj, reference), out, scans=scans)
    print(out)


@app.command(cls=Command)
def view(
    context: typer.Context,
    reference: Annotated[
        str,
        typer.Argument(metavar="NAME|SCAN", help="A prepared dataset's name or folder, or the file of a scan's mesh."),
    ],
    scan: Annotated[
        list[str] | None, typer.Option(metavar="ID ...", help="Of a dataset, the scans with these ids.")
    ] = None,
    scans: Annotated[int, typer.Option(help="Of a dataset, how many, unless --scan names them.")] = 12,
    landmarks: Annotated[
        Path | None, typer.Option(help="A scan's landmarks; by default the file beside it that has its name.")
    ] = None,
    texture: Annotated[Path | None, typer.Option(help="A scan's picture, where the mesh names none.")] = None,
    unit: Unit = None,
    size: Annotated[int, typer.Option(help="Pixels along a side of a scan's maps.")] = 224,
    out: Annotated[Path | None, typer.Option(help="The page to write, HTML; by default below HOME/views/.")] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser, if there is a display.")] = True,
) -> None:
    """Shows scans in 3D in a browser: surface, texture, landmarks, regions, and the maps made of them.

    The page is one file that loads nothing. Of a scan it has the mesh; of a dataset, which keeps no meshes, a relief of
    the depth map.

    Example: `afnetm data view faces`, `afnetm data view ada.obj --landmarks ada.txt`
    """
    from benchmarks.commands.viewing import write_view

    with console.status("drawing"):
        path = write_view(
            context.obj,
            reference,
            directory=_directory(context.obj, reference),
            ids=scan or (),
            scans=scans,
            landmarks=landmarks,
            texture=texture,
            unit=unit or "mm",
            size=size,
            out=out,
        )
    print(path)
    if browser:
        open_page(path.absolute().as_uri())


def _summary(
    home: Home, reference: str, *, table: Path | None, unit: str | None, workers: int | None, as_json: bool
) -> None:
    with console.status("loading"):
        from benchmarks.commands.overviews import lines, tell

    directory = _directory(home, reference)
    if not directory.exists() and Path(reference).is_dir():
        directory = Path(reference)  # a dataset's files, named without any slash
    options = {key: value for key, value in {"table": table, "unit": unit}.items() if value is not None}
    message = tell(directory, options, workers=workers, console=console)
    print(json.dumps(message) if as_json else "\n".join(lines(message)))


def _directory(home: Home, reference: str) -> Path:
    from afnetm.data.dataset import dataset_directory

    return (
        Path(reference) if os.sep in reference or reference in {".", ".."} else dataset_directory(home.path, reference)
    )


def _print_info(dataset: "FaceDataset") -> None:
    from afnetm.data.dataset import dataset_info

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in dataset_info(dataset).items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(key, text)
    table.add_row("folder", str(dataset.directory))
    output().print(table)
