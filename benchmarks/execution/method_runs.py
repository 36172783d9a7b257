"""Runs of methods in MLflow, below which their runs' copies stand, and the run beside them that has the report."""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Metric, Run

from afnetm.errors import UserError
from benchmarks.execution.artifacts import Artifacts
from benchmarks.execution.copied import NOTE, SOURCE
from benchmarks.execution.database import METHOD
from benchmarks.execution.entities import method_params, mlflow_dataset
from benchmarks.execution.mlflow_page import run_page
from benchmarks.records.manifest import Manifest

#: Tag of the run that has the report.
_REPORT = "afnetm.report"


class MethodRuns:
    """A suite's methods as runs of its experiment: their settings, numbers, pictures, and a link to the report.

    Args:
        client: of MLflow.
        artifacts: of its runs.
        experiment: the suite's, by MLflow's identifier.
        manifest: the suite.
        there: runs of the experiment that are neither copies nor studies'.
        adopt: is called with a method and two runs of it, the earlier and the new one, where its settings are others
            by now: puts what is below the one below the other.
    """

    def __init__(
        self,
        client: MlflowClient,
        artifacts: Artifacts,
        experiment: str,
        manifest: Manifest,
        *,
        there: Iterable[Run],
        adopt: Callable[[str, str, str], object],
    ) -> None:
        self._client, self._artifacts, self._experiment = client, artifacts, experiment
        self._manifest, self._adopt = manifest, adopt
        self._runs: dict[str, Run] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        self._report = ""
        for run in there:
            if _REPORT in run.data.tags:
                self._report = run.info.run_id
            elif METHOD in run.data.tags:
                self._runs[run.data.tags[METHOD]] = run

    @property
    def seen(self) -> set[str]:
        """Methods of the suite that have a run, and of which something was looked at."""
        return self._spans.keys() & self._runs.keys() & self._manifest.methods.keys()

    def run(self, method: str) -> str:
        """The run of a method; made if it is not there, and anew where the method's settings are others by now."""
        before = self._runs.get(method)
        wanted = method_params(self._manifest, method)
        if before is not None and before.data.params == {one.key: one.value for one in wanted}:
            return str(before.info.run_id)
        tags = {METHOD: method, SOURCE: "afnetm run", NOTE: self._note(method)}
        start, _ = self._spans.get(method, (None, None))
        made = self._client.create_run(self._experiment, start_time=start, run_name=method, tags=tags)
        run = str(made.info.run_id)
        self._artifacts.put(run, self._suite())
        self._client.log_batch(run, params=wanted)
        self._client.log_inputs(run, [DatasetInput(mlflow_dataset(self._manifest.dataset))])
        self._runs[method] = self._client.get_run(run)
        if before is not None:
            self._adopt(method, str(before.info.run_id), run)
            self._client.delete_run(before.info.run_id)
        return run

    def widen(self, method: str, start: int, end: int) -> None:
        """Takes what was trained from `start` to `end` into the time of a method's run."""
        first, last = self._spans.get(method, (start, end))
        self._spans[method] = (min(first, start), max(last, end))

    def update(self, method: str, numbers: Mapping[str, float]) -> None:
        """Sets a method's metrics, and ends its run."""
        run = self._client.get_run(self.run(method))
        numbers = {name: value for name, value in numbers.items() if math.isfinite(value)}
        if numbers.items() - run.data.metrics.items():
            now = int(time.time() * 1000)  # MLflow shows the latest: what they replace may be of younger records
            self._client.log_batch(run.info.run_id, metrics=[Metric(k, v, now, 0) for k, v in numbers.items()])
        elif run.info.status == "FINISHED":
            return
        _, end = self._spans.get(method, (None, run.info.end_time))
        # One that was made anew after all trainings had ended begins after them.
        self._client.set_terminated(run.info.run_id, end_time=end and max(end, run.info.start_time))

    def publish(
        self,
        scores: Mapping[str, Mapping[str, float]],
        pictures: Mapping[str, Mapping[str, Path | bytes]],
        report: Mapping[str, Path | bytes],
    ) -> None:
        """Copies what a report says: numbers and pictures to the methods' runs, the whole of it to one of its own.

        Args:
            scores: numbers by method and name.
            pictures: files by method and name.
            report: files by name.
        """
        for method in filter(self._manifest.methods.__contains__, scores):
            self.update(method, scores[method])
            self._artifacts.put(self.run(method), {**self._suite(), **pictures.get(method, {})})
        if not self._report:
            tags = {_REPORT: "yes", SOURCE: "afnetm run", NOTE: "The report as a page: `index.html`."}
            self._report = str(self._client.create_run(self._experiment, run_name="report", tags=tags).info.run_id)
        self._artifacts.put(self._report, report, alone=True)
        self._client.set_terminated(self._report)
        for method, run in self._runs.items():
            if method in self._manifest.methods and run.data.tags.get(NOTE) != (note := self._note(method)):
                self._client.set_tag(run.info.run_id, NOTE, note)

    def pages(self, uri: str) -> dict[str, str] | None:
        """Addresses of the runs' pages, by method; None of an MLflow that has no pages."""
        with suppress(UserError):
            return {method: run_page(uri, self._experiment, run.info.run_id) for method, run in self._runs.items()}
        return None

    def _note(self, method: str) -> str:
        """Description of a method for MLflow's page: what it is, and where it is compared."""
        about = self._manifest.methods[method]
        report = "report"
        if self._report:
            report = f"[report](#/experiments/{self._experiment}/runs/{self._report}/artifacts/index.html)"
        compared = f"Compared with the suite's other methods in the {report}: `index.html` of the run `report`."
        return f"{about['summary']}\n\n{about['source']}\n\n{compared}"

    def _suite(self) -> dict[str, Path | bytes]:
        resolved = json.dumps(self._manifest.resolved, indent=2)
        return {"suite.toml": self._manifest.text.encode(), "suite.resolved.json": resolved.encode()}
