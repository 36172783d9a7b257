"""Disks that are full, or read-only: real ones, in memory."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Afnetm, command
from tests.benchmarks.found import runs_done

Finished = tuple[Path, Path, subprocess.CompletedProcess[str]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nobody but root may mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leaves nothing of a disk; the file that takes it all."""
    ballast, taken, step = disk / "ballast", 0, 2**26
    with ballast.open("wb") as file:
        while step >= 2**12:  # others write meanwhile
            try:
                os.posix_fallocate(file.fileno(), taken, step)
                taken += step
            except OSError:
                step //= 2
    return ballast


def the_line(words: str) -> str:
    """The one line of error that a command ended with."""
    (line,) = [line for line in words.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in words
    return line


@pytest.mark.faults
def test_a_report_that_cannot_be_written_says_why_and_leaves_the_old_one(
    finished: Finished, disk: Path, here: Afnetm, tmp_path: Path
) -> None:
    home = disk / "home"
    shutil.copytree(finished[0], home)
    page = home / "reports" / "small" / "index.html"
    before = page.read_bytes()

    ballast = fill(disk)
    line = the_line(here(home, "report", "small", code=2).stderr)
    assert line.endswith("reports/small' cannot be written: the disk is full; choose another by --out")
    assert page.read_bytes() == before
    assert [path.name for path in page.parent.parent.iterdir()] == ["small"]

    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    line = the_line(here(home, "report", "small", code=2).stderr)
    assert line.endswith("cannot be written: read-only file system; choose another by --out")
    assert str(tmp_path / "out") in here(home, "report", "small", "--out", str(tmp_path / "out")).stdout
    assert (tmp_path / "out" / "index.html").is_file()
    assert "6 done" in here(home, "status", "small").stdout


@pytest.mark.faults
def test_a_disk_that_fills_up_during_a_run_keeps_what_is_finished(
    prepared: Path, suite: Path, disk: Path, afnetm: Afnetm
) -> None:
    home = disk / "home"
    shutil.copytree(prepared, home)
    process = subprocess.Popen(command(home, "run", str(suite)), stderr=subprocess.PIPE, text=True)
    while runs_done(home) < 1:
        assert process.poll() is None
        time.sleep(0.01)
    ballast = fill(disk)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 2, words
    assert "the disk is full" in the_line(words)
    assert not list((home / "unfinished").glob("*"))
    counts = json.loads(afnetm(home, "status", str(suite), "--json").stdout)["runs"]
    assert counts["failed"] == 0
    assert 1 <= counts["done"] < 6

    ballast.unlink()
    afnetm(home, "run", str(suite), drawn=False)
    assert runs_done(home) == 6


@pytest.mark.faults
def test_a_disk_that_fills_up_while_a_dataset_is_made_is_told_in_a_line(disk: Path, afnetm: Afnetm) -> None:
    home = disk / "home"
    make = ["data", "make", "faces", "--subjects", "8", "--intensities", "3,4", "--size", "96"]
    process = subprocess.Popen(command(home, *make), stderr=subprocess.PIPE, text=True)
    while not any(file.stat().st_size for file in (home / "datasets").rglob("*") if file.is_file()):
        assert process.poll() is None
        time.sleep(0.01)
    ballast = fill(disk)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 2, words
    assert "datasets cannot be written: the disk is full" in the_line(words)
    ballast.unlink()
    afnetm(home, *make)
    afnetm(home, "data", "check", "faces")
