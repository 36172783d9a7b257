"""Where methods' hyper-parameters come from: what was really tuned, and on whom."""

from collections.abc import Sequence

from reports.data.results import Provenance
from reports.formats import names

#: So many methods are named in a sentence; more are counted.
_NAMED = 6
_UNTUNED = "No method was tuned on this dataset"
_OTHERWISE = "Tuned on this dataset, methods may rank otherwise."


def tuned(plan: Provenance) -> list[str]:
    """How far hyper-parameters were tuned, in sentences."""
    if plan.files:
        return ["Whether methods were tuned is not known."]
    if plan.search is not None and plan.search.params_file:
        return ["No method was tuned here: hyper-parameters were given in a file."]
    if plan.search is not None:
        return [f"Every method was tuned by the same rules, {plan.search.budget}, without its tested subjects."]
    if not all("tuned" in about and "changed" in about for about in plan.methods.values()):
        unknown = (
            "hyper-parameters are defaults, of which these records do not say where they come from, or the suite's"
        )
        return [f"{_UNTUNED}: {unknown}.", _OTHERWISE]
    return _defaults(plan)


def _defaults(plan: Provenance) -> list[str]:
    """The same where nothing was searched and it is known where defaults come from."""
    searched = [name for name, about in plan.methods.items() if about["tuned"]]
    chosen = [name for name in plan.methods if name not in searched]
    set_here = [name for name in searched if plan.methods[name]["changed"]]
    if not searched:
        return [f"{_UNTUNED}: hyper-parameters are defaults that no search found, or the suite's.", _OTHERWISE]
    who = "Every method's" if not chosen else f"The defaults of {_several(chosen)} were not searched for; all others'"
    search = "one search by the same rules on synthetic development subjects (docs/tuning.md)"
    text = [f"{_UNTUNED}.", f"{who} default hyper-parameters come from {search}."]
    if set_here:
        text.append(f"The suite sets hyper-parameters of {_several(set_here)}, which were not tuned again.")
        if plan.axes:
            text.append("In an ablation this favours the full model, for which the others were tuned.")
    return [*text, _OTHERWISE]


def _several(methods: Sequence[str]) -> str:
    return names(methods) if len(methods) <= _NAMED else f"{len(methods)} methods"
