"""Worker processes: tasks to them, results back in the order of the tasks.

with Crew(workers, directory) as crew:
    for result in crew.results(function, tasks): ...

However the block is left, no process is left behind. When this process is killed, its workers
notice, remove `directory` and end.

Results come in files in `directory`: through a pipe, a worker that is killed may leave half of a
result, whose other half would be waited for; what is left to say there is short, and said at once.
"""

import contextlib
import gc
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ltv.errors import LTVError
from ltv.output.target import writing_in
from ltv.signals import ENDING_SIGNALS

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing.process import BaseProcess

__all__ = ["Crew", "Task", "WorkerLostError"]

#: What a process without a task may take.
_SECONDS_TO_END = 10.0

#: What Windows can wait for at once.
_MOST_WORKERS = 61 if sys.platform == "win32" else 1_000


class WorkerLostError(LTVError):
    """A worker process ended in the middle of its work."""

    def __str__(self) -> str:
        return "a worker process was killed, perhaps for want of memory; fewer --workers need less"


class Crew:
    """At most `workers` processes, started when there is more than one task for them.

    They are started inside of `alone()`, in which this process is to have no other threads: a
    process that is forked would have what these hold, but not them.
    """

    def __init__(
        self,
        workers: int,
        directory: str,
        alone: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self._workers = min(workers, _MOST_WORKERS)
        self._directory = directory
        self._alone = alone
        self._numbers = count()
        self._executor: ProcessPoolExecutor | None = None
        self._others: set[BaseProcess] = set()  # processes that are none of ours

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, exception_type: object, *exception: object) -> None:
        if self._executor is None:
            return
        try:
            if exception_type is not None:
                self._kill()
            self._wait_for_end(self._executor)
        except BaseException:  # a signal while they were ending
            self._kill()
            self._wait_for_end(self._executor)
            raise

    def _wait_for_end(self, executor: "ProcessPoolExecutor") -> None:
        """One that was killed while it took a task would keep the others waiting for theirs."""
        killing = threading.Timer(_SECONDS_TO_END, self._kill)
        killing.daemon = True
        try:
            killing.start()
            executor.shutdown(cancel_futures=True)
        finally:
            killing.cancel()

    def _kill(self) -> None:
        for process in set(multiprocessing.active_children()) - self._others:
            process.kill()

    def start(self) -> None:
        """Start the processes now, so that they share nothing that is opened later."""
        if self._workers > 1:
            self._begin(bool)()

    def results(
        self,
        function: Callable[..., Any],
        tasks: Iterable["Task"],
        *,
        may_start: bool = True,
    ) -> Iterator[Any]:
        """`function(*arguments)` of each task, in order.

        As many tasks are begun ahead as keep every worker busy. Without processes that were started
        before, and unless this call `may_start` them, all is done here. Raises what the function
        raises, and WorkerLostError.
        """
        may_start = may_start and self._workers > 1
        waiting: deque[Callable[[], Any]] = deque()
        held: Callable[[], Any] | None = None  # the first task, until there is another
        for task in tasks:
            call = partial(function, *task.arguments)
            if held and may_start:
                waiting[0] = self._begin(held)
                held = None
            if task.error:
                waiting.append(partial(_raise, task.error))
            elif task.is_local:
                waiting.append(_outcome(call))  # now, before its bytes are gone
            elif self._executor is None and (not may_start or not waiting):
                waiting.append(call)
                held = call
            else:
                waiting.append(self._begin(call))
            while len(waiting) > 2 * self._workers:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()

    def _begin(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Have a worker do it; what is returned waits for the result."""
        from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415 - as below

        alone: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
        if self._executor is None:
            self._others = set(multiprocessing.active_children())
            self._executor = self._new_executor()
            alone = self._alone
        path = os.path.join(self._directory, f"{next(self._numbers):08}.result")
        try:
            # Held back until a process that this may start is prepared.
            with _signals_held_back(), alone():
                future = self._executor.submit(_leave_result, call, path)
        except BrokenProcessPool:
            raise WorkerLostError from None

        def result() -> Any:
            try:
                future.result()
            except BrokenProcessPool:
                raise WorkerLostError from None
            return _take_result(path)

        return result

    def _new_executor(self) -> "ProcessPoolExecutor":
        from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - slow to import

        return ProcessPoolExecutor(
            self._workers, initializer=_prepare_worker, initargs=(self._directory,)
        )


class Task(NamedTuple):
    """The arguments of something to do; `is_local` when only this process can do it.

    An `error` is to be raised instead, when it is its turn.
    """

    arguments: tuple[Any, ...]
    is_local: bool = False
    error: Exception | None = None


def _leave_result(call: Callable[[], Any], path: str) -> None:
    """Do it, and leave what came out in a new file, to be called. Raises FileError."""
    try:
        outcome = partial(_given, call())
    except LTVError as error:
        outcome = partial(_raise, error)
    with writing_in(os.path.dirname(path)), open(path, "xb") as file:
        pickle.dump(outcome, file, pickle.HIGHEST_PROTOCOL)


def _take_result(path: str) -> Any:
    """Return or raise what a worker left in a file."""
    with open(path, "rb") as file:
        outcome = pickle.load(file)
    os.remove(path)
    return outcome()


def _outcome(call: Callable[[], Any]) -> Callable[[], Any]:
    """Do it now; what is returned returns or raises what came out."""
    try:
        return partial(_given, call())
    except Exception as error:
        return partial(_raise, error)


def _given(result: Any) -> Any:
    return result


def _raise(error: Exception) -> NoReturn:
    raise error


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """New processes meet no signal before they are prepared for it."""
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover - Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker(directory: str) -> None:
    """What a new process does first: leave signals to the process that started it."""
    for number in ENDING_SIGNALS:
        is_terminal = number != signal.SIGTERM  # a terminal sends it to all, to end the run
        signal.signal(number, signal.SIG_IGN if is_terminal else signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):  # pragma: no branch - Windows
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
    gc.disable()  # as in without_collecting
    threading.Thread(target=_end_with_parent, args=(directory,), daemon=True).start()


def _end_with_parent(directory: str) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "this is a worker"
    parent.join()
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(1)
