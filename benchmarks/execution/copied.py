"""Copies of a suite's runs that MLflow has: of one method, by a query to a database or by pages of a server."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import NullPool, and_, create_engine, or_, select

from benchmarks.execution.database import METHOD, runs, tags
from benchmarks.execution.troubles import is_database

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

#: Tags of ours. A copy has its run's key; what stands above it has not.
KEY = "afnetm.key"
#: When a copy's record was finished, and the copy's form; how many of its files were copied (`FILES_COPIED`).
FINISHED, FILES = "afnetm.finished", "afnetm.files"
#: A study's name stands at its own run and at its best trial's runs, these have its number beside it.
STUDY, TRIAL = "afnetm.study", "afnetm.trial"
# MLflow's own tags, which its UI knows: it nests runs by the first, and shows the others.
PARENT, NOTE, SOURCE = "mlflow.parentRunId", "mlflow.note.content", "mlflow.source.name"
#: Before the name of a corruption or another dataset, a tag of the run whose model was evaluated on it; says what
#: `FINISHED` says of a run.
EVALUATED = "afnetm.evaluated."
#: Files of a record that a copy may have, each more than the one before: none, those that name nobody, all.
FILES_COPIED = ("none", "nameless", "all")
_READ = (KEY, FINISHED, FILES, PARENT, STUDY, TRIAL)
_PAGE = 1000


@dataclass
class Copy:
    """A copy of a run.

    Attributes:
        run: MLflow's identifier.
        finished: what `FINISHED` says; empty where the copy was cut off.
        place: tags that say where it stands.
        files: which of its files were copied.
        evaluations: what `EVALUATED` says, by the name that it stands before.
    """

    run: str
    finished: str = ""
    place: dict[str, str] = field(default_factory=dict)
    files: str = FILES_COPIED[0]
    evaluations: dict[str, str] = field(default_factory=dict)


def copies_of(client: "MlflowClient", uri: str, experiment: str, method: str) -> Iterator[tuple[str, Copy]]:
    """Copies of a method's runs in an experiment, with their keys; a key comes twice where MLflow has two of it."""
    # A server answers with all that runs have, which takes a hundred times as long.
    found = _queried(uri, experiment, method) if is_database(uri) else _paged(client, experiment, method)
    for run, whole, own in found:
        place = {name: own[name] for name in (PARENT, STUDY, TRIAL) if name in own}
        evaluations = {name.removeprefix(EVALUATED): own[name] for name in own if name.startswith(EVALUATED)}
        finished = own.get(FINISHED, "") if whole else ""
        yield own[KEY], Copy(run, finished, place, own.get(FILES, FILES_COPIED[0]), evaluations)


def above(client: "MlflowClient", experiment: str) -> Iterator["Run"]:
    """Runs of an experiment that are no copies: those of methods, of studies, of the report."""
    return _pages(client, experiment, f"tags.`{KEY}` IS NULL")


def _queried(uri: str, experiment: str, method: str) -> Iterator[tuple[str, bool, Mapping[str, str]]]:
    of_method = select(tags.c.run_uuid).where(tags.c.key == METHOD, tags.c.value == method)
    of_run = select(tags.c.run_uuid).where(tags.c.key == KEY)
    ours = (runs.c.experiment_id == int(experiment), runs.c.lifecycle_stage == "active")
    read = or_(tags.c.key.in_(_READ), tags.c.key.startswith(EVALUATED, autoescape=True))
    wanted = (read, runs.c.run_uuid.in_(of_method), runs.c.run_uuid.in_(of_run))
    query = select(runs.c.run_uuid, runs.c.status, tags.c.key, tags.c.value)
    query = query.join_from(runs, tags, runs.c.run_uuid == tags.c.run_uuid).where(and_(*ours, *wanted))
    with create_engine(uri, poolclass=NullPool).connect() as connection:
        rows = connection.execute(query.order_by(runs.c.run_uuid)).all()
    for (run, status), own in groupby(rows, lambda row: (row[0], row[1])):
        yield run, status == "FINISHED", {key: value for _, _, key, value in own}


def _paged(client: "MlflowClient", experiment: str, method: str) -> Iterator[tuple[str, bool, Mapping[str, str]]]:
    which = f"tags.`{KEY}` IS NOT NULL"
    if "'" not in method:  # MLflow's filters have no way to write one
        which += f" AND tags.`{METHOD}` = '{method}'"
    for run in _pages(client, experiment, which):
        if run.data.tags.get(METHOD) == method:
            yield run.info.run_id, run.info.status == "FINISHED", run.data.tags


def _pages(client: "MlflowClient", experiment: str, which: str) -> Iterator["Run"]:
    token = None
    while token is None or token:
        page = client.search_runs([experiment], which, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token or ""
