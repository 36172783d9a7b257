"""A suite made ready: read, checked, its dataset there, every run planned, every study of its search prepared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.markup import escape

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from afnetm.registry import add_method_file
from benchmarks.commands.machines import Machines, this_machine
from benchmarks.commands.request import Options, Request
from benchmarks.plans.datasets import find_dataset, make_described
from benchmarks.plans.evaluations import plan_evaluations
from benchmarks.plans.fitting import check_described, check_fits
from benchmarks.plans.folds import Place, select
from benchmarks.plans.runs import PlannedRun, folds_of, plan
from benchmarks.plans.shards import places
from benchmarks.plans.suite import Suite, suite_of
from benchmarks.records.home import Home
from benchmarks.search.searching import StudySpec, study_specs
from benchmarks.search.tuning import Tuned, by_file
from benchmarks.terminal.console import Terminal
from studies.spec import SearchSpec


@dataclass(frozen=True)
class Job:
    """A suite made ready: everything that can be wrong with it has been looked at.

    Attributes:
        suite: the whole suite.
        labels: the methods asked for, in the suite's order.
        dataset: opened; None in a dry run whose dataset is yet to be made.
        planned: all the suite's runs; none without a dataset. Tuned, they have their best parameters.
        machines: where runs are trained.
        places: the repeats and folds asked for.
        home: where records go.
        tuned: what they were tuned with; None where they were not.
        search: how the methods asked for are to be searched; None where they are not.
        studies: of that search; none without a dataset.
        untracked: why MLflow lacks some of the studies, in one line; None where it has them.
        others: the other datasets that models are tested on, opened, by name; in a dry run those that are there.
        all_evaluations: of the models that the comparison trains, whatever was asked for.
    """

    suite: Suite
    labels: list[str]
    dataset: FaceDataset | None
    planned: list[PlannedRun]
    machines: Machines
    places: frozenset[Place]
    home: Home
    tuned: Tuned | None = None
    search: SearchSpec | None = None
    studies: Sequence[StudySpec] = ()
    untracked: str | None = None
    others: Mapping[str, FaceDataset] = field(default_factory=dict)
    all_evaluations: Sequence[PlannedRun] = ()

    @property
    def device(self) -> str:
        """The kind of device that trains, ``"cpu"`` or ``"cuda"``."""
        return self.machines.device

    @property
    def workers(self) -> int:
        """Runs that are under way at once."""
        return len(self.machines.slots)

    @property
    def chosen(self) -> list[PlannedRun]:
        """The runs asked for that can be trained, those beside the comparison last; each once."""
        planned = [one for one in self.planned if not (self.tuned and self.tuned.lacks(one))]
        if self.tuned:
            planned += [extra.planned for extra in self.tuned.additional]
            planned += self.tuned.defaults if self.tuned.trains_defaults else ()
        return list({one.run.key: one for one in planned if self.asks_for(one)}.values())

    @property
    def evaluations(self) -> list[PlannedRun]:
        """Those that were asked for; each once, though two datasets may have the same content."""
        return list({one.run.key: one for one in self.all_evaluations if self.asks_for(one)}.values())

    def asks_for(self, one: PlannedRun) -> bool:
        """Whether a run's method and fold were asked for."""
        return one.label in self.labels and (one.run.repeat, one.run.fold) in self.places


def prepare(request: Request, console: Terminal, machines: Machines | None = None) -> Job:
    """Makes a suite ready: checks all that it asks for before anything is written, makes its dataset, and plans it.

    Args:
        request: what is asked for.
        console: for what is done meanwhile.
        machines: where it will be trained; this machine by default.

    Raises:
        UserError: something of it is not right, or does not fit the rest.
    """
    options, home, machines = request.options, request.options.home, machines or this_machine(request.options)
    asked = [*options.methods, *map(add_method_file, options.method_files)]
    suite = suite_of(request.file, asked, earlier=request.added, left_out=lambda why: console.say(escape(why)))
    labels = list(suite.only(options.methods).methods)
    search = suite.search if options.params is None else None
    if options.shard is not None and search is not None and search.selection == "development":
        raise UserError(
            f"--shard: suite '{suite.name}' is searched once for all folds (selection = \"development\"): search it "
            f"first, with `afnetm search {suite.name}`, and give each shard the file that it writes by --params"
        )
    dataset = find_dataset(home, suite.dataset, dry=options.dry)
    if dataset is not None and not suite.protocol.runs:
        suite = suite.of_folds(folds_of(dataset, select(dataset, suite.dataset.intensities), suite.protocol))
    asked_for = frozenset(places(suite.protocol, options.shard))
    check_fits(suite, labels, dataset)  # before minutes are spent on making the dataset
    if not options.dry:
        home.make()
        if dataset is None:
            detect, workers = suite.detects, machines.processes
            dataset = make_described(home, suite.dataset, detect=detect, workers=workers, console=console)
    others = _others(suite, options, machines, console)
    planned = plan(suite, dataset, device=machines.device) if dataset else []
    tuned = None
    if options.params is not None and planned:
        tuned = by_file(suite, planned, options.params, left_out=lambda why: console.say(escape(why)))
    own = [one for one in planned if (one.run.repeat, one.run.fold) in asked_for]
    studies = study_specs(suite, search, own, labels, dataset) if search else ()
    planned = tuned.planned if tuned else planned
    evaluations: list[PlannedRun] = []
    if dataset is not None:
        trained = [one for one in planned if not (tuned and tuned.lacks(one))]
        evaluations, left_out = plan_evaluations(suite, trained, dataset, others)
        for why in left_out:
            console.say(escape(why))
    return Job(
        suite=suite,
        labels=labels,
        dataset=dataset,
        planned=planned,
        machines=machines,
        places=asked_for,
        home=home,
        tuned=tuned,
        search=search,
        studies=studies,
        others=others,
        all_evaluations=evaluations,
    )


def _others(suite: Suite, options: Options, machines: Machines, console: Terminal) -> dict[str, FaceDataset]:
    """The other datasets that a suite's models are tested on, made where it describes them, but not in a dry run."""
    found = {}
    for spec in suite.evaluation.datasets if suite.evaluation else ():
        other = find_dataset(options.home, spec, dry=options.dry)
        if other is not None:
            check_described(spec, other)
        elif options.dry:
            console.say(escape(f"{spec.name}: yet to be made; evaluations on it are not counted"))
            continue
        else:
            detect, workers = suite.detects, machines.processes
            other = make_described(options.home, spec, detect=detect, workers=workers, console=console)
        found[spec.name] = other
    return found
