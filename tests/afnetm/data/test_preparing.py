import errno
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import psutil
import pytest

from afnetm.data import preparing
from afnetm.data.dataset import check_dataset
from afnetm.data.preparing import disk_need, prepare_dataset
from afnetm.errors import UserError

FILES = ("texture.npy", "depth.npy", "planes.npy", "scans.csv", "rejected.csv")
ROOT = Path(__file__).parents[3]
#: One scan of 18 is rejected, so that the others close up when all are rendered.
BROKEN = ("s000_disgust",)
#: Prepares analytic faces and dies at a moment: after so many scans, at the nth writing of maps, which writes something
#: else, or while the dataset is finished. With several workers it prints their process ids first.
KILLED = """
import os, psutil, signal, sys
from dataclasses import replace
from pathlib import Path
from afnetm.data import dataset_files, preparing
from tests.afnetm.data.conftest import AnalyticSource
directory, workers, moment = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
written, write_maps = 0, preparing.write_maps
def die(*_, **__):
    children = psutil.Process().children(recursive=True)
    print(*(c.pid for c in children if "resource_tracker" not in " ".join(c.cmdline())), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
def write(folder, row, maps):
    global written
    written += 1
    if moment == f"write {written}":
        write_maps(folder, row, replace(maps, texture=255 - maps.texture, depth=maps.depth + 1))
        die()
    write_maps(folder, row, maps)
if __name__ == "__main__":
    preparing.write_maps = write
    if moment == "finish": dataset_files.file_sha256 = die
    progress = lambda done, total: die() if str(done) == moment else None
    source = AnalyticSource(3, broken=("s000_disgust",))
    preparing.prepare_dataset(directory, source, size=32, workers=workers, progress=progress)
"""


def _killed(directory, *, workers, moment):
    """Runs `KILLED` and returns its workers' process ids."""
    command = [sys.executable, "-c", KILLED, directory, str(workers), moment]
    child = subprocess.run(command, check=False, capture_output=True, cwd=ROOT, timeout=60)  # workers hold its output
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    return [int(word) for word in child.stdout.split()]


def _bytes(directory):
    return {name: (directory / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def whole(analytic_source, tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole") / "faces"
    prepare_dataset(directory, analytic_source(3, broken=BROKEN), size=32, workers=1)
    return directory


@pytest.mark.parametrize(
    ("moment", "kept"), [("write 3", 0), ("8", 8), ("write 18", 18), ("write 20", 18), ("finish", 18)]
)
def test_killed_at_any_moment_it_resumes_to_the_same_bytes(whole, analytic_source, tmp_path, moment, kept):
    directory = tmp_path / "faces"
    _killed(directory, workers=1, moment=moment)
    assert not directory.exists()
    with (tmp_path / ".faces.partial" / "record.jsonl").open("a") as record:
        record.write('{"id": "s00')  # a line that was being written
    seen = []
    source = analytic_source(3, broken=BROKEN)
    prepare_dataset(directory, source, size=32, workers=1, progress=lambda *done: seen.append(done))
    assert seen[0] == (kept, 18)
    assert _bytes(directory) == _bytes(whole)
    assert os.listdir(tmp_path) == ["faces"]


@pytest.mark.parametrize("change", ["size", "source", "rendering"])
def test_rows_of_another_plan_are_not_used(analytic_source, tmp_path, monkeypatch, change):
    directory = tmp_path / "faces"

    def stop(done, total):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_dataset(directory, analytic_source(2), size=32, workers=1, progress=stop)
    if change == "rendering":
        monkeypatch.setattr(preparing, "RENDERING_VERSION", preparing.RENDERING_VERSION + 1)
    source, size = analytic_source(3 if change == "source" else 2), 48 if change == "size" else 32
    seen = []
    dataset = prepare_dataset(directory, source, size=size, workers=1, progress=lambda *done: seen.append(done))
    assert seen[0][0] == 0
    assert dataset.texture.shape == (len(source.ids()), 3, size, size)


def test_workers_die_with_their_parent_and_others_finish_the_same_bytes(whole, analytic_source, tmp_path):
    directory = tmp_path / "faces"
    workers = _killed(directory, workers=2, moment="8")
    assert len(workers) in (2, 3), "two, and the server that they are forked from, if there is one"
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in workers if psutil.pid_exists(pid)], timeout=30)
    assert not alive
    source = analytic_source(3, broken=BROKEN)
    assert prepare_dataset(directory, source, size=32, workers=2).source == source.describe()
    assert _bytes(directory) == _bytes(whole)


def test_scans_that_cannot_be_rendered_are_left_out_and_listed(analytic_source, tmp_path):
    broken = ("s000_anger", "s001_fear")
    dataset = prepare_dataset(tmp_path / "faces", analytic_source(2, broken=broken), size=32, workers=1)
    assert len(dataset.table) == 10
    assert dataset.rejected == 2
    assert not set(broken) & set(dataset.table["id"])
    check_dataset(tmp_path / "faces")
    listed = (tmp_path / "faces" / "rejected.csv").read_text().splitlines()
    assert listed == ["id,reason", *(f"{name},scan {name}: its mesh has no faces" for name in broken)]


def test_a_task_without_any_scan_left_is_no_trouble(analytic_source, tmp_path):
    source = analytic_source(3)
    broken = tuple(source.ids()[8:16])
    dataset = prepare_dataset(tmp_path / "faces", analytic_source(3, broken=broken), size=32, workers=1)
    assert dataset.table["id"].tolist() == [name for name in source.ids() if name not in broken]
    check_dataset(tmp_path / "faces")


def test_no_scan_at_all_is_an_error_with_its_reason(analytic_source, tmp_path):
    broken = tuple(analytic_source(1).ids())
    with pytest.raises(
        UserError, match="none of 6 scans can be rendered; first scan s000_anger: its mesh has no faces"
    ):
        prepare_dataset(tmp_path / "faces", analytic_source(1, broken=broken), size=32, workers=1)
    assert not (tmp_path / "faces").exists()


def test_the_fingerprint_is_of_the_content_alone(analytic_source, whole, tmp_path):
    source = analytic_source(3, broken=BROKEN)
    again = prepare_dataset(tmp_path / "another", source, size=32, workers=1)
    assert again.name == "another"
    assert again.fingerprint == check_dataset(whole).fingerprint
    other = prepare_dataset(tmp_path / "bigger", source, size=33, workers=1)
    assert other.fingerprint != again.fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, r"workers: 0 \(allowed: 1 or more\)"),
        ({"size": 8}, r"size: 8 pixels \(allowed: 16 to 1024\)"),
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_written(analytic_source, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        prepare_dataset(tmp_path / "faces", analytic_source(1), **({"size": 32, "workers": 1} | options))
    assert not os.listdir(tmp_path)


def test_a_dataset_is_never_overwritten(analytic_source, whole):
    before = _bytes(whole)
    with pytest.raises(UserError, match="exists already"):
        prepare_dataset(whole, analytic_source(1), size=32, workers=1)
    assert _bytes(whole) == before


def test_too_little_disk_is_said_before_it_starts(analytic_source, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    need = disk_need(scans=6, size=64)
    assert need >= 6 * 64 * 64 * 6
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, need - 1))
    with pytest.raises(UserError, match=r"dataset faces: \d+ MB of disk are needed, \d+ are free"):
        prepare_dataset(tmp_path / "faces", analytic_source(1), size=64, workers=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, need))
    prepare_dataset(tmp_path / "faces", analytic_source(1), size=64, workers=1)


def test_two_at_once_do_not_mix(analytic_source, tmp_path):
    def second(done, total):
        with pytest.raises(UserError, match="dataset faces: another process is making it"):
            prepare_dataset(tmp_path / "faces", analytic_source(1), size=32, workers=1)

    prepare_dataset(tmp_path / "faces", analytic_source(1), size=32, workers=1, progress=second)


@pytest.mark.parametrize(
    ("number", "why"),
    [(errno.EACCES, "permission denied"), (errno.EROFS, "read-only file system"), (errno.ENOSPC, "the disk is full")],
)
def test_a_disk_that_cannot_be_written_is_named(analytic_source, tmp_path, monkeypatch, number, why):
    def refuse(self, **options):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(UserError, match=rf"dataset faces: .* cannot be written: {why}$"):
        prepare_dataset(tmp_path / "faces", analytic_source(1), size=32, workers=1)


def test_a_disk_that_is_full_half_way_is_one_line_and_it_resumes_on_more(analytic_source, tmp_path, monkeypatch):
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be made by root only")
    try:
        monkeypatch.setattr(preparing, "disk_need", lambda **_: 0)
        with pytest.raises(UserError, match=r"dataset faces: .* cannot be written: the disk is full$"):
            prepare_dataset(tmp_path / "faces", analytic_source(3), size=64, workers=1)
        assert not (tmp_path / "faces").exists()
        subprocess.run(["mount", "-o", "remount,size=1m", tmp_path], check=True)
        seen = []
        prepare_dataset(tmp_path / "faces", analytic_source(3), size=64, workers=1, progress=lambda *d: seen.append(d))
        assert seen[0] == (8, 18)
        check_dataset(tmp_path / "faces")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_nuisance_levels_come_back_to_the_last_bit(analytic_source, tmp_path):
    dataset = prepare_dataset(tmp_path / "faces", analytic_source(2), size=32, workers=1)
    levels = dataset.table["nuisance_noise_mm"].to_numpy()
    expected = [analytic_source(2).load(name).nuisance["noise_mm"] for name in dataset.table["id"]]
    np.testing.assert_array_equal(levels, expected)
