"""The quick suite as a user runs it, cold and again, and what of it MLflow takes."""

import json
import subprocess
import sys
import time
from pathlib import Path


def quick_suite(home: Path, *, device: str) -> dict[str, float]:
    """Wall-clock seconds of `afnetm run quick` in a new home and once more, and what it found."""
    command = [sys.executable, "-m", "benchmarks.cli", "--home", str(home), "run", "quick", "--device", device]
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    results = [json.loads(path.read_text()) for path in home.glob("runs/*/*/result.json")]
    accuracies = {
        f"accuracy of {name}": sum(r["accuracy"] for r in results if r["method"] == name)
        / sum(r["method"] == name for r in results)
        for name in sorted({r["method"] for r in results})
    }
    return {
        "first run, s": seconds[0],
        "again, s": seconds[1],
        "runs": len(results),
        "training, s summed over runs": sum(r["seconds"] for r in results),
        **accuracies,
    }


def tracking(home: Path) -> dict[str, float]:
    """Cost of copying every record of the quick suite to a new MLflow database, against the training's time.

    In a process of its own, and of that process all but the start of Python: importing MLflow and making the database,
    which a run pays once, and then the runs, which it pays each.
    """
    script = (
        "import json, sys, time\n"
        "from pathlib import Path\n"
        "from benchmarks.records.home import Home\n"
        "from benchmarks.records.manifest import read_manifest\n"
        "times = [time.process_time()]\n"
        "from benchmarks.execution.tracking import Tracker\n"
        "home = Home(Path(sys.argv[1]))\n"
        "manifest = read_manifest(home, 'quick')\n"
        "tracker = Tracker(f'sqlite:///{home.path}/again.db', home, manifest)\n"
        "times.append(time.process_time())\n"
        "logged = tracker.log(manifest.runs)\n"
        "tracker.close()\n"
        "times.append(time.process_time())\n"
        "print(json.dumps([times[1] - times[0], times[2] - times[1], logged]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, home], check=True, capture_output=True, text=True)
    once, runs, logged = json.loads(done.stdout.splitlines()[-1])
    training = sum(json.loads(path.read_text())["seconds"] for path in home.glob("runs/*/*/result.json"))
    return {
        "import and new database, CPU s": once,
        "one run, CPU ms": 1000 * runs / logged,
        "runs over training time": runs / training,
        "all over training time": (once + runs) / training,
    }
