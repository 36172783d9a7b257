"""Plan of a suite: its runs left, and how long they take on this machine or on so many GPUs, by recorded times.

Times are those of one device, never of several: of a run on a GPU that workers shared, its part of them. Of ``n``
recorded times of a method with mean ``m`` and standard deviation ``s``, ``k`` runs left take ``k m``, and with 95 %
probability that plus or minus ``t s sqrt(k^2 / n + k)``: the mean is itself uncertain, and so is each run (``t`` is
Student's with ``n - 1`` degrees of freedom). Methods' halves add as squares.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.stats import t

from afnetm.errors import UserError
from benchmarks.commands.forecast import search_share, trials_of
from benchmarks.commands.job import Job
from benchmarks.commands.request import Request
from benchmarks.plans.datasets import how_to_make
from benchmarks.plans.runs import plan as planned_runs
from benchmarks.records.index import Summary
from benchmarks.records.provenance import provenance
from benchmarks.records.store import Store

if TYPE_CHECKING:
    from studies.spec import SearchSpec


@dataclass(frozen=True)
class Time:
    """Time that a device needs, in seconds.

    Attributes:
        seconds: expected; NaN where no times are recorded.
        half: half of the 95 % interval's width; NaN where nothing tells it, as of a single time.
    """

    seconds: float
    half: float = math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the interval; NaN where nothing tells them."""
        return (math.nan if math.isnan(self.half) else max(0.0, self.seconds - self.half)), self.seconds + self.half

    def within(self, places: int, *, longest: float) -> "Time":
        """The same on so many devices at once, of which none can do less than one run, the `longest`."""
        return Time(max(self.seconds / places, longest), self.half / places)


@dataclass(frozen=True)
class Row:
    """A method's part of a plan.

    Attributes:
        label: the method's.
        what: ``"runs"``, ``"search"`` for the trainings of its trials, which are at most so many, or ``"evaluations"``
            of the trained models.
        runs: planned.
        left: to train.
        times: recorded seconds of its runs on the plan's device.
        fixed: seconds that are left whatever a run takes, of a search that has so many hours; None of others.
    """

    label: str
    what: str
    runs: int
    left: int
    times: Sequence[float] = ()
    fixed: float | None = None

    @property
    def time(self) -> Time:
        """Time of all that is left."""
        if self.fixed is not None:
            return Time(self.fixed, 0.0)
        return expected(self.times, self.left)


@dataclass(frozen=True)
class Plan:
    """Plan of a suite.

    Attributes:
        suite: its name.
        device: what `Row.times` were recorded on; empty where there are none.
        gpu: whether it is for GPUs.
        rows: of the methods.
        others: numbers of times by the devices that they were recorded on, and were not used.
    """

    suite: str
    device: str
    gpu: bool
    rows: Sequence[Row]
    others: Mapping[str, int]

    @property
    def total(self) -> Time:
        """All that is known of."""
        known = [row.time for row in self.rows if not math.isnan(row.time.seconds)]
        if not known:
            return Time(math.nan)
        return Time(sum(one.seconds for one in known), math.sqrt(sum(one.half**2 for one in known)))

    @property
    def known(self) -> bool:
        """Whether anything of it is known, or nothing is left."""
        return any(not math.isnan(row.time.seconds) for row in self.rows)

    @property
    def unknown(self) -> list[str]:
        """Methods with something left and no recorded times."""
        return list(dict.fromkeys(row.label for row in self.rows if math.isnan(row.time.seconds)))

    def time_on(self, places: int) -> Time:
        """Time of all that is left, on so many GPUs or workers at once."""
        longest = max((statistics.fmean(row.times) for row in self.rows if row.left and row.times), default=0.0)
        return self.total.within(places, longest=longest)


def expected(times: Sequence[float], left: int) -> Time:
    """Time that `left` runs take, by recorded times of runs like them."""
    if not left:
        return Time(0.0, 0.0)
    if not times:
        return Time(math.nan)
    count, mean = len(times), statistics.fmean(times)
    if count == 1:
        return Time(left * mean)
    spread = statistics.stdev(times) * math.sqrt(left**2 / count + left)
    return Time(left * mean, float(t.ppf(0.975, count - 1)) * spread)


def make_plan(job: Job, request: Request, *, gpu: bool, storage_url: str | None) -> Plan:
    """Plan of a job that is ready, and not begun.

    Args:
        job: the suite's, with its dataset.
        request: that it was made of.
        gpu: whether it is for GPUs, of which this machine may have none.
        storage_url: of the database with studies; None for the home's journal.

    Raises:
        UserError: its dataset is yet to be prepared.
    """
    if job.dataset is None and job.suite.dataset.synthetic is None:
        name = job.suite.dataset.name
        raise UserError(f"dataset '{name}' does not exist; to make it: {how_to_make(job.suite.dataset)}")
    found = Store(job.home).summaries()
    keys = _keys(job, request, "cuda" if gpu else "cpu") if found else {}
    devices = Counter(found[key].device for own in keys.values() for key in own if key in found)
    own = devices.keys() if gpu else devices.keys() & {str(provenance()["hardware"]).partition(",")[0]}
    device = max(own, key=devices.__getitem__, default="")
    rows = [] if job.search is None else _searches(job, job.search, storage_url)
    for label in job.labels:
        runs = keys.get(label) or ["" for _ in range(job.suite.protocol.runs)]
        done = [found[key] for key in runs if key in found]
        times = [_seconds(one.seconds, one.test_seconds, one.sharing) for one in done if one.device == device]
        rows.append(Row(label, "runs", len(runs), len(runs) - len(done), [s for s in times if not math.isnan(s)]))
    rows += _evaluations(job, found, device)
    others = {name: count for name, count in devices.items() if name != device}
    return Plan(job.suite.name, device, gpu, rows, others)


def _keys(job: Job, request: Request, kind: str) -> dict[str, list[str]]:
    """Keys of the runs of each method; those of a searched suite are known once they were planned by its search."""
    found: dict[str, list[str]] = {}
    if job.search is not None:
        for listed in request.before.runs if request.before else ():
            found.setdefault(listed.method, []).append(listed.key)
        return found
    planned = job.planned
    if job.dataset is not None and kind != job.device:
        planned = planned_runs(job.suite, job.dataset, device=kind)
    for one in planned:
        found.setdefault(one.label, []).append(one.run.key)
    return found


def _searches(job: Job, spec: "SearchSpec", storage_url: str | None) -> list[Row]:
    trials = trials_of(job, storage_url)
    rows = []
    for label in job.labels:
        share = search_share(job, spec, label, trials, measure=False)
        if spec.hours is not None:
            rows.append(Row(label, "search", 0, 0, fixed=share.seconds * job.workers))
            continue
        names = {study.name for study in job.studies if study.label == label}
        seconds = [
            trial.user_attrs["seconds"] / len(trial.user_attrs["runs"])
            for name in names
            for trial in trials.get(name, ())
            if trial.user_attrs["runs"] and "seconds" in trial.user_attrs
        ]
        rows.append(Row(label, "search", share.runs, share.left, seconds))
    return rows


def _evaluations(job: Job, found: Mapping[str, Summary], device: str) -> Iterator[Row]:
    keys: dict[str, list[str]] = {}
    for one in job.evaluations:
        keys.setdefault(one.label, []).append(one.run.key)
    for label, own in keys.items():
        done = [found[key] for key in own if key in found]
        times = [_seconds(one.seconds, one.test_seconds, one.sharing) for one in done if one.device == device]
        left = len(own) - len(done)
        yield Row(label, "evaluations", len(own), left, [s for s in times if not math.isnan(s)])


def _seconds(trained: float | None, tested: float | None, sharing: int) -> float:
    return math.nan if trained is None or tested is None else (trained + tested) / sharing
