"""Storage of studies: a journal file beside the stored runs, or a database that several machines reach."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from afnetm.errors import UserError
from studies.database import database_errors, open_database, view_database
from studies.urls import public_url

#: Seconds after which Optuna takes a lock for a killed process's: the least that it allows.
_GRACE = 3


class NoStudiesError(UserError):
    """There is nothing to look at yet, and nothing wrong with that."""


def open_storage(journal: Path, url: str | None, *, tell: Callable[[str], object] | None = None) -> BaseStorage:
    """The studies in the database at `url`, or without one in the file `journal`; either is made if it is not there.

    Others may be writing to the journal, to other studies. With `tell`, a database's server that goes away later is
    waited for, which that is told in a line.

    Raises:
        UserError: it is away, damaged or something else; one line that says what to do, without any password.
    """
    if url:
        return open_database(url, tell=tell)
    storage = _replayed(journal)
    if not _whole(journal):  # by a killed process: Optuna passes over it, but would write on in it
        lock = _lock(journal)
        lock.acquire()
        try:
            with journal.open("r+b") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
        finally:
            lock.release()
    return storage


def view_storage(journal: Path, url: str | None) -> BaseStorage:
    """The same studies, to be looked at, while a search may be going on; nothing is made or mended.

    Raises:
        NoStudiesError: there are none yet.
        UserError: as above.
    """
    with storage_errors(url):
        storage = view_database(url) if url else _replayed(journal) if journal.exists() else None
        if storage is None or not storage.get_all_studies():
            raise NoStudiesError(f"{public_storage(journal, url)} has no studies yet; a search makes them")
    return storage


def _replayed(journal: Path) -> BaseStorage:
    """The studies as all of the file's operations leave them; a last line that has no end is passed over."""
    backend = JournalFileBackend(str(journal.absolute()), lock_obj=_lock(journal))
    try:
        return JournalStorage(backend)
    except Exception as error:  # whatever Optuna trips over
        said = f"{type(error).__name__}: {error}"
        raise UserError(
            f"journal '{journal}' is damaged, or another Optuna's ({said}); restore it, or move it away to begin anew"
        ) from None


def _lock(journal: Path) -> JournalFileOpenLock:
    return JournalFileOpenLock(str(journal.absolute()), grace_period=_GRACE)


def _whole(journal: Path) -> bool:
    """Whether its last line has an end."""
    content = journal.read_bytes()
    return not content or content.endswith(b"\n")


def copy_studies(source: BaseStorage, target: BaseStorage) -> int:
    """Copies the studies that `target` lacks, or has with fewer trials; returns how many."""
    there = {
        one.study_name: len(target.get_all_trials(one._study_id, deepcopy=False)) for one in target.get_all_studies()
    }
    copied = 0
    for study in source.get_all_studies():
        name = study.study_name
        if len(source.get_all_trials(study._study_id, deepcopy=False)) > there.get(name, -1):
            if name in there:
                optuna.delete_study(study_name=name, storage=target)
            optuna.copy_study(from_study_name=name, from_storage=source, to_storage=target)
            copied += 1
    return copied


def public_storage(journal: Path, url: str | None) -> str:
    """Name of a storage for messages: without any password."""
    return f"storage '{public_url(url)}'" if url else f"journal '{journal}'"


def storage_errors(url: str | None) -> AbstractContextManager[None]:
    """To be held while studies are asked and told: a database that goes away meanwhile is one line, too.

    A journal needs none of it: what can go wrong with it is the disk's.

    Raises:
        UserError: instead of what a database raises.
    """
    return database_errors(url) if url else nullcontext()
