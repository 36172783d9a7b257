"""URLs of databases: any that SQLAlchemy has a dialect and a driver for. What is wrong with one is told in one line."""

import re
from typing import Any

from sqlalchemy import URL, NullPool, make_url
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from afnetm.errors import UserError

#: Seconds that a server has to answer, unless the URL says otherwise (?connect_timeout=60).
_WAIT = 5
#: Drivers with that option, by SQLAlchemy's names.
_WAITING = {"psycopg", "psycopg2", "pymysql", "mysqldb"}


def parse_url(url: str, *, what: str) -> URL:
    """The URL of a database that outlasts this process, whose driver is installed. Nothing is opened.

    Args:
        url: the user's.
        what: what the database is for; begins the message.

    Raises:
        UserError: it is none.
    """
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        example = "sqlite:////folder/studies.db or postgresql://user:password@host/database"
        raise UserError(f"{what} '{public_url(url)}' is not a database's URL; for example: {example}") from None
    try:
        parsed.get_dialect().import_dbapi()
    except NoSuchModuleError:
        has = "sqlite, postgresql, mysql"
        raise url_error(url, f"SQLAlchemy has no dialect '{parsed.drivername}'; it has {has}", what=what) from None
    except ImportError as error:
        missing = f"the Python package '{error.name}' is not installed" if error.name else error
        raise url_error(url, missing, what=what) from None
    if parsed.get_backend_name() == "sqlite" and (parsed.database or ":memory:").endswith(":memory:"):
        raise UserError(f"{what} '{url}' is in memory and lost at the end; name a file: sqlite:////folder/file.db")
    return parsed


def public_url(url: str) -> str:
    """`url` without what is secret in it; also of a server."""
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        return re.sub(r"://.*@", "://***@", url)
    hidden = {name: "hidden" if name in _secrets(parsed) else value for name, value in parsed.query.items()}
    return parsed.set(query=hidden).render_as_string()


def engine_options(parsed: URL) -> dict[str, Any]:
    """Options for SQLAlchemy's engine: what is away is given up within seconds, what was restarted is tried again."""
    if parsed.get_backend_name() == "sqlite":
        return {"poolclass": NullPool}  # a file is opened at once: nothing stays open where a library gives up half-way
    wait = parsed.get_dialect().driver in _WAITING and "connect_timeout" not in parsed.query
    # Between two questions a server may be restarted: a connection is tried before it is used.
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": _WAIT} if wait else {}}


def url_error(url: str, reason: str | BaseException, *, what: str) -> UserError:
    """Of an error its first line is told; a driver may say there what it was given."""
    return UserError(f"{what} '{public_url(url)}' cannot be used: {first_line(url, reason)}")


def first_line(url: str, reason: str | BaseException) -> str:
    """Message of a driver, without what is secret in `url`."""
    if isinstance(reason, str):
        return reason
    said = str(getattr(reason, "orig", None) or reason).strip().partition("\n")[0]
    for secret in filter(None, (make_url(url).password, *_secrets(make_url(url)).values())):
        said = said.replace(str(secret), "***")
    return said


def _secrets(parsed: URL) -> dict[str, str]:
    """Parameters of the query that may be a password."""
    return {name: str(value) for name, value in parsed.query.items() if re.search("pass|pwd|secret|token|key", name)}
