"""Methods that fail in every way there is, beside two that do not: whatever happens, the others have their report.

They fail in workers alone, as on a machine, or with settings, that no check had: what a check can see is refused before
anything is trained.
"""

import json
import os
import random
from pathlib import Path

import pandas as pd
import pytest

from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.found import runs_done

pytestmark = pytest.mark.faults

#: What each does at a random step of a training, or at another place that its name says; `network` is the module.
WAYS = {
    "build": "pass",
    "forward": "raise RuntimeError('no\\nsecond line')",
    "backward": "logits = Refusing.apply(logits)",
    "nan": "logits = logits * float('nan')",
    "infinite": "logits = logits * float('inf')",
    "wide": "logits = torch.cat([logits, logits], 1)",
    "short": "logits = logits[:1]",
    "bare": "return logits",
    "nothing": "return None",
    "memory": "raise torch.OutOfMemoryError('CUDA out of memory')",
    "allocation": "torch.empty(2**55)",
    "exit": "sys.exit(0)",
    "gone": "os._exit(3)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "odd": "raise Odd('one', 'other')",
    "interrupted": "raise KeyboardInterrupt",
    "auxiliary_outputs": "auxiliary_outputs['importance'] = logits.new_full((len(logits), 2), float('nan'))",
    "weights": "[p.data.fill_(float('nan')) for p in self.base.parameters()]",
}

PLUGIN = """
import multiprocessing, os, random, signal, sys
import torch
from torch import nn
from afnetm.method import Output
from baselines.texture import Texture


class Odd(Exception):
    def __init__(self, one, other):
        super().__init__(one + other)


class Refusing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits):
        return logits.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise ValueError("no way back")


class Failing(nn.Module):
    def __init__(self, base, way, step):
        super().__init__()
        self.base, self.way, self.left = base, way, step

    def forward(self, faces):
        output = self.base(faces)
        logits, auxiliary_outputs = output.logits, {}
        self.left -= 1
        last = self.left < 0
        if last and multiprocessing.parent_process() is not None:
            LINES
        return Output(logits, auxiliary_outputs=auxiliary_outputs)


class Base(Texture):
    way = ""

    def build(self, encoder, classes):
        working = multiprocessing.parent_process() is not None
        if self.way == "build" and working:
            raise RuntimeError("cannot be built here")
        step = random.Random(SEED).randrange(6) if working else 10**9
        return Failing(super().build(encoder, classes), self.way, step)
"""


def plugin(folder: Path, *, seed: int) -> str:
    """A path for Python on which another package registers a method for each of the ways."""
    (folder / "ways-1.0.dist-info").mkdir(parents=True)
    (folder / "ways-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: ways\nVersion: 1.0\n")
    points = "".join(f"{way} = ways:{way.title()}\n" for way in WAYS)
    (folder / "ways-1.0.dist-info" / "entry_points.txt").write_text(f"[afnetm.methods]\n{points}")
    lines = "\n            ".join(f"if self.way == {way!r}: {line}" for way, line in WAYS.items())
    kinds = "".join(f"class {way.title()}(Base):\n    name = way = {way!r}\n" for way in WAYS)
    (folder / "ways.py").write_text(PLUGIN.replace("LINES", lines).replace("SEED", str(seed)) + kinds)
    return f"{folder}{os.pathsep}{Path.cwd()}"


def test_the_others_have_their_report(home: Path, suite: Path, afnetm: Afnetm, tmp_path: Path) -> None:
    seed = random.randrange(10**6)  # another one each time; it stands in the message of what fails
    text = suite.read_text().replace("folds = 3", "folds = 2")
    suite.write_text(text + "".join(f"[methods.{way}]\n" for way in WAYS))
    path = plugin(tmp_path / "plugin", seed=seed)
    done = afnetm(home, "run", str(suite), code=1, PYTHONPATH=path)
    assert runs_done(home) == 4, (seed, done.stderr)
    counts = json.loads(afnetm(home, "status", str(suite), "--json", PYTHONPATH=path).stdout)["runs"]
    assert counts == {"done": 4, "failed": 2 * len(WAYS), "left": 0}, seed
    assert not list((home / "unfinished").glob("*")), seed
    reasons = {path.stem: json.loads(path.read_text())["reason"] for path in (home / "failures").glob("*.json")}
    assert len(reasons) == 2 * len(WAYS), seed
    assert all(reason and "\n" not in reason for reason in reasons.values()), (seed, reasons)

    report = home / "reports" / "small"
    assert set(pd.read_csv(report / "tables" / "folds.csv")["method"]) == {"texture", "concat"}
    page = (report / "index.html").read_text(encoding="utf-8")
    assert all(f"{way} 0-0" in page or way in page for way in WAYS), seed
    assert "texture" in afnetm(home, "report", "small").stdout
