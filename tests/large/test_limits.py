"""Memory stays flat whatever comes: measured in a process of its own, against a tiny file."""

import compileall
import contextlib
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import pytest

import make_log
from conftest import SOURCES, environment_with

resource = pytest.importorskip("resource", reason="limits are those of POSIX")

pytestmark = pytest.mark.skipif(
    not hasattr(os, "wait4") or sys.platform == "darwin", reason="peaks in KiB, of one child"
)

MIB = 1024 * 1024

#: What a run may need beyond one on a tiny file: an event of 16 MiB as text, its bytes, and a copy
#: while it grows. About 1.5 times the most that was measured.
MAX_GROWTH = 150 * MIB

GOOD = (
    b'{"type":"ORDER","verb":"NEW","key":"o1","customer_id":"c1","event_time":"2017-01-01",'
    b'"total_amount":"1"}\n'
)
#: Coverage needs memory of its own.
NOT_MEASURED: dict[str, str | None] = {
    "COVERAGE_PROCESS_START": None,
    "COVERAGE_PROCESS_CONFIG": None,
}


class Measured(NamedTuple):
    status: int
    err: str
    peak: int


def measured(directory: Path, pieces: Iterable[bytes] = (), file: object = "-") -> Measured:
    """Runs the program over a file, or over what is fed to it piece by piece."""
    arguments = ["1", str(file), "-o", str(directory / "out.txt")]
    with (directory / "err").open("w+b") as err:
        process = subprocess.Popen(
            [sys.executable, str(SOURCES / "Main_Calculation.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=err,
            env=environment_with(NOT_MEASURED),
        )
        watch = threading.Timer(300, process.kill)  # rather a failure than a hang
        watch.start()
        assert process.stdin is not None
        try:
            for piece in pieces:
                process.stdin.write(piece)
            process.stdin.close()
        except BrokenPipeError:
            pass
        _, status, usage = os.wait4(process.pid, 0)
        watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        return Measured(process.returncode, err.read().decode(), usage.ru_maxrss * 1024)


@cache
def peak_of_a_tiny_run() -> int:
    with tempfile.TemporaryDirectory() as directory:
        done = measured(Path(directory), [GOOD])
    assert done.status == 0, done.err
    return done.peak


def check_growth(done: Measured) -> None:
    growth = done.peak - peak_of_a_tiny_run()
    assert growth <= MAX_GROWTH, f"{growth / MIB:.0f} MiB more than a tiny run"


def mebibytes(text: bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield text * (MIB // len(text))


def framed(framing: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces as one line between two good events."""
    is_array = framing == "array"
    yield b"[\n" * is_array + GOOD
    yield from pieces
    yield b"\n" + GOOD + b"]" * is_array


def zeros_compressed(mebibytes_of_zeros: int) -> Iterator[bytes]:
    compressor = zlib.compressobj(9, wbits=31)
    zeros = bytes(MIB)
    for _ in range(mebibytes_of_zeros):
        yield compressor.compress(zeros)
    yield compressor.flush()


def reasons_in(directory: Path) -> list[str]:
    lines = (directory / "out.txt.rejects.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["reason"] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("begin", [b"", zlib.compress(GOOD, wbits=31)], ids=["alone", "behind"])
def test_a_gibibyte_of_zeros_in_one_mebibyte(begin: bytes, tmp_path: Path):
    done = measured(tmp_path, [begin, *zeros_compressed(1024)])
    check_growth(done)
    assert done.status == (0 if begin else 1)
    if begin:
        assert reasons_in(tmp_path) == ["too-long"]
    else:
        assert "not an event log" in done.err


SLOW = pytest.mark.slow


@pytest.mark.parametrize("framing", ["json-lines", "array"])
@pytest.mark.parametrize(
    "character",
    [pytest.param("x", marks=SLOW), pytest.param("é", marks=SLOW), "😀"],  # which takes most room
)
def test_an_event_of_just_over_16_mebibytes(character: str, framing: str, tmp_path: Path):
    event = [b'{"note":"', *mebibytes(character.encode(), 16), b'"}']
    done = measured(tmp_path, framed(framing, event))
    check_growth(done)
    assert done.status == 0, done.err
    assert reasons_in(tmp_path) == ["too-long"]


@pytest.mark.parametrize("framing", [pytest.param("json-lines", marks=SLOW), "array"])
@pytest.mark.parametrize("text", ["x"])
def test_a_line_of_300_megabytes(text: str, framing: str, tmp_path: Path):
    done = measured(tmp_path, framed(framing, mebibytes(text.encode(), 286)))
    check_growth(done)
    assert done.status == 0, done.err
    assert reasons_in(tmp_path) == ["too-long"]


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["json-lines", "array"])
@pytest.mark.parametrize("text", ["1", '"', "{", "[", "\\", "\\u00"])
def test_more_lines_of_300_megabytes(text: str, framing: str, tmp_path: Path):
    test_a_line_of_300_megabytes(text, framing, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("space", [" ", "\n", "\r\n"], ids=["blanks", "lines", "crlf"])
@pytest.mark.parametrize("framing", ["json-lines", "array"])
def test_200_megabytes_of_white_space(space: str, framing: str, tmp_path: Path):
    done = measured(tmp_path, framed(framing, mebibytes(space.encode(), 191)))
    check_growth(done)
    assert done.status == 0, done.err
    assert "2 accepted, 0 rejected" in done.err


@pytest.mark.slow
def test_100_000_rejects(tmp_path: Path):
    bad = b'{"type":"WISH","note":"%s"}\n' % (b"x" * 500)
    done = measured(tmp_path, [GOOD, *[bad * 1000] * 100])
    check_growth(done)
    assert done.status == 0, done.err
    assert "1 accepted, 100,000 rejected" in done.err


@pytest.mark.slow
def test_a_directory_of_10_000_files(tmp_path: Path):
    directory = tmp_path / "many"
    directory.mkdir()
    for number in range(10_000):
        (directory / f"{number}.jsonl").write_bytes(GOOD)
    done = measured(tmp_path, file=directory)
    check_growth(done)
    assert done.status == 0, done.err
    assert "10,000 accepted, 0 rejected" in done.err


@pytest.mark.parametrize("framing", ["json-lines", "array"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("1", "missing", id="digits"),
        pytest.param("[", "not-json", marks=SLOW, id="brackets"),
        pytest.param('"', "not-json", marks=SLOW, id="quotes"),
        pytest.param("\\", "not-json", marks=SLOW, id="backslashes"),
    ],
)
def test_16_mebibytes_of_one_character(text: str, reason: str, framing: str, tmp_path: Path):
    event = [b'{"note":', *mebibytes(text.encode(), 15), text.encode() * (MIB - 9), b"}"]
    done = measured(tmp_path, framed(framing, event))
    check_growth(done)
    assert done.status == 0, done.err
    assert reasons_in(tmp_path) == [reason]


# --- Limits of the system: it goes on with less, or says in one line what there is too little of --

PATIENCE = 60  # seconds; beyond them, it hangs
RUNS = {
    "parts": ("log", "--workers", "2"),
    "more workers": ("log", "--workers", "4"),
    "gzip": ("log.gz", "--workers", "2"),
    "store": ("log", "--workers", "2", "--store", "store"),
}
EACH_RUN = pytest.mark.parametrize("run", RUNS)


class Limit(NamedTuple):
    """What `ulimit` with this option sets, in its unit; `pids`: of all in a control group."""

    option: str
    number: int


class Starved:
    """A directory for runs under limits, as a user who runs nothing else."""

    def __init__(self, directory: Path, python: str, user: int) -> None:
        self.directory = directory
        self.python = python
        self.user = user
        self.group = directory  # a control group, where one is asked for
        self.temp = directory / "temp"
        self.sources = SOURCES
        if user != os.getuid():  # who may not look into this directory
            self.sources = directory / "src"
            shutil.copytree(SOURCES, self.sources, ignore=shutil.ignore_patterns("__pycache__"))
            compileall.compile_dir(self.sources, quiet=1)  # this user may not
        log = directory / "log"
        with log.open("w", encoding="utf-8", newline="") as stream:
            make_log.write_log(stream, make_log.events(15_000), "jsonl")
        (directory / "log.gz").write_bytes(gzip.compress(log.read_bytes(), 1))
        self.temp.mkdir()
        for path in (directory, self.temp):
            os.chown(path, user, user)
        directory.chmod(0o755)
        assert self.program("parts", None) == (0, "")
        self.expected = self.results()

    def results(self) -> bytes | None:
        path = self.directory / "top.json"
        return path.read_bytes() if path.exists() else None

    def program(self, run: str, limit: Limit | None) -> tuple[int, str]:
        for name in ("top.json", "store"):
            (self.directory / name).unlink(missing_ok=True)
        more = ("-q", "-o", "top.json", "--temp", str(self.temp))
        return self.under(limit, str(self.sources / "Main_Calculation.py"), "5", *RUNS[run], *more)

    def under(self, limit: Limit | None, *arguments: str) -> tuple[int, str]:
        """What Python comes to with these arguments, and what it says."""
        process = subprocess.Popen(
            [self.python, *arguments],
            cwd=self.directory,
            env=environment_with(NOT_MEASURED),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=partial(self._prepare, limit),  # noqa: PLW1509 - it does but a few calls
            start_new_session=True,
        )
        try:
            _, err = process.communicate(timeout=PATIENCE)
        finally:
            is_any_left = end_group(process.pid)
            process.wait()
        assert not is_any_left, "a process is left behind"
        return process.returncode, err.decode()

    def _prepare(self, limit: Limit | None) -> None:
        if limit and limit.option == "pids":
            (self.group / "cgroup.procs").write_text(str(os.getpid()))
        elif limit:
            name, unit = {"u": ("NPROC", 1), "n": ("NOFILE", 1), "v": ("AS", 1024)}[limit.option]
            number = limit.number * unit
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (number, number))
        if self.user != os.getuid():
            os.setgroups([])
            os.setgid(self.user)
            os.setuid(self.user)

    def check(self, run: str, limit: Limit) -> int:
        """The status of a run, which keeps what the program promises."""
        status, err = self.program(run, limit)
        if self.cannot_start(status, limit):
            return status
        assert "Traceback" not in err and "fault of this program" not in err
        assert "standard output" not in err
        assert [path.name for path in self.directory.rglob(".ltv-*")] == []
        if status == 0:
            assert err == ""
            assert self.results() == self.expected
        else:
            assert status == 1
            assert re.fullmatch(r"Main_Calculation\.py: [^\n]+\n", err), err
            assert self.results() is None
        return status

    def cannot_start(self, status: int, limit: Limit) -> bool:
        """Whether not even Python can start with that little."""
        return status != 0 and self.under(limit, "-c", "pass")[0] != 0


def end_group(group: int) -> bool:
    """Whether a process of that group is left, which is then killed."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def starved_here(tmp_path_factory: pytest.TempPathFactory) -> Starved:
    """For limits of one process, as this user."""
    return Starved(tmp_path_factory.mktemp("starved"), sys.executable, os.getuid())


@pytest.fixture(scope="module")
def starved_there() -> Iterator[Starved]:
    """For a limit of all processes of a user, as one who has no other."""
    if os.getuid() != 0:
        pytest.skip("root alone can run something as a user who runs nothing else")
    user = 60_000 + os.getpid() % 5_000  # pytest may run in more than one process at once
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        yield Starved(directory, python_for(user), user)


def python_for(user: int) -> str:
    """A Python that the program runs with, and that another user may execute."""
    system = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    is_old = "import sys; sys.exit(sys.version_info < (3, 11))"
    for python in filter(None, (sys.executable, system)):
        with contextlib.suppress(OSError):
            if subprocess.run([python, "-c", is_old], user=user, check=False).returncode == 0:
                return python
    pytest.skip("other users may execute no Python 3.11 or later here")


@pytest.fixture
def group(starved_here: Starved) -> Iterator[Path]:
    """A control group whose processes can be limited, as those of a container are."""
    for parent in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        starved_here.group = Path(parent, f"ltv-test-{os.getpid()}")
        with contextlib.suppress(OSError):
            starved_here.group.mkdir()
            try:
                if (starved_here.group / "pids.max").exists():
                    yield starved_here.group
                    return
            finally:
                starved_here.group.rmdir()
    pytest.skip("no control group can be made here that counts processes")


#: Under most of these, a pool with threads of its own has hung, or the program blamed itself.
QUICK = [
    *(("parts", Limit("n", number)) for number in (6, 9, 20, 29)),
    *(("store", Limit("n", number)) for number in (8, 9, 26)),
    ("gzip", Limit("n", 12)),
    ("more workers", Limit("n", 31)),
    *((run, Limit("v", 30_000)) for run in RUNS),
    ("store", Limit("v", 36_000)),
]


def id_of(value: object) -> str:
    return f"{value.option}-{value.number}" if isinstance(value, Limit) else str(value)


@pytest.mark.parametrize(("run", "limit"), QUICK, ids=id_of)
def test_few_open_files_or_little_memory(run: str, limit: Limit, starved_here: Starved):
    starved_here.check(run, limit)


@pytest.mark.parametrize("number", [1, 2, 4, 7, 8])
def test_few_processes_of_a_user(number: int, starved_there: Starved):
    assert starved_there.check("parts", Limit("u", number)) == 0
    assert starved_there.check("store", Limit("u", number)) == 0


@pytest.mark.parametrize("number", [1, 2, 3])
def test_few_processes_in_a_group(number: int, group: Path, starved_here: Starved):
    (group / "pids.max").write_text(str(number))
    assert starved_here.check("parts", Limit("pids", number)) == 0


@pytest.mark.slow
@EACH_RUN
@pytest.mark.parametrize("number", range(1, 13))
def test_each_number_of_processes_of_a_user(number: int, run: str, starved_there: Starved):
    assert starved_there.check(run, Limit("u", number)) == 0


@pytest.mark.slow
@EACH_RUN
@pytest.mark.parametrize("number", range(8, 65))
def test_each_number_of_open_files(number: int, run: str, starved_here: Starved):
    starved_here.check(run, Limit("n", number))


@pytest.mark.slow
@EACH_RUN
@pytest.mark.parametrize("number", range(30_000, 100_000, 1_500))
def test_much_memory_and_little(number: int, run: str, starved_here: Starved):
    starved_here.check(run, Limit("v", number))
