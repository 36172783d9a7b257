"""Every registered method, held to every check of the contract; `nox -s contract`, or `afnetm check`."""

from dataclasses import fields

import pytest

from afnetm.contract.bench import Bench, Check
from afnetm.contract.checks import CHECKS
from afnetm.contract.inputs import TENSORS
from afnetm.face_batch import FaceBatch


@pytest.mark.contract
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_it_keeps_the_contract(check: Check, bench: Bench) -> None:
    check(bench)


def test_every_field_of_faces_is_looked_at() -> None:
    assert {field.name for field in fields(FaceBatch)} == {*TENSORS, "pixel_mm"}
