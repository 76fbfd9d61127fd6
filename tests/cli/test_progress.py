"""The line that tells how far a run is: on a terminal, and there alone."""

import bz2
import contextlib
import gzip
import json
import mmap
import os
import re
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ltv.customers
import ltv.parallel.driver
import ltv.progress
import ltv.reading.files
import Main_Calculation
import make_log
from conftest import SOURCES, TINY_SIZES, UNMEASURED, Done, environment_with
from ltv.account import Account, EventLogs
from ltv.parallel.driver import Job, sharded_customers
from ltv.progress import Count, Progress, Tally, ranking_line, reading_line
from ltv.report.figures import Activity, NewCustomers
from ltv.report.habits import buying_of
from LTV_Ingest import Ingest

fcntl = pytest.importorskip("fcntl", reason="the system has no pseudo-terminals")
termios = pytest.importorskip("termios", reason="the system has no pseudo-terminals")

Run = Callable[..., Done]
MakeFile = Callable[..., str]

PATIENCE = 60  # seconds, for anything that is waited for

# --- What is told -----------------------------------------------------------------------------

MB = 1_000_000
SOME = Count(63_140_000, 421_008)
READING: list[tuple[Count, int | None, float, int, str]] = [
    (Count(0, 0), 149 * MB, 0.0, 79,
     "[                            ]  0.0 of 149.0 MB  0 events"),
    (SOME, 149 * MB, 0.79, 120,
     "[===========                 ]  63.1 of 149.0 MB  421,008 events  79.9 MB/s  0:01 left"),
    (SOME, 149 * MB, 0.79, 79,
     "[========             ]  63.1 of 149.0 MB  421,008 events  79.9 MB/s  0:01 left"),
    (SOME, 149 * MB, 0.79, 66,
     "[===     ]  63.1 of 149.0 MB  421,008 events  79.9 MB/s  0:01 left"),
    (SOME, 149 * MB, 0.79, 65,
     "[=======           ]  63.1 of 149.0 MB  421,008 events  0:01 left"),
    (SOME, 149 * MB, 0.79, 50, "[========           ]  63.1 of 149.0 MB  0:01 left"),
    (SOME, 149 * MB, 0.79, 39, "[===     ]  63.1 of 149.0 MB  0:01 left"),
    (SOME, 149 * MB, 0.79, 38, "[=======           ]  63.1 of 149.0 MB"),
    (SOME, 149 * MB, 0.79, 19, "63.1 of 149.0 MB"),
    (SOME, 149 * MB, 0.79, 15, ""),
    (SOME, 149 * MB, 0.79, 0, ""),
    (Count(1, 1), 3, 1.0, 79,
     "[=========                   ]  1 of 3 bytes  1 event  1 bytes/s  0:02 left"),
    (Count(5, 2), 3, 1.0, 60, "[============]  3 of 3 bytes  2 events  5 bytes/s  0:00 left"),
    (Count(0, 0), 0, 1.0, 79,
     "[============================]  0 of 0 bytes  0 events  0 bytes/s  0:00 left"),
    (Count(1500, 9), 3000, 4000.0, 79,
     "[=============              ]  1.5 of 3.0 kB  9 events  0 bytes/s  1:06:40 left"),
    (Count(10**9, 9), 3 * 10**9, 1800.0, 79,
     "[========                  ]  1.0 of 3.0 GB  9 events  555.6 kB/s  1:00:00 left"),
    (Count(999, 9), None, 0.0, 79, "999 bytes  9 events"),
    (SOME, None, 0.79, 79, "63.1 MB  421,008 events  79.9 MB/s"),
    (SOME, None, 0.79, 33, "63.1 MB  421,008 events"),
    (SOME, None, 0.79, 22, "63.1 MB"),
    (SOME, None, 0.79, 6, ""),
    (Count(999_949, 9), None, 0.0, 79, "999.9 kB  9 events"),
    (Count(999_950, 9), None, 0.0, 79, "1.0 MB  9 events"),
    (Count(999, 9), None, 1.0, 79, "999 bytes  9 events  999 bytes/s"),
    (Count(2999, 9), None, 3.001, 79, "3.0 kB  9 events  999 bytes/s"),
    (Count(2999, 9), None, 3.0, 79, "3.0 kB  9 events  1.0 kB/s"),
    (Count(999_999, 9), 999_999, 0.0, 30, "[=============]  1.0 of 1.0 MB"),
    (Count(10**19, 0), None, 1.0, 79, "10,000.0 PB  0 events  10,000.0 PB/s"),
]  # fmt: skip


@pytest.mark.parametrize(("read", "total", "seconds", "columns", "line"), READING)
def test_reading(read: Count, total: int | None, seconds: float, columns: int, line: str):
    assert reading_line(read, total, seconds, columns) == line


@pytest.mark.parametrize(
    ("share", "seconds", "columns", "line"),
    [
        (0.0, 0.0, 79, "[                            ]  ranking"),
        (0.25, 30.0, 79, "[=======                     ]  ranking  1:30 left"),
        (1.0, 1.0, 30, "[========]  ranking  0:00 left"),
        (1.0, 1.0, 29, "[==================]  ranking"),
        (1.0, 1.0, 19, "[========]  ranking"),
        (1.0, 1.0, 18, "ranking"),
        (1.0, 1.0, 6, ""),
    ],
)
def test_ranking(share: float, seconds: float, columns: int, line: str):
    assert ranking_line(share, seconds, columns) == line


@pytest.mark.parametrize("columns", range(100))
@pytest.mark.parametrize("total", [None, 0, 10**6, 10**14])
def test_no_line_is_longer_than_there_is_room(columns: int, total: int | None):
    for done in (0, 1, 999, 10**6, 10**13, 10**17):
        for seconds in (0.0, 1e-9, 1.0, 1e7):
            assert len(reading_line(Count(done, done), total, seconds, columns)) <= columns
    for share in (0.0, 1e-9, 0.5, 1.0):
        assert len(ranking_line(share, 12345.6, columns)) <= columns


# --- What is counted --------------------------------------------------------------------------


@pytest.fixture
def terminal() -> "Iterator[Terminal]":
    with contextlib.closing(Terminal(80)) as terminal:
        yield terminal


COMPRESSIONS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, bz2.compress]
TRICK = '{"type":"ORDER","note":"}\\n{\\"type\\":1", "x":[{"type":1},\n{"type":2}]}'


def framed(texts: list[str], framing: str) -> bytes:
    return {
        "lines": "".join(f"{text}\n" for text in texts),
        "array": "[" + ",\n".join(texts) + "]",
        "run": " ".join(texts),
    }[framing].encode()


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("framing", ["lines", "array", "run"])
@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_every_byte_and_event_counts_once(
    compress: Callable[[bytes], bytes],
    framing: str,
    workers: int,
    make_file: MakeFile,
    terminal: "Terminal",
    monkeypatch: pytest.MonkeyPatch,
):
    texts = list(make_log.events(100, 9))
    if framing != "lines":
        texts[50:50] = [TRICK] * 3  # so that some files are cut wrongly, and read again
    files = [make_file(compress(framed(texts, framing)), "a"), make_file(b"", "b")]
    files += [make_file(framed(texts[:9], framing), "c"), make_file(compress(b"\n"), "d")]
    files += files[:1]  # enough compressed ones for two workers
    for module, name, value in TINY_SIZES:
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(ltv.reading.files, "CHUNK_BYTES", 100)
    account = Account()
    with terminal.stderr() as stream, Progress(stream) as progress:
        job = Job(10, "10", workers, os.path.dirname(files[0]))
        with sharded_customers(job, progress) as customers:
            Ingest(EventLogs(files, account), customers, errors=account)
            read = progress.read
    assert read == Count(sum(map(os.path.getsize, files)), account.read)
    assert account.read == 2 * len(texts) + 9


def test_in_one_piece_every_byte_counts_once(
    make_file: MakeFile, run: Run, monkeypatch: pytest.MonkeyPatch
):
    log = make_file(framed(list(make_log.events(1000, 9)), "lines"))
    monkeypatch.setattr(ltv.reading.files, "_SMALL_BYTES", 10**9)
    monkeypatch.setattr(ltv.reading.files, "CHUNK_BYTES", 1000)
    counts: list[Count] = []
    monkeypatch.setattr(Progress, "add", lambda progress, *count: counts.append(Count(*count)))
    assert run(10, log, "-o", "-").status == 0
    assert sum(count.bytes for count in counts) == os.path.getsize(log)
    assert 900 < sum(count.events for count in counts) <= 1000
    assert len(counts) > 10


def test_a_tally_that_cannot_be_had(tmp_path: Path, terminal: "Terminal"):
    with Tally(None) as tally:
        tally.add(1, 1)
    with Tally(str(tmp_path / "missing")) as tally:
        tally.add(1, 1)
    with terminal.stderr() as stream, Progress(stream) as progress:
        assert progress.tally_in(str(tmp_path / "missing")) is None
        assert progress.read == Count(0, 0)


def test_a_record_that_is_written_in_two_pieces(tmp_path: Path, terminal: "Terminal"):
    with terminal.stderr() as stream, Progress(stream) as progress:
        path = progress.tally_in(str(tmp_path))
        assert path is not None
        record = ltv.progress._RECORD.pack(5, 2)
        with open(path, "ab", buffering=0) as file:
            file.write(record + record[:7])
            assert progress.read == Count(5, 2)
            file.write(record[7:])
            assert progress.read == Count(10, 4)


def test_a_phase_has_its_own_time(terminal: "Terminal", make_file: MakeFile):
    now = 100.0
    log = make_file(1000 * "x")
    with terminal.stderr() as stream, Progress(stream, clock=lambda: now) as progress:
        progress.start([log])
        now = 110.0
        progress.add(250, 3)
        assert progress.line(60) == "[==        ]  0.2 of 1.0 kB  3 events  25 bytes/s  0:30 left"
        progress.rank(0, 4)
        assert progress.line(30) == "[                   ]  ranking"
        now = 112.0
        progress.rank(2, 4)
        assert progress.line(30) == "[====    ]  ranking  0:02 left"


def test_without_files_what_is_stored_is_ranked(terminal: "Terminal"):
    now = 100.0
    with terminal.stderr() as stream, Progress(stream, clock=lambda: now) as progress:
        progress.start([])
        assert progress.line(30) == "[                   ]  ranking"
        now = 104.0
        nothing = Activity(buying_of([], [], []), Counter(), Counter())
        some = NewCustomers(["2017-01-02"] * 1000, [0] * 1000)
        parts = [(some, nothing)] * 4
        told = ltv.customers.told_of(parts, 4000, progress)
        assert list(told) == parts
        assert progress.line(30) == "[======  ]  ranking  0:01 left"


# --- On a terminal ----------------------------------------------------------------------------

#: The program, with constants changed, and waiting for a file `go` where it is told to.
PROGRAM = """
import functools, importlib, json, multiprocessing, os, runpy, sys
import threading, time
if __name__ == "__main__":
    sources, given = sys.argv[1], json.loads(sys.argv[2])
    sys.path.insert(0, sources)
    if given["method"]:
        multiprocessing.set_start_method(given["method"])
    def found(name):
        module, _, path = name.partition(":")
        *owners, last = path.split(".")
        return functools.reduce(getattr, owners, importlib.import_module(module)), last
    def paused(function, *arguments, **more):
        while not os.path.exists("go"):
            time.sleep(0.001)
        os.remove("go")
        return function(*arguments, **more)
    def forking():
        with open("threads", "a") as file:
            file.write(f"{threading.active_count()}\\n")
    if given["counts_threads"]:
        os.register_at_fork(before=forking)
    for name, value in given["constants"].items():
        setattr(*found(name), value)
    for name in given["pauses"]:
        owner, last = found(name)
        function = getattr(owner, last)
        setattr(owner, last, lambda *a, function=function, **k: paused(function, *a, **k))
    sys.argv[:3] = [sources + "/Main_Calculation.py"]
    runpy.run_path(sys.argv[0], run_name="__main__")
"""

SOON = {"ltv.progress:_SECONDS_BEFORE": 0.0, "ltv.progress:_SECONDS_BETWEEN": 0.005}
TINY = {f"{module.__name__}:{name}": value for module, name, value in TINY_SIZES}


class Terminal:
    """A pseudo-terminal, and what a person would see on it."""

    def __init__(self, columns: int) -> None:
        self._master, self.descriptor = os.openpty()
        self.resize(columns)
        self.written = b""
        self.columns = columns

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def stderr(self) -> Any:
        """A stream to it for this process."""
        return open(self.descriptor, "w", encoding="utf-8", closefd=False)

    def close(self) -> None:
        for descriptor in (self._master, self.descriptor):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def read(self, seconds: float = 0.05) -> bool:
        """Take what is written; whether there may be more."""
        if select.select([self._master], [], [], seconds)[0]:
            try:
                self.written += os.read(self._master, 65536)
            except OSError:  # nobody has it open any more
                return False
        return True

    @property
    def screen(self) -> list[str]:
        """The lines, as they stand after all that was written."""
        rows, column = [""], 0
        text = self.written.decode("ascii")
        for token in re.findall(r"\x1b\[K|[^\x1b]", text):
            if token == "\x1b[K":
                rows[-1] = rows[-1][:column]
            elif token == "\r":
                column = 0
            elif token == "\n":
                rows.append("")
            else:
                if column == self.columns:
                    rows.append("")
                    column = 0
                rows[-1] = rows[-1][:column] + token + rows[-1][column + 1 :]
                column += 1
        return rows

    @property
    def lines(self) -> list[str]:
        """Each line of progress that was drawn, in turn."""
        pieces = self.written.decode("ascii").split("\r\x1b[K")[1:]
        return [piece for piece in pieces if piece and "\n" not in piece]

    def wait_for(self, pattern: str) -> None:
        """Until the last row looks so."""
        end = time.monotonic() + PATIENCE
        while not re.fullmatch(pattern, self.screen[-1]):
            assert time.monotonic() < end, self.written
            assert self.read(), self.written


class Place:
    """A directory where the program is run on a terminal."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: list[subprocess.Popen[bytes]] = []
        self.terminals: list[Terminal] = []

    def start(
        self,
        *arguments: object,
        columns: int = 80,
        pauses: tuple[str, ...] = (),
        constants: dict[str, Any] = SOON,
        method: str | None = None,
        counts_threads: bool = False,
        env: dict[str, str | None] | None = None,
        prefix: tuple[str, ...] = (),
        **more: Any,
    ) -> "tuple[subprocess.Popen[bytes], Terminal]":
        terminal = Terminal(columns)
        self.terminals.append(terminal)
        given = {
            "method": method,
            "constants": constants,
            "pauses": pauses,
            "counts_threads": counts_threads,
        }
        program = [sys.executable, "-c", PROGRAM, str(SOURCES), json.dumps(given)]
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": terminal.descriptor,
        }
        process = subprocess.Popen(
            [*prefix, *program, *map(str, arguments)],
            cwd=self.directory,
            env=environment_with({"TERM": "xterm", **(env or {})}),
            **settings | more,
        )
        self.processes.append(process)
        os.close(terminal.descriptor)
        return process, terminal

    def go_on(self) -> None:
        """Let the program leave the place where it waits, or is going to."""
        go = self.directory / "go"
        go.touch()
        end = time.monotonic() + PATIENCE
        while go.exists():
            assert time.monotonic() < end
            time.sleep(0.001)

    def finish(self, process: "subprocess.Popen[bytes]", terminal: Terminal) -> int:
        """The exit status, once all is said."""
        end = time.monotonic() + PATIENCE
        while terminal.read():
            assert time.monotonic() < end, terminal.written
        return process.wait(PATIENCE)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
        for terminal in self.terminals:
            terminal.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


EVENTS = [event + "\n" for event in make_log.events(300, 9)]
LOG = "".join(EVENTS).encode()
SAID = ["Read 300 events from 1 file: 300 accepted, 0 rejected."]
SMALL = SOON | {"ltv.reading.files:_SMALL_BYTES": 10**9}
LARGE = SOON | TINY
IN_PARTS = ("ltv.parallel.driver:ShardedCustomers._ranked", "ltv.parallel.driver:join_totals")


def size_text(data: bytes) -> str:
    return f"{len(data) / 1000:.1f}"


def check_only_said(terminal: Terminal, first: str) -> None:
    """Nothing but messages is left, and the line was never wider than the window."""
    assert terminal.screen[0] == first
    assert terminal.screen[-1] == ""
    assert not any(row.startswith("[") or " left" in row for row in terminal.screen)
    assert all(len(line) < terminal.columns for line in terminal.lines)


def test_a_small_log(place: Place):
    (place.directory / "log").write_bytes(LOG)
    arguments = (10, "log", "-o", "out.json")
    pauses = ("LTV_Calculate:topXSimpleLTVCustomers",)
    process, terminal = place.start(*arguments, constants=SMALL, pauses=pauses)
    size = size_text(LOG)
    terminal.wait_for(rf"\[=+\]  {size} of {size} kB  [0-9]+ events  .*/s  0:00 left")
    place.go_on()
    assert place.finish(process, terminal) == 0
    check_only_said(terminal, SAID[0])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_log_in_parts(compress: Callable[[bytes], bytes], method: str, place: Place):
    import multiprocessing  # noqa: PLC0415 - for this test alone

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system does not {method}")
    data = compress(LOG)
    (place.directory / "log").write_bytes(data)
    process, terminal = place.start(
        10, "log", "-o", "out.json", "--workers", 2, constants=LARGE, pauses=IN_PARTS, method=method
    )
    size = size_text(data)
    terminal.wait_for(rf"\[=+\]  {size} of {size} kB  300 events  .*/s  0:00 left")
    place.go_on()
    terminal.wait_for(r"\[=+\]  ranking  0:00 left")
    place.go_on()
    assert place.finish(process, terminal) == 0
    check_only_said(terminal, SAID[0])
    expected = place.directory / "expected.json"
    arguments = ["10", str(place.directory / "log"), "-q", "-o", str(expected)]
    assert Main_Calculation.main(arguments) == 0
    assert (place.directory / "out.json").read_bytes() == expected.read_bytes()


def test_standard_input(place: Place):
    process, terminal = place.start(10, "-", "-o", "out.json", stdin=subprocess.PIPE)
    assert process.stdin is not None
    for half in (EVENTS[:150], EVENTS[150:]):
        process.stdin.write("".join(half).encode())
        process.stdin.flush()
        done = EVENTS[:150] if half == EVENTS[:150] else EVENTS
        terminal.wait_for(rf"{size_text(''.join(done).encode())} kB  [0-9]+ events?  .*/s")
    process.stdin.close()
    assert place.finish(process, terminal) == 0
    check_only_said(terminal, SAID[0])
    assert not any("[" in line or "left" in line for line in terminal.lines if "rank" not in line)


def test_processes_are_forked_from_a_single_thread(place: Place):
    process, terminal = place.start(
        *(10, "-", "-o", "out.json", "--workers", 2),
        stdin=subprocess.PIPE,
        constants=LARGE,
        method="fork",
        counts_threads=True,
    )
    terminal.wait_for("0 bytes  0 events.*")
    assert process.stdin is not None
    process.stdin.write(LOG)
    process.stdin.flush()
    terminal.wait_for(rf"{size_text(LOG)} kB  .*")
    process.stdin.close()
    assert place.finish(process, terminal) == 0
    assert set((place.directory / "threads").read_text("ascii").split()) == {"1"}
    check_only_said(terminal, SAID[0])


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("columns", [20, 40, 80])
def test_never_wider_than_the_window(columns: int, workers: int, place: Place):
    (place.directory / "log").write_bytes(LOG)
    arguments = (10, "log", "-o", "out.json", "--workers", workers)
    process, terminal = place.start(*arguments, columns=columns, constants=LARGE, pauses=IN_PARTS)
    size = size_text(LOG)
    done = f"{size} of {size} kB"
    whole = {
        20: done,
        40: rf"\[=+\]  {done}  0:00 left",
        80: rf"\[=+\]  {done}  300 events  .*/s  0:00 left",
    }
    terminal.wait_for(whole[columns])
    assert len(terminal.screen) == 1
    place.go_on()
    terminal.wait_for(r"\[=+\]  ranking(  0:00 left)?")
    assert len(terminal.screen) == 1
    place.go_on()
    assert place.finish(process, terminal) == 0
    check_only_said(terminal, SAID[0][:columns])


def test_the_window_may_change(place: Place):
    process, terminal = place.start(10, "-", "-o", "out.json", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(LOG)
    process.stdin.flush()
    terminal.wait_for(rf"{size_text(LOG)} kB  .*/s")
    terminal.resize(12)
    terminal.wait_for(rf"{size_text(LOG)} kB")
    process.stdin.close()
    assert place.finish(process, terminal) == 0


@pytest.mark.parametrize("columns", [0, 300])
def test_a_window_of_any_width(columns: int, place: Place):
    process, terminal = place.start(10, "-", "-o", "-", columns=columns, stdin=subprocess.PIPE)
    terminal.columns = columns or 80
    terminal.wait_for(r"0 bytes  0 events(  0 bytes/s)?")
    assert process.communicate(LOG, timeout=PATIENCE)[0]
    assert place.finish(process, terminal) == 0
    check_only_said(terminal, SAID[0])


def test_gone_when_a_file_is_damaged(place: Place):
    process, terminal = place.start(10, "-", "-o", "out.json", stdin=subprocess.PIPE)
    assert process.stdin is not None
    data = gzip.compress(LOG)
    process.stdin.write(data[:1000])
    process.stdin.flush()
    terminal.wait_for(r"1\.0 kB  .*")
    process.stdin.close()
    assert place.finish(process, terminal) == 1
    assert len(terminal.lines) > 0
    check_only_said(terminal, terminal.screen[0])
    assert terminal.screen[0].startswith("Main_Calculation.py: -: line ")
    assert os.listdir(place.directory) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", [1, 2])
def test_gone_when_interrupted(number: signal.Signals, workers: int, place: Place):
    (place.directory / "log").write_bytes(LOG)
    process, terminal = place.start(
        *(10, "log", "-o", "out.json", "--workers", workers),
        constants=LARGE,
        pauses=IN_PARTS,
        env=UNMEASURED,
        start_new_session=True,
    )
    terminal.wait_for(r".*300 events.*")
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    assert place.finish(process, terminal) == 128 + number
    assert terminal.screen == [f"Main_Calculation.py: interrupted by {number.name}", ""]
    assert os.listdir(place.directory) == ["log"]


@pytest.mark.parametrize(
    ("arguments", "env", "constants"),
    [
        (["-q"], {}, {}),
        ([], {"TERM": "dumb"}, {}),
        ([], {"TERM": ""}, {}),
        ([], {"TERM": None}, {}),
        ([], {}, {"ltv.progress:_SECONDS_BEFORE": 1000.0}),
    ],
    ids=["quiet", "dumb", "empty", "unset", "soon done"],
)
def test_not_where_it_is_not_wanted(
    arguments: list[str],
    env: dict[str, str | None],
    constants: dict[str, Any],
    place: Place,
):
    process, terminal = place.start(
        *(10, "-", "-o", "out.json", *arguments),
        stdin=subprocess.PIPE,
        env=env,
        constants=SOON | constants,
    )
    assert process.stdin is not None
    process.stdin.write(LOG)
    process.stdin.flush()
    for _ in range(6):
        terminal.read()
    process.stdin.close()
    assert place.finish(process, terminal) == 0
    said = terminal.written.decode().splitlines()
    assert said == [] if arguments else said[0] == SAID[0]
    assert b"\x1b" not in terminal.written


def test_not_where_standard_error_is_no_terminal(place: Place):
    process, _ = place.start(
        *(10, "-", "-o", "out.json"),
        stdin=subprocess.PIPE,
        stdout=terminal_of_its_own(place),
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    err = process.communicate(LOG, timeout=PATIENCE)[1]
    assert err.decode().splitlines()[0] == SAID[0]
    assert b"\x1b" not in err


def terminal_of_its_own(place: Place) -> int:
    terminal = Terminal(80)
    place.terminals.append(terminal)
    return terminal.descriptor


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_the_locale_makes_no_difference(locale: str, place: Place):
    env: dict[str, str | None] = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process, terminal = place.start(10, "-", "-o", "-", stdin=subprocess.PIPE, env=env)
    terminal.wait_for("0 bytes  0 events.*")
    process.communicate(LOG, timeout=PATIENCE)
    assert place.finish(process, terminal) == 0
    check_only_said(terminal, SAID[0])


def own_terminal() -> None:
    """Have the process be the leader of a session on the terminal that its standard error is."""
    os.setsid()
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)


def test_in_the_foreground_of_its_terminal(place: Place):
    process, terminal = place.start(
        10, "-", "-o", "-", stdin=subprocess.PIPE, preexec_fn=own_terminal
    )
    terminal.wait_for("0 bytes  0 events.*")
    process.communicate(LOG, timeout=PATIENCE)
    assert place.finish(process, terminal) == 0
    check_only_said(terminal, SAID[0])


def test_not_from_the_background(place: Place):
    in_background = ("sh", "-c", 'set -m; "$@" <fifo & wait $!', "sh")
    os.mkfifo(place.directory / "fifo")
    process, terminal = place.start(
        10, "-", "-o", "out.json", prefix=in_background, preexec_fn=own_terminal
    )
    with open(place.directory / "fifo", "wb") as fifo:
        fifo.write(LOG)
        fifo.flush()
        for _ in range(6):
            terminal.read()
    assert place.finish(process, terminal) == 0
    assert terminal.written.decode().splitlines()[0] == SAID[0]
    assert b"\x1b" not in terminal.written


# --- In this process --------------------------------------------------------------------------


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(ltv.progress, "_SECONDS_BEFORE", 0.0)
    monkeypatch.setattr(ltv.progress, "_SECONDS_BETWEEN", 0.001)


def test_drawn_and_erased(soon: None, terminal: Terminal, make_file: MakeFile):
    log = make_file(1000 * "x")
    with terminal.stderr() as stream, Progress(stream, clock=lambda: 0.0) as progress:
        progress.start([log, log])
        terminal.wait_for(r"\[ +\]  0\.0 of 2\.0 kB  0 events")
        progress.add(1000, 7)
        terminal.wait_for(r"\[=+ +\]  1\.0 of 2\.0 kB  7 events  0:00 left")
    terminal.wait_for("")


def test_a_terminal_that_is_held_is_not_waited_for(soon: None, terminal: Terminal):
    """As after Ctrl-S."""
    with terminal.stderr() as stream, Progress(stream) as progress:
        termios.tcflow(terminal.descriptor, termios.TCOOFF)
        progress.start(["-"])
        assert not ltv.progress._takes_text(terminal.descriptor)
        progress.add(1, 1)
    termios.tcflow(terminal.descriptor, termios.TCOON)
    terminal.read(0)
    assert terminal.written == b""


def test_a_terminal_that_goes_away(soon: None, terminal: Terminal):
    with terminal.stderr() as stream, Progress(stream) as progress:
        progress.start(["-"])
        terminal.wait_for("0 bytes  0 events.*")
        os.close(terminal._master)
        assert progress._thread is not None
        progress._thread.join(PATIENCE)
        assert not progress._thread.is_alive()


@pytest.mark.parametrize(("owner", "name"), [(threading.Thread, "start"), (mmap, "mmap")])
@pytest.mark.parametrize(
    "error", [RuntimeError("can't start new thread"), MemoryError(), OSError()]
)
def test_without_a_thread_there_is_no_line(
    error: Exception,
    owner: Any,
    name: str,
    soon: None,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
):
    """A real limit would be one for the tests, too."""

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(owner, name, fail)
    with terminal.stderr() as stream, Progress(stream) as progress:
        progress.start(["-"])
        with progress.paused():
            pass
        progress.add(1, 1)
    terminal.read(0)
    assert terminal.written == b""


def test_a_signal_while_it_is_stopped(
    soon: None, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
):
    def join_and_signal() -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    with (
        terminal.stderr() as stream,
        pytest.raises(KeyboardInterrupt),
        Progress(stream) as progress,
    ):
        progress.start(["-"])
        terminal.wait_for("0 bytes  0 events.*")
        monkeypatch.setattr(progress._thread, "join", join_and_signal)
    assert not (progress._thread and progress._thread.is_alive())
    terminal.wait_for("")


@pytest.mark.parametrize("files", [["-"], ["missing"], ["log", "-"], ["."]])
def test_no_total_is_known(files: list[str], soon: None, terminal: Terminal, in_tmp: Path):
    (in_tmp / "log").write_bytes(LOG)
    with terminal.stderr() as stream, Progress(stream) as progress:
        progress.start(files)
        assert progress.line(79).startswith("0 bytes  0 events")


def test_without_a_standard_error():
    with Progress(None) as progress:
        progress.start(["-"])
        progress.add(1, 1)
        assert progress.tally_in("nowhere") is None
        with progress.paused():
            pass
        assert progress._thread is None


def test_a_closed_stream(soon: None, terminal: Terminal):
    stream = terminal.stderr()
    stream.close()
    assert Progress(stream)._terminal is None
