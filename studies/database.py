"""Studies in a database. What goes wrong with it is one line."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import URL, create_engine, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError

from studies.urls import engine_options, parse_url, url_error

_WHAT = "storage"
#: The first tables that Optuna makes; where neither is among others, they are another program's.
_TABLES = {"studies", "version_info"}


def open_database(url: str) -> BaseStorage:
    """The studies in the database at `url`, in which Optuna's tables are made if it is empty.

    Raises:
        UserError: it cannot be reached, or is no database for studies.
    """
    with database_errors(url):
        _tables(parse_url(url, what=_WHAT), url)
        return _storage(url, skip_table_creation=False)


def view_database(url: str) -> BaseStorage | None:
    """The studies in the database at `url`, to be looked at; None, and no table is made, where it has none for them.

    Raises:
        UserError: as above.
    """
    with database_errors(url):
        parsed = parse_url(url, what=_WHAT)
        return _storage(url, skip_table_creation=True) if _exists(parsed) and _tables(parsed, url) else None


@contextmanager
def database_errors(url: str) -> Iterator[None]:
    """Says in one line what goes wrong with a database in use, and nothing of its password.

    Raises:
        UserError: instead of what SQLAlchemy or Optuna raises.
    """
    try:
        yield
    except StorageInternalError as error:
        raise url_error(url, error.__cause__ or error, what=_WHAT) from None
    except SQLAlchemyError as error:
        raise url_error(url, error, what=_WHAT) from None


def _exists(parsed: URL) -> bool:
    """False for a file of SQLite's that is not there: to look whether it has tables would make it."""
    name = str(parsed.database)
    return parsed.get_backend_name() != "sqlite" or name.startswith("file:") or Path(name).exists()


def _tables(parsed: URL, url: str) -> bool:
    """Whether Optuna's tables are there."""
    engine = create_engine(parsed, **engine_options(parsed))
    try:
        there = set(inspect(engine).get_table_names())
    except ValueError as error:  # a name that no host or file can have
        raise url_error(url, error, what=_WHAT) from None
    finally:
        engine.dispose()
    if there and not there & _TABLES:
        raise url_error(
            url, f"it has tables of another program ({min(there)}); studies need a database of their own", what=_WHAT
        )
    return bool(there)


def _storage(url: str, *, skip_table_creation: bool) -> BaseStorage:
    storage = RDBStorage(
        url.replace("{", "{{").replace("}", "}}"),  # Optuna takes it for a template
        engine_kwargs=engine_options(make_url(url)),
        skip_compatibility_check=True,  # it is checked here
        skip_table_creation=skip_table_creation,
    )
    weakref.finalize(storage, storage.engine.dispose)  # or its connections are left open, as drivers complain
    current, known = storage.get_current_version(), storage.get_all_versions()
    if current == storage.get_head_version():
        return storage
    what = (
        "an older Optuna: `optuna storage upgrade --storage URL`" if current in known else "a newer Optuna: update it"
    )
    raise url_error(url, f"its tables ({current}) are of {what}, or choose another storage", what=_WHAT)
