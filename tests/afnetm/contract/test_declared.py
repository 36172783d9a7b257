"""Every way in which a method's class can be declared wrongly: one line that says what to mend, when it is loaded."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from afnetm.errors import UserError
from afnetm.installation import METHODS
from afnetm.registry import Registry

GOOD = """
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated, ClassVar

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.errors import UserError
from afnetm.method import Method


@dataclass(frozen=True, kw_only=True)
class Mine(Method):
    name = "mine"
    version = 1
    summary = "one"
    source = "two"
    space = {"width": IntDistribution(1, 9)}
    width: Annotated[int, Field(ge=1, le=9)] = 3

    def build(self, encoder, classes):
        raise NotImplementedError
"""
SPACE, WIDTH = 'space = {"width": IntDistribution(1, 9)}', "width: Annotated[int, Field(ge=1, le=9)] = 3"
DECORATED = "@dataclass(frozen=True, kw_only=True)\nclass Mine(Method)"
OWN = "    def build"


def load(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> type:
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "declared_mine", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two files of one second would be taken for one
    (folder / "declared_mine.py").write_text(code)
    return Registry([EntryPoint("mine", "declared_mine:Mine", METHODS)]).find("mine")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("width:", "other: int = 2\n    width:"),
        (SPACE, "space = {}"),
        (SPACE, 'space = {"width": CategoricalDistribution([1, 3])}'),
        (WIDTH, 'width: int = 3\n    names: tuple[str, ...] = ("a", "b")'),
        (OWN, "    def __post_init__(self):\n        if self.width > 5:\n            raise ValueError('no')\n\n" + OWN),
        (OWN, "    KINDS: ClassVar[int] = 3\n\n" + OWN),
    ],
)
def test_what_is_right_is_loaded(old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert old in GOOD
    assert load(GOOD.replace(old, new) if old else GOOD, tmp_path, monkeypatch).__name__ == "Mine"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("class Mine(Method)", "class Mine(nn.Module)", "is not a subclass of afnetm.method.Method; make it one"),
        ("    source = ", "    sauce = ", "has no source; set them as class attributes"),
        ('name = "mine"', 'name = "yours"', "name = 'yours'; make it 'mine', or register it so"),
        ("version = 1", 'version = "1"', "version = '1'; make it an integer, counted from 1"),
        ("version = 1", "version = True", "version = True; make it an integer"),
        ("version = 1", "version = 1\n    staged = 1", "staged = 1; make it True or False"),
        ("version = 1", "version = 1\n    title = 3", "title = 3; make it a text of one line"),
        ('"one"', '"one\\ntwo"', "summary = 'one\\ntwo'; make it a text of one line"),
        ('"two"', '" "', "source = ' '; make it a text of one line"),
        (OWN, "    def built", "does not define build; define it"),
        (DECORATED, "class Mine(Method)", "only its base is a dataclass, so that nothing comes of width; decorate it"),
        ("kw_only=True)\nclass", "kw_only=True, eq=False)\nclass", "is compared by identity; decorate it"),
        ("    version = 1", "    version: int = 1", "version is a hyper-parameter, as it has a type; write version ="),
        ("width", "method", "a hyper-parameter cannot be called 'method'"),
        ("] = 3", "]", "width has no default; give every hyper-parameter one"),
        ("] = 3", "] = 10", "its defaults are not what a suite could give: width = 10: input should be less than"),
        ("] = 3", "] = field(default=3, compare=False)", "width is left out of what is given or compared"),
        ("] = 3", '] = 3\n    kind: Tensor = None', "its defaults are not what a suite could give: "),
        ("] = 3", '] = 3\n    path: Path = Path("x")', "Object of type PosixPath is not JSON serializable"),
        ("] = 3", "] = 3\n    odd: float = float('nan')", "its defaults are not what a suite could give: odd = NaN: "),
        ("] = 3", "] = 3\n    odd: Unknown = 3", "name 'Unknown' is not defined"),
        (
            OWN,
            "    def __post_init__(self):\n        raise ValueError('no')\n\n" + OWN,
            "its defaults are not what a suite could give: ValueError: no (declared_mine.py:25); mend them",
        ),
        (SPACE, 'space = ["width"]', "space = ['width']; make it a dictionary of optuna.distributions by hyper-param"),
        (SPACE, 'space = {"with": IntDistribution(1, 9)}', "space['with'] is none of its hyper-parameters; allowed: "),
        (SPACE, 'space = {"width": (1, 9)}', "space['width'] = (1, 9); make it a distribution of optuna.distributions"),
        ("IntDistribution(1, 9)}", "IntDistribution(0, 9)}", "holds what its type refuses: width = 0: input should be"),
        ("IntDistribution(1, 9)}", "FloatDistribution(1.5, 9)}", "holds what its type refuses: width = 1.5: input"),
        ("IntDistribution(1, 9)}", 'CategoricalDistribution(["a", 1])}', 'its type refuses: width = "a": input should'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(
    old: str, new: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert old in GOOD
    with pytest.raises(UserError) as caught:
        load(GOOD.replace(old, new), tmp_path, monkeypatch)
    assert str(caught.value).startswith("method 'mine' (declared_mine:Mine)")
    assert said.replace("\n", " ") in str(caught.value)
