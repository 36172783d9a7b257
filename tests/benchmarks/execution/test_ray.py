"""Runs in a Ray cluster of two machines, which are this one: real actors, real trainings; machines and processes die.

They take a minute or two: `nox -s faults`. What is said where there is no cluster is in tests/benchmarks/cli.
"""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.errors import UserError
from afnetm.zipped import run_files
from benchmarks.commands.machines import machines
from benchmarks.commands.request import Options
from benchmarks.execution.driver import drive, execute
from benchmarks.execution.slots import slots_elsewhere, this_slot
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import parse_suite
from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving
from benchmarks.records.store import Store, files_of
from benchmarks.terminal.console import Terminal
from tests.benchmarks.conftest import SEARCHED, Afnetm, command
from tests.benchmarks.execution import test_driver
from tests.benchmarks.execution.test_driver import Listed, tries, work
from tests.benchmarks.found import assert_same, runs_done
from tests.waiting import until

# Ray's own modules warn of what they import.
pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("default")]

ROOT = Path(__file__).parents[3]
TABLES = {
    "description": "a test",
    "dataset": {"name": "tiny"},
    "protocol": {"folds": 3},
    "encoder": {"width": 0.25},
    "training": {"epochs": 2, "batch_size": 8},
    "methods": {"concat": {}, "svm": {}},
}


class Machines:
    """A cluster whose machines come and go."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.address: str = cluster.address
        self.second = self.add(num_cpus=1)

    def add(self, **has: int) -> Any:
        """Adds a machine; afterwards Ray knows that it is there, and that those removed before are gone."""
        node = self._cluster.add_node(**has)
        self._cluster.wait_for_nodes(timeout=60)
        return node

    def remove(self, node: Any) -> None:
        self._cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Machines]:
    """A head and another machine with a core each, which ask for a token and listen on the loopback interface."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_health_check_period_ms", "1000")  # a machine that is gone is known to be sooner
        patch.setenv("RAY_worker_niceness", "0")  # else whatever runs beside the tests comes first
        # As where a scheduler has said it before: Ray then leaves the GPUs that a process sees as they are.
        patch.setenv("RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES", "1")
        # Ray writes a cluster's address to a folder that only some other Ray of this machine has made.
        folder = tempfile.mkdtemp(prefix="afnetm-", dir="/tmp")  # short, as names of sockets have to be
        patch.setenv("RAY_TMPDIR", folder)
        Path(folder, "ray").mkdir()
        from ray import cloudpickle
        from ray.cluster_utils import Cluster

        for module in (test_driver, sys.modules[__name__]):  # no modules that an actor could import
            cloudpickle.register_pickle_by_value(module)
        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            yield Machines(started)
        finally:
            started.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dataset(home: Path) -> FaceDataset:
    return open_dataset(home / "datasets" / "tiny")


@pytest.fixture
def runs(dataset: FaceDataset) -> list[PlannedRun]:
    return plan(parse_suite(TABLES, name="s", text="", file="s.toml"), dataset, device="cpu")


def options(home: Path, cluster: Machines, **more: Any) -> Options:
    return Options(home=Home(home), executor="ray", ray_address=cluster.address, device="cpu", **more)


def done_by(cluster: Machines, listed: Listed, home: Path, dataset: FaceDataset, **how: Any) -> list[str]:
    """Has all that is listed done by the cluster; returns what was said meanwhile."""
    said: list[str] = []
    with machines(options(home, cluster), Terminal(quiet=True)) as found, driving(Home(home)) as claims:
        workers = found.begin(Home(home), dataset, said.append)
        assert len(workers) == 2
        drive(listed, Home(home), claims, workers=workers, **how)
    assert not list(home.glob(".reached-*"))
    return said


def test_where_the_home_is_not_shared_the_same_is_computed(
    cluster: Machines, runs: list[PlannedRun], home: Path, dataset: FaceDataset, tmp_path: Path
) -> None:
    here = {run.run.key: execute(run, Home(home)) for run in runs[:4]}

    class Unshared(Listed):
        def pull(self) -> PlannedRun | None:
            for probe in home.glob(".reached-*"):
                probe.unlink()
            return super().pull()

    shutil.rmtree(home / "datasets")  # what is open of it here stays, and goes to the machines
    listed = Unshared(["one", "two", "three", "four"], runs)
    done_by(cluster, listed, home, dataset)
    store = Store(Home(home))
    assert store.done() == set(here)
    for key, record in here.items():
        assert record is not None
        there = {file.name: file.read_bytes() for file in run_files(store.folder(key))}
        wanted = files_of(record)
        results = [json.loads(files.pop("result.json")) for files in (there, wanted)]
        assert there == wanted
        for result in results:
            for measured in ("finished", "seconds", "test_seconds"):
                assert result.pop(measured) > 0
            result.pop("usage", None)  # of what took long enough to be looked at
        assert results[0] == results[1]


def test_a_worker_that_dies_costs_its_own_run_alone(
    cluster: Machines, runs: list[PlannedRun], home: Path, dataset: FaceDataset, capfd: pytest.CaptureFixture[str]
) -> None:
    labels = ["fine 1", "dies 1", "once 1", "tight 1", "raises 1", "fine 2"]
    listed = Listed(labels, runs)
    done_by(cluster, listed, home, dataset, work=work)
    ended = listed.ended
    assert {label for label, one in ended.items() if one.reason is None} == {"fine 1", "fine 2", "once 1", "tight 1"}
    assert "the worker process died, also when it was retried alone" in (ended["dies 1"].reason or "")
    assert ended["raises 1"].reason == "UntransportableError: paint and brush"
    counts = Counter(label for label, *_ in tries(home))
    assert {label for label, count in counts.items() if count == 2} == {"dies 1", "once 1", "tight 1"}
    assert sorted(counts) == sorted(labels)
    assert max(counts.values()) == 2
    assert capfd.readouterr().out == "", "Ray says nothing to standard output"


def wait_for_go(planned: PlannedRun, home: Home) -> None:
    """Says that it has begun, and in which process, and ends when it may."""
    with (home.path / f"{planned.label}.begun").open("a") as begun:
        begun.write(f"{os.getpid()}\n")
    while not (home.path / "go").exists():
        time.sleep(0.05)


def begun(home: Path) -> list[list[int]]:
    """The processes in which each has begun."""
    return [[int(pid) for pid in path.read_text().split()] for path in home.glob("*.begun")]


def test_a_machine_that_is_gone_costs_its_run_nothing_but_time(
    cluster: Machines, runs: list[PlannedRun], home: Path, dataset: FaceDataset
) -> None:
    class Removing(Listed):
        removed = False

        def pull(self) -> PlannedRun | None:
            found = super().pull()
            if found is not None and found.label == "two":
                Thread(target=self.remove).start()
            return found

        def remove(self) -> None:
            until(lambda: all(begun(home)) and len(begun(home)) == 2, "both begun")
            cluster.remove(cluster.second)
            until(lambda: not all(psutil.pid_exists(pid) for (pid,) in begun(home)), "one ended")
            (home / "go").touch()

    listed = Removing(["one", "two", "three"], runs)
    try:
        done_by(cluster, listed, home, dataset, work=wait_for_go)
    finally:
        cluster.second = cluster.add(num_cpus=1)
    assert {label: one.reason for label, one in listed.ended.items()} == dict.fromkeys(["one", "two", "three"])
    assert sorted(map(len, begun(home))) == [1, 1, 2]
    assert not Store(Home(home)).failed()


def test_what_a_cluster_lacks_is_said_in_a_line(
    cluster: Machines, home: Path, dataset: FaceDataset, runs: list[PlannedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Terminal(quiet=True)
    began = time.monotonic()
    lacking = replace(options(home, cluster), device="cuda")
    no_gpu = r"'cuda' is not available; the Ray cluster has no GPU .*2 machines, 2 cores"
    with pytest.raises(UserError, match=no_gpu), machines(lacking, console):
        pass
    assert time.monotonic() - began < 30
    other = {"torch": "1.0", "commit": "unknown"}
    monkeypatch.setattr("benchmarks.execution.ray_executor.versions", lambda: other)
    with pytest.raises(UserError, match=r"127.0.0.1: torch 2\S+ \(1.0 here\); install the same on every machine"):
        done_by(cluster, Listed(["one"], runs), home, dataset)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    ask = command(home, "run", "quick", "--executor", "ray", "--ray-address", cluster.address)
    done = subprocess.run(ask, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "cannot be joined" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_driver_killed_and_resumed_equals_uninterrupted(
    cluster: Machines,
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]],
    home: Path,
    afnetm: Afnetm,
) -> None:
    by_ray = ["run", str(finished[1]), "--executor", "ray", "--ray-address", cluster.address]
    process = subprocess.Popen(command(home, *by_ray), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: runs_done(home) > 1 or process.poll() is not None, "two runs")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 1 < runs_done(home) < 6
    afnetm(home, *by_ray, drawn=False)
    assert_same(finished[0], home)


def test_a_search_is_trained_by_the_cluster(cluster: Machines, home: Path, tmp_path: Path, afnetm: Afnetm) -> None:
    suite = tmp_path / "tuned.toml"
    suite.write_text(SEARCHED.replace("trials = 8", "trials = 2"))
    done = afnetm(home, "search", str(suite), "--executor", "ray", "--ray-address", cluster.address)
    assert "best parameters:" in done.stdout
    assert runs_done(home) >= 4
    assert not Store(Home(home)).failed()


def said_of(processes: list[psutil.Process]) -> str:
    """The command lines of those that are still there."""
    words = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            words += process.cmdline()
    return " ".join(words)


def test_ray_of_this_machine_alone_ends_with_ctrl_c_and_leaves_nothing(home: Path, suite: Path, tmp_path: Path) -> None:
    """Nothing listens beyond this machine, no token is kept, no process and no half-written record is left."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    process = subprocess.Popen(
        command(home, "run", str(suite), "--executor", "ray", "--workers", "2", "--set", "training.epochs=400"),
        env=alone | {"HOME": str(tmp_path / "me")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        mine = psutil.Process(process.pid)
        until(lambda: "ray::Actor.run" in said_of(mine.children(recursive=True)), "a worker")
        everyone = mine.children(recursive=True)
        heard = [c.laddr.ip for one in [mine, *everyone] for c in one.net_connections("inet") if c.status == "LISTEN"]
        assert heard
        assert {ip.removeprefix("::ffff:") for ip in heard} == {"127.0.0.1"}
        (folder,) = set(re.findall(r"/tmp/afnetm-ray-\w+", said_of(everyone)))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == ""
    assert "stopped; finished runs are kept" in err
    assert "Traceback" not in err
    _, alive = psutil.wait_procs(everyone, timeout=30)
    assert not alive
    assert not (tmp_path / "me" / ".ray").exists(), "its token is nowhere"
    assert not Path(folder).exists()
    store = Store(Home(home))
    assert all(store.result(key)["accuracy"] >= 0 for key in store.done())
    assert not [path for path in (home / "unfinished").rglob("*") if path.is_file()]


def test_the_script_of_the_documentation_runs(home: Path, suite: Path, tmp_path: Path) -> None:
    """As far as one machine goes: a head that asks for a token, a run on it, and nothing left of either."""
    (script,) = re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "ray.md").read_text(), re.DOTALL)
    (tmp_path / "ray-cluster.sh").write_text(script)
    (tmp_path / "me").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    own |= {"HOME": str(tmp_path / "me"), "AFNETM_HOME": str(home), "RAY_HEAD": "127.0.0.1", "RAY_PORT": str(port)}
    own |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_worker_niceness": "0"}
    own |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    words = ["bash", "ray-cluster.sh", str(suite), "--", "--methods", "texture"]
    done = subprocess.run(words, cwd=tmp_path, env=own, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert runs_done(home) == 3
    token = tmp_path / "me" / ".ray" / "auth_token"
    assert token.stat().st_mode & 0o077 == 0
    assert not [path for path in home.rglob("*") if path.is_file() and token.read_bytes() in path.read_bytes()]
    with socket.socket() as left:
        assert left.connect_ex(("127.0.0.1", port)) != 0


def tell_slot(planned: PlannedRun, home: Home) -> None:
    slot = this_slot()
    told = f"{os.environ['CUDA_VISIBLE_DEVICES']} {slot.sharing} {slot.memory_fraction} {os.getpid()}"
    (home.path / planned.label).write_text(told)
    until(lambda: len(list(home.path.glob("gpu *"))) == 4, "four begun")


def test_each_worker_has_its_share_of_one_gpu(
    cluster: Machines, runs: list[PlannedRun], home: Path, dataset: FaceDataset
) -> None:
    from benchmarks.execution.ray_cluster import joined
    from benchmarks.execution.ray_executor import RayWorkers

    node = cluster.add(num_cpus=0, num_gpus=2)  # Ray believes it
    try:
        with joined(cluster.address) as there, driving(Home(home)) as claims:
            assert (there.cores, there.gpus) == (2, 2)
            pool = RayWorkers(slots_elsewhere("cuda", 4, per_gpu=2), Home(home), dataset)
            listed = Listed([f"gpu {n}" for n in range(4)], runs)
            drive(listed, Home(home), claims, workers=[pool] * 4, work=tell_slot)
    finally:
        cluster.remove(node)
    told = [path.read_text().split() for path in home.glob("gpu *")]
    assert sorted(gpu for gpu, *_ in told) == ["0", "0", "1", "1"]
    assert {(sharing, fraction) for _, sharing, fraction, _ in told} == {("2", "0.46")}
    assert len({pid for *_, pid in told}) == 4
