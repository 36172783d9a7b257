"""Cost of a run beside its training and test, as a worker pays it: its start, and what it does around each run."""

import json
import subprocess
import sys
from pathlib import Path

#: A worker's life in the suite quick, every training of its first two folds, in a process of its own.
_LIFE = """\
import json, sys, time
from pathlib import Path
from afnetm.training.process import prepare_process
from benchmarks.execution import executing
from benchmarks.plans.runs import plan
from benchmarks.plans.suite import load_suite
from afnetm.data.dataset import open_dataset
from benchmarks.records.home import Home
from benchmarks.records.store import Store
prepare_process()
started = time.process_time()
home, suite = Home(Path(sys.argv[1])), load_suite("quick")
todo = plan(suite, open_dataset(home.datasets / suite.dataset.name), device=sys.argv[2])[: 2 * len(suite.methods)]
clock = time.process_time if sys.argv[2] == "cpu" else time.perf_counter
begun = clock()
for one in todo:
    executing.execute(one, home)
ended = clock()
results = [Store(home).result(one.run.key) for one in todo]
print(json.dumps([started, ended - begun, sum(r["seconds"] + r["test_seconds"] for r in results), len(todo)]))
"""


def run(made: Path, home: Path, *, device: str) -> dict[str, float]:
    """Seconds of a worker's start and of what is no training or test, against those of trainings and tests.

    Args:
        made: a home with the dataset of the suite quick.
        home: a new one, for the records.
        device: ``"cpu"``, whose processor time is counted, or ``"cuda"``, where it is the wall clock's.
    """
    home.mkdir()
    (home / "datasets").symlink_to((made / "datasets").resolve())
    done = subprocess.run([sys.executable, "-c", _LIFE, home, device], check=True, capture_output=True, text=True)
    start, whole, training, runs = json.loads(done.stdout.splitlines()[-1])
    return {
        "runs": runs,
        "a worker's start, CPU s": start,
        "a run, s": whole / runs,
        "its own cost, ms": 1000 * (whole - training) / runs,
        "own cost over a run": (whole - training) / whole,
        "with the start over both": (start + whole - training) / (start + whole),
    }
