"""What the tests share: files to read, the program run in this process or in one of its own."""

import contextlib
import fcntl
import os
import re
import signal
import sqlite3
import stat
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import ltv.customers
import ltv.parallel.driver
import ltv.parallel.parts
import ltv.reading.files
import ltv.reading.layouts
import ltv.reading.window
import ltv.store.file
import Main_Calculation
import mongodb_environment
from mongodb_server import Server

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = PROJECT / "src"

collect_ignore = ["mongodb_killed.py"]  # pymongo is in an environment of its own

#: What an earlier run left as its rejects.
EARLIER_REJECTS = (
    '{"file": "earlier", "line": 1, "offset": 0, "reason": "not-json", "member": null, '
    '"message": "expected JSON", "text": "x"}\n'
)


class Done(NamedTuple):
    """What a run of the program came to."""

    status: int
    out: str
    err: str


LARGE = 1024 * 1024


#: With these, logs of a few events take the way of large ones: they are cut into parts of about two
#: events, layouts are learnt at the first sight of two alike, and every shard has customers.
TINY_SIZES = (
    (ltv.reading.files, "_SMALL_BYTES", -1),
    (ltv.parallel.driver, "_LEAST_PART_BYTES", 300),
    (ltv.parallel.driver, "_MOST_PART_BYTES", 300),
    (ltv.parallel.driver, "_LEAST_SHARDS", 3),
    (ltv.parallel.driver, "_MOST_SHARDS", 3),
    (ltv.parallel.parts, "_BLOCK_BYTES", 300),
    (ltv.parallel.parts, "_CUT_BYTES", 400),
    (ltv.reading.layouts, "_FIRST_SAMPLE", 2),
    (ltv.reading.window, "_LONGEST_REACH", 1000),
    (ltv.reading.window, "_SHORTEST_REACH", 200),
    (ltv.reading.window, "_MOST_UNITS_TO_WAIT", 2),
    (ltv.reading.window, "_FIRST_LOOK_AT_TEXT", 16),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-input-is-large",
        action="store_true",
        help="in this process, have small logs read in parts and ranked by shards, too",
    )
    parser.addoption(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="with --every-input-is-large: how many processes to spread them over (default: 1)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have the programs under test hear signals, also below `nohup` and in a `&` job."""
    if config.getoption("--every-input-is-large"):
        for module, name, value in TINY_SIZES:
            assert hasattr(module, name)
            setattr(module, name, value)
        processes = config.getoption("--processes")
        setattr(ltv.customers, "processor_count", lambda: processes)  # noqa: B010 - for mypy
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


#: For tests that take minutes where they are not the only ones (others: pyproject.toml).
PATIENCE_WITH_SLOW = 1200  # seconds


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Wait longer for what is slow."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("slow", "browser", "spark", "mongodb")):
            item.add_marker(pytest.mark.timeout(PATIENCE_WITH_SLOW))


@pytest.fixture
def make_file(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Writes bytes or text to a file of that name, by default `events`; returns its path."""
    made: set[Path] = set()

    def make(content: bytes | str, name: str = "events") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        made.add(path)
        return str(path)

    yield make
    for path in made:  # the directories of some runs are kept
        if path.exists() and path.stat().st_size > LARGE:
            path.unlink()


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new directory that is the working directory of this process."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(in_tmp: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs the program with these arguments in this process, in a new directory."""

    def run_here(*arguments: object) -> Done:
        capfd.readouterr()
        try:
            status: Any = Main_Calculation.main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            status = leaving.code
        return Done(status, *capfd.readouterr())

    return run_here


#: For a process that is to be sent a signal: coverage holds a lock of its own now and then, which
#: the signal's exception would not let go, and the process would wait for it without end.
UNMEASURED: dict[str, str | None] = {
    "COVERAGE_PROCESS_CONFIG": None,
    "COVERAGE_PROCESS_START": None,
}


def environment_with(changes: dict[str, str | None]) -> dict[str, str]:
    """This process's environment, so that coverage measures, but with buffers as a user has."""
    changes = {"PYTHONUNBUFFERED": None, "PYTHONIOENCODING": None, "LTV_DEBUG": None, **changes}
    kept = {name: value for name, value in os.environ.items() if name not in changes}
    return kept | {name: value for name, value in changes.items() if value is not None}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the program with these arguments in a process of its own, in a new directory.

    `env` holds changes to the environment, None for what is to be left out; `redirected` is what
    a shell is to do with the streams, such as `2>&-`.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start_there(
        *arguments: object,
        env: dict[str, str | None] | None = None,
        redirected: str = "",
        **more: Any,
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(SOURCES / "Main_Calculation.py"), *map(str, arguments)]
        if redirected:
            command = ["sh", "-c", f'exec "$@" {redirected}', "sh", *command]
        settings: dict[str, Any] = {
            "cwd": tmp_path,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        process = subprocess.Popen(command, env=environment_with(env or {}), **settings | more)
        started.append(process)
        return process

    yield start_there
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def finish(start: Callable[..., subprocess.Popen[bytes]]) -> Callable[..., Done]:
    """Runs the program with these arguments in a process of its own, to its end."""

    def finish_there(*arguments: object, data: bytes | None = None, **more: Any) -> Done:
        if data is not None:
            more["stdin"] = subprocess.PIPE
        process = start(*arguments, **more)
        out, err = process.communicate(data, timeout=60)
        return Done(process.returncode, (out or b"").decode(), (err or b"").decode())

    return finish_there


def without_origin(results: bytes) -> bytes:
    """What is the same for other files and another command: in a report these are named."""
    return re.sub(rb'<p class="note origin"><bdi>[^<]*</bdi></p>\n', b"", results)


def shown_on_terminal(
    columns: int, begin: Callable[[int], subprocess.Popen[Any]]
) -> tuple[int, str]:
    """Return the status of the process that `begin` starts, and what it shows on a new terminal.

    `begin` is given the terminal's descriptor; the terminal has so many columns, 0 for not known.
    """
    master, terminal = os.openpty()
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = begin(terminal)
    finally:
        os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # nobody has it open any more
        while piece := os.read(master, 65536):
            shown += piece
    os.close(master)
    return process.wait(60), shown.decode().replace("\r\n", "\n")


@pytest.fixture
def without_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """For stores: many commits take their time; that they are safe, SQLite's own tests show."""
    connected = ltv.store.file.connected

    def fast(path: str, mode: str) -> sqlite3.Connection:
        connection = connected(path, mode)
        if mode == "rw":
            connection.execute("PRAGMA synchronous = OFF")
        return connection

    monkeypatch.setattr(ltv.store.file, "connected", fast)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def device(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The path of a device like `/dev/null` or `/dev/full`, for a test to write to.

    Run as root, a program that is wrong could replace the system's own; then it is one made anew.
    """

    def path_of(name: str) -> str:
        original = f"/dev/{name}"
        if not os.path.exists(original):
            pytest.skip(f"there is no {original}")
        if os.geteuid() != 0:
            return original
        path = tmp_path_factory.mktemp("dev") / name
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.stat(original).st_rdev)
            path.open("wb").close()
        except OSError as error:
            pytest.skip(f"a device cannot be made here: {error}")
        return str(path)

    return path_of


@pytest.fixture(scope="session")
def mongodb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for many tests, each with databases of its own; pymongo can be imported then."""
    try:
        mongodb_environment.make()
    except mongodb_environment.NoServerError as error:
        pytest.skip(str(error))
    packages = str(mongodb_environment.PACKAGES)
    sys.path.append(packages)  # after ours
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [before, packages]))
    server = Server(tmp_path_factory.mktemp("mongodb"))
    try:
        yield server
    finally:
        server.kill()
        sys.path.remove(packages)
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@pytest.fixture(params=["file", pytest.param("mongodb", marks=pytest.mark.mongodb)])
def place(request: pytest.FixtureRequest) -> str:
    """Where a store is to be: `store`, a file in the working directory; a new database."""
    if request.param == "file":
        return "store"
    server: Server = request.getfixturevalue("mongodb_server")
    return str(server.new_place())
