"""The demo of a trained model: loaded, described and served."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afnetm.registry import add_method_file
from afnetm.trained.folders import load_model
from afnetm.trained.model import TrainedModel
from benchmarks.commands.machines import pick_device
from benchmarks.terminal.console import Terminal
from benchmarks.viewing.demo import demo_ui


def serve_demo(
    folder: Path, *, port: int, method_files: Sequence[Path], device: str, console: Terminal, browser: bool
) -> int:
    """Serves the demo of the model in `folder` until Ctrl-C; returns an exit code.

    Raises:
        UserError: it cannot be loaded, or the port is taken.
    """
    with console.status("loading the model"):
        for file in method_files:
            add_method_file(file)
        model = load_model(folder)
        model.check_renders()
        kind = pick_device(device)
    title = str(model.about.get("title") or model.method.title or model.method.name)
    return demo_ui(
        model, facts_of(model, folder), title=title, device=kind, port=port, console=console, browser=browser
    )


def facts_of(model: TrainedModel, folder: Path) -> dict[str, str]:
    """Facts about a model, in words by name."""
    about: Any = model.about
    facts = {
        "Method": f"{model.method.name}: {model.method.summary}",
        "Expressions": ", ".join(model.classes),
        "Input": f"maps of {model.making.size} x {model.making.size} px",
    }
    if dataset := about.get("dataset"):
        facts["Trained on"] = f"{dataset['scans']} scans of {dataset['subjects']} subjects of {dataset['name']}"
    if measured := about.get("measured"):
        facts["Accuracy"] = f"{100 * measured['accuracy']:.1f} %, measured by suite {measured['suite']}"
    return {**facts, "Folder": str(folder)}
