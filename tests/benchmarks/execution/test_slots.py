"""Slots, by pretended GPUs: what a worker's process begins with is its environment, which needs none."""

import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from afnetm.errors import UserError
from benchmarks.execution import slots as module
from benchmarks.execution.slots import limit_memory, sharing, slots, visible_gpus
from benchmarks.execution.workers import Worker
from benchmarks.records.home import Home
from tests.benchmarks.execution.begun import write_begun

GPUS = ["GPU-aaaa", "GPU-bbbb"]
#: Of a run that does nothing with it.
NOTHING: Any = None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_s_process_begins_with_its_gpu_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "from the driver")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    worker = Worker(slots("cuda", workers=3, per_gpu=2, gpus=GPUS)[2])
    try:
        assert isinstance(worker.submit(NOTHING, Home(tmp_path), write_begun).result(), float)
        assert "CUDA_VISIBLE_DEVICES" not in os.environ, "the driver's own environment is as it was"
    finally:
        worker.end()
    found = (tmp_path / "begun").read_text().splitlines()
    assert found == ["GPU-aaaa", "GPU-aaaa", "from the driver", "GPU-aaaa, worker 2", "2"]


def test_workers_are_dealt_out_over_gpus_and_share_their_memory() -> None:
    dealt = slots("cuda", workers=5, per_gpu=3, gpus=GPUS)
    assert Counter(slot.environment["CUDA_VISIBLE_DEVICES"] for slot in dealt) == {"GPU-aaaa": 3, "GPU-bbbb": 2}
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in dealt[:2]] == GPUS, (
        "no GPU idles while another has two"
    )
    assert [slot.sharing for slot in dealt] == [3, 2, 3, 2, 3]
    assert len({slot.name for slot in dealt}) == 5
    assert {slot.memory_fraction for slot in dealt} == {0.92 / 3}, "what a run may use does not depend on how many run"
    assert len(slots("cuda", gpus=GPUS)) == 2
    assert len(slots("cuda", per_gpu=4, gpus=GPUS)) == 8


def test_workers_on_a_cpu_share_no_device() -> None:
    assert [(slot.device, slot.sharing, slot.memory_fraction) for slot in slots("cpu", workers=3)] == [
        ("cpu", 1, None)
    ] * 3


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"workers": 0}, "--workers: 0 is not allowed; 1 or more"),
        ({"per_gpu": 0}, "--workers-per-gpu: 0 is not allowed; 1 or more"),
        ({"gpus": []}, "--device: 'cuda' is not available; CUDA_VISIBLE_DEVICES names no GPU here"),
        (
            {"workers": 5, "per_gpu": 2},
            "--workers: 5 is more than there is room for: 2 GPUs, 2 workers each; at most 4, or raise",
        ),
        (
            {"workers": 2, "gpus": ["0"]},
            "--workers: 2 is more than there is room for: 1 GPU, 1 worker each; at most 1, or raise",
        ),
    ],
)
def test_what_there_is_no_room_for_is_refused(asked: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        slots("cuda", **{"gpus": GPUS, **asked})  # type: ignore[arg-type]


LISTED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-11111111-aaaa)
  MIG 3g.20gb     Device  0: (UUID: MIG-22222222-bbbb)
  MIG 3g.20gb     Device  1: (UUID: MIG-33333333-cccc)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-44444444-dddd)
"""


@pytest.mark.parametrize(
    ("said", "count", "names"),
    [
        (None, 2, ["MIG-22222222-bbbb", "MIG-33333333-cccc", "GPU-44444444-dddd"]),
        ("1,0", 2, ["1", "0"]),
        ("0, 7", 1, ["0"]),  # there is no such GPU, where CUDA stops reading
        ("GPU-44444444-dddd", 1, ["GPU-44444444-dddd"]),
        ("MIG-33333333-cccc", 1, ["MIG-33333333-cccc"]),
        ("", 0, []),
    ],
)
def test_gpus_are_those_that_the_process_may_use(
    said: str | None, count: int, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTED}END\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)  # there is no GPU here to be counted
    if said is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", said)
    assert visible_gpus() == names
    program.write_text("#!/bin/sh\nexit 9\n")  # a driver that does not answer
    assert visible_gpus() == (names if said is not None else ["0", "1"])


def test_a_run_has_its_part_of_the_gpu_s_memory_and_alone_its_neighbours_too(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # as a machine would say that has one
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", given.append)
    for entered in ([], slots("cpu", workers=1), slots("cuda", per_gpu=4, gpus=GPUS)[:1]):
        monkeypatch.setattr(module, "_entered", entered)
        limit_memory(alone=False)
        limit_memory(alone=True)
    assert given == [0.23, 0.92]


def test_a_record_of_a_gpu_says_with_how_many_it_was_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_entered", slots("cuda", per_gpu=4, gpus=GPUS)[:1])
    assert sharing("cuda", alone=False) == {"gpu_workers": 4}
    assert sharing("cuda", alone=True) == {"gpu_workers": 1}
    assert sharing("cpu", alone=False) == {}
