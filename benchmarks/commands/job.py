"""A suite made ready: read, checked, its dataset there, every run planned, every study of its search prepared."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from afnetm.registry import add_method_file
from benchmarks.commands.machines import Machines, this_machine
from benchmarks.commands.request import Request
from benchmarks.plans.datasets import find_dataset, make_described
from benchmarks.plans.evaluations import plan_evaluations
from benchmarks.plans.fitting import check_fits
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
        """The evaluations asked for of the models that the comparison trains."""
        if self.suite.evaluation is None or self.dataset is None:
            return []
        # Of all folds, as the manifest lists them: what one of them cannot have is left out of the others, too.
        trained = [one for one in self.planned if not (self.tuned and self.tuned.lacks(one))]
        found = plan_evaluations(self.suite.evaluation, trained, self.suite.methods, self.dataset)[0]
        return [one for one in found if self.asks_for(one)]

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
    planned = plan(suite, dataset, device=machines.device) if dataset else []
    if suite.evaluation is not None and dataset is not None:
        for why in plan_evaluations(suite.evaluation, planned, suite.methods, dataset)[1]:
            console.say(escape(why))
    tuned = None
    if options.params is not None and planned:
        tuned = by_file(suite, planned, options.params, left_out=lambda why: console.say(escape(why)))
    own = [one for one in planned if (one.run.repeat, one.run.fold) in asked_for]
    studies = study_specs(suite, search, own, labels, dataset) if search else ()
    planned = tuned.planned if tuned else planned
    return Job(suite, labels, dataset, planned, machines, asked_for, home, tuned, search, studies)
