"""Studies in a database: any that SQLAlchemy has a dialect and a driver for. What goes wrong with it is one line."""

import re
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import URL, NullPool, create_engine, inspect, make_url
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from afnetm.errors import UserError

#: Seconds that a server has to answer, unless the URL says otherwise (?connect_timeout=60).
_WAIT = 5
#: Drivers with that option, by SQLAlchemy's names.
_WAITING = {"psycopg", "psycopg2", "pymysql", "mysqldb"}
#: The first tables that Optuna makes; where neither is among others, they are another program's.
_TABLES = {"studies", "version_info"}


def open_database(url: str) -> BaseStorage:
    """The studies in the database at `url`, in which Optuna's tables are made if it is empty.

    Raises:
        UserError: it cannot be reached, or is no database for studies.
    """
    with database_errors(url):
        _tables(_parse(url), url)
        return _storage(url, skip_table_creation=False)


def view_database(url: str) -> BaseStorage | None:
    """The studies in the database at `url`, to be looked at; None, and no table is made, where it has none for them.

    Raises:
        UserError: as above.
    """
    with database_errors(url):
        parsed = _parse(url)
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
        raise _error(url, error.__cause__ or error) from None
    except SQLAlchemyError as error:
        raise _error(url, error) from None


def url_shown(url: str) -> str:
    """`url` without what is secret in it."""
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        return re.sub(r"://.*@", "://***@", url)
    hidden = {name: "hidden" if name in _secrets(parsed) else value for name, value in parsed.query.items()}
    return parsed.set(query=hidden).render_as_string()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        example = "sqlite:////folder/studies.db or postgresql://user:password@host/database"
        raise UserError(f"storage '{url_shown(url)}' is not a database's URL; for example: {example}") from None
    try:
        parsed.get_dialect().import_dbapi()
    except NoSuchModuleError:
        raise _error(
            url, f"SQLAlchemy has no dialect '{parsed.drivername}'; it has sqlite, postgresql, mysql"
        ) from None
    except ImportError as error:
        raise _error(url, f"the Python package '{error.name}' is not installed" if error.name else error) from None
    if parsed.get_backend_name() == "sqlite" and (parsed.database or ":memory:").endswith(":memory:"):
        raise UserError(
            f"storage '{url}' is in memory and forgets the studies; name a file: sqlite:////folder/studies.db"
        )
    return parsed


def _exists(parsed: URL) -> bool:
    """False for a file of SQLite's that is not there: to look whether it has tables would make it."""
    name = str(parsed.database)
    return parsed.get_backend_name() != "sqlite" or name.startswith("file:") or Path(name).exists()


def _tables(parsed: URL, url: str) -> bool:
    """Whether Optuna's tables are there."""
    engine = create_engine(parsed, **_engine_options(parsed))
    try:
        there = set(inspect(engine).get_table_names())
    except ValueError as error:  # a name that no host or file can have
        raise _error(url, error) from None
    finally:
        engine.dispose()
    if there and not there & _TABLES:
        raise _error(url, f"it has tables of another program ({min(there)}); studies need a database of their own")
    return bool(there)


def _storage(url: str, *, skip_table_creation: bool) -> BaseStorage:
    storage = RDBStorage(
        url.replace("{", "{{").replace("}", "}}"),  # Optuna takes it for a template
        engine_kwargs=_engine_options(make_url(url)),
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
    raise _error(url, f"its tables ({current}) are of {what}, or choose another storage")


def _engine_options(parsed: URL) -> dict[str, Any]:
    if parsed.get_backend_name() == "sqlite":
        return {"poolclass": NullPool}  # a file is opened at once: nothing stays open where Optuna gives up half-way
    wait = parsed.get_dialect().driver in _WAITING and "connect_timeout" not in parsed.query
    # Between two trials a server may be restarted: a connection is tried before it is used.
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": _WAIT} if wait else {}}


def _secrets(parsed: URL) -> dict[str, str]:
    """Parameters of the query that may be a password."""
    return {name: str(value) for name, value in parsed.query.items() if re.search("pass|pwd|secret|token|key", name)}


def _error(url: str, reason: str | BaseException) -> UserError:
    """Of an error its first line is told; a driver may say there what it was given."""
    if not isinstance(reason, str):
        reason = str(getattr(reason, "orig", None) or reason).strip().partition("\n")[0]
        for secret in filter(None, (make_url(url).password, *_secrets(make_url(url)).values())):
            reason = reason.replace(str(secret), "***")
    return UserError(f"storage '{url_shown(url)}' cannot be used: {reason}")
