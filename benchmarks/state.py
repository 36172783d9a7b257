"""The state of a suite: what of it is done, failed and left in a home."""

from dataclasses import dataclass

from benchmarks.home import Home
from benchmarks.ledger import read_ledger
from benchmarks.store import Store


@dataclass(frozen=True)
class State:
    """Counts of units (done, failed, left), reasons of failures by unit, and bytes on disk."""

    suite: str
    counts: dict[str, int]
    failures: dict[str, str]
    bytes: int


def suite_state(reference: str, home: Home) -> State:
    """The state of the suite called `reference`: as it was last run, or as its file says if it never was."""
    store = Store(home)
    done, failed = store.done(), store.failed()
    try_ledger = (home.suites / f"{reference.rsplit('/', 1)[-1].removesuffix('.toml')}.json").is_file()
    if not try_ledger:
        from benchmarks.suite import load_suite

        suite = load_suite(reference)
        total = suite.protocol.folds * suite.protocol.repeats * len(suite.methods)
        return State(suite.name, {"done": 0, "failed": 0, "left": total}, {}, 0)
    ledger = read_ledger(home, reference)
    units = {entry.key: f"{entry.method} {entry.repeat}-{entry.fold}" for entry in ledger.units}
    bad = [key for key in units if key in failed and key not in done]
    good = [key for key in units if key in done]
    counts = {"done": len(good), "failed": len(bad), "left": len(units) - len(good) - len(bad)}
    return State(ledger.suite, counts, {units[k]: store.failure(k)["reason"] for k in bad}, store.size(good))
