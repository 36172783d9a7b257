"""Workers in a Ray cluster: actors that take runs from one queue, so that none waits for an actor that is gone.

An actor is a share of a GPU, or a core, on whichever machine has one free. What becomes of a run that is lost is for
the driver to decide (`benchmarks.execution.driver`), so Ray itself tries nothing again: the run of a process that died
is retried alone, as anywhere; that of a machine that is gone is begun again on another, and has lost nothing but time.
"""

import os
import queue
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import numpy as np
import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from afnetm.method_files import method_files
from benchmarks.execution.ray_actor import Actor, Arrived, Orders, versions
from benchmarks.execution.slots import Slot
from benchmarks.execution.workers import Failure, Work, failure
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from benchmarks.terminal.words import counted

#: How long a thread waits before it looks whether all is over.
_SECONDS = 1.0
#: For threads to end that are in the middle of writing a record.
_WRITING_SECONDS = 60.0
#: No actor has begun for so long: it is said what is waited for.
_PATIENCE = 60.0
#: So often a run is begun again elsewhere, as its machine is gone; then it counts as lost.
_MOVES = 3
#: So many actors of a place die before they have begun: then that is what they do.
_DEATHS = 5


@dataclass(eq=False)
class _Task:
    """A run to be done, what is to be done with it, and who waits for what comes of it."""

    planned: PlannedRun
    work: Work
    future: Future[float | Failure]
    moves: int = 0


class RayWorkers:
    """Workers in the cluster that this process is connected to.

    Args:
        slots: of as many workers; where they are is for Ray to say.
        home: where records go; they are written by this process.
        dataset: what is trained on, for machines that do not reach the home.
        say: is told in one line that the cluster has nothing free.
    """

    def __init__(
        self, slots: Sequence[Slot], home: Home, dataset: FaceDataset, *, say: Callable[[str], object] = print
    ) -> None:
        self._home, self._dataset, self._say = home, dataset, say
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._ended, self._lock = Event(), Lock()
        self._actors: set[Any] = set()
        self._present = 0
        self._told = False
        self._put: Any = None
        self._probe = home.path / f".reached-{secrets.token_hex(8)}"
        token = secrets.token_hex(16)
        self._probe.write_text(token)
        files = {one.value: one.path.read_bytes() for one in method_files()}
        where = self._home.path.resolve()
        self._orders = [Orders(slot, where, (self._probe.name, token), files, versions()) for slot in slots]
        self._threads = [Thread(target=self._place, args=(orders,), daemon=True) for orders in self._orders]
        self._started = False

    def submit(self, planned: PlannedRun, home: Home, work: Work) -> Future[float | Failure]:
        """Puts a run where the next worker that is free takes it."""
        assert home == self._home, "records go where it was said"
        if not self._started:  # where all was done before, nobody is needed
            self._started = True
            for thread in self._threads:
                thread.start()
        task = _Task(planned, work, Future())
        self._tasks.put(task)
        return task.future

    def lost(self, future: Future[float | Failure]) -> bool:
        """Whether its process died, or may be what it failed of; it is another one from now on.

        Raises:
            UserError: the cluster cannot be used.
        """
        error = future.exception()
        if isinstance(error, UserError):
            raise error
        if error is not None:
            return True
        result = future.result()
        return isinstance(result, Failure) and result.worth_retrying

    def end(self) -> None:
        """Ends all of them at once; a record that is being written is finished."""
        if self._ended.is_set():
            return
        self._ended.set()
        for _ in self._threads:
            self._tasks.put(None)
        with self._lock:
            for actor in self._actors:
                _kill(actor)
        until = time.monotonic() + _WRITING_SECONDS
        for thread in self._threads if self._started else ():
            thread.join(max(0.0, until - time.monotonic()))
        self._probe.unlink(missing_ok=True)

    def _place(self, orders: Orders) -> None:
        """One worker's place: an actor after the other, each until it is lost."""
        deaths = 0
        while not self._ended.is_set():
            actor = _actor(orders.slot)
            with self._lock:
                self._actors.add(actor)
            arrived = False
            try:
                node = self._begun(actor, orders)
                arrived, deaths = True, 0
                with self._lock:
                    self._present += 1
                while self._next(actor, node):
                    pass
            except _OverError:
                return
            except UserError as error:
                self._refuse(error)
                return
            except RayActorError as error:
                deaths += not arrived
                if deaths == _DEATHS or error.actor_init_failed:
                    self._refuse(UserError(f"--executor ray: workers die as they begin: {_line(error)}"))
                    return
            except Exception as error:  # Ray's own, or what it could not do for an actor
                self._refuse(UserError(f"--executor ray: a worker could not begin: {_line(error)}"))
                return
            finally:
                with self._lock:
                    self._present -= arrived
                    self._actors.discard(actor)
                _kill(actor)

    def _begun(self, actor: Any, orders: Orders) -> str:
        """The machine of an actor that is ready to work.

        Raises:
            UserError: its machine is not made as this one is.
        """
        answer: Arrived | str = self._answer(actor.begin.remote(orders))
        if isinstance(answer, str):
            raise UserError(f"--executor ray: {answer}")
        if not answer.reaches_home:
            self._answer(actor.hold.remote(self._shared()))
        return answer.node

    def _next(self, actor: Any, node: str) -> bool:
        """Has an actor do the next run; whether the actor is still to be used."""
        task = self._tasks.get()
        if task is None or self._ended.is_set():
            raise _OverError
        try:
            self._answer(actor.there.remote())
        except RayError:  # it died between two runs
            self._tasks.put(task)
            return False
        try:
            answer = self._answer(actor.run.remote(task.planned, task.work))
        except _OverError:
            raise
        except Exception as error:  # of Ray's, or of what could not be sent
            if task.moves < _MOVES and _is_gone(error, node):
                task.moves += 1
                self._tasks.put(task)
            else:
                task.future.set_exception(error)
            return False
        task.future.set_result(answer if isinstance(answer, Failure) else self._kept(task.planned, *answer))
        return not (isinstance(answer, Failure) and answer.worth_retrying)

    def _kept(self, planned: PlannedRun, files: dict[str, bytes] | None, seconds: float) -> float | Failure:
        """Writes the files of a record into the home."""
        try:
            if files is not None:
                Store(self._home).write_files(planned.run.key, files)
            return seconds
        except OSError as error:
            return failure(error, planned)

    def _answer(self, answer: Any) -> Any:
        """An actor's answer, waited for as long as it takes."""
        since = time.monotonic()
        while not self._ended.is_set():
            if ray.wait([answer], timeout=_SECONDS)[0]:
                return ray.get(answer)
            if time.monotonic() - since > _PATIENCE and not self._told and not self._present:
                self._told = True
                workers = counted(len(self._threads), "worker")
                self._say(f"waiting for the first of {workers} to begin; the Ray cluster may be busy with other work")
        raise _OverError

    def _refuse(self, error: UserError) -> None:
        """Has everything that waits, now or later, fail by an error of the cluster's."""
        while not self._ended.is_set():
            task = self._tasks.get()
            if task is not None:
                task.future.set_exception(error)

    def _shared(self) -> Any:
        """The dataset in Ray's memory, which every machine has once, and loses with this process."""
        with self._lock:
            if self._put is None:
                # What is mapped from a file on a disk of this machine's becomes an array, which takes no copy.
                maps = {name: value for name, value in vars(self._dataset).items() if isinstance(value, np.memmap)}
                there: dict[str, Any] = {name: np.asarray(value) for name, value in maps.items()}
                self._put = ray.put(replace(self._dataset, directory=Path(os.devnull), **there))
            return self._put


class _OverError(Exception):
    """All is over."""


def _actor(slot: Slot) -> Any:
    """A new actor, which may have to wait for its place."""
    room = {"num_cpus": 1} if slot.device == "cpu" else {"num_cpus": 0, "num_gpus": 1 / slot.sharing}
    return ray.remote(Actor).options(**room, max_restarts=0, max_task_retries=0).remote()


def _kill(actor: Any) -> None:
    with suppress(Exception):  # it is gone, or Ray is
        ray.kill(actor)


def _is_gone(error: Exception, node: str) -> bool:
    """Whether an actor was lost with its machine: that does not answer, or is no longer part of the cluster."""
    if isinstance(error, ActorUnavailableError):
        return True
    return isinstance(error, RayActorError) and not any(one["Alive"] for one in ray.nodes() if one["NodeID"] == node)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
