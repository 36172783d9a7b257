"""Every registered method, held to every check of the contract; `nox -s contract`, or `afnetm check`."""

from dataclasses import fields

import pytest

from afnetm.contract.bench import Bench, Check
from afnetm.contract.checks import CHECKS
from afnetm.contract.exporting import check_it_is_exported
from afnetm.contract.inputs import TENSORS
from afnetm.face_batch import FaceBatch

#: Methods of stages, streams and tokens, of features and decisions, and one that cannot be written.
SOME = ("afnetm", "cen", "concat", "late", "mbt")


@pytest.mark.contract
@pytest.mark.parametrize(
    "check",
    [one for one in CHECKS if one is not check_it_is_exported],
    ids=lambda check: check.__name__.removeprefix("check_"),
)
def test_it_keeps_the_contract(check: Check, bench: Bench) -> None:
    check(bench)


# An export takes a quarter of a minute of a method's own.
@pytest.mark.contract
@pytest.mark.parametrize(
    "bench", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in SOME], indirect=True
)
def test_some_are_written_as_onnx(bench: Bench) -> None:
    check_it_is_exported(bench)


@pytest.mark.exports
def test_it_is_written_as_onnx_or_says_why_not(bench: Bench) -> None:
    check_it_is_exported(bench)


def test_every_field_of_faces_is_looked_at() -> None:
    assert {field.name for field in fields(FaceBatch)} == {*TENSORS, "pixel_mm"}
