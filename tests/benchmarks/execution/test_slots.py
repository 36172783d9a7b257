"""Slots, by pretended GPUs: what a worker's process begins with is its environment, which needs none."""

import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from benchmarks.execution.slots import Slot, slots, this_slot, visible_gpus
from benchmarks.execution.workers import Failure, Worker
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import parse_suite
from benchmarks.records.home import Home

TABLES = {"description": "a test", "dataset": {"name": "learnable"}, "methods": {"texture": {}}}
GPUS = ["GPU-aaaa", "GPU-bbbb"]


@pytest.fixture
def planned(learnable: FaceDataset) -> PlannedRun:
    suite = parse_suite(TABLES | {"protocol": {"folds": 2}}, name="s", text="", file="s.toml")
    return plan(suite, learnable, device="cpu")[0]


def reported(planned: PlannedRun, home: Home) -> None:
    """Writes what this process began with, and what it has now."""
    begun = Path("/proc/self/environ").read_bytes().decode().split("\0")
    slot = this_slot()
    lines = [next((line for line in begun if line.startswith("CUDA_VISIBLE_DEVICES=")), "")]
    lines += [os.environ.get("CUDA_VISIBLE_DEVICES", ""), os.environ["WHERE"], slot.name, str(slot.sharing)]
    (home.path / f"{os.getpid()}").write_text("\n".join(lines))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_s_process_begins_with_its_gpu_alone(
    planned: PlannedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE", "from the driver")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    workers = [Worker(slot) for slot in slots("cuda", per_gpu=1, gpus=GPUS)]
    try:
        for future in [worker.submit(planned, Home(tmp_path), reported) for worker in workers]:
            assert isinstance(future.result(), float)
        assert "CUDA_VISIBLE_DEVICES" not in os.environ, "the driver's own environment is as it was"
    finally:
        for worker in workers:
            worker.end()
    found = sorted(path.read_text().splitlines() for path in tmp_path.iterdir())
    assert found == [[f"CUDA_VISIBLE_DEVICES={gpu}", gpu, "from the driver", f"{gpu}, worker 1", "1"] for gpu in GPUS]


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


def breaks(planned: PlannedRun, home: Home) -> None:
    """Raises what torch raises of a GPU that this process can no longer use, wrapped as a method may wrap it."""
    try:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    except RuntimeError as error:
        raise ValueError("the loss cannot be computed") from error


def test_a_process_whose_gpu_is_lost_meets_no_other_run(planned: PlannedRun, tmp_path: Path) -> None:
    worker, home = Worker(Slot()), Home(tmp_path)

    def worked_by() -> str:
        future = worker.submit(planned, home, process)
        future.result()
        assert not worker.lost(future)
        return (tmp_path / "process").read_text()

    try:
        first = worked_by()
        assert worked_by() == first, "a process that is well is kept"
        broken = worker.submit(planned, home, breaks)
        failed = broken.result()
        assert isinstance(failed, Failure)
        assert failed.reason == "ValueError: the loss cannot be computed"
        assert worker.lost(broken)
        assert worked_by() != first
    finally:
        worker.end()


def process(planned: PlannedRun, home: Home) -> None:
    """Tells its process."""
    (home.path / "process").write_text(str(os.getpid()))
