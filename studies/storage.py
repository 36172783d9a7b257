"""Where studies are kept: in a journal file beside the records, or in a database that several machines reach."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import optuna
from optuna.storages import BaseStorage

from afnetm.errors import UserError
from studies.database import database_errors, open_database, view_database
from studies.journal import open_journal, view_journal
from studies.urls import public_url


class NoStudiesError(UserError):
    """There is nothing to look at yet, and nothing wrong with that."""


def open_storage(journal: Path, url: str | None) -> BaseStorage:
    """The studies in the database at `url`, or without one in the file `journal`; either is made if it is not there.

    The caller is the journal's only writer: it holds the home's lock.

    Raises:
        UserError: it is away, damaged or something else; one line that says what to do, without any password.
    """
    return open_database(url) if url else open_journal(journal)


def view_storage(journal: Path, url: str | None) -> BaseStorage:
    """The same studies, to be looked at, while a search may be going on; nothing is made or mended.

    Raises:
        NoStudiesError: there are none yet.
        UserError: as above.
    """
    with storage_errors(url):
        storage = view_database(url) if url else view_journal(journal)
        if storage is None or not storage.get_all_studies():
            raise NoStudiesError(f"{public_storage(journal, url)} has no studies yet; a search makes them")
    return storage


def copy_studies(source: BaseStorage, target: BaseStorage) -> int:
    """Copies the studies that `target` lacks, or has with fewer trials; returns how many."""
    trials = {
        one.study_name: len(target.get_all_trials(one._study_id, deepcopy=False)) for one in target.get_all_studies()
    }
    copied = 0
    for study in source.get_all_studies():
        name = study.study_name
        if len(source.get_all_trials(study._study_id, deepcopy=False)) > trials.get(name, -1):
            if name in trials:
                optuna.delete_study(study_name=name, storage=target)
            optuna.copy_study(from_study_name=name, from_storage=source, to_storage=target)
            copied += 1
    return copied


def public_storage(journal: Path, url: str | None) -> str:
    """What to call it in a message: without any password."""
    return f"storage '{public_url(url)}'" if url else f"journal '{journal}'"


def storage_errors(url: str | None) -> AbstractContextManager[None]:
    """To be held while studies are asked and told: a database that goes away meanwhile is one line, too.

    A journal's errors need none of it.

    Raises:
        UserError: instead of what a database raises.
    """
    return database_errors(url) if url else nullcontext()
