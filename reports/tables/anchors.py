"""Places on a suite's page that others lead to."""

from reports.data.results import Provenance


def method_anchors(plan: Provenance) -> dict[str, str]:
    """By method, the id of its description; empty for results from files, of which nothing is known."""
    return {} if plan.files else _numbered("method", plan)


def confusion_anchors(plan: Provenance) -> dict[str, str]:
    """By method, the id of its confusion matrix; it is there if the method has a finished run."""
    return _numbered("confusion", plan)


def _numbered(what: str, plan: Provenance) -> dict[str, str]:
    """Numbers, not names: a name may be anything."""
    return {name: f"{what}-{place}" for place, name in enumerate(plan.methods, start=1)}
