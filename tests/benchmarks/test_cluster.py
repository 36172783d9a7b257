"""The scripts of docs/cluster.md, run by bash as Slurm would run them: with its variables, and a noting `scontrol`."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.found import runs_done

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
ARRAY, SHARDS = (
    script for script in re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL) if "#SBATCH" in script
)


def begin(script: str, folder: Path, *words: str, task: int, **environment: str) -> subprocess.Popen[str]:
    """A task of an array of two, with this project's program and what its calls of `scontrol` leave in a file."""
    tools = folder / "tools"
    if not tools.is_dir():
        tools.mkdir()
        commands = {
            "afnetm": f'exec {shlex.quote(sys.executable)} -m benchmarks.cli "$@"',
            "scontrol": 'echo "$@" >>log',
        }
        for name, line in commands.items():
            (tools / name).write_text(f"#!/bin/sh\n{line}\n")
            (tools / name).chmod(0o755)
        (folder / "script").write_text(script)
    slurm = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": "2"}
    paths = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(Path.cwd())}
    return subprocess.Popen(
        ["bash", folder / "script", *words],
        cwd=folder,
        env=os.environ | slurm | paths | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    out, words = process.communicate(timeout=300)
    assert process.returncode == 0, words
    return out


@pytest.mark.parametrize("script", [ARRAY, SHARDS])
def test_scripts_are_bash(script: str) -> None:
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    assert script.startswith("#!/usr/bin/env bash\n#SBATCH")


@pytest.mark.slow
def test_an_array_on_one_home_is_stopped_queued_again_and_ends(home: Path, suite: Path, tmp_path: Path) -> None:
    words = (str(suite), "--workers", "1")
    task = begin(ARRAY, tmp_path, *words, task=0, AFNETM_HOME=str(home))
    while runs_done(home) < 1:
        assert task.poll() is None
        time.sleep(0.01)
    task.send_signal(signal.SIGUSR1)  # to the script alone, as Slurm's B: does
    out, said = task.communicate(timeout=60)
    assert (task.returncode, out) == (0, ""), said
    assert "To resume, run again" in said
    assert (tmp_path / "log").read_text() == "requeue 7_0\n"
    assert not list((home / "claims").iterdir())
    both = [begin(ARRAY, tmp_path, *words, task=number, AFNETM_HOME=str(home)) for number in (0, 1)]
    outs = [ended(one) for one in both]
    assert any("report:" in out for out in outs)
    assert runs_done(home) == 6


@pytest.mark.slow
def test_an_array_of_shards_is_merged(prepared: Path, suite: Path, tmp_path: Path, here: Afnetm) -> None:
    datasets = str(shutil.copytree(prepared / "datasets", tmp_path / "datasets"))
    words = (str(suite), "--methods", "texture", "--workers", "1")
    for task in [begin(SHARDS, tmp_path, *words, task=number, DATASETS=datasets) for number in (1, 2)]:
        ended(task)
    shards = [tmp_path / f"shard-{number}" for number in (1, 2)]
    assert list(map(runs_done, shards)) == [2, 1]
    here(tmp_path / "all", "merge", *map(str, shards))
    assert runs_done(tmp_path / "all") == 3
