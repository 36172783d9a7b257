"""Diagnosis of an MLflow that cannot be written to, and how to mend it: a line each, no password in it."""

import errno
import os
from importlib.metadata import entry_points

from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from afnetm.errors import UserError, causes
from studies.urls import engine_options, first_line, parse_url, public_url

#: Schemes of databases that MLflow knows.
_DATABASES = ("postgresql", "mysql", "sqlite", "mssql")
#: And of servers. Packages may add others.
_SERVERS = ("http", "https", "databricks", "databricks-uc", "uc")
_WHAT = "tracking URI"


def is_database(uri: str) -> bool:
    """Whether MLflow is a database, which anyone may open, and no server."""
    return _scheme(uri).partition("+")[0] in _DATABASES


def check_tracking_uri(uri: str) -> None:
    """Looks at what can be seen without asking anyone.

    Raises:
        UserError: MLflow cannot be there, or the driver of its database is not installed.
    """
    known = {*_SERVERS, *(point.name for point in entry_points(group="mlflow.tracking_store"))}
    if is_database(uri):
        parse_url(uri, what=_WHAT)
    elif _scheme(uri) not in known:
        allowed = "allowed: http://HOST:PORT, sqlite:////FOLDER/mlflow.db, postgresql://USER:PASSWORD@HOST/DATABASE"
        if _scheme(uri) in {"", "file"}:
            why = "is a folder, which MLflow no longer supports"
            moved = "`mlflow migrate-filestore` converts an old one to a database"
            raise UserError(f"{_WHAT} '{public_url(uri)}' {why}; {allowed}; {moved}")
        raise UserError(f"{_WHAT} '{public_url(uri)}' has a scheme that MLflow does not support; {allowed}")


def reach(uri: str) -> None:
    """Asks a database once whether it is there: MLflow would ask it for minutes.

    Raises:
        SQLAlchemyError: it is not.
    """
    if is_database(uri):
        url = make_url(uri)
        engine = create_engine(url, **engine_options(url))
        try:
            engine.connect().close()
        finally:
            engine.dispose()


def trouble(error: BaseException, uri: str) -> str | None:
    """Diagnosis of an error of MLflow at `uri`, and how to mend it; None for an error that is not of its making."""
    found = list(causes(error))
    for cause in found:
        if isinstance(cause, SQLAlchemyError):
            said = first_line(uri, cause)
            mended = next((mended for part, mended in _DATABASE_SAYS.items() if part in said), "cannot be used: {}")
            return f"{_at(uri)} {mended.format(said)}"
    packages = {type(cause).__module__.partition(".")[0] for cause in found}
    if "requests" in packages:
        return f"{_at(uri)} {_of_network(found)}"
    if packages & {"mlflow", "alembic"}:
        return of_mlflow(str(error), uri, code=getattr(error, "error_code", None))
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
        return f"artifacts cannot be written: {error.strerror or error}"
    return None


def of_mlflow(said: str, uri: str, *, code: str | None = None) -> str:
    """The same of what MLflow says itself, in an error of that code or in a log."""
    said = said.strip().partition("\n")[0].replace(uri, public_url(uri))[:300]
    message = [code, *(part for part in _MLFLOW_SAYS if part in said)]
    return f"{_at(uri)} {next((_MLFLOW_SAYS[one] for one in message if one in _MLFLOW_SAYS), f'refused: {said}')}"


_ANEW = "move it away, and a new one is made from the stored results"
_RELEASE = "was made by another release of MLflow; update MLflow, or run `mlflow db upgrade` on it after a backup"
#: By a part of what SQLite says; other databases' words stand for themselves.
_DATABASE_SAYS = {
    "malformed": f"is damaged ({{}}); {_ANEW}",
    "not a database": f"is damaged ({{}}); {_ANEW}",
    "no such": f"is incomplete ({{}}); {_ANEW}",
    "readonly": "may not be written to ({}); change its permissions",
    "unable to open": "cannot be opened ({}); see that its folder is there and may be written to",
    "locked": "is in use by another program ({}); close that",
    "full": "cannot grow ({}); free some space",
}
#: By an error's code, or a part of its message.
_MLFLOW_SAYS = {
    "UNAUTHENTICATED": "requires authentication; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
    "MLFLOW_TRACKING_TOKEN",
    "PERMISSION_DENIED": "denies access; ask its administrator for permission to write to the suite's experiment",
    "ENDPOINT_NOT_FOUND": "does not answer as one, or is under another path; correct the address",
    "TEMPORARILY_UNAVAILABLE": "is overloaded or restarting",
    "database schema": _RELEASE,
    "locate revision": _RELEASE,
    "'active' state": "no longer has the suite's experiment or a run of it; the next attempt restores it",
}


def _of_network(chain: list[BaseException]) -> str:
    if any("Timeout" in type(cause).__name__ for cause in chain):
        return "does not answer in time"
    last = chain[-1]
    known = last.errno if isinstance(last, OSError) and last.errno in errno.errorcode else None
    return f"cannot be reached ({last if known is None else os.strerror(known)})"


def _at(uri: str) -> str:
    """Name of a place for messages."""
    url = public_url(uri)
    if not is_database(uri):
        return f"MLflow server {url}"
    return f"MLflow's database {make_url(uri).database if uri.startswith('sqlite') else url}"


def _scheme(uri: str) -> str:
    scheme, separator, _ = uri.partition(":")
    return scheme.lower() if separator else (uri if uri in _SERVERS else "")
