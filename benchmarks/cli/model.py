"""``afnetm train``, ``afnetm predict`` and ``afnetm model export``: trained models made and used."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from math import isnan
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from afnetm.errors import UserError
from benchmarks.cli.arguments import Command
from benchmarks.cli.completion import complete_methods
from benchmarks.cli.options import (
    Changes,
    Device,
    Json,
    MethodFiles,
    ModelDevice,
    ModelMethodFiles,
    SuiteName,
    Unit,
    command_line,
)
from benchmarks.terminal.console import console, errors, output
from benchmarks.terminal.progress import progress_bar
from benchmarks.terminal.tables import table
from benchmarks.terminal.words import counted, disk, duration

app = typer.Typer(help="Trained models: write them for other programs.", no_args_is_help=True)

Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A folder of `afnetm train`, or of a run that kept its weights.")
]


def train(
    context: typer.Context,
    suite: SuiteName,
    method: Annotated[
        str,
        typer.Option(
            metavar="METHOD", help="A method of the suite, or a registered one.", autocompletion=complete_methods
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write; it must not exist yet.")],
    changes: Changes = None,
    method_files: MethodFiles = None,
    device: Device = "auto",
    params: Annotated[
        Path | None,
        typer.Option(help="Train with the parameters in this TOML file, from its table [METHOD.all] or the suite's."),
    ] = None,
) -> None:
    """Trains a method on all subjects of a suite, for use on other scans, and writes the model to a folder.

    The settings are the suite's, or what its search found. Its accuracy is measured by `afnetm run`, before or not at
    all: a model that knows every subject has none left to be tested on.

    Example: `afnetm train quick --method afnetm --out model`
    """
    from afnetm.trained.saving import check_new
    from benchmarks.commands.request import Options, ask

    check_new(out)
    options = Options(
        home=context.obj,
        changes=changes or (),
        methods=[method],
        method_files=method_files or (),
        workers=None,
        device=device,
        params=params,
    )
    request = ask(suite, options)
    try:
        with console.status("loading"):
            from afnetm.trained.saving import save_model
            from benchmarks.commands import final_fit
            from benchmarks.commands.job import prepare
            from benchmarks.commands.model_readme import accuracy, readme

            request = final_fit.with_parameters(request)
        job = prepare(request, console)
        final_fit.settings_of(job, method)  # refuses before anybody waits
        seconds = final_fit.expected_seconds(job, method)
        about = "" if isnan(seconds) else f"; about {duration(seconds)} by the runs of the suite"
        with console.status(f"training {method} on all subjects{about}"):
            found = final_fit.fit_all(job, method)
        text = readme(found.settings, found.about, found.method)
        save_model(out, found.network, found.settings, found.about, readme=text)
    except KeyboardInterrupt:
        errors.say("stopped; nothing was written")
        raise typer.Exit(130) from None
    trained_on, measured = found.about["dataset"], found.about["measured"]
    people = f"{counted(trained_on['scans'], 'scan')} of {counted(trained_on['subjects'], 'subject')}"
    print(f"trained:    {method} on {people} in {duration(found.about['seconds'])}")
    if measured is None:
        print(f"accuracy:   none measured with these settings; to measure: {command_line(context, 'run', suite)}")
    else:
        runs = counted(measured["runs"], "run")
        print(f"accuracy:   {accuracy(measured)}, measured by {runs} of suite {measured['suite']}")
    print(f"model:      {out} ({disk(sum(file.stat().st_size for file in out.iterdir()))})")
    try:
        with console.status("logging the model to MLflow"):
            from benchmarks.commands.logged_models import log_final_fit

            uri = context.meta["tracking_uri"]
            logged = log_final_fit(found, out, context.obj, tracking_uri=uri, readme=text)
        if logged is not None:
            print(f"MLflow:     model {logged}, in the experiment {found.about['suite']}, in ONNX flavour")
    except UserError as error:
        errors.say(f"[yellow]MLflow:[/] the model is not logged there: {escape(str(error))}")
    print(f"to use:     {command_line(context, 'predict', str(out), 'SCAN')}")


def predict(
    context: typer.Context,
    model: Model,
    scans: Annotated[
        list[Path],
        typer.Argument(metavar="SCAN", help="Meshes, folders of them, or tables as `data prepare folder` reads them."),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write tables and a picture per scan to this new folder.")
    ] = None,
    unit: Unit = None,
    method_files: ModelMethodFiles = None,
    device: ModelDevice = "auto",
    as_json: Json = False,
) -> None:
    """Names the expression of scans by a trained model: probabilities, how sure it is, what it weighs and looks at.

    A mesh is read as `afnetm data prepare folder` reads it, with the landmark file beside it that has its name. Scans
    that cannot be read or show no face are listed with the reason; the exit code is 1 then.

    Example: `afnetm predict model face.obj more-faces/ --out predictions`
    """
    with console.status("loading"):
        from afnetm.registry import add_method_file
        from afnetm.trained.folders import load_model
        from benchmarks.commands import predicting
        from benchmarks.commands.machines import pick_device

        kind = pick_device(device)
        for file in method_files or ():
            add_method_file(file)
        trained = load_model(model)
        trained.check_renders()
        asked = predicting.scans_in(scans, unit or "mm")
    rows, rejected = [], []
    with ExitStack() as stack:
        folder = stack.enter_context(predicting.OutFolder(out)) if out is not None else None
        try:
            with progress_bar("predicting", console, what="scans") as progress:
                for found in predicting.predictions(trained, asked, device=kind, progress=progress):
                    if isinstance(found, predicting.Rejected):
                        rejected.append(found)
                        errors.say(f"[red]no prediction:[/] {escape(found.name)}: {escape(found.reason)}")
                    else:
                        rows.append(predicting.as_json(*found))
                        if folder is not None:
                            folder.draw(*found)
        except KeyboardInterrupt:
            errors.say("stopped; nothing was written")
            raise typer.Exit(130) from None
        document = {
            "model": {"path": str(model), "method": trained.method.name, "classes": list(trained.classes)},
            "predictions": rows,
            "rejected": [{"scan": one.name, "reason": one.reason} for one in rejected],
        }
        if folder is not None:
            folder.finish(document)
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    elif rows:
        output().print(_predictions(rows))
        if out is not None:
            print(f"written:    {out}")
    _warn(rows)
    if rejected:
        raise typer.Exit(1)


def _warn(rows: Sequence[dict[str, Any]]) -> None:
    for warning, number in Counter(row["warning"] for row in rows if row["warning"]).items():
        errors.say(f"[yellow]warning:[/] {number} of {counted(len(rows), 'scan')}: {escape(warning)}")


def _predictions(rows: Sequence[dict[str, Any]]) -> Table:
    weighed = list(rows[0]["weights"] or ())
    made = table("scan", "expression", "probability>", "margin>", *(f"{name}>" for name in weighed), "landmarks")
    for row in rows:
        weights = [f"{row['weights'][name]:.2f}" for name in weighed]
        numbers = f"{row['probability']:.2f}", f"{row['margin']:.2f}"
        made.add_row(escape(row["scan"]), row["expression"], *numbers, *weights, row["landmarks"])
    return made


@app.command(cls=Command)
def export(
    model: Model,
    out: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="The file to write; it must not exist yet.")],
    method_files: ModelMethodFiles = None,
) -> None:
    """Writes a model as an ONNX file, from rendered maps to probabilities, and compares ONNX Runtime's with torch's.

    Example: `afnetm model export model model.onnx`
    """
    with console.status("loading"):
        from afnetm.registry import add_method_file
        from afnetm.trained.folders import load_model
        from afnetm.trained.onnx_files import OUTPUT, TOLERANCE, export_onnx

        for file in method_files or ():
            add_method_file(file)
        trained = load_model(model)
    with console.status("exporting"):
        done = export_onnx(trained, out)
    for name, kind, shape in done.inputs:
        print(f"input:      {name} {kind} {shape}")
    print(f"output:     {OUTPUT} float32 (batch, {len(trained.classes)}): {', '.join(trained.classes)}")
    print(f"checked:    in ONNX Runtime probabilities differ by {done.difference:.1g} at most ({TOLERANCE:g} allowed)")
    if done.rounding > TOLERANCE:
        words = f"the file computes in float32, afnetm in {trained.config.precision}"
        print(f"precision:  {words}: up to {done.rounding:.1g} apart")
    print(f"file:       {out} ({disk(out.stat().st_size)})")
