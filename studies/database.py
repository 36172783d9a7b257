"""Studies in a database. What goes wrong with it is one line."""

import logging
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage, get_storage
from sqlalchemy import URL, create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from studies.patience import PatientStorage
from studies.urls import engine_options, parse_url, url_error

_WHAT = "storage"
# Optuna has a slower way to read trials where a query fails, says so at length, and fails on it where a server is away.
logging.getLogger("optuna.storages._rdb.storage").setLevel("ERROR")

#: The first tables that Optuna makes; where neither is among others, they are another program's.
_TABLES = {"studies", "version_info"}


def open_database(url: str, *, tell: Callable[[str], object] | None = None) -> BaseStorage:
    """The studies in the database at `url`, in which Optuna's tables are made if it is empty.

    With `tell`, a server that goes away later is waited for (`studies.patience`), which that is told in a line.

    Raises:
        UserError: it cannot be reached, or is no database for studies.
    """
    with database_errors(url):
        parsed = parse_url(url, what=_WHAT)
        _tables(parsed, url)
        storage = _storage(parsed, url, make=True)
        if tell is None or parsed.get_backend_name() == "sqlite":
            return storage
        return PatientStorage(get_storage(storage), url, tell)


def view_database(url: str) -> BaseStorage | None:
    """The studies in the database at `url`, to be looked at; None, and no table is made, where it has none for them.

    Raises:
        UserError: as above.
    """
    with database_errors(url):
        parsed = parse_url(url, what=_WHAT)
        if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
            return None  # SQLite would make the file to look into it
        return _storage(parsed, url, make=False) if _tables(parsed, url) else None


@contextmanager
def database_errors(url: str) -> Iterator[None]:
    """Says in one line what goes wrong with a database in use, and nothing of its password.

    Raises:
        UserError: instead of what SQLAlchemy or Optuna raises.
    """
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        wrapped = error.__cause__ if isinstance(error, StorageInternalError) else None
        raise url_error(url, wrapped or error, what=_WHAT) from None


def _tables(parsed: URL, url: str) -> bool:
    """Whether Optuna's tables are there; where MLflow's are, say, Optuna's would end both."""
    engine = create_engine(parsed, **engine_options(parsed))
    try:
        there = set(inspect(engine).get_table_names())
    finally:
        engine.dispose()
    if there and not there & _TABLES:
        raise url_error(
            url, f"it has tables of another program ({min(there)}); studies need a database of their own", what=_WHAT
        )
    return bool(there)


def _storage(parsed: URL, url: str, *, make: bool) -> BaseStorage:
    try:
        storage = RDBStorage(
            url.replace("{", "{{").replace("}", "}}"),  # Optuna takes it for a template
            engine_kwargs=engine_options(parsed),
            skip_table_creation=not make,
        )
    except RuntimeError as error:  # its tables are another Optuna's, and it says what to do
        raise url_error(url, error, what=_WHAT) from None
    weakref.finalize(storage, storage.engine.dispose)  # or its connections are left open, as drivers complain
    return storage
