"""Cost of many runs: what a forecast, a plan and the state of 100,000 take, whose records nobody trained."""

import json
import subprocess
import sys
from pathlib import Path

from afnetm.zipped import RUN_FILES
from benchmarks.commands.manifests import make_manifest
from benchmarks.plans.runs import plan
from benchmarks.plans.suite import load_suite
from benchmarks.records.home import Home
from scripts.speed.storage import blank_dataset

RUNS, FOLDS = 100_000, 10
METHODS = (
    *("texture", "depth", "twice", "early", "concat", "late", "sum", "product", "max", "afnetm"),
    *("svm", "cross", "mbt", "cbam", "gmu", "lmf", "mmtm", "moddrop", "embracenet", "cma"),
)


def many(folder: Path) -> dict[str, float]:
    """`afnetm run --dry-run`, `afnetm plan` and `afnetm status` of 100,000 finished runs.

    Processor seconds and memory; ``first`` is without an index of the records, which it makes.
    """
    suite = fabricate(Home(folder))
    planning = ("run", str(suite), "--dry-run", "--device", "cpu", "--workers", "1")
    first = cost(folder, *planning)
    return {
        "runs": RUNS,
        "forecast, first, s": first["seconds"],
        **_named("forecast", cost(folder, *planning)),
        **_named("plan", cost(folder, "plan", str(suite), "--workers", "1")),
        **_named("status", cost(folder, "status", str(suite))),
        **_named("status of the home", cost(folder, "status")),
    }


def _named(command: str, spent: dict[str, float]) -> dict[str, float]:
    return {f"{command}, s": spent["seconds"], f"{command}, GiB": spent["memory"]}


def cost(home: Path, *words: str) -> dict[str, float]:
    """Cost of a command of the program: ``seconds`` of processors, ``elapsed`` ones, ``memory`` in GiB.

    Raises:
        subprocess.CalledProcessError: it fails.
    """
    command = [sys.executable, "-m", "benchmarks.cli", "--home", str(home), *words]
    # By a small process, as Linux counts to a new program's peak what its starter had.
    done = subprocess.run([sys.executable, "-c", _MEASURED, *command], check=True, stdout=subprocess.PIPE, text=True)
    elapsed, seconds, memory, code = json.loads(done.stdout)
    if code:
        raise subprocess.CalledProcessError(code, command)
    return {"seconds": seconds, "elapsed": elapsed, "memory": memory / 2**20}


#: Runs a command; prints its seconds, processor seconds, peak memory in KiB and exit status.
_MEASURED = """\
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
elapsed, process.returncode = time.perf_counter() - started, os.waitstatus_to_exitcode(status)
print(json.dumps([elapsed, used.ru_utime + used.ru_stime, used.ru_maxrss, process.returncode]))
"""


def fabricate(home: Home) -> Path:
    """Writes a suite, a blank dataset, and a record of every run, of which nothing but the result has content."""
    dataset = blank_dataset(home.datasets / "blank", size=16)
    path = home.path / "many.toml"
    path.write_text(
        'description = "Runs that nobody trained."\n[dataset]\nname = "blank"\n'
        f"[protocol]\nfolds = {FOLDS}\nrepeats = {RUNS // len(METHODS) // FOLDS}\nsubjects = 60\n"
        + "".join(f"[methods.{name}]\n" for name in METHODS)
    )
    suite = load_suite(str(path))
    planned = plan(suite, dataset, device="cpu")
    make_manifest(suite, dataset, planned).save(home)
    sources = {"afnetm/fusion.py": "0" * 16, "afnetm/model.py": "1" * 16}
    for number, one in enumerate(planned):
        folder = home.run(one.run.key)
        folder.mkdir(parents=True)
        about = {"seconds": 30.0 + number % 7, "test_seconds": 0.5, "finished": 1.7e9 + number, "sources": sources}
        (folder / "result.json").write_text(json.dumps({"key": one.run.key, "accuracy": 0.5, **about}))
        for name in list(RUN_FILES)[1:5]:
            (folder / name).touch()
    return path
