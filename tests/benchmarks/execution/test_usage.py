"""What is sampled of a process while it computes."""

import time

import psutil
import pytest
import torch

from benchmarks.execution import usage


def test_who_computes_uses_a_core_and_who_waits_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_FIRST", 0.05)
    with usage.sampled(torch.device("cpu")) as waiting:
        time.sleep(0.3)
    with usage.sampled(torch.device("cpu")) as working:
        end = time.process_time() + 0.4
        while time.process_time() < end:
            pass
    assert set(waiting) == set(working) == {"seconds", "cpu", "memory"}
    assert max(waiting["cpu"]) < 50 < max(working["cpu"])
    assert all(0.5 < found / psutil.Process().memory_info().rss < 2 for found in working["memory"])


def test_however_long_it_takes_the_samples_are_few_and_evenly_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_FIRST", 0.01)
    monkeypatch.setattr(usage, "_MOST", 8)
    with usage.sampled(torch.device("cpu")) as found:
        time.sleep(0.7)
    assert 4 <= len(found["seconds"]) < 8
    assert {len(column) for column in found.values()} == {len(found["seconds"])}
    steps = [b - a for a, b in zip(found["seconds"], found["seconds"][1:], strict=False)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=0.5)


def test_what_cannot_be_found_out_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_FIRST", 0.02)
    with usage.sampled(torch.device("cuda")) as found:  # where there is none, or a library of its driver's is missing
        time.sleep(0.2)
    assert found["cpu"]
    assert len(found["seconds"]) == len(found["cpu"])
