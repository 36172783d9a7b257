"""Cost of a search beside its trainings: asking, telling, the studies' records and their copies in MLflow."""

import json
import subprocess
import sys
from pathlib import Path

#: Two methods on the quick suite's people, half of whom are tuned on; 48 trainings at most.
_SUITE = """\
description = "Two methods, searched, to see what the search itself costs."
[dataset]
name = "synthetic-quick"
synthetic = { subjects = 40, intensities = [3, 4], size = 64, seed = 0 }
[protocol]
folds = 2
subjects = 20
[search]
trials = 8
selection = "development"
pruner = "none"
[encoder]
name = "resnet18"
width = 0.25
[training]
epochs = 20
batch_size = 16
learning_rate = 4e-3
[methods.concat]
[methods.afnetm]
"""

#: The same search once more in a new journal: every run has a record, so that what is left is the search's own.
_AGAIN = """\
import json, sys, time
from pathlib import Path
from benchmarks.commands import comparing
from benchmarks.commands.job import prepare
from benchmarks.commands.request import Options, ask
from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving
from benchmarks.terminal.console import Terminal
home, quiet = Home(Path(sys.argv[1])), Terminal(quiet=True)
home.journal.unlink()
job = prepare(ask(sys.argv[2], Options(home=home, workers=1, device=sys.argv[3])), quiet)
uri = f"sqlite:///{home.path}/searched.db"
times = [time.process_time()]
from benchmarks.commands.manifests import make_manifest
from benchmarks.execution.tracking import Tracker
Tracker(uri, home, make_manifest(job.suite, job.dataset, []))
times.append(time.process_time())
with driving(home) as claims:
    tuned = comparing.tune(job, claims, storage_url=None, tracking_uri=uri, console=quiet).tuned
times.append(time.process_time())
studies = tuned.record["studies"]
trials = sum(study["complete"] for study in studies)
print(json.dumps([times[1] - times[0], times[2] - times[1], trials, sum(study["seconds"] for study in studies)]))
"""


def overhead(home: Path, *, device: str) -> dict[str, float]:
    """The driver's processor time in a search whose runs are all on record, against the time that they took."""
    suite = home / "overhead.toml"
    suite.write_text(_SUITE)
    command = [sys.executable, "-m", "benchmarks.cli", "--home", str(home), "search", str(suite), "--device", device]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    again = [sys.executable, "-c", _AGAIN, str(home), str(suite), device]
    done = subprocess.run(again, check=True, capture_output=True, text=True)
    once, search, trials, training = json.loads(done.stdout.splitlines()[-1])
    return {
        "trials": trials,
        "trainings, s summed": training,
        "import of MLflow and new database, CPU s": once,
        "asking, telling, records, CPU ms a trial": 1000 * search / trials,
        "search over training time": search / training,
        "all over training time": (once + search) / training,
    }
