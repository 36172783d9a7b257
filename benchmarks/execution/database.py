"""MLflow's database, asked directly: for what its client cannot say, or takes minutes to."""

from contextlib import suppress
from pathlib import Path

from sqlalchemy import NullPool, column, create_engine, func, inspect, make_url, or_, select, table, text, update
from sqlalchemy.exc import OperationalError

from benchmarks.records.home import Home

#: The tag by which runs of ours are known: their method.
METHOD = "afnetm.method"
#: Rows of an index, at most.
_LOOKED_AT = 1000

# Of MLflow's tables what is needed here; these have been called so since there are migrations for them.
runs = table(
    "runs",
    *map(column, ("run_uuid", "experiment_id", "artifact_uri", "status", "lifecycle_stage")),
)
_models = table("logged_models", column("model_id"), column("artifact_location"))
tags = table("tags", column("run_uuid"), column("key"), column("value"))
_experiments = table(
    "experiments", column("experiment_id"), column("name"), column("lifecycle_stage"), column("artifact_location")
)


def bring_home(uri: str, home: Home) -> None:
    """Has the home's own database look for artifacts where the home is now. Any other database stays as it is."""
    url = make_url(uri)
    own = home.path.resolve() / "mlflow.db"
    if url.get_backend_name() != "sqlite" or Path(url.database or "").resolve() != own or not own.is_file():
        return
    here = home.artifacts.resolve().as_uri()
    location, artifact_uri, of_model = (
        _experiments.c.artifact_location,
        runs.c.artifact_uri,
        _models.c.artifact_location,
    )
    ours = select(runs.c.experiment_id).join_from(runs, tags, runs.c.run_uuid == tags.c.run_uuid)
    ours = ours.where(tags.c.key == METHOD)
    with create_engine(url, poolclass=NullPool).begin() as connection:
        if not inspect(connection).has_table("tags"):
            return
        places = select(location).where(location != here, _experiments.c.experiment_id.in_(ours)).distinct()
        for there in connection.scalars(places).all():
            if there.startswith(("file:", "/")):
                for owner, moved in ((_experiments, location), (runs, artifact_uri), (_models, of_model)):
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


def count_rows(uri: str) -> None:
    """Has SQLite look at how much its tables hold; other databases do so by themselves.

    Until it has, it looks for the score of each of 10,000 runs among all scores when the page sorts by one: 16 seconds.
    """
    if make_url(uri).get_backend_name() != "sqlite":
        return
    with suppress(OperationalError), create_engine(uri, poolclass=NullPool).begin() as connection:  # another may write
        connection.execute(text(f"PRAGMA analysis_limit = {_LOOKED_AT}"))
        connection.execute(text("ANALYZE"))


def place(uri: str, run: str, where: str) -> None:
    """Tells a database where the artifacts of a run are."""
    with create_engine(uri, poolclass=NullPool).begin() as connection:
        connection.execute(update(runs).where(runs.c.run_uuid == run).values(artifact_uri=where))


def place_model(uri: str, model: str, where: str) -> None:
    """Tells a database where the artifacts of a model are."""
    with create_engine(uri, poolclass=NullPool).begin() as connection:
        connection.execute(update(_models).where(_models.c.model_id == model).values(artifact_location=where))
