"""Request of a command: a suite's file, read once, and what its home has of it; without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.execution.workers import begin_workers
from benchmarks.plans.shards import Shard
from benchmarks.plans.suite_files import SuiteFile, overlaid, read_suite_file
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest, NoManifestError, check_same, manifest_named
from benchmarks.records.store import Store


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a command that runs or searches a suite; made once, on the command line, and handed on whole.

    Attributes:
        home: where records go.
        changes: of the suite's keys, each ``table.key=value``.
        methods: only these; every one where there are none.
        method_files: of methods that are compared as well, or belong to the suite.
        workers: processes; None for as many as there are cores, or as the GPUs take.
        workers_per_gpu: processes that share a GPU.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        executor: ``"local"``, this machine's processes, or ``"ray"``, those of a Ray cluster.
        ray_address: of the cluster; None for one that is started on this machine, or that the environment names.
        dry: whether nothing is to be written, only estimated.
        shard: which part of the suite's folds; all of them where it is None.
        params: a file of best parameters to train with, instead of searching.
    """

    home: Home
    changes: Sequence[str] = ()
    methods: Sequence[str] = ()
    method_files: Sequence[Path] = ()
    workers: int | None = None
    workers_per_gpu: int = 1
    device: str = "auto"
    executor: str = "local"
    ray_address: str | None = None
    dry: bool = False
    shard: Shard | None = None
    params: Path | None = None


@dataclass(frozen=True)
class Request:
    """A suite that is to be run or searched.

    Attributes:
        options: the command's.
        file: the suite's, as it is now.
        before: the suite as it was last run in the home; None where it never was.
        done: keys of all runs in the home that are finished.
        searched: whether the suite's file asks for a search.
    """

    options: Options
    file: SuiteFile
    before: Manifest | None
    done: set[str]
    searched: bool

    @property
    def unfinished(self) -> bool:
        """Whether it is likely to train something."""
        before = self.before
        return (
            before is None or before.text != self.file.text or not {one.key for one in before.only(None)} <= self.done
        )

    def begin(self) -> None:
        """Begins what workers need, if something is likely to be trained: this process has seconds to plan."""
        if self.unfinished and not self.options.dry and self.options.executor == "local":
            begin_workers()

    @property
    def added(self) -> list[str]:
        """The methods that earlier runs added to the suite, for as long as they have records."""
        before = self.before
        if before is None:
            return []
        return [name for name in before.added if any(one.key in self.done for one in before.only([name]))]


def ask(reference: str, options: Options, *, search: Mapping[str, Any] | None = None) -> Request:
    """Reads a suite's file, changes made to it, and what the home has of it.

    What `search` says takes the place of the suite's own keys of that table, which is made where there is none.

    Raises:
        UserError: there is no such suite, or the home has results of another one of its name.
    """
    file = read_suite_file(reference, options.changes)
    own = file.tables.get("search")
    if search is not None and isinstance(own, dict | None):
        # No part of the suite's text: its studies say what they had.
        file = replace(file, tables=overlaid(file.tables, {"search": dict(search)}))
    before: Manifest | None
    try:
        before = manifest_named(options.home, file.path.stem)
    except NoManifestError:
        before = None
    else:
        check_same(before, options.home, path=file.place, text=file.text)
    return Request(options, file, before, Store(options.home).done(), searched=own is not None)
