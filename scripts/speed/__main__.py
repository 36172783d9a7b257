"""Measures everything, prints it and writes ``speed.json``: ``python -m scripts.speed [--device auto|cpu|cuda]``."""

import argparse
import json
import os
import tempfile
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.commands.machines import pick_device
from benchmarks.records.provenance import provenance
from scripts.speed import (
    counting,
    executors,
    lightning_loops,
    mlflow_pages,
    own_cost,
    parsing,
    preparing,
    reporting,
    searching,
    storage,
    whole,
)


def main() -> None:
    """Runs every measurement; each prints what it found as soon as it has it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--out", type=Path, default=Path("speed.json"))
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    console = Console()
    found: dict[str, object] = {"device": torch.cuda.get_device_name() if device == "cuda" else "cpu", **provenance()}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, measure in (
            ("quick suite", partial(whole.quick_suite, folder / "home", device=device)),
            ("tracking", partial(whole.tracking, folder / "home")),
            ("a run's own cost", partial(own_cost.run, folder / "home", folder / "again", device=device)),
            ("executors", partial(executors.beside, folder / "home", folder / "executed", device=device)),
            ("a search's own cost", partial(searching.overhead, folder / "home", device=device)),
            ("100,000 runs", partial(counting.many, folder / "counted")),
            ("report of 10,000 runs", partial(reporting.report, folder / "many")),
            ("MLflow's pages of 10,000 runs", partial(mlflow_pages.pages, folder / "many")),
            ("report of 10,000 runs and evaluations", partial(reporting.report_of_evaluations, folder / "evaluated")),
            ("opening a dataset", partial(storage.opening, folder / "large")),
            ("parsing a mesh file", partial(parsing.vrml, folder / "vrml")),
            ("preparing a dataset", partial(preparing.preparing, folder / "dataset")),
            ("training loop", partial(lightning_loops.compare, folder / "home", folder / "png", device=device)),
        ):
            with console.status(name):
                numbers = measure()
            found[name] = numbers
            table = Table(title=name, title_justify="left", box=None, show_header=False, pad_edge=False)
            for key, value in numbers.items():
                table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
            console.print(table)
            # After each: what has been measured outlives a measurement that fails.
            found["load average at the end"] = os.getloadavg()[0]
            arguments.out.write_text(json.dumps(found, indent=1) + "\n")
    console.print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
