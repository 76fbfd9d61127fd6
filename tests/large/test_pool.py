"""Tasks to processes: results in order, errors as they were, and no process left behind."""

import errno
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

import ltv.parallel.pool
from conftest import SOURCES
from ltv.errors import FileError, LTVError
from ltv.parallel.pool import Task, WorkerLostError, WorkerPool


def square(number: int) -> int:
    return number * number


def slow_when_first(number: int) -> int:
    time.sleep(0.1 if number == 0 else 0)
    return number


def process_of(number: int) -> int:
    return os.getpid()


def fail_at_five(number: int) -> int:
    if number == 5:
        raise ValueError("five")
    return number


def end_at_five(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail_at_length(number: int) -> int:
    raise FileError("x" * 9000, "no")


def tasks(count: int, *, local: tuple[int, ...] = ()) -> list[Task]:
    return [Task((number,), number in local) for number in range(count)]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path)
    assert multiprocessing.active_children() == []


EACH_NUMBER = pytest.mark.parametrize("workers", [1, 2, 3])


@EACH_NUMBER
@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_results_are_in_the_order_of_the_tasks(count: int, workers: int, directory: str):
    with WorkerPool(workers, directory) as pool:
        assert list(pool.results(square, tasks(count))) == [n * n for n in range(count)]
        assert list(pool.results(slow_when_first, tasks(count))) == [*range(count)]
        assert list(pool.results(square, tasks(count), may_start=False)) == [
            n * n for n in range(count)
        ]


@pytest.mark.parametrize(("workers", "count"), [(1, 9), (3, 1), (3, 0)])
def test_without_need_there_are_no_processes(workers: int, count: int, directory: str):
    with WorkerPool(workers, directory) as pool:
        assert set(pool.results(process_of, tasks(count))) <= {os.getpid()}
        assert multiprocessing.active_children() == []


def test_without_what_starts_processes_all_is_done_here(
    directory: str, monkeypatch: pytest.MonkeyPatch
):
    """As in a browser (tests/cli/test_pyodide.py)."""
    for way in ("fork", "forkserver", "spawn_posix", "spawn_win32"):
        monkeypatch.setitem(sys.modules, f"multiprocessing.popen_{way}", None)
    with WorkerPool(2, directory) as pool:
        assert set(pool.results(process_of, tasks(3))) == {os.getpid()}


def test_only_who_may_starts_processes(directory: str):
    with WorkerPool(2, directory) as pool:
        assert set(pool.results(process_of, tasks(9), may_start=False)) == {os.getpid()}
        started = set(pool.results(process_of, tasks(9)))
        assert os.getpid() not in started
        assert len(started) <= 2
        assert set(pool.results(process_of, tasks(1), may_start=False)) <= {
            process.pid for process in multiprocessing.active_children()
        }


@EACH_NUMBER
def test_local_tasks_are_done_here(workers: int, directory: str):
    local = (0, 3, 4, 9)
    with WorkerPool(workers, directory) as pool:
        done_by = list(pool.results(process_of, tasks(10, local=local)))
        here = [number for number in range(10) if done_by[number] == os.getpid()]
        assert here == (list(local) if workers > 1 else [*range(10)])
        assert list(pool.results(square, tasks(10, local=local))) == [n * n for n in range(10)]


def test_a_local_task_is_done_before_the_next_one_is_asked_for(directory: str):
    done: list[int] = []

    def asked() -> Iterator[Task]:
        for number in range(6):
            assert done == [*range(number)]
            yield Task((number,), is_local=True)

    with WorkerPool(2, directory) as pool:
        assert len(list(pool.results(done.append, asked()))) == 6


@EACH_NUMBER
def test_few_tasks_are_begun_ahead(workers: int, directory: str):
    begun = 0

    def counted() -> Iterator[Task]:
        nonlocal begun
        for task in tasks(50):
            begun += 1
            yield task

    with WorkerPool(workers, directory) as pool:
        for result in pool.results(square, counted()):
            number = round(result**0.5)
            assert begun - number <= 2 * workers + 1
        assert begun == 50


@EACH_NUMBER
@pytest.mark.parametrize("local", [(), (5,)], ids=["anywhere", "local"])
def test_an_error_is_raised_in_its_place(local: tuple[int, ...], workers: int, directory: str):
    before = []
    with WorkerPool(workers, directory) as pool:
        with pytest.raises(ValueError, match=r"(?m)^five$"):
            for result in pool.results(fail_at_five, tasks(20, local=local)):
                before.append(result)
        assert before == [0, 1, 2, 3, 4]
        assert list(pool.results(square, tasks(3))) == [0, 1, 4], "which is no end of the pool"


def test_an_error_of_the_tasks_themselves(directory: str):
    def failing() -> Iterator[Task]:
        yield from tasks(9)
        raise KeyError("tasks")

    with pytest.raises(KeyError), WorkerPool(2, directory) as pool:
        list(pool.results(slow_when_first, failing()))


def test_whoever_leaves_early_leaves_no_process(directory: str):
    class LeavingError(BaseException):
        pass

    begin = time.monotonic()
    with pytest.raises(LeavingError), WorkerPool(2, directory) as pool:
        next(pool.results(time.sleep, [Task((seconds,)) for seconds in (0, 60, 60, 60, 60)]))
        raise LeavingError
    assert multiprocessing.active_children() == []
    assert time.monotonic() - begin < 30


needs_signals = pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")


@needs_signals
def test_a_worker_that_is_killed(directory: str):
    with pytest.raises(WorkerLostError) as caught, WorkerPool(2, directory) as pool:
        list(pool.results(end_at_five, tasks(20)))
    said = "a worker process was killed, perhaps for want of memory; fewer --workers need less"
    assert str(caught.value) == said


@needs_signals
def test_a_worker_that_is_killed_while_it_waits(directory: str):
    def killing() -> Iterator[Task]:
        yield from tasks(3)
        workers = multiprocessing.active_children()
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()
        time.sleep(0.2)  # it is noticed
        yield from tasks(3)

    with pytest.raises(WorkerLostError), WorkerPool(2, directory) as pool:
        list(pool.results(square, killing()))


@needs_signals
def test_workers_that_do_not_end_are_killed(directory: str):
    with WorkerPool(2, directory) as pool:
        assert list(pool.results(square, tasks(9))) == [n * n for n in range(9)]
        for worker in multiprocessing.active_children():
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGSTOP)
    assert multiprocessing.active_children() == []


@needs_signals
@pytest.mark.parametrize("owner", [WorkerPool, BaseProcess], ids=["start", "end"])
def test_an_interruption_is_held_back_while_workers_start_and_end(
    owner: type, directory: str, monkeypatch: pytest.MonkeyPatch
):
    steps: list[str] = []
    method = "_start_processes" if owner is WorkerPool else "kill"
    function = getattr(owner, method)

    def interrupted(*arguments: object) -> None:
        if "still here" not in steps:
            signal.raise_signal(signal.SIGINT)
            steps.append("still here")
        function(*arguments)

    monkeypatch.setattr(owner, method, interrupted)
    with pytest.raises(KeyboardInterrupt), WorkerPool(2, directory) as pool:
        list(pool.results(square, tasks(9)))
        steps.append("all done")
    assert steps == (["still here"] if owner is WorkerPool else ["all done", "still here"])
    assert multiprocessing.active_children() == []


def test_an_interruption_before_workers_are_ended(directory: str, monkeypatch: pytest.MonkeyPatch):
    def interrupted() -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), WorkerPool(2, directory) as pool:
        list(pool.results(square, tasks(9)))
        monkeypatch.setattr("ltv.parallel.pool._signals_held_back", interrupted)
    assert multiprocessing.active_children() == []


@needs_signals
def test_workers_leave_signals_to_the_process_that_started_them(directory: str):
    with WorkerPool(2, directory) as pool:
        results = pool.results(slow_when_first, tasks(20))
        next(results)
        for worker in multiprocessing.active_children():
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGINT)
            os.kill(worker.pid, signal.SIGHUP)
        assert list(results) == [*range(1, 20)]
        for worker in multiprocessing.active_children():
            assert worker.pid is not None
            worker.terminate()
            worker.join(30)
            assert worker.exitcode == -signal.SIGTERM


def test_a_new_worker_is_prepared(monkeypatch: pytest.MonkeyPatch):
    """In this process, where it can be watched."""
    handlers: dict[int, object] = {}
    watched: list[str] = []
    monkeypatch.setattr("ltv.parallel.pool.signal.signal", handlers.__setitem__)
    monkeypatch.setattr("ltv.parallel.pool._watch_parent", watched.append)
    monkeypatch.setattr("ltv.parallel.pool.gc.disable", lambda: None)
    ltv.parallel.pool._prepare_worker("directory")
    assert handlers == {
        signal.SIGINT: signal.SIG_IGN,
        signal.SIGTERM: signal.SIG_DFL,
        **({signal.SIGHUP: signal.SIG_IGN} if hasattr(signal, "SIGHUP") else {}),
    }
    assert watched == ["directory"]


KILLED_BESIDE_ITS_WORKERS = """
import multiprocessing, os, signal, sys, time
from ltv.parallel.pool import WorkerPool, Task

def busy(index):
    with open(os.path.join(sys.argv[2], str(index)), "x"):
        pass
    end = time.monotonic() + 100
    while index in BUSY and time.monotonic() < end:
        pass

BUSY = [int(index) for index in sys.argv[3]]
if __name__ == "__main__":
    os.mkdir(sys.argv[1])
    with WorkerPool(3, sys.argv[1]) as pool:
        list(pool.results(busy, [Task((index,)) for index in (0, 1, 2)]))
        print("all done", flush=True)
        time.sleep(100)
"""


@needs_signals
@pytest.mark.parametrize("busy", ["", "0", "01", "012"])
@pytest.mark.parametrize("is_gone", [False, True], ids=["there", "gone"])
def test_workers_end_with_their_parent_and_remove_the_directory(
    is_gone: bool, busy: str, tmp_path: Path
):
    """Whether they wait for a task or are in the middle of one; also when it is gone already."""
    directory, begun = tmp_path / "directory", tmp_path / "begun"
    begun.mkdir()
    command = [sys.executable, "-c", KILLED_BESIDE_ITS_WORKERS, str(directory), str(begun), busy]
    parent = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert parent.stdout is not None
    if not busy:
        assert parent.stdout.readline() == b"all done\n"
    while len(os.listdir(begun)) < 3:
        time.sleep(0.001)
    if is_gone:
        shutil.rmtree(directory)
    parent.kill()
    parent.wait()
    assert parent.stdout.read() == b"", "which ends when the last worker has"
    parent.stdout.close()
    assert not directory.exists()


ENDING_WHILE_IT_TELLS = """
import os, signal, sys, tempfile, threading, time
from ltv.parallel.pool import WorkerPool, Task, WorkerLostError

def much(milliseconds):
    def end():
        time.sleep(milliseconds / 1000)
        os.kill(os.getpid(), signal.SIGKILL)
    if milliseconds:
        threading.Thread(target=end, daemon=True).start()
    return bytes(20_000_000)

for milliseconds in range(1, 20, 2):
    try:
        with WorkerPool(2, tempfile.mkdtemp(dir=sys.argv[1])) as pool:
            print(len(list(pool.results(much, [Task((0,)), Task((milliseconds,)), Task((0,))]))))
    except WorkerLostError:
        print("lost")
"""


def test_who_is_killed_while_it_tells_what_came_out_is_not_waited_for(directory: str):
    command = [sys.executable, "-c", ENDING_WHILE_IT_TELLS, directory]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) <= {"lost", "3"}
    assert "lost" in done.stdout


def test_a_result_that_cannot_be_left(directory: str):
    gone = Path(directory, "gone")
    reason = re.escape(f"{directory}: cannot be written: No such file or directory")
    with WorkerPool(2, str(gone)) as pool, pytest.raises(FileError, match=f"^{reason}$"):
        list(pool.results(square, tasks(3)))


def test_an_error_with_much_to_say_is_raised(directory: str):
    with WorkerPool(2, directory) as pool, pytest.raises(FileError, match=r"(?m)^x{9000}: no$"):
        list(pool.results(fail_at_length, tasks(3)))


def run_out_of_memory(number: int) -> int:
    if number == 5:
        raise MemoryError
    return number


def follow_from_it(number: int) -> int:
    try:
        return run_out_of_memory(number)
    except MemoryError as error:
        raise SystemError("returned NULL") from error


def open_too_many(number: int) -> int:
    if number == 5:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), "file")
    return number


def leave_what_cannot_be_pickled(number: int) -> object:
    return (lambda: number) if number == 5 else number


WANT_OF_MEMORY = (
    "out of memory in a worker process; fewer --workers need less, "
    "unless ulimit -v allows each too little"
)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (run_out_of_memory, WANT_OF_MEMORY),
        (follow_from_it, WANT_OF_MEMORY),
        (open_too_many, "file: Too many open files; ulimit -n sets how many"),
    ],
)
def test_what_a_worker_has_too_little_of(function: Any, said: str, directory: str):
    before = []
    with WorkerPool(2, directory) as pool, pytest.raises(LTVError) as caught:
        for result in pool.results(function, tasks(20)):
            before.append(result)
    assert str(caught.value) == said
    assert before == [0, 1, 2, 3, 4]


def test_an_error_says_where_it_was_raised(directory: str):
    with WorkerPool(2, directory) as pool, pytest.raises(ValueError, match=r"^five") as caught:
        list(pool.results(fail_at_five, tasks(20)))
    assert str(caught.value) == "five"
    assert "in fail_at_five\n" in caught.value.__notes__[0]


def test_a_result_that_cannot_be_pickled(directory: str):
    with WorkerPool(2, directory) as pool, pytest.raises(TypeError, match="pickle"):
        list(pool.results(leave_what_cannot_be_pickled, tasks(20)))


@needs_signals
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (errno.ENOMEM, WANT_OF_MEMORY),
        (errno.ENOSPC, "{}: cannot be written: No space left on device"),
        (1, str(WorkerLostError())),
    ],
)
def test_a_worker_that_says_by_its_status_why_it_cannot_go_on(
    status: int, said: str, directory: str
):
    with WorkerPool(2, directory) as pool, pytest.raises(LTVError) as caught:
        list(pool.results(os._exit, [Task((status,)), Task((status,))]))
    assert str(caught.value) == said.format(os.path.dirname(directory))
