"""Measuring a GPU outlives whatever a cell does, and loses nothing of what was found."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from rich.console import Console

from afnetm.errors import UserError
from scripts.speed.gpu.__main__ import main
from scripts.speed.gpu.cells import Bench, Cell
from scripts.speed.gpu.journal import Journal
from scripts.speed.gpu.scale import PRETENDED
from scripts.speed.gpu.table import show

BROKEN = """
import os, time
from scripts.speed.gpu.cells import WrongError

def prepare():
    global prepared
    prepared = True

def fine(scale):
    return {"prepared": prepared, "width": scale.width, "pid": os.getpid()}

def raises(scale):
    raise ValueError("no nose\\nsecond line")

def finds(scale):
    raise WrongError("too dark", {"brightness": 0.1})

def hangs(scale):
    time.sleep(600)

def dies(scale):
    os._exit(3)
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "broken_cells.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    import broken_cells

    yield broken_cells
    del sys.modules["broken_cells"]


def test_what_one_cell_does_costs_no_other(broken: ModuleType) -> None:
    with Bench(PRETENDED, broken.prepare) as bench:
        run = partial(bench.run, seconds=30)
        first = run(Cell("first", broken.fine))
        raised, found = run(Cell("raises", broken.raises)), run(Cell("finds", broken.finds))
        second = run(Cell("second", broken.fine))
        late = bench.run(Cell("hangs", broken.hangs), seconds=0.5)
        third = run(Cell("third", broken.fine))
        died = run(Cell("dies", broken.dies))
        fourth = run(Cell("fourth", broken.fine))
    assert first["found"] == {"prepared": True, "width": PRETENDED.width, "pid": first["found"]["pid"]}
    assert (raised["status"], raised["error"]) == ("failed", "ValueError: no nose")
    assert "second line" in raised["traceback"]
    assert (found["status"], found["error"], found["found"]) == ("failed", "WrongError: too dark", {"brightness": 0.1})
    assert (late["status"], died["status"]) == ("late", "died")
    assert late["seconds"] < 10
    assert "exit code 3" in died["error"]
    pids = [cell["found"]["pid"] for cell in (first, second, third, fourth)]
    assert pids[0] == pids[1], "an error that is only Python's costs no process"
    assert len({os.getpid(), *pids[1:]}) == 4, "what hangs or dies leaves a fresh process to the next"
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_the_file_is_whole_after_every_cell_and_keeps_earlier_calls(tmp_path: Path) -> None:
    for call in range(2):
        journal = Journal(tmp_path, {"part": str(call)})
        for number in range(3):
            journal.add({"cell": f"{call} {number}"})
            calls = json.loads((tmp_path / "gpu.json").read_text())["calls"]
            assert [len(one["cells"]) for one in calls] == [*[3] * call, number + 1]
            assert calls[call] == {"arguments": {"part": str(call)}, "cells": journal.cells}
    assert [path.name for path in tmp_path.iterdir()] == ["gpu.json"]


@pytest.mark.parametrize("text", ["", "[]", '{"calls": 3}', "no"])
def test_a_file_of_that_name_that_is_another_is_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "gpu.json").write_text(text)
    with pytest.raises(UserError, match=r"gpu\.json is not of this command"):
        Journal(tmp_path, {})
    assert (tmp_path / "gpu.json").read_text() == text


def test_the_table_sets_a_step_beside_what_the_machine_does_at_best(capsys: pytest.CaptureFixture[str]) -> None:
    """30 GFLOP and 4 GB in 10 ms, where 6 TFLOP/s and 1 TB/s can be had: a half and two fifths."""
    step = {"ms": 10.0, "ms_min": 9.0, "ms_max": 11.0, "scans_per_second": 3200.0, "peak_memory": 2_000_000_000}
    ceilings = {"bytes_per_second": 1e12, "flop_per_second": 6e12}
    cells = [
        {"cell": "machine", "status": "ok", "seconds": 1.0, "found": {"device": "Tellurium [9]", "torch": "2.11"}},
        {"cell": "ceilings", "status": "ok", "seconds": 1.0, "found": ceilings},
        {"cell": "checks late", "status": "ok", "seconds": 1.0, "found": {"x trains": "ok", "agrees": 3e-7}},
        {"cell": "checks max", "status": "failed", "seconds": 1.0, "found": {}, "error": "RuntimeError: no [kernel]"},
        {"cell": "step concat", "status": "ok", "seconds": 1.0, "found": step | {"flop": 30e9, "bytes": 4e9}},
        {"cell": "step svm", "status": "no time", "seconds": 0.0},
        {"cell": "processes graph", "status": "ok", "seconds": 9.0, "found": {"batch": 32, "4 steps/s": 504.0}},
        {"cell": "run graph", "status": "ok", "seconds": 9.0, "found": {"own_seconds": 2.0}},
        {"cell": "kernels concat graph", "status": "ok", "seconds": 1.0, "found": {"kernels": 900.0, "heaviest": [{}]}},
    ]
    show(cells, Console(width=100))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "Tellurium [9], torch 2.11"
    assert "copies 1,000 GB/s, multiplies 6.00 TFLOP/s in bfloat16" in lines
    assert "checks late ok 1.0 agrees 3e-07" in lines
    assert "checks max failed 1.0 RuntimeError: no [kernel]" in lines
    assert "step svm no time 0.0" in lines
    assert "kernels concat graph ok 1.0 kernels 900" in lines
    # Four at a time of 1,260 steps at 126 a second, and 2 s each: 12 s; 10,000 of them.
    assert "graph 4 504.0 1,200.0 8.3" in lines
    assert "step concat 10 9 11 3,200 50.0% 40.0% 50.0% 2,000" in lines


@pytest.mark.faults
def test_killed_in_a_cell_and_stopped_in_another_it_has_what_there_was(tmp_path: Path) -> None:
    """Its process is killed, then itself told to end as by a time limit."""
    command = [sys.executable, "-m", "scripts.speed.gpu", "--pretend", "--out", str(tmp_path)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def cells(at_least: int) -> list[dict[str, object]]:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if (tmp_path / "gpu.json").exists():
                found: list[dict[str, object]] = json.loads((tmp_path / "gpu.json").read_text())["calls"][0]["cells"]
                if len(found) >= at_least:
                    return found
            time.sleep(0.1)
        raise AssertionError(f"no {at_least} cells: {running.communicate()}")

    cells(3)
    for child in psutil.Process(running.pid).children():
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()
    seen = cells(6)
    running.send_signal(signal.SIGTERM)
    out, errors = running.communicate(timeout=60)
    after = json.loads((tmp_path / "gpu.json").read_text())["calls"][0]["cells"]
    assert after[: len(seen)] == seen
    assert [cell["status"] for cell in after].count("died") == 1, after
    assert running.returncode == 1
    assert "stopped" in out
    assert "written to" in out
    assert not errors


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., list[object]]]:
    """The same in this process, where no cell has to be begun: exit code, output, errors."""
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str) -> list[object]:
        monkeypatch.setattr("sys.argv", ["gpu", *arguments])
        return [main(), *capsys.readouterr()]

    yield run
    signal.signal(signal.SIGTERM, handler)


def test_without_time_nothing_begins_and_it_says_so(here: Callable[..., list[str]], tmp_path: Path) -> None:
    code, out, _ = here("--pretend", "--part", "B", "--minutes", "0", "--out", str(tmp_path))
    found = json.loads((tmp_path / "gpu.json").read_text())["calls"][0]["cells"]
    assert code == 1
    assert {cell["status"] for cell in found} == {"no time"}
    assert all(f"{cell['cell']}: no time" in out for cell in found)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--pretend", "--home", "/nowhere"), "--home /nowhere: it has no dataset 'synthetic-quick'"),
        ((), "sees no GPU here; --pretend"),
    ],
)
def test_what_could_only_fail_is_refused_in_one_line(
    arguments: tuple[str, ...],
    says: str,
    here: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, out, errors = here(*arguments, "--out", str(tmp_path / "out"))
    assert (code, out) == (2, "")
    assert says in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "out").exists()
