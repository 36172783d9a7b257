"""Artifacts of MLflow's runs: with a server by its own ways, else in the home and nowhere else.

MLflow's databases hold absolute paths. Those of a home that was copied or moved lead into the one that it was, so no
path of theirs is ever written to: files go below the home, and the database is told where they are.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import NullPool, column, create_engine, func, inspect, make_url, or_, select, table, update

from afnetm.zipped import Folder
from benchmarks.execution.troubles import is_database
from benchmarks.records.home import Home

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: The tag by which runs of ours are known: their method.
METHOD = "afnetm.method"

# Of MLflow's tables what is needed here; these have been called so since there are migrations for them.
_runs = table("runs", column("run_uuid"), column("experiment_id"), column("artifact_uri"))
_experiments = table(
    "experiments", column("experiment_id"), column("name"), column("lifecycle_stage"), column("artifact_location")
)
_tags = table("tags", column("run_uuid"), column("key"))


class Artifacts:
    """Writes files to runs.

    Args:
        client: of MLflow at `uri`.
        uri: a database's or a server's.
        home: keeps the files, unless a server does.
        tell: is given a line where a server would have files written to this machine, and so gets none.

    Attributes:
        location: where a new experiment's are, as MLflow is told; None where a server knows.
    """

    def __init__(
        self, client: "MlflowClient", uri: str, home: Home, *, tell: Callable[[str], object] = lambda line: None
    ) -> None:
        self._client, self._uri, self._tell = client, uri, tell
        self._folder = home.artifacts.resolve()
        self.location = self._folder.as_uri() if is_database(uri) else None
        self._known: set[str] = set()

    def put(self, run: str, files: Mapping[str, Folder | bytes], *, alone: bool = False) -> None:
        """Writes files to a run, over those of the same names.

        Args:
            run: MLflow's identifier.
            files: paths or contents by name, which may begin with a folder's: ``figures/scores.svg``.
            alone: whether what else it has is deleted; a server's stays.
        """
        if self.location is None:
            if self._takes(run):
                with TemporaryDirectory() as folder:
                    _write(Path(folder), files)
                    self._client.log_artifacts(run, folder)
            return
        if run not in self._known:
            uri = f"{self.location}/{run}/artifacts"
            if self._client.get_run(run).info.artifact_uri != uri:
                _place(self._uri, run, uri)
            self._known.add(run)
        own = self._folder / run / "artifacts"
        if alone:
            shutil.rmtree(own, ignore_errors=True)
        _write(own, files)

    def _takes(self, run: str) -> bool:
        """Whether a server takes a run's files: it may name a folder, in which its client would write here."""
        where = str(self._client.get_run(run).info.artifact_uri)
        here = f"{self._folder.as_uri()}/"
        taken = not where.startswith(("file:", "/")) or where.startswith(here)
        if not taken and not self._known:
            how = "start it without --default-artifact-root, so that it takes files itself, for a new experiment"
            self._tell(f"no artifacts are copied: the server keeps them in {where}, outside of the home; {how}")
            self._known.add(run)
        return taken


def bring_home(uri: str, home: Home) -> None:
    """Has the home's own database look for artifacts where the home is now. Any other database stays as it is."""
    url = make_url(uri)
    own = home.path.resolve() / "mlflow.db"
    if url.get_backend_name() != "sqlite" or Path(url.database or "").resolve() != own or not own.is_file():
        return
    here = home.artifacts.resolve().as_uri()
    location, artifact_uri = _experiments.c.artifact_location, _runs.c.artifact_uri
    ours = select(_runs.c.experiment_id).join_from(_runs, _tags, _runs.c.run_uuid == _tags.c.run_uuid)
    ours = ours.where(_tags.c.key == METHOD)
    with create_engine(url, poolclass=NullPool).begin() as connection:
        if not inspect(connection).has_table("tags"):
            return
        places = select(location).where(location != here, _experiments.c.experiment_id.in_(ours)).distinct()
        for there in connection.scalars(places).all():
            if there.startswith(("file:", "/")):
                for owner, moved in ((_experiments, location), (_runs, artifact_uri)):
                    below = func.substr(moved, 1, len(there) + 1) == f"{there}/"
                    now = {moved.name: here + func.substr(moved, len(there) + 1)}
                    connection.execute(update(owner).where(or_(moved == there, below)).values(now))


def experiments_in(uri: str) -> dict[str, str]:
    """Identifiers of the experiments in a database by their names, without those that were deleted."""
    with create_engine(uri, poolclass=NullPool).connect() as connection:
        if not inspect(connection).has_table("experiments"):
            return {}
        identifier, name, stage = _experiments.c.experiment_id, _experiments.c.name, _experiments.c.lifecycle_stage
        rows = connection.execute(select(name, identifier).where(stage == "active")).all()
    return {str(name): str(identifier) for name, identifier in rows}


def _place(uri: str, run: str, where: str) -> None:
    with create_engine(uri, poolclass=NullPool).begin() as connection:
        connection.execute(update(_runs).where(_runs.c.run_uuid == run).values(artifact_uri=where))


def _write(folder: Path, files: Mapping[str, Folder | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
