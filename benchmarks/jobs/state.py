"""The state of a suite: what of it is done, failed and left in a home."""

from dataclasses import dataclass

from afnetm.errors import UserError
from benchmarks.plans.suite_files import read_suite_file
from benchmarks.records.home import Home
from benchmarks.records.ledger import read_ledger
from benchmarks.records.store import Store


@dataclass(frozen=True)
class State:
    """The state of a suite.

    Attributes:
        suite: its name.
        counts: units ``done``, ``failed`` and ``left``.
        failures: reasons by unit.
        bytes: what the records take on disk.
        changed: whether the suite's file is not what was run last; the counts are of what was run.
    """

    suite: str
    counts: dict[str, int]
    failures: dict[str, str]
    bytes: int
    changed: bool = False


def suite_state(reference: str, home: Home) -> State:
    """The state of the suite called `reference`: as it was last run, or as its file says if it never was."""
    try:
        ledger = read_ledger(home, reference)
    except UserError:
        from benchmarks.plans.suite import load_suite  # torch

        suite = load_suite(reference)
        total = suite.protocol.folds * suite.protocol.repeats * len(suite.methods)
        return State(suite.name, {"done": 0, "failed": 0, "left": total}, {}, 0)
    store = Store(home)
    done, failed = store.done(), store.failed()
    units = {entry.key: f"{entry.method} {entry.repeat}-{entry.fold}" for entry in ledger.units}
    bad = [key for key in units if key in failed and key not in done]
    good = [key for key in units if key in done]
    counts = {"done": len(good), "failed": len(bad), "left": len(units) - len(good) - len(bad)}
    reasons = {units[key]: store.failure(key)["reason"] for key in bad}
    return State(ledger.suite, counts, reasons, store.size(good), _changed(reference, ledger.text))


def _changed(reference: str, text: str) -> bool:
    try:
        return read_suite_file(reference)[1] != text
    except UserError:  # the file is gone, or was named from another folder; its records are still there
        return False
