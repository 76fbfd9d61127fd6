"""Worker processes: tasks to them, results back in the order of the tasks.

with WorkerPool(workers, directory) as pool:
    for result in pool.results(function, tasks): ...

However the block is left, no process is left behind. When this process is killed, its workers
notice, remove `directory` and end.

    this process --- numbers of tasks ---> whichever worker reads first
    this process <-- numbers of results -- all workers

A task and its result are files in `directory`; through the two pipes go their numbers alone. The
system moves so few bytes whole or not at all, so there is no lock that who is killed could hold,
and half of nothing is waited for. Nor is there a thread, neither here nor in a worker: where one
cannot be started, or has no memory to begin with, Python would wait for it for ever.
"""

import contextlib
import errno
import gc
import multiprocessing
import os
import pickle
import shutil
import signal
import struct
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import count
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ltv.errors import OUT_OF_MEMORY, FileError, LTVError, reason_of, shortage_of
from ltv.output.target import writing_in
from ltv.signals import ENDING_SIGNALS

if sys.platform == "win32":  # pragma: no cover - Windows
    import threading
else:
    import fcntl

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

#: What Windows can wait for at once; elsewhere, the numbers of all tasks begun ahead fit the pipes.
_MOST_WORKERS = 60 if sys.platform == "win32" else 1_000

#: How many files this process can open beside what its workers need: those of a store, a module.
_SPARE_DESCRIPTORS = 16

_NUMBER = struct.Struct("=I")

_OUT_OF_MEMORY = (
    f"{OUT_OF_MEMORY} in a worker process; fewer --workers need less, "
    "unless ulimit -v allows each too little"
)

#: The exit status of a worker that has not left its result, and says by it no more.
_LOST = 1


class WorkerLostError(LTVError):
    """A worker process ended in the middle of its work."""

    def __str__(self) -> str:
        return "a worker process was killed, perhaps for want of memory; fewer --workers need less"


class WorkerPool:
    """At most `workers` processes, started when there is more than one task for them.

    Where the system lets fewer be started, there are fewer; where none, all is done here. They are
    started inside of `alone()`, in which this process is to have no other threads: a process that
    is forked would have what these hold, but not them.
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
        self._is_started = False
        self._numbers = count()
        self._done: set[int] = set()  # the numbers of results that nobody has waited for
        self._processes: list[BaseProcess] = []
        self._pipes = contextlib.ExitStack()  # this process's ends of them
        self._tasks_to: Connection
        self._done_from: Connection

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._end_processes()
        except BaseException:  # a signal just before, or held back
            self._end_processes()
            raise

    def start(self) -> None:
        """Start the processes now, so that they share nothing that is opened later."""
        if self._workers > 1 and not self._is_started:
            # No signal comes until each new process is known, and prepared for signals.
            with _signals_held_back(), self._alone():
                self._is_started = True
                self._start_processes()

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
            elif not self._is_started and (not may_start or not waiting):
                waiting.append(call)
                held = call
            else:
                waiting.append(self._begin(call))
            while len(waiting) > 2 * self._workers:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()

    def _start_processes(self) -> None:
        """Start as many as the system lets us."""
        # On Linux by a fork, unless somebody has asked for another way: it takes neither other
        # processes nor semaphores, which a limit may not let us have.
        method = multiprocessing.get_start_method(allow_none=True)
        if not method and sys.platform == "linux":
            method = "fork"
        context: Any = multiprocessing.get_context(method)  # mypy does not know that it has Process
        with (
            contextlib.ExitStack() as passed_on,
            contextlib.suppress(OSError, MemoryError, ImportError),  # a Python without processes
        ):
            tasks_from, self._tasks_to = context.Pipe(duplex=False)
            passed_on.callback(tasks_from.close)
            self._pipes.callback(self._tasks_to.close)
            self._done_from, done_to = context.Pipe(duplex=False)
            passed_on.callback(done_to.close)
            self._pipes.callback(self._done_from.close)
            spare = passed_on.enter_context(contextlib.ExitStack())
            for _ in range(_SPARE_DESCRIPTORS):
                spare.callback(os.close, os.open(os.devnull, os.O_RDONLY))
            # What a process that is forked has of this one, and is not to hold.
            inherited = [self._pipes, spare] if context.get_start_method() == "fork" else []
            for _ in range(self._workers):
                arguments = self._directory, tasks_from, done_to, inherited
                # As a daemon: what ends without cleaning up does not wait for it.
                process = context.Process(target=_work, args=arguments, daemon=True)
                with contextlib.redirect_stderr(None):  # what is to be said, this process says
                    process.start()
                self._processes.append(process)
        if not self._processes:
            self._pipes.close()

    def _begin(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Have a worker do it, if there are any; what is returned waits for the result.

        Raises FileError, and WorkerLostError.
        """
        self.start()
        if not self._processes:
            return call
        number = next(self._numbers)
        task, result = _paths(self._directory, number)
        with writing_in(self._directory):
            _leave(call, task)
        try:
            _put(self._tasks_to, number)
        except BrokenPipeError:
            raise self._loss() from None

        def wait_and_take() -> Any:
            while number not in self._done:
                self._take_note()
            self._done.remove(number)
            return _taken(result)()

        return wait_and_take

    def _take_note(self) -> None:
        """Wait until something is done. Raises what a worker says that has ended."""
        ready = wait([self._done_from, *(process.sentinel for process in self._processes)])
        number = _next(self._done_from) if ready == [self._done_from] else None
        if number is None:
            raise self._loss()
        self._done.add(number)

    def _loss(self) -> Exception:
        """What is to be said of a worker that has ended."""
        ended = wait([process.sentinel for process in self._processes])
        lost = next(process for process in self._processes if process.sentinel in ended)
        lost.join()
        status = lost.exitcode
        if status == errno.ENOMEM:
            return LTVError(_OUT_OF_MEMORY)
        if status is None or status <= _LOST:
            return WorkerLostError()
        reason = reason_of(OSError(status, os.strerror(status)))
        return FileError(os.path.dirname(self._directory), f"cannot be written: {reason}")

    def _end_processes(self) -> None:
        """End them: nothing that they still do is wanted by anyone."""
        with _signals_held_back():
            for process in self._processes:
                process.kill()
            while self._processes:
                self._processes[-1].join()
                self._processes.pop().close()
            self._pipes.close()


class Task(NamedTuple):
    """The arguments of something to do; `is_local` when only this process can do it.

    An `error` is to be raised instead, when it is its turn.
    """

    arguments: tuple[Any, ...]
    is_local: bool = False
    error: Exception | None = None


def _paths(directory: str, number: int) -> tuple[str, str]:
    """Where a task and its result are left."""
    path = os.path.join(directory, f"{number:08}")
    return f"{path}.task", f"{path}.result"


def _put(connection: "Connection", number: int) -> None:
    """Write a number at once and whole, which no lock is needed for. Raises BrokenPipeError."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        connection.send_bytes(_NUMBER.pack(number))
    else:
        os.write(connection.fileno(), _NUMBER.pack(number))


def _next(connection: "Connection") -> int | None:
    """Wait for the next number that no other process reads; None when nobody is to write one."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        try:
            record = connection.recv_bytes()
        except EOFError:
            return None
    else:
        record = os.read(connection.fileno(), _NUMBER.size)
    return _NUMBER.unpack(record)[0] if record else None


def _leave(what: Callable[[], Any], path: str) -> None:
    """Leave `what` in a new file, to be called. Raises OSError."""
    with open(path, "xb") as file:
        pickle.dump(what, file, pickle.HIGHEST_PROTOCOL)


def _taken(path: str) -> Callable[[], Any]:
    """What another process left in a file, which is removed. Raises OSError."""
    with open(path, "rb") as file:
        what: Callable[[], Any] = pickle.load(file)
    os.remove(path)
    return what


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


def _work(
    directory: str,
    tasks: "Connection",
    done: "Connection",
    inherited: list[contextlib.ExitStack],
) -> NoReturn:
    """All that a worker does. Its exit status says why it could not leave a result."""
    status = _LOST
    try:
        _prepare_worker(directory)
        for held in inherited:
            held.close()
        while (number := _next(tasks)) is not None:
            _do(*_paths(directory, number))
            _put(done, number)
        _end_with_parent(directory)
    except BrokenPipeError:
        _end_with_parent(directory)
    except MemoryError:
        status = errno.ENOMEM
    except OSError as error:
        status = error.errno or _LOST
    finally:
        os._exit(status)


def _do(task: str, result: str) -> None:
    """Do a task, and leave the result. Raises OSError."""
    outcome = _outcome(partial(_done_here, _taken(task)))
    try:
        _leave(outcome, result)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # it cannot be pickled
        os.remove(result)
        _leave(partial(_raise, TypeError(str(error))), result)


def _done_here(call: Callable[[], Any]) -> Any:
    """Do it, and raise what goes wrong as another process is to; where, is for LTV_DEBUG=1."""
    try:
        return call()
    except Exception as error:
        shortage = shortage_of(error)
        if shortage:
            raise LTVError(_OUT_OF_MEMORY if shortage == OUT_OF_MEMORY else shortage) from None
        error.add_note("".join(traceback.format_exception(error)))
        raise


def _prepare_worker(directory: str) -> None:
    """What a new process does first: leave signals to the process that started it."""
    for number in ENDING_SIGNALS:
        is_terminal = number != signal.SIGTERM  # a terminal sends it to all, to end the run
        signal.signal(number, signal.SIG_IGN if is_terminal else signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):  # pragma: no branch - Windows
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
    gc.disable()  # as in without_collecting
    _watch_parent(directory)


def _watch_parent(directory: str) -> None:
    """Have this process end when its parent does, also in the middle of a task.

    A signal comes when the last has closed the other end of a pipe that only the parent, and those
    forked later, have. (Those end first.)
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "this is a worker"
    if sys.platform == "win32":  # pragma: no cover - Windows
        threading.Thread(
            target=lambda: (parent.join(), _end_with_parent(directory)), daemon=True
        ).start()
    else:
        signal.signal(signal.SIGIO, lambda *_: _end_with_parent(directory))
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
        if not parent.is_alive():
            _end_with_parent(directory)


def _end_with_parent(directory: str) -> NoReturn:
    try:
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os._exit(_LOST)
