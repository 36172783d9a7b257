"""Why a run failed, for people: a line that names the place in the method's own file, and a text with all of it."""

import traceback
from datetime import UTC, datetime

from afnetm.blame import error_message
from afnetm.errors import UserError
from afnetm.registry import find_method
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.provenance import provenance


def reason(error: BaseException, planned: PlannedRun) -> str:
    """``ValueError: odd width (baselines/mine.py:51)``."""
    try:
        module = find_method(planned.run.method).__module__
    except UserError:  # it cannot be loaded here, which is what `error` says
        module = ""
    return error_message(error, module)


def report(what: BaseException | str, planned: PlannedRun) -> str:
    """A text file's content: which run, when, with which versions; then the traceback, or the words in place of one."""
    run = planned.run
    made_with = provenance()
    versions = ", ".join(f"{name} {version}" for name, version in made_with["versions"].items())
    about = {
        "method": f"{planned.label} ({run.method}, version {run.version})",
        "run": f"repeat {run.repeat}, fold {run.fold}" + (f", inner {run.inner}" if run.inner else ""),
        "settings": f"{run.hyperparameters}",
        "key": run.key,
        "time": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "device": f"{run.device}, {made_with['hardware']}",
        "versions": versions,
        "commit": made_with["commit"],
    }
    head = "\n".join(f"{name + ':':<10} {value}" for name, value in about.items())
    body = what if isinstance(what, str) else "".join(traceback.format_exception(what))
    return f"{head}\n\n{body.rstrip()}\n"
