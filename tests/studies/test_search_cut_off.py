"""A search that is killed, however often, and taken up again is the search that was not."""

import random
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import JournalStorage
from sqlalchemy import event

from studies.storage import open_storage
from tests.studies.conftest import (
    CHOICES,
    COMPLETE,
    FAIL,
    MANY,
    PRUNED,
    SPACE,
    Lines,
    drive,
    message,
    searched,
    states,
    whole,
)

pytestmark = pytest.mark.usefixtures("soon")


@pytest.mark.parametrize(("sampler", "parallel"), [*product(("tpe", "random", "cmaes"), (1, 3)), ("gp", 2)])
def test_cut_off_after_any_operation_it_goes_on_as_if_it_had_not_been(sampler: str, parallel: int) -> None:
    spec = {
        "sampler": sampler,
        "parallel": parallel,
        "trials": 6 if sampler == "gp" else 12,
        "space": SPACE if sampler == "cmaes" else CHOICES,
    }
    first = Lines()
    uncut = searched(JournalStorage(first), **spec)
    drive(uncut, order=random.Random(0))
    assert sampler == "gp" or {COMPLETE, PRUNED, FAIL} == set(states(uncut))
    step = 31 if sampler == "gp" else 2  # that one thinks for long
    for cut in range(parallel // 2, len(first.lines) + 1, step):
        again = searched(JournalStorage(Lines(first.lines[:cut])), **spec)
        drive(again, order=random.Random(cut))
        assert message(again) == message(uncut), f"cut off after {cut} of {len(first.lines)}: {first.lines[cut - 1]}"


@MANY
@given(data=st.data(), sampler=st.sampled_from(["tpe", "random", "cmaes"]), parallel=st.integers(1, 4))
def test_cut_off_again_and_again(data: st.DataObject, sampler: str, parallel: int) -> None:
    spec = {"sampler": sampler, "parallel": parallel, "trials": 9}
    journal = Lines()
    for _ in range(data.draw(st.integers(1, 4), label="times")):
        search = searched(JournalStorage(journal), **spec)
        before = len(journal.lines)
        tasks = data.draw(st.integers(0, 12), label="tasks")
        drive(search, order=random.Random(data.draw(st.integers(0, 99))), tasks=tasks)
        journal = Lines(journal.lines[: data.draw(st.integers(before, len(journal.lines)), label="cut")])
    search = searched(JournalStorage(journal), **spec)
    drive(search)
    assert message(search) == message(whole(**spec))


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_cut_off_before_any_transaction_of_a_database(sampler: str, tmp_path: Path) -> None:
    """SQLite, killed every few commits until it is through."""
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    spec = {"sampler": sampler, "parallel": 2, "trials": 5}
    rng = random.Random(7)
    while True:
        storage = open_storage(tmp_path, url)
        left = [rng.randint(3, 30)]

        @event.listens_for(storage.engine, "commit")
        def count(_: object, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        try:
            drive(searched(storage, **spec), order=rng)
            break
        except Killed:
            storage.scoped_session.remove()  # as a server does for a client that is gone
            storage.engine.dispose()
    search = searched(open_storage(tmp_path, url), **spec)
    assert message(search) == message(whole(**spec))
    assert len(search.study.trials) > 5, "it was never cut off in the middle of a proposal"


def test_a_journal_file_cut_off_in_the_middle_of_a_line(tmp_path: Path) -> None:
    search = searched(open_storage(tmp_path / "whole", None), parallel=2, trials=5)
    drive(search)
    content = (tmp_path / "whole").read_bytes()
    for cut in random.Random(3).sample(range(len(content)), 8):
        (tmp_path / f"cut{cut}").write_bytes(content[:cut])
        again = searched(open_storage(tmp_path / f"cut{cut}", None), parallel=2, trials=5)
        drive(again)
        assert message(again) == message(search)
