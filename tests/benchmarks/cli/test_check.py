"""`afnetm check`: what a method is held to, said before anything is trained; from a wheel as from a checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.others import point

ROOT = Path(__file__).parents[3]

THEIRS = """
from dataclasses import dataclass
from typing import ClassVar

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from baselines.texture import Texture
from baselines.two_streams import TwoDecisions
from afnetm.method import Output


class TensorOut(Texture):
    name = "tensor_out"

    def build(self, encoder, classes):
        return Bare(self, encoder, classes)


class Bare(TwoDecisions):
    def forward(self, faces):
        return self.texture_head(self.texture(faces.texture))


class Typo(Texture):
    name = "typo"
    space = {"drop": FloatDistribution(0.0, 0.5)}


@dataclass(frozen=True, kw_only=True)
class Odd(Texture):
    name = "odd"
    space = {"width": IntDistribution(4, 8)}
    width: int = 5

    def __post_init__(self):
        if self.width % 2 == 0:
            raise ValueError("width must be odd")
"""


KINDS = {"tensor_out": "TensorOut", "typo": "Typo", "odd": "Odd"}


@pytest.mark.slow
def test_it_says_what_is_to_be_mended_from_a_wheel_and_in_another_folder(wheel: Path, tmp_path: Path) -> None:
    path = point(tmp_path, "\n".join(f"{name.lower()} = theirs:{kind}" for name, kind in KINDS.items()), THEIRS)
    check = [sys.executable, "-m", "benchmarks.cli", "check", "texture", *KINDS, "--json"]
    environment = os.environ | {"PYTHONPATH": f"{wheel}{os.pathsep}{path}"}
    done = subprocess.run(check, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["texture"] == []
    assert found["tensor_out"] == ["forward() on a batch of 1 at 33 px: returns Tensor; return afnetm.method.Output"]
    (fault,) = found["typo"]
    assert fault == (
        "method 'typo' (theirs:Typo): space['drop'] is none of its hyper-parameters; allowed: geometry, masks, "
        "dropout; did you mean dropout?"
    )
    line = THEIRS[: THEIRS.index("raise ValueError")].count("\n") + 1
    said = f"ValueError: width must be odd (theirs.py:{line})"
    assert found["odd"][0] == f"{{'width': 4}} is in its space or type and fails: {said}; narrow that"


def test_a_method_that_is_not_there_is_refused(here: Afnetm, tmp_path: Path) -> None:
    done = here(tmp_path, "check", "concta", code=2)
    assert "method 'concta' is not registered; allowed: " in done.stderr
    assert done.stderr.rstrip().endswith("did you mean concat?")
