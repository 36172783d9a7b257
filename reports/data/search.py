"""Search for settings, as a report is given it: the rules, the same for every method, and their wording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reports.schema import ReportError

SELECTIONS = ("nested", "development")
#: What a search may maximise, in words.
METRICS: Mapping[str, str] = {"accuracy": "accuracy", "macro_f1": "macro-F1"}

_SAMPLERS = {
    "tpe": "a tree-structured Parzen estimator (TPE)",
    "random": "chance (random search)",
    "gp": "a Gaussian process",
    "cmaes": "an evolution strategy (CMA-ES)",
}
_SELECTION = {
    "nested": "Selection is nested: each outer fold has a study of its own on its training subjects alone, whose "
    "best trial is trained on all of these and tested once.",
    "development": "Selection is by development subjects, whom no fold tests: each method has one study on them, and "
    "its best trial is trained and tested on every fold.",
}


@dataclass(frozen=True, kw_only=True)
class Search:
    """Search by which every method of a suite was tuned.

    Attributes:
        selection: whose faces scored a setting: ``"nested"``, the training subjects of each outer fold, one study an
            outer fold; or ``"development"``, subjects that are never tested, one study a method.
        sampler: what proposed settings: ``"tpe"``, ``"random"``, ``"gp"``, ``"cmaes"``, or another's name.
        pruner: what cut trials short between inner folds: ``"median"``, ``"wilcoxon"``, another's name, or ``"none"``.
        metric: what was maximised, averaged over inner folds: ``"accuracy"`` or ``"macro_f1"``.
        folds: inner folds, at least 2.
        budget: of each study, as it shall be read: ``"20 trials in each study"``.
        seed: of the sampler.
        spaces: by method, what was searched: by parameter its range as it shall be read: ``"0 to 0.5"``,
            ``"32 to 512, log"``, ``"4, 8 or 16"``.
        trials_per_dimension: trials that a study has for each parameter in its method's space; None where the budget
            is another.
        params_file: the name of the file in which settings were given instead; the rest then says what the suite asks
            for, and there are no studies. Empty where they were searched for.
        found_by: the search that the file's settings come from, as the file says; empty where it does not.
        given: by method, the settings that the file gives it, one or several for different folds; methods that are not
            in it have the suite's own.

    Raises:
        ReportError: a selection or metric that there is not, fewer than 2 inner folds, a text that cannot be printed.
    """

    selection: str
    sampler: str
    pruner: str
    metric: str
    folds: int
    budget: str
    seed: int
    spaces: Mapping[str, Mapping[str, str]]
    trials_per_dimension: int | None = None
    params_file: str = ""
    found_by: str = ""
    given: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, allowed in (("selection", self.selection, SELECTIONS), ("metric", self.metric, METRICS)):
            if value not in allowed:
                raise ReportError(f"search: {name} is {value!r}, allowed: {', '.join(allowed)}")
        if self.folds < 2:
            raise ReportError(f"search: folds is {self.folds}, allowed is 2 or more")
        ranges = [text for space in self.spaces.values() for pair in space.items() for text in pair]
        ranges += [name for several in self.given.values() for one in several for name in one]
        for text in (self.sampler, self.pruner, self.budget, *ranges, *filter(None, (self.params_file, self.found_by))):
            if not text or not text.isprintable():
                raise ReportError(f"search: {text!r}, allowed is printable text, not empty")


def origin(search: Search) -> str:
    """Name of the file that settings were given in, and the search that they come from, if it says so."""
    found = f"found by {search.found_by}" if search.found_by else "which does not say how they were found"
    return f"the file {search.params_file}, {found}"


def rules(search: Search) -> list[str]:
    """Sentences on how methods were tuned."""
    if search.params_file:
        return [
            f"Methods are tuned: their hyper-parameters are those of {origin(search)}.",
            "Whether tested subjects were seen in finding them, these records cannot tell.",
        ]
    sampler = _SAMPLERS.get(search.sampler, search.sampler)
    scored = f"scored by its mean {METRICS[search.metric]} over {search.folds} inner folds, independent by subject"
    pruned = f"after each of them the {search.pruner} pruner could cut a trial short that had fallen behind"
    return [
        f"Every method was tuned by the same rules: {search.budget}, proposed by {sampler}, seed {search.seed}.",
        f"A trial is one setting, {scored}; {'no trial was cut short' if search.pruner == 'none' else pruned}.",
        f"Tuning saw no tested subject. {_SELECTION[search.selection]}",
    ]
