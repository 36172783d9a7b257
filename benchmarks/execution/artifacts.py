"""Artifacts of MLflow's runs: with a server by its own ways, else in the home and nowhere else.

MLflow's databases hold absolute paths. Those of a home that was copied or moved lead into the one that it was, so no
path of theirs is ever written to: files go below the home, and the database is told where they are.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from afnetm.zipped import Folder
from benchmarks.execution.database import place, place_model
from benchmarks.execution.troubles import is_database
from benchmarks.records.home import Home

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel


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
            if self._takes(self._client.get_run(run).info.artifact_uri):
                with TemporaryDirectory() as folder:
                    _write(Path(folder), files)
                    self._client.log_artifacts(run, folder)
            return
        if run not in self._known:
            uri = f"{self.location}/{run}/artifacts"
            if self._client.get_run(run).info.artifact_uri != uri:
                place(self._uri, run, uri)
            self._known.add(run)
        own = self._folder / run / "artifacts"
        if alone:
            shutil.rmtree(own, ignore_errors=True)
        _write(own, files)

    def put_model(self, model: "LoggedModel", files: Mapping[str, Folder | bytes]) -> None:
        """Writes files to a model."""
        if self.location is None:
            if self._takes(model.artifact_location):
                with TemporaryDirectory() as folder:
                    _write(Path(folder), files)
                    self._client.log_model_artifacts(model.model_id, folder)
            return
        uri = f"{self.location}/models/{model.model_id}/artifacts"
        if model.artifact_location != uri:
            place_model(self._uri, model.model_id, uri)
        _write(self._folder / "models" / model.model_id / "artifacts", files)

    def _takes(self, where: str) -> bool:
        """Whether a server takes files itself: it may name a folder, in which its client would write here."""
        here = f"{self._folder.as_uri()}/"
        taken = not where.startswith(("file:", "/")) or where.startswith(here)
        if not taken and not self._known:
            how = "start it without --default-artifact-root, so that it takes files itself, for a new experiment"
            self._tell(f"no artifacts are copied: the server keeps them in {where}, outside of the home; {how}")
            self._known.add(where)
        return taken


def _write(folder: Path, files: Mapping[str, Folder | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
