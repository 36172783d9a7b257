"""The search of a suite: every method's studies, whose trials are trained by the same workers into the same store."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import product

from optuna import get_all_study_names
from optuna.storages import BaseStorage

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from benchmarks.execution.driver import Executor, Outcome, drive
from benchmarks.plans.folds import Scans, inner_folds
from benchmarks.plans.keys import deciding
from benchmarks.plans.runs import PlannedRun, on_inner_fold, with_settings
from benchmarks.plans.suite import Suite
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from benchmarks.search.progress import SearchProgress
from benchmarks.terminal.console import Terminal
from studies.best_parameters import Where, place
from studies.samplers import check_sampler
from studies.search import Search, Task
from studies.space import Space, apply, search_space
from studies.spec import SearchSpec


@dataclass(frozen=True, eq=False)
class StudySpec:
    """Specification of one study: with which settings should `label` be trained there?

    Attributes:
        name: the study's.
        label: the method's.
        where: the outer repeat and fold; None under ``development``, where one answer is for all.
        search: 0, or more where the whole search is repeated.
        base: a run of the comparison that the answer is for, as the suite has it.
        folds: the inner folds that score a trial.
        space: what is searched.
        spec: how, with this search's seed.
    """

    name: str
    label: str
    where: Where
    search: int
    base: PlannedRun
    folds: Sequence[Scans]
    space: Space
    spec: SearchSpec


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
            made[where] = inner_folds(dataset, base.scans, where, base.run.protocol, folds=spec.folds)
    spaces = {}
    for label in labels:
        spaces[label] = space_of(suite, spec, label)
        check_sampler(spec.sampler, spaces[label].distributions, method=label)
    return [
        StudySpec(name, label, where, search, bases[label, where], made[where], spaces[label], spec)
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
    *,
    workers: Sequence[Executor],
    console: Terminal,
    ended: Callable[[StudySpec, Search], object] = lambda *_: None,
) -> dict[StudySpec, Search]:
    """Goes on with every study until its budget is spent; returns them in the order of `found`. The home is locked.

    Args:
        found: what is searched for.
        suite: whose methods they are.
        home: where records go.
        storage: where studies are.
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
        drive(_Trials(searches, suite, Store(home), progress, ended), home, workers=workers)
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


class _Trials:
    """Turns the studies' tasks into runs, and their records into scores."""

    def __init__(
        self,
        searches: dict[StudySpec, Search],
        suite: Suite,
        store: Store,
        progress: SearchProgress,
        ended: Callable[[StudySpec, Search], object],
    ) -> None:
        self._pairs = list(searches.items())
        self._suite, self._store, self._progress, self._ended = suite, store, progress, ended
        self._done = store.done()
        self._waiting: deque[PlannedRun] = deque()
        self._asked: dict[str, list[tuple[StudySpec, Search, Task]]] = {}

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
        for study_spec, search, task in self._asked.pop(key):
            if outcome.reason is None:
                self._learn(study_spec, search, task, key)
            else:
                search.fail(task, outcome.reason)
        self._progress.update(outcome.planned.label)

    def _ask(self) -> bool:
        """Whether a study had a task: what was trained before is told at once, the rest waits to be trained."""
        for study_spec, search in list(self._pairs):
            tasks = search.tasks()
            if search.finished:
                self._pairs.remove((study_spec, search))
                self._ended(study_spec, search)
            for task in tasks:
                try:
                    planned = run_of(study_spec, self._suite, task)
                except UserError as error:  # a method's own check: not everything in a space need go together
                    search.fail(task, str(error))
                    continue
                key = planned.run.key
                if key in self._done:
                    self._learn(study_spec, search, task, key)
                    continue
                if key not in self._asked:  # else it is under way for another study
                    self._waiting.append(planned)
                self._asked.setdefault(key, []).append((study_spec, search, task))
            if tasks:
                return True
        return False

    def _learn(self, study_spec: StudySpec, search: Search, task: Task, key: str) -> None:
        result = self._store.result(key)
        seconds = result["seconds"] + result["test_seconds"]
        search.learn(task, result[study_spec.spec.metric], run=key, seconds=seconds)


def run_of(study_spec: StudySpec, suite: Suite, task: Task) -> PlannedRun:
    """The run that scores one inner fold of a trial.

    Raises:
        UserError: its method takes no such settings.
    """
    method, config = apply(task.params, suite.methods[study_spec.label], suite.training)
    spec = study_spec.spec
    inner = {"selection": spec.selection, "folds": spec.folds, "fold": task.fold}
    return on_inner_fold(with_settings(study_spec.base, method, config), study_spec.folds[task.fold], inner)
