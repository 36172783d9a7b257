from importlib.metadata import EntryPoint

import pytest

from afnetm.errors import UserError
from afnetm.method import GROUP, find_method, load_methods, methods


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=GROUP)


def test_the_five_methods_are_found() -> None:
    assert {"texture", "depth", "concat", "late", "afnetm"} <= set(methods())


def test_a_method_is_registered_under_its_own_name() -> None:
    for name, kind in methods().items():
        assert kind.name == name


def test_a_plug_in_that_cannot_be_imported_is_named_and_the_others_stay() -> None:
    with pytest.warns(UserWarning, match="'broken' \\(no_such_package:Broken\\) left out"):
        found = load_methods([point("broken", "no_such_package:Broken"), point("late", "baselines.late:Late")])
    assert list(found) == ["late"]


def test_two_methods_of_one_name_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"'late' is registered twice: baselines\.concat:Concat and baselines\.late:Late"
    ):
        load_methods([point("late", "baselines.late:Late"), point("late", "baselines.concat:Concat")])


def test_an_unknown_method_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="method 'afnet' is not registered; known: afnetm"):
        find_method("afnet")
