"""The search of a suite: every method's studies, whose trials are trained by the same workers into the same store."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import product

from optuna import get_all_study_names
from optuna.storages import BaseStorage

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from benchmarks.execution.driver import Executor, drive
from benchmarks.execution.workload import Outcome
from benchmarks.plans.folds import Scans, inner_folds
from benchmarks.plans.keys import deciding
from benchmarks.plans.runs import PlannedRun, on_inner_fold, with_settings
from benchmarks.plans.suite import Suite
from benchmarks.records.claims import Claims, digest
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from benchmarks.search.progress import SearchProgress
from benchmarks.terminal.console import Terminal
from studies.best_parameters import Where, place
from studies.samplers import check_sampler
from studies.search import Search, Task
from studies.space import Space, apply, search_space
from studies.spec import SearchSpec

#: Seconds from one look at the studies that other drivers search to the next.
_LOOK = 1.0


@dataclass(frozen=True, eq=False)
class SuiteStudy:
    """A study of a suite: with which settings should `label` be trained there?

    Attributes:
        name: the study's.
        label: the method's.
        where: the outer repeat and fold; None under ``development``, where one answer is for all.
        search: 0, or more where the whole search is repeated.
        space: what is searched.
        spec: how, with this search's seed.
    """

    name: str
    label: str
    where: Where
    search: int
    space: Space
    spec: SearchSpec


@dataclass(frozen=True, eq=False)
class StudySpec(SuiteStudy):
    """One that can be gone on with.

    Attributes:
        base: a run of the comparison that the answer is for, as the suite has it.
        folds: the inner folds that score a trial.
    """

    base: PlannedRun
    folds: Sequence[Scans]


def study_specs(
    suite: Suite,
    spec: SearchSpec,
    planned: list[PlannedRun],
    labels: list[str],
    dataset: FaceDataset | None,
    folds: Mapping[Where, Sequence[Scans]] | None = None,
) -> list[StudySpec]:
    """Every study of a search: fold by fold, so that all methods advance together; repeated searches come last.

    Args:
        suite: whose methods are searched.
        spec: how.
        planned: its runs; none where its dataset is yet to be made, and then there is no study either.
        labels: the methods to search.
        dataset: its.
        folds: the inner folds, where they are made already.

    Raises:
        UserError: a method's space cannot be searched so, or too few subjects are left to tune on.
    """
    bases: dict[tuple[str, Where], PlannedRun] = {}  # the first of each
    for one in planned:
        if one.label in labels:
            bases.setdefault((one.label, (one.run.repeat, one.run.fold) if spec.selection == "nested" else None), one)
    named: dict[str, tuple[str, Where, int]] = {}
    for search, (label, where) in product(range(spec.selection_repeats), bases):
        name = study_name(suite.name, label, where, search)
        if name in named:
            raise UserError(f"methods.{label}: its study would have another's name, '{name}'; choose another label")
        named[name] = label, where, search
    made = dict(folds or {})
    for (_, where), base in bases.items():
        if where not in made:
            assert dataset is not None
            made[where] = inner_folds(dataset, base.scans, where, base.run.protocol, folds=spec.folds, group=base.group)
    spaces = {}
    for label in labels:
        spaces[label] = space_of(suite, spec, label)
        check_sampler(spec.sampler, spaces[label].distributions, method=label)
    return [
        StudySpec(name, label, where, search, spaces[label], spec, bases[label, where], made[where])
        for name, (label, where, search) in named.items()
    ]


def space_of(suite: Suite, spec: SearchSpec, label: str) -> Space:
    """Search space of a method: its own without what the suite's table sets, and keys of the training.

    Raises:
        UserError: nothing is left to search.
    """
    fixed = suite.fixed.get(label, ())
    return search_space(
        suite.methods[label],
        suite.training,
        fixed=fixed,
        training=spec.training,
        fine_tuned=suite.encoder.fine_tuned,
    )


def study_name(suite: str, label: str, where: Where, search: int) -> str:
    """Name of a study: ``quick/concat/0-2``, and ``quick/concat/0-2 #2`` when searched a second time."""
    name = f"{suite}/{label}" if where is None else f"{suite}/{label}/{place(where)}"
    return f"{name} #{search + 1}" if search else name


def search(
    found: Sequence[StudySpec],
    suite: Suite,
    home: Home,
    storage: BaseStorage,
    claims: Claims,
    *,
    workers: Sequence[Executor],
    console: Terminal,
    ended: Callable[[StudySpec, Search], object] = lambda *_: None,
) -> dict[StudySpec, Search]:
    """Goes on with every study until its budget is spent; returns them in the order of `found`.

    A study is searched by one driver at a time, which has claimed it; what others search is waited for.

    Args:
        found: what is searched for.
        suite: whose methods they are.
        home: where records go.
        storage: where studies are.
        claims: this driver's in the home.
        workers: what trains them; they are ended.
        console: for the progress.
        ended: is called with each study once its budget is spent, while others go on.

    Raises:
        UserError: the storage has a study of that name that searches something else.
    """
    searches = {study_spec: _opened(study_spec, storage) for study_spec in found}
    by_label = {one.label: [search for q, search in searches.items() if q.label == one.label] for one in found}
    spec = found[0].spec if found else SearchSpec()
    progress = SearchProgress(by_label, spec, workers=len(workers), console=console)
    with progress.bars:
        trials = _Trials(searches, suite, Store(home), claims, progress, ended)
        drive(trials, home, claims, workers=workers)
        progress.update()  # where all was trained before, there was no outcome
    return searches


def finished(found: list[StudySpec], storage: BaseStorage) -> dict[StudySpec, Search]:
    """Those of the studies that an earlier search has finished, as they are asked for now; nothing is written."""
    there = set(get_all_study_names(storage))
    done = {}
    for study_spec in found:
        if study_spec.name not in there:
            continue
        with suppress(UserError):  # it searched something else, and will be refused when it is asked for
            search = _opened(study_spec, storage)
            if search.finished:
                done[study_spec] = search
    return done


def _opened(study_spec: StudySpec, storage: BaseStorage) -> Search:
    identity = deciding(asdict(study_spec.base.run))
    return Search(storage, study_spec.name, space=study_spec.space, spec=study_spec.spec, identity=identity)


@dataclass(frozen=True, eq=False)
class _Asked:
    """A task of a study, and the term of claiming that study in which it was given."""

    study_spec: StudySpec
    search: Search
    task: Task
    term: int


class _Trials:
    """Turns the studies' tasks into runs, and their records into scores."""

    def __init__(
        self,
        searches: dict[StudySpec, Search],
        suite: Suite,
        store: Store,
        claims: Claims,
        progress: SearchProgress,
        ended: Callable[[StudySpec, Search], object],
    ) -> None:
        self._pairs = list(searches.items())
        self._suite, self._store, self._claims, self._progress, self._ended = suite, store, claims, progress, ended
        self._done = store.done()
        self._waiting: deque[PlannedRun] = deque()
        self._asked: dict[str, list[_Asked]] = {}
        self._terms: dict[str, int] = {}  # by study: how often it was claimed; 0 while it is not
        self._begun = 0
        self._looked = -math.inf

    @property
    def waits(self) -> bool:
        """Whether other drivers are searching studies of these."""
        return any(not self._terms.get(study_spec.name) for study_spec, _ in self._pairs)

    def pull(self) -> PlannedRun | None:
        """The next run to train; studies are asked in their order until one has something to train."""
        while not self._waiting and self._ask():
            pass
        return self._waiting.popleft() if self._waiting else None

    def take(self, outcome: Outcome) -> None:
        """Tells all who asked for a run how it ended."""
        key = outcome.planned.run.key
        if outcome.reason is None:
            self._done.add(key)
        for asked in self._asked.pop(key):
            if not self._claimed(asked.study_spec) or self._terms[asked.study_spec.name] != asked.term:
                continue  # another driver took this one for dead, and goes on with the study
            if outcome.reason is None:
                self._learn(asked, key)
            else:
                asked.search.fail(asked.task, outcome.reason)
        self._progress.update(outcome.planned.label)

    def _ask(self) -> bool:
        """Whether a study had a task: what was trained before is told at once, the rest waits to be trained."""
        own = [pair for pair in self._pairs if self._terms.get(pair[0].name)]
        others = [pair for pair in self._pairs if pair not in own]
        for study_spec, search in own:
            if self._claimed(study_spec) and self._ask_study(study_spec, search):
                return True
        if time.monotonic() < self._looked + _LOOK:
            return False
        for study_spec, search in others:
            if self._claim(study_spec, search) and self._ask_study(study_spec, search):
                return True
        self._looked = time.monotonic()
        return False

    def _ask_study(self, study_spec: StudySpec, search: Search) -> bool:
        tasks = search.tasks()
        if search.finished:
            self._pairs.remove((study_spec, search))
            self._ended(study_spec, search)
            self._claims.release(_claim(study_spec))
        for task in tasks:
            asked = _Asked(study_spec, search, task, self._terms[study_spec.name])
            try:
                planned = run_of(study_spec, self._suite, task)
            except UserError as error:  # a method's own check: not everything in a space need go together
                search.fail(task, str(error))
                continue
            key = planned.run.key
            if key in self._done:
                self._learn(asked, key)
                continue
            if key not in self._asked:  # else it is under way for another study
                self._waiting.append(planned)
            self._asked.setdefault(key, []).append(asked)
        return bool(tasks)

    def _claim(self, study_spec: StudySpec, search: Search) -> bool:
        if not self._claims.take(_claim(study_spec)):
            return False
        search.take_up()
        self._progress.update(study_spec.label)  # what another has done of it
        self._begun += 1
        self._terms[study_spec.name] = self._begun
        return True

    def _claimed(self, study_spec: StudySpec) -> bool:
        """Whether a study is this driver's still; asked before anything of it is written."""
        if self._claims.holds(_claim(study_spec)):
            return True
        self._terms[study_spec.name] = 0
        return False

    def _learn(self, asked: _Asked, key: str) -> None:
        result = self._store.result(key)
        seconds = result["seconds"] + result["test_seconds"]
        asked.search.learn(asked.task, result[asked.study_spec.spec.metric], run=key, seconds=seconds)


def _claim(study_spec: StudySpec) -> str:
    return f"study.{digest(study_spec.name)}"


def run_of(study_spec: StudySpec, suite: Suite, task: Task) -> PlannedRun:
    """The run that scores one inner fold of a trial.

    Raises:
        UserError: its method takes no such settings.
    """
    method, config = apply(task.params, suite.methods[study_spec.label], suite.training)
    spec = study_spec.spec
    inner = {"selection": spec.selection, "folds": spec.folds, "fold": task.fold}
    return on_inner_fold(with_settings(study_spec.base, method, config), study_spec.folds[task.fold], inner)
