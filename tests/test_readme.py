"""What README.md and the pages that it begins with promise holds."""

import re
import types
from pathlib import Path

import numpy as np
import torch

from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.model.encoder import EncoderSpec
from afnetm.training.device_dataset import DeviceDataset
from benchmarks.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
START = (ROOT / "docs" / "start.md").read_text()
TUTORIAL = (ROOT / "docs" / "tutorials" / "own-method.md").read_text()


def test_the_method_in_one_file_works(learnable: FaceDataset) -> None:
    (code,) = re.findall(r"%%writefile minimum.py\n(.*?)```", TUTORIAL, re.DOTALL)
    assert code.count("\n") < 80
    module = types.ModuleType("minimum")
    exec(compile(code, "minimum.py", "exec"), module.__dict__)
    network = module.Minimum().build(EncoderSpec(width=0.25), len(EXPRESSIONS)).eval()
    faces = DeviceDataset(learnable, np.arange(4), torch.device("cpu")).faces(torch.arange(4))
    output = network(faces)
    smaller = torch.minimum(output.supervised_logits[0].exp(), output.supervised_logits[1].exp())
    assert torch.allclose(output.logits.softmax(1), smaller / smaller.sum(1, keepdim=True), atol=1e-6)


def test_every_session_and_command_it_names_is_there() -> None:
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    for session in re.findall(r"nox -s ([a-z]+)", README + START):
        assert session in sessions
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    commands |= {group.name for group in app.registered_groups}
    for command in re.findall(r"(?:`|^    )afnetm (?:--home \w+ )?([a-z]+)", README + START, re.MULTILINE):
        assert command in commands, command


def test_every_file_it_links_to_is_there() -> None:
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", prose):
        assert (ROOT / target).is_file(), target


def test_what_training_noise_does_is_what_the_measured_seeds_say() -> None:
    text = (ROOT / "docs" / "statistics.md").read_text()
    (row,) = re.findall(r"^\| Accuracy, % \|(.*)\|$", text, re.MULTILINE)
    seeds = [float(cell) for cell in row.split("|")]
    mean, deviation = f"{np.mean(seeds):.1f}", f"{np.std(seeds, ddof=1):.1f}"
    assert f"The mean is {mean} %, the standard deviation {deviation} percentage points" in " ".join(text.split())
    message = (
        f"{min(seeds)} to {max(seeds)} % (mean {mean}, standard deviation {deviation}), the first of them {seeds[0]} %"
    )
    assert f"ten seeds of `texture` on five such folds gave {message}" in " ".join(START.split())


def test_a_scan_is_predicted_within_a_second_as_measured() -> None:
    """The table of `scripts.prediction`, on one core after the start, landmarks found or not, and files read."""
    text = (ROOT / "docs" / "models.md").read_text()
    rows = [row.split("|") for row in re.findall(r"^\|( \d+ \|.*)\|$", text, re.MULTILINE)]
    assert len(rows) == 2
    for _, _, read, given, found in rows:
        assert float(read) + max(float(given), float(found)) < 1000  # ms
