"""How far something is: lines in a file, bars on a terminal, and how long the rest takes."""

import contextlib
import io
import math
import os
import pty
import re
import threading
from collections.abc import Callable

import pytest

from benchmarks.terminal.console import WIDE, Terminal
from benchmarks.terminal.progress import MethodProgress, progress_bar
from benchmarks.terminal.words import counted, disk

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  "


def in_file(tell: Callable[[Terminal], object], *, verbose: bool = False) -> list[str]:
    """The lines that are written where nobody watches; each begins with the time, which is left out."""
    console = Terminal(file=io.StringIO(), width=WIDE)
    console.verbose = verbose
    tell(console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert all(re.match(TIME, line) for line in lines), lines
    return [re.sub(TIME, "", line) for line in lines]


def on_terminal(tell: Callable[[Terminal], object], *, verbose: bool = False, columns: int = 80) -> str:
    """All that is written to a real terminal, movements of its cursor left out."""
    ours, theirs = pty.openpty()
    written: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(ours, 65536):
                written.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as file:
        console = Terminal(file=file, width=columns, height=25)
        console.verbose = verbose
        tell(console)
    reader.join()
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(written).decode())


def comparison(console: Terminal) -> None:
    """Two of five runs were done before; of the others one fails."""
    left = 30.0
    with MethodProgress({"late": 3, "[odd]": 2}, {"late": 2}, left=lambda: left, console=console) as progress:
        progress.finished("late", "late, repeat 0, fold 2: accuracy 0.500 in 30 s", note="accuracy 0.500")
        progress.failed("[odd]", "[odd], repeat 0, fold 0: failed: RuntimeError: [boom]")
        left = 0.0
        progress.finished("[odd]", "[odd], repeat 0, fold 1: accuracy 0.250 in 3 min", note="accuracy 0.250")


def test_in_a_file_every_run_is_a_line_also_one_that_failed() -> None:
    assert in_file(comparison) == [
        "3 of 5: late, repeat 0, fold 2: accuracy 0.500 in 30 s; about 30 s left",
        "4 of 5: [odd], repeat 0, fold 0: failed: RuntimeError: [boom]; about 30 s left",
        "5 of 5: [odd], repeat 0, fold 1: accuracy 0.250 in 3 min",
    ]


def test_on_a_terminal_there_are_bars_and_lines_for_what_failed_alone() -> None:
    formatted = on_terminal(comparison)
    assert "━" in formatted
    assert "3/3" in formatted
    assert "5/5" in formatted
    assert "accuracy 0.500" in formatted
    assert "[odd], repeat 0, fold 0: failed: RuntimeError: [boom]" in formatted
    assert "late, repeat 0, fold 2" not in formatted
    assert "late, repeat 0, fold 2: accuracy 0.500 in 30 s" in on_terminal(comparison, verbose=True)


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_bars_keep_the_method_s_name_at_every_width(columns: int) -> None:
    def one(console: Terminal) -> None:
        with MethodProgress({"masks-random-at": 12}, {}, left=lambda: 60.0, console=console) as progress:
            progress.finished("masks-random-at", "the first", note="accuracy 0.500")

    last = on_terminal(one, columns=columns).splitlines()
    assert any("masks-random-at" in line and "1/12" in line and "accuracy 0.500" in line for line in last)
    assert all(len(line) <= columns for line in last)


def test_where_it_is_not_known_how_much_there_is_no_total_is_told() -> None:
    def one(console: Terminal) -> None:
        with MethodProgress({"late": None}, {"late": 2}, left=lambda: math.nan, console=console) as progress:
            progress.finished("late", "trial 2: 0.500", note="best 0.500")

    assert in_file(one) == ["3: trial 2: 0.500"]
    assert "3/?" in on_terminal(one)


def test_of_thousands_of_scans_a_file_has_a_line_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("benchmarks.terminal.progress.time.monotonic", lambda: now)

    def scans(console: Terminal) -> None:
        nonlocal now
        with progress_bar("making faces", console) as progress:
            for done in range(0, 2001, 8):
                progress(done, 2000)
                now += 0.8

    lines = in_file(scans)
    assert lines[0] == "making faces: 200 of 2000 scans; about 3 min left"
    assert lines[-1] == "making faces: 2000 of 2000 scans"
    assert len(lines) == 10


def test_what_is_done_in_no_time_is_no_line() -> None:
    def scans(console: Terminal) -> None:
        with progress_bar("verifying", console) as progress:
            for done in range(100):
                progress(done + 1, 100)

    assert in_file(scans) == []


def test_what_takes_long_is_told_of_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("benchmarks.terminal.progress.time.monotonic", lambda: now)

    def scans(console: Terminal) -> None:
        nonlocal now
        with progress_bar("making faces", console) as progress:
            for done in range(4):
                progress(done, 1000)
                now += 61

    assert [line.split(" of ")[0] for line in in_file(scans)] == [f"making faces: {done}" for done in range(1, 4)]


def test_numbers_in_words() -> None:
    assert [counted(n, "fold") for n in (0, 1, 2)] == ["0 folds", "1 fold", "2 folds"]
    assert [counted(n, "study") for n in (1, 2)] == ["1 study", "2 studies"]
    sizes = [0, 310_000, 1_240_000, 12_400_000, 999_999_999, 69_209_000_000]
    assert [disk(n) for n in sizes] == ["0 kB", "310 kB", "1.2 MB", "12 MB", "1000 MB", "69 GB"]
