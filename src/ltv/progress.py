"""How far a run is: one line on a terminal, once the run has taken a while.

    [======              ]  63.1 of 149.0 MB  421,008 events  80.2 MB/s  0:01 left
    [==========          ]  ranking  0:01 left

| | |
|---|---|
| Tally | what is read, told by the processes that read it: each adds to the end of one file |
| Progress | the line, drawn by a thread of its own, and gone when the `with` statement is left |

Bytes are those of the files as they are stored, compressed or not. All is ASCII: a terminal of East
Asia may show a block character in two columns.
"""

import contextlib
import mmap
import os
import select
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, NamedTuple, TextIO

from ltv.reading.files import raw_size

_SECONDS_BEFORE = 1.0
_SECONDS_BETWEEN = 0.2

#: Where a terminal does not know how wide it is.
_LIKELY_COLUMNS = 80

_LEAST_BAR, _MOST_BAR = 10, 30

_GAP = "  "

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_UNIT_STEP = 1000

_ERASED = b"\r\x1b[K"  # what stands in the line, with the cursor at its begin

_RECORD = struct.Struct("=qq")

#: For a thread to begin with: its stack, and the first of what is allocated in it.
_THREAD_BYTES = 64 * 1024 * 1024


class Count(NamedTuple):
    """What is read: bytes as they are stored, and events."""

    bytes: int
    events: int


class Tally:
    """Where a process that reads tells how much; to be used in a `with` statement.

    `path` is what `Progress.tally_in` gave: without one, nobody wants to know.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._descriptor: int | None = None

    def __enter__(self) -> "Tally":
        if self._path is not None:
            with contextlib.suppress(OSError):  # no reason for a run to fail
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def add(self, byte_count: int, events: int) -> None:
        """Tell of so many more."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.write(self._descriptor, _RECORD.pack(byte_count, events))


class Progress:
    """The line on the terminal that `stream` is; nothing where it is none that wants it.

    with Progress(sys.stderr) as progress:
        progress.start(files)
        progress.add(byte_count, events)
    """

    def __init__(
        self, stream: TextIO | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._terminal = _terminal_of(stream)
        self._clock = clock
        self._begin = 0.0
        self._total: int | None = None  # bytes
        self._here = Count(0, 0)  # read by this process, and not told to the tally
        self._tally: IO[bytes] | None = None
        self._rest = b""  # of it: not a whole record yet
        self._told = Count(0, 0)  # by all that add to it
        self._ranked: tuple[int, int, float] | None = None  # of how many, since when
        self._is_shown = False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._stop()
        except BaseException:  # a signal while it was waited for the thread
            self._stop()
            raise

    def _stop(self) -> None:
        self._halt()
        if self._is_shown and self._terminal is not None:
            with contextlib.suppress(OSError):  # the terminal is gone
                os.write(self._terminal, _ERASED)
            self._is_shown = False
        if self._tally:
            self._tally.close()

    def start(self, files: Iterable[str]) -> None:
        """From now on `files` are read; without any, what is stored is ranked."""
        if self._terminal is not None:
            sizes = list(map(raw_size, files))
            self._total = None if None in sizes else sum(filter(None, sizes))
            self._begin = self._clock()
            if not sizes:
                self.rank(0, 1)
            self._go_on()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Meanwhile there is no thread, and the line stays as it is."""
        is_going = self._thread is not None
        self._halt()
        try:
            yield
        finally:
            if is_going:
                self._go_on()

    def _go_on(self) -> None:
        self._stopped.clear()
        thread = threading.Thread(target=self._draw_until_stopped, daemon=True)
        # No reason for a run to fail: a limit may not let it start. One that starts, but has no
        # memory to begin with, Python would wait for without end.
        with contextlib.suppress(RuntimeError, OSError, MemoryError):
            mmap.mmap(-1, _THREAD_BYTES).close()
            thread.start()
            self._thread = thread

    def _halt(self) -> None:
        self._stopped.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()

    def add(self, byte_count: int, events: int = 0) -> None:
        """So many more are read by this process; less than 0 where they are to be read again."""
        self._here = Count(self._here.bytes + byte_count, self._here.events + events)

    def tally_in(self, directory: str) -> str | None:
        """The path for the shard of other processes, a new file; None where none is wanted."""
        if self._terminal is None:
            return None
        path = os.path.join(directory, "tally")
        try:
            self._tally = open(path, "x+b", buffering=0)  # noqa: SIM115 - closed by _stop
        except OSError:  # no reason for a run to fail
            return None
        return path

    def rank(self, done: int, total: int) -> None:
        """All is read, and `done` of `total` equal steps of the ranking are done."""
        since = self._ranked[2] if self._ranked else self._clock()
        self._ranked = done, total, since

    @property
    def read(self) -> Count:
        """What is read up to now, by all processes."""
        data = self._rest + (self._tally.read() if self._tally else b"")
        whole = len(data) - len(data) % _RECORD.size
        self._rest = data[whole:]
        records = _RECORD.iter_unpack(data[:whole])
        self._told = Count(*map(sum, zip(self._told, *records, strict=True)))
        return Count(*map(sum, zip(self._here, self._told, strict=True)))

    def line(self, columns: int) -> str:
        """What is to be told now, in at most so many columns."""
        now = self._clock()
        if self._ranked:
            done, total, since = self._ranked
            return ranking_line(done / total, now - since, columns)
        return reading_line(self.read, self._total, now - self._begin, columns)

    def _draw_until_stopped(self) -> None:
        if hasattr(signal, "pthread_sigmask"):  # pragma: no branch - Windows
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # for the main thread
        seconds = max(0.0, self._begin + _SECONDS_BEFORE - self._clock())
        with contextlib.suppress(OSError, MemoryError):  # the terminal is gone, to begin with
            while not self._stopped.wait(seconds):
                self._draw()
                seconds = _SECONDS_BETWEEN

    def _draw(self) -> None:
        assert self._terminal is not None, "without one, nothing is started"
        if not _takes_text(self._terminal):
            return
        columns = os.get_terminal_size(self._terminal).columns or _LIKELY_COLUMNS
        line = self.line(columns - 1)  # in the last one, the cursor might go to the next line
        self._is_shown = True
        os.write(self._terminal, _ERASED + line.encode("ascii"))


def _terminal_of(stream: TextIO | None) -> int | None:
    """The descriptor of `stream` if that is a terminal that can erase a line."""
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        return None
    try:
        return stream.fileno() if stream is not None and stream.isatty() else None
    except (OSError, ValueError):  # a stream without a descriptor; it is closed
        return None


def _takes_text(terminal: int) -> bool:
    """Whether what is written is shown now, and to the one who waits for this run."""
    try:
        is_in_foreground = os.tcgetpgrp(terminal) == os.getpgrp()
    except (AttributeError, OSError):  # Windows; not the terminal that the process belongs to
        is_in_foreground = True
    return is_in_foreground and bool(select.select([], [terminal], [], 0)[1])


def reading_line(read: Count, total: int | None, seconds: float, columns: int) -> str:
    """What is read of `total` bytes, after so many seconds; `total` is None where nobody knows.

    >>> reading_line(Count(500_000, 2500), 2_000_000, 2.0, 70)
    '[====            ]  0.5 of 2.0 MB  2,500 events  250.0 kB/s  0:06 left'
    >>> reading_line(Count(500_000, 2500), None, 2.0, 70)
    '500.0 kB  2,500 events  250.0 kB/s'
    """
    share = left = None
    done = _quantity(read.bytes, read.bytes)
    if total is not None:
        done_bytes = min(read.bytes, total)  # a file may have grown
        share = done_bytes / total if total else 1.0
        number, _, _ = _quantity(done_bytes, total).partition(" ")
        done = f"{number} of {_quantity(total, total)}"
        left = _left_text(share, seconds)
    events = f"{read.events:,} event{'' if read.events == 1 else 's'}"
    rate = f"{_quantity(read.bytes / seconds, read.bytes / seconds)}/s" if seconds > 0 else None
    return _fitted(
        share,
        ([done, events, rate, left], [done, events, left], [done, left], [done]),
        columns,
    )


def ranking_line(share: float, seconds: float, columns: int) -> str:
    """How much of the ranking is done, after so many seconds.

    >>> ranking_line(0.5, 3.0, 40)
    '[=========         ]  ranking  0:03 left'
    """
    left = _left_text(share, seconds)
    return _fitted(share, (["ranking", left], ["ranking"]), columns)


def _fitted(share: float | None, choices: Iterable[list[str | None]], columns: int) -> str:
    """The first of `choices` that leaves room for a bar of `share`, if there is to be one.

    Where none does, the last without a bar; nothing where that is too long.
    """
    text = ""
    for choice in choices:
        text = _GAP.join(filter(None, choice))
        room = columns - len(text) - len(_GAP)
        if share is None and len(text) <= columns:
            return text
        if share is not None and room >= _LEAST_BAR:
            inner = min(room, _MOST_BAR) - len("[]")
            return f"[{'=' * int(share * inner):{inner}}]{_GAP}{text}"
    return text if len(text) <= columns else ""


def _quantity(byte_count: float, greatest: float) -> str:
    """So many bytes in the unit that suits `greatest`."""
    power = places = 0
    while round(greatest / _UNIT_STEP**power, places) >= _UNIT_STEP and power < len(_UNITS) - 1:
        power, places = power + 1, 1
    number = byte_count / _UNIT_STEP**power
    return f"{number:,.{places}f} {_UNITS[power]}"


def _left_text(share: float, seconds: float) -> str | None:
    """How long it still takes, at the pace until now; None while there is none."""
    if share <= 0:
        return None
    minutes, rest = divmod(round(seconds / share - seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} left" if hours else f"{minutes}:{rest:02} left"
