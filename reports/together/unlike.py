"""One label, two things: methods whose version or settings are not the same in every suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports import formats
from reports.data.results import Results


@dataclass(frozen=True)
class Unlike:
    """What differs between methods of one label.

    Attributes:
        method: the label.
        what: ``"registered as"``, ``"version"``, or a hyper-parameter.
        values: by suite, in their order, as text; a dash where the method or the setting is not there.
    """

    method: str
    what: str
    values: tuple[str, ...]


def unlike(suites: Sequence[Results]) -> list[Unlike]:
    """All that differs between methods of one label, with results in two suites or more.

    What a search chose is not looked at: that is each study's own.
    """
    found = []
    for label in dict.fromkeys(method for results in suites for method in results.methods):
        cards = [_card(label, results) for results in suites]
        there = [card for card in cards if card]
        for what in dict.fromkeys(key for card in there for key in card):
            values = tuple(card.get(what, formats.NOTHING) for card in cards)
            found += [Unlike(label, what, values)] * (len({card.get(what) for card in there}) > 1)
    return found


def _card(label: str, results: Results) -> Mapping[str, str]:
    """What a method is, a setting a key; empty where the suite has no result of it."""
    if label not in results.methods:
        return {}
    card = results.provenance.methods[label]
    parts: dict[str, Any] = {"registered as": card.get("name", label), "version": card["version"]}
    return {name: formats.setting(value) for name, value in (parts | dict(card["hyperparameters"])).items()}
