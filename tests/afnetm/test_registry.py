"""The registry: what is found, and what is said of what is not."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from afnetm.errors import UserError
from afnetm.installation import METHODS
from afnetm.registry import Registry, find_method, methods


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=METHODS)


def test_the_five_methods_are_found() -> None:
    assert {"texture", "depth", "concat", "late", "afnetm"} <= set(methods())


def test_a_method_is_registered_under_its_own_name() -> None:
    for name, kind in methods().items():
        assert kind.name == name


def test_two_methods_of_one_name_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"'late' is registered twice: baselines\.concat:Concat and baselines\.late:Late"
    ):
        Registry([point("late", "baselines.late:Late"), point("late", "baselines.concat:Concat")])


def test_an_unknown_method_is_answered_with_the_nearest_ones_and_how_many_there_are() -> None:
    with pytest.raises(
        UserError, match=r"method 'afnet' is not registered; allowed: .*; did you mean afnetm\?"
    ) as caught:
        find_method("afnet")
    assert f" and {len(methods()) - 5} others" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_what_cannot_be_loaded_costs_nobody_else() -> None:
    kinds, faults = Registry([point("broken", "no_such_package:Broken"), point("late", "baselines.late:Late")]).load()
    assert list(kinds) == ["late"]
    assert faults == {
        "broken": "method 'broken' (no_such_package:Broken) cannot be loaded: ModuleNotFoundError: No module named "
        "'no_such_package'"
    }


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os\nimport not_there\n", "ModuleNotFoundError: No module named 'not_there' (PACKAGE/mine.py:2)"),
        ("class Mine(:\n", "SyntaxError: invalid syntax (PACKAGE/mine.py:1)"),
        ("def half():\n    return 1 / 0\n\n\nhalf()\n", "ZeroDivisionError: division by zero (PACKAGE/mine.py:2)"),
        ("from PACKAGE import other\n", "ValueError: two lines (PACKAGE/mine.py:1)"),
        ("raise SystemExit(3)\n", "SystemExit: 3 (PACKAGE/mine.py:1)"),
        ("", "AttributeError: module 'PACKAGE.mine' has no attribute 'Mine'"),
    ],
)  # fmt: skip
def test_an_error_of_its_file_is_said_with_file_and_line(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    package = f"own_{abs(hash(request.node.name))}"
    folder = tmp_path / package
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "other.py").write_text("raise ValueError('two lines\\nand more')\n")
    (folder / "mine.py").write_text(code.replace("PACKAGE", package))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError) as caught:
        Registry([point("mine", f"{package}.mine:Mine")]).find("mine")
    assert str(caught.value) == f"method 'mine' ({package}.mine:Mine) cannot be loaded: {said}".replace(
        "PACKAGE", package
    )


def test_a_method_that_a_checkout_names_and_its_installation_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "mine.py").write_text("")
    monkeypatch.chdir(tmp_path)
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(f'[project.entry-points."{METHODS}"]\nlate = "baselines.late:Late"\n')
    with pytest.raises(UserError, match=r"mine.py is there: name its class in .*, mine = \"baselines.mine:CLASS\""):
        find_method("mine")
    pyproject.write_text(f'[project.entry-points."{METHODS}"]\nmine = "baselines.mine:Mine"\n')
    with pytest.raises(
        UserError, match="has it as baselines.mine:Mine, and was edited after it was installed: "
    ) as one:
        find_method("mine")
    assert f"--no-deps -e {tmp_path}" in str(one.value)
    old = Registry([point("mine", "no_such_package:Mine")])
    with pytest.raises(UserError, match="No module named 'no_such_package'; .* has it as baselines.mine:Mine"):
        old.find("mine")
