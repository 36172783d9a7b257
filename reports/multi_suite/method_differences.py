"""One label, two things: methods whose version or settings are not the same in every suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports import formats
from reports.data.results import Results


@dataclass(frozen=True)
class MethodDifference:
    """What differs between methods of one label.

    Attributes:
        method: the label.
        what: ``"registered as"``, ``"version"``, or a hyper-parameter.
        values: by suite, in their order, as text; a dash where the method or the setting is not there.
    """

    method: str
    what: str
    values: tuple[str, ...]


def method_differences(suites: Sequence[Results]) -> list[MethodDifference]:
    """All that differs between methods of one label, with results in two suites or more.

    What a search chose is not looked at: that is each study's own.
    """
    found = []
    for label in dict.fromkeys(method for results in suites for method in results.methods):
        described = [_about(label, results) for results in suites]
        there = [about for about in described if about]
        for what in dict.fromkeys(key for about in there for key in about):
            values = tuple(about.get(what, formats.NOTHING) for about in described)
            found += [MethodDifference(label, what, values)] * (len({about.get(what) for about in there}) > 1)
    return found


def _about(label: str, results: Results) -> Mapping[str, str]:
    """What a method is, a setting a key; empty where the suite has no result of it."""
    if label not in results.methods:
        return {}
    about = results.provenance.methods[label]
    parts: dict[str, Any] = {"registered as": about.get("name", label), "version": about["version"]}
    return {name: formats.setting(value) for name, value in (parts | dict(about["hyperparameters"])).items()}
