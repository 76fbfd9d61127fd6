"""Files that change while they are read: the rows of one state, or a run that fails.

Runs here are processes of their own that stop themselves at a certain read of the file; it is
changed meanwhile. In this process, the count of what was read is what changes it.
"""

import bz2
import gzip
import json
import lzma
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from conftest import SOURCES, UNMEASURED, environment_with
from ltv.errors import DamagedFileError, FileError
from ltv.parallel.parts import Part, opened, parts_of
from ltv.reading.files import reading, state_of_file
from ltv.reading.state import FileState, has_grown, state_of
from ltv.reading.units import PartReader, Unit, read_units

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"), reason="whether a process is stopped is seen below /proc"
)

PATIENCE = 60  # seconds, for anything that is waited for

REMEDY = "run again, with a copy of it if it is written to all the time"


def said(how: str, file: object = "log") -> str:
    return f"{file}: changed while it was read: {how}; {REMEDY}"


OTHER = "another file is there now"
GONE = "it is gone (No such file or directory)"
SHORTER = "it is shorter now"
WRITTEN = "it was written to"
LONGER = "it is longer now, and not only by what was appended"
NO_LINE = "it is longer now, and there was no end of a line to stop at"


def order(number: int, cents: int = 25) -> bytes:
    """An order of one of a few customers, with a line break; always of the same length."""
    return (
        f'{{"type":"ORDER","verb":"NEW","key":"o{number:06}","customer_id":"c{number % 40:02}",'
        f'"event_time":"2017-01-{1 + number % 28:02}T10:00:00Z",'
        f'"total_amount":"{number % 9973:04}.{cents:02} USD"}}\n'
    ).encode()


def orders(first: int, behind: int, cents: int = 25) -> bytes:
    return b"".join(order(number, cents) for number in range(first, behind))


# --- Changes ----------------------------------------------------------------------------------


class Change(NamedTuple):
    """What may happen to a file, and what is said of it; nothing where its rows are as before.

    `apply` takes the path, what is there, and the content of another log of the same length.
    """

    apply: Callable[[Path, bytes, bytes], object]
    said: str | None


def write_over(path: Path, content: bytes) -> None:
    """As `cp` does: the file stays the same one."""
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(content)


def write_within(path: Path, content: bytes) -> None:
    with open(path, "r+b") as file:
        file.write(content)


def append(path: Path, content: bytes) -> None:
    with open(path, "ab") as file:
        file.write(content)


def rename_over(path: Path, content: bytes) -> None:
    aside = path.with_name("aside")
    aside.write_bytes(content)
    aside.replace(path)


def copy_and_truncate(path: Path, more: bytes) -> None:
    """As logrotate does."""
    path.with_name("log.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
    append(path, more)


def later(path: Path) -> None:
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def move_away(path: Path) -> None:
    path.rename(path.with_name("log.1"))


def move_and_back(path: Path) -> None:
    move_away(path)
    path.with_name("log.1").rename(path)


CHANGES = {
    "renamed over": Change(lambda path, old, other: rename_over(path, other), OTHER),
    "renamed over by the same": Change(lambda path, old, other: rename_over(path, old), OTHER),
    "moved away": Change(lambda path, old, other: move_away(path), GONE),
    "removed": Change(lambda path, old, other: path.unlink(), GONE),
    "truncated": Change(lambda path, old, other: os.truncate(path, 0), SHORTER),
    "halved": Change(lambda path, old, other: os.truncate(path, len(old) // 2), SHORTER),
    "a byte less": Change(lambda path, old, other: os.truncate(path, len(old) - 1), SHORTER),
    "copied and truncated": Change(
        lambda path, old, other: copy_and_truncate(path, other[: len(old) // 2]), SHORTER
    ),
    "copied, truncated, longer": Change(
        lambda path, old, other: copy_and_truncate(path, other + other), LONGER
    ),
    "a longer copy": Change(lambda path, old, other: write_over(path, other + other), LONGER),
    "the head replaced": Change(
        lambda path, old, other: write_over(path, other[:3000] + old[3000:] + other), LONGER
    ),
    "the tail replaced": Change(
        lambda path, old, other: write_over(path, old[:-200] + other[-200:] + other), LONGER
    ),
    "a copy of the same size": Change(lambda path, old, other: write_over(path, other), WRITTEN),
    "written within": Change(lambda path, old, other: write_within(path, other[:300]), WRITTEN),
    "touched": Change(lambda path, old, other: later(path), WRITTEN),
    "appended to": Change(lambda path, old, other: append(path, other), None),
    "a byte appended": Change(lambda path, old, other: append(path, other[:1]), None),
    "half a line appended": Change(lambda path, old, other: append(path, other[:99]), None),
    "rights taken and given": Change(lambda path, old, other: path.chmod(0o640), None),
    "linked": Change(lambda path, old, other: os.link(path, path.with_name("link")), None),
    "moved and back": Change(lambda path, old, other: move_and_back(path), None),
}

EACH_CHANGE = pytest.mark.parametrize("name", CHANGES)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


class At:
    """Told of bytes that were read, it changes the file at the first of them."""

    def __init__(self, change: Callable[[], object]) -> None:
        self._change: Callable[[], object] | None = change

    def __call__(self, byte_count: int) -> None:
        change, self._change = self._change, None
        if change:
            change()


def texts_of(path: Path, change: Callable[[], object]) -> list[str]:
    """What is read of a file that changes when its first bytes have been."""
    return [unit.text for unit in read_units(str(path), At(change))]


def lines_of(content: bytes) -> list[str]:
    return content.decode().splitlines()


#: Small ones are read at once; of others, what is read has an end, and more to come.
SIZES = {"one": 1, "small": 30, "of more chunks": 4000}


@pytest.mark.parametrize("events", SIZES.values(), ids=SIZES.keys())
@EACH_CHANGE
def test_a_file_read_whole(name: str, events: int, log: Path):
    change = CHANGES[name]
    old, other = orders(0, events), orders(0, events, cents=75)
    log.write_bytes(old)

    def now() -> None:
        change.apply(log, old, other)

    if change.said is None:
        assert texts_of(log, now) == lines_of(old)
        return
    with pytest.raises(FileError) as caught:
        texts_of(log, now)
    assert str(caught.value) == said(change.said, log)


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
EACH_COMPRESSION = pytest.mark.parametrize("compression", COMPRESSIONS)


def noise(seed: int, lines: int) -> bytes:
    """Lines that no compression makes much shorter."""
    source = random.Random(seed)
    return b"".join(
        b'{"type":"NOISE","key":"%s"}\n' % source.randbytes(40).hex().encode() for _ in range(lines)
    )


@EACH_COMPRESSION
@EACH_CHANGE
def test_a_compressed_file(name: str, compression: str, log: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ltv.reading.files.CHUNK_BYTES", 1000)
    change = CHANGES[name]
    pack = COMPRESSIONS[compression]
    text = noise(1, 200)
    old, other = pack(text), pack(noise(2, 200))
    size = max(len(old), len(other))  # zeros may stand behind
    old, other = old.ljust(size, b"\0"), other.ljust(size, b"\0")
    log.write_bytes(old)

    def now() -> None:
        change.apply(log, old, other)

    if change.said is None:
        assert texts_of(log, now) == lines_of(text)
    else:
        with pytest.raises(FileError) as caught:
            texts_of(log, now)
        assert str(caught.value) == said(change.said, log)


@EACH_COMPRESSION
def test_a_stream_that_is_still_being_written(compression: str, log: Path):
    """What is cut off is damage; its place is where the text ends."""
    whole = COMPRESSIONS[compression](noise(1, 5000))
    log.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedFileError) as caught:
        texts_of(log, lambda: append(log, whole[len(whole) // 2 :]))
    assert caught.value.cause == (
        f"the {compression} stream is cut off; "
        "it is still being written: run again when it is complete"
    )


def test_a_stream_without_a_last_line_break_that_another_follows(log: Path):
    """The rule is about the text."""
    text = orders(0, 40)
    log.write_bytes(gzip.compress(text[:-10]))
    found = texts_of(log, lambda: append(log, gzip.compress(text[-10:])))
    assert found == lines_of(text)[:-1]


# --- A file that grows ------------------------------------------------------------------------

A, B, C = (order(number).decode().strip() for number in range(3))
PRETTY = json.dumps(json.loads(A), indent=1)

GROWING = {
    # what is there, and the events of it that are read when more follows
    "whole lines": (f"{A}\n{B}\n", [A, B]),
    "half a line": (f"{A}\n{B}\n{C[:50]}", [A, B]),
    "a line but for its break": (f"{A}\n{B}\n{C}", [A, B]),
    "a blank line": (f"{A}\n{B}\n\n  ", [A, B]),
    "CRLF": (f"{A}\r\n{B}\r\n{C}\r", [A, B]),
    "nothing": ("", []),
    "a line break": ("\n", []),
    "a bad line": (f"{A}\n{B[:50]}\n{C[:50]}", [A, B[:50]]),
    "an array": (f"[\n{A},\n{B}\n]\n", [A, B]),
    "a run": (f"{PRETTY}\n{PRETTY}\n", [PRETTY, PRETTY]),
    "a run to a comma": (f"{PRETTY},\n{PRETTY},\n", [PRETTY, PRETTY]),
    "a run to a bracket": (f"{PRETTY}\n{PRETTY}\n{{", [PRETTY, PRETTY]),
    "a run to half an event": (f"{PRETTY}\n{PRETTY}\n{PRETTY[:40]}", [PRETTY, PRETTY]),
    "a run to a string": (f"{PRETTY}\n{PRETTY}\n{PRETTY[:13]}", [PRETTY, PRETTY]),
    "a run to a member": (f"{PRETTY}\n{PRETTY}\n{PRETTY[:18]}", [PRETTY, PRETTY]),
    "a run of half an event": (PRETTY[:40], []),
}


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.parametrize("more", ["\n", "x", f"{C}\n", f"{C[50:]}\n{A}\n"])
def test_what_stands_after_the_last_line_break_is_left_alone(name: str, more: str, log: Path):
    content, expected = GROWING[name]
    log.write_bytes(content.encode())
    assert texts_of(log, lambda: append(log, more.encode())) == expected


@pytest.mark.parametrize("length", range(0, len(orders(0, 3)), 7))
def test_a_log_that_grows_at_any_byte(length: int, log: Path):
    content = orders(0, 4)
    first = len(order(0))
    log.write_bytes(content[: first + length])
    found = texts_of(log, lambda: append(log, content[first + length :]))
    whole = content[: first + length].rpartition(b"\n")[0]
    assert found == lines_of(whole)


def test_nothing_is_left_alone_in_a_file_that_does_not_grow(log: Path):
    log.write_bytes(f"{A}\n{B}".encode())
    assert texts_of(log, lambda: None) == [A, B]
    log.write_bytes(f"{A}\n{B[:50]}".encode())
    assert texts_of(log, lambda: None) == [A, B[:50]]


STILL = "it is still being written: run again when it is complete"

DAMAGED = {
    "an array without its end": (
        f"[\n{A},\n{B}",
        "the array is cut off, its closing ] is missing; " + STILL,
    ),
    "an array but for a line break": (
        f"[\n{A},\n{B}\n]",
        "the array is cut off, its closing ] is missing; " + STILL,
    ),
    "an array to half an event": (
        f"[\n{A},\n{PRETTY[:50]}",
        "in the event that begins on line 3: expected more JSON, got the end at character",
    ),
    "no event": ('{"a":1}\n{"a":2}\n', 'not an event log: no JSON object with a "type" in'),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damage_all_the_same(name: str, log: Path):
    content, expected = DAMAGED[name]
    log.write_bytes(content.encode())
    with pytest.raises(DamagedFileError) as caught:
        texts_of(log, lambda: append(log, b" "))
    assert caught.value.cause.startswith(expected)
    assert caught.value.cause.endswith(STILL)


@pytest.mark.parametrize("content", [A, A[:50], f"[{A},{B}]", f"{A}{B}"])
def test_without_a_line_break_nobody_knows_where_to_stop(content: str, log: Path):
    log.write_bytes(content.encode())
    with pytest.raises(FileError) as caught:
        texts_of(log, lambda: append(log, b"\n"))
    assert str(caught.value) == said(NO_LINE, log)


@pytest.mark.parametrize("is_held", [True, False])
def test_how_much_of_a_line_is_held_back(is_held: bool, log: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ltv.reading.files.CHUNK_BYTES", 1000)
    monkeypatch.setattr("ltv.reading.files._MOST_BYTES_HELD", 9000 if is_held else 3000)
    log.write_bytes(orders(0, 50) + b"x" * 6000)
    if is_held:
        assert texts_of(log, lambda: append(log, b"\n")) == lines_of(orders(0, 50))
    else:
        with pytest.raises(FileError) as caught:
            texts_of(log, lambda: append(log, b"\n"))
        assert str(caught.value) == said(NO_LINE, log)
    log.write_bytes(orders(0, 50) + b"x" * 6000 + b"\n" + orders(0, 9) + b"y")
    assert len(texts_of(log, lambda: append(log, b"\n"))) == 60


def test_a_change_explains_damage(log: Path):
    """Of what was found in the text of two states, nothing is said."""
    log.write_bytes(b"[" + b",\n".join([order(n).strip() for n in range(4000)]) + b"]")
    with pytest.raises(FileError) as caught:
        texts_of(log, lambda: write_within(log, b"?" * log.stat().st_size))
    assert str(caught.value) == said(WRITTEN, log)


def test_a_file_that_was_shorter_for_a_while(log: Path):
    """It has grown, but not all that was there at first was read."""
    content = orders(0, 4000)
    log.write_bytes(content)
    with pytest.raises(FileError) as caught, reading(str(log)) as source:
        chunks = source.raw()
        next(chunks)
        os.truncate(log, 300_000)
        next(chunks)
        assert next(chunks, None) is None
    assert str(caught.value) == said(SHORTER, log)
    write_over(log, content)
    with pytest.raises(FileError) as caught, reading(str(log)) as source:
        chunks = source.raw()
        next(chunks)
        os.truncate(log, 0)
        monitored = At(lambda: append(log, content + content))
        source.stream.seek(0, os.SEEK_END)
        monitored(0)
        source.stream.seek(3 * len(content))
        list(chunks)
    assert str(caught.value) == said("it was shorter for a while", log)


# --- States -----------------------------------------------------------------------------------


def state_at(path: Path) -> FileState:
    state = state_of_file(str(path))
    assert state is not None
    return state


@pytest.mark.parametrize("size", [0, 1, 15, 4095, 4096, 4097, 8192, 9000])
def test_a_state_leaves_the_stream_where_it_stands(size: int, log: Path):
    log.write_bytes(b"x" * size)
    with open(log, "rb", buffering=0) as stream:
        stream.seek(7)
        state = state_of(stream)
        assert stream.tell() == 7
    status = os.stat(log)
    assert state is not None
    assert state.device_and_inode == (status.st_dev, status.st_ino)
    assert state[1:4] == (size, status.st_mtime_ns, b"x" * min(size, 16))
    assert state == state_at(log)


@pytest.mark.parametrize("place", [0, 1, 4095, 4096, 50_000 - 4097, 50_000 - 4096, 50_000 - 1])
def test_what_is_compared_of_a_file_that_has_grown(place: int, log: Path):
    log.write_bytes(b"x" * 50_000)
    state = state_at(log)
    with open(log, "r+b") as file:
        file.seek(place)
        file.write(b"y")
        file.seek(0, os.SEEK_END)
        file.write(b"more")
    is_compared = place < 4096 or place >= 50_000 - 4096
    if not is_compared:
        with reading(str(log), state) as source:
            source.check()
        return
    with pytest.raises(FileError) as caught, reading(str(log), state):
        pass
    assert str(caught.value) == said(LONGER, log)


def test_what_has_no_state(tmp_path: Path):
    reading_end, writing_end = os.pipe()
    os.close(writing_end)
    with open(reading_end, "rb", buffering=0) as pipe:
        assert state_of(pipe) is None
    assert state_of_file("-") is None
    assert state_of_file(os.devnull) is None
    assert state_of_file(str(tmp_path)) is None
    assert state_of_file(str(tmp_path / "none")) is None


def test_a_file_whose_size_nobody_knows_is_read_to_its_end():
    """Its size is 0."""
    with reading("/proc/self/status") as source:
        text = b"".join(source.text())
    assert text.startswith(b"Name:")
    assert text.endswith(b"\n")


def read_error(*_: object) -> NoReturn:
    raise OSError(5, "Input/output error")


def test_a_file_that_cannot_be_read(log: Path, monkeypatch: pytest.MonkeyPatch):
    """That is told, with its place, when it is read."""
    log.write_bytes(b'{"type":1}' + b" " * 5000)
    with open(log, "rb", buffering=0) as stream, monkeypatch.context() as patch:
        patch.setattr(os, "pread", read_error)
        state = state_of(stream)
        assert state is not None
        assert (state.size, state.head) == (5010, -1)
        assert texts_of(log, lambda: None) == ['{"type":1}']
        append(log, b"x")
        with pytest.raises(FileError) as caught:
            has_grown("log", stream, state, os.stat(log))
    assert str(caught.value) == "log: Input/output error"


def test_what_another_machine_compares(log: Path):
    log.write_bytes(orders(0, 100))
    state = state_at(log).elsewhere()
    assert (state.device_and_inode, state.mtime_ns) == (None, None)
    rename_over(log, orders(0, 100))
    with reading(str(log), state):
        pass
    with pytest.raises(FileError, match=WRITTEN), reading(str(log), state):
        later(log)
    with pytest.raises(FileError, match=OTHER), reading(str(log), state):
        rename_over(log, orders(0, 100))
    os.truncate(log, 5)
    with pytest.raises(FileError, match=SHORTER), reading(str(log), state):
        pass


def test_another_file_that_is_there_at_an_opening_alone(log: Path):
    log.write_bytes(orders(0, 10))
    state = state_at(log)
    move_away(log)
    log.write_bytes(orders(0, 10, cents=75))
    os.utime(log, ns=(0, state.mtime_ns or 0))
    with pytest.raises(FileError) as caught, reading(str(log), state):
        log.with_name("log.1").replace(log)
    assert str(caught.value) == said(OTHER, log)


# --- Parts ------------------------------------------------------------------------------------

MIB = 1024 * 1024


@EACH_CHANGE
def test_a_part_of_a_file_that_has_changed_before_it_is_opened(name: str, log: Path):
    change = CHANGES[name]
    old, other = orders(0, 3000), orders(0, 3000, cents=75)
    log.write_bytes(old)
    *_, last = parts_of(str(log), 100_000, is_alone=False, state=state_at(log))
    assert last.begin > 0
    change.apply(log, old, other)
    if change.said is None:
        with opened(last) as chunks:
            assert b"".join(chunks_to_end(chunks)) == old[last.begin :]
        return
    with pytest.raises(FileError) as caught, opened(last):
        pass
    expected = change.said
    if expected == GONE:
        expected = "it cannot be opened any more (No such file or directory)"
    assert str(caught.value) == said(expected, log)


def chunks_to_end(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same; a file that is still being written ends, too."""
    try:
        yield from chunks
    except ValueError as error:
        assert str(error) == STILL


@EACH_CHANGE
def test_a_part_of_a_file_that_changes_while_it_is_read(name: str, log: Path):
    change = CHANGES[name]
    old, other = orders(0, 3000), orders(0, 3000, cents=75)
    log.write_bytes(old)
    _, part, *_ = parts_of(str(log), 100_000, is_alone=False, state=state_at(log))

    def read() -> list[str]:
        with opened(part, At(lambda: change.apply(log, old, other))) as chunks:
            reader = PartReader(
                part.file, chunks, framing=part.framing, begin=part.begin, end=part.end
            )
            return [unit.text for unit in reader if isinstance(unit, Unit)]

    if change.said is None:
        assert read() == lines_of(old[part.begin : part.end])
        return
    with pytest.raises(FileError) as caught:
        read()
    assert str(caught.value) == said(change.said, log)


@EACH_CHANGE
def test_a_file_that_changes_while_it_is_cut(name: str, log: Path):
    change = CHANGES[name]
    old, other = orders(0, 3000), orders(0, 3000, cents=75)
    log.write_bytes(old)
    state = state_at(log)
    parts = parts_of(str(log), 100_000, is_alone=False, state=state)
    next(parts)
    change.apply(log, old, other)
    if change.said is None:
        assert len(list(parts)) > 2
        return
    with pytest.raises(FileError) as caught:
        list(parts)
    assert str(caught.value) == said(change.said, log)


@pytest.mark.parametrize("compression", [*COMPRESSIONS, "none"])
def test_a_stream_that_changes_while_it_is_cut(
    compression: str, log: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ltv.reading.files.CHUNK_BYTES", 1000)
    monkeypatch.setattr("ltv.parallel.parts._BLOCK_BYTES", 1000)
    pack = COMPRESSIONS.get(compression, bytes)
    log.write_bytes(pack(noise(1, 300)))
    state = state_at(log) if compression != "none" else None
    parts = parts_of(str(log), MIB, is_alone=True, state=state)
    first = next(parts)
    assert first.data is not None
    later(log)
    with pytest.raises(FileError) as caught:
        list(parts)
    assert str(caught.value) == said(WRITTEN, log)


@pytest.mark.parametrize("is_after_line_break", [True, False])
def test_the_last_part_of_a_file_that_has_grown(is_after_line_break: bool, log: Path):
    """All of it may be the begin of a line."""
    content = orders(0, 10) + order(10)[:50]
    log.write_bytes(content)
    state = state_at(log)
    append(log, order(10)[50:])
    framing = "lines" if is_after_line_break else "run"
    part = Part(str(log), framing, len(orders(0, 10)), state=state)
    if is_after_line_break:
        with opened(part) as chunks:
            assert list(PartReader(part.file, chunks, framing=framing, begin=part.begin)) == []
        return
    with pytest.raises(FileError) as caught, opened(part) as chunks:
        list(chunks)
    assert str(caught.value) == said(NO_LINE, log)


# --- Runs -------------------------------------------------------------------------------------

#: Stops the first process that does so many reads of the file; at the begin of each Python there.
STOPPER = """\
import builtins, io, os, signal

_open = builtins.open
_left = int(os.environ["STOP_AT"])
_least = int(os.environ["STOP_BYTES"])


def _counted(data):
    global _left
    _left -= len(data) >= _least
    if not _left:
        _left = -1
        try:
            marker = os.open(os.environ["STOP_MARKER"], os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return data
        os.write(marker, b"%d\\n" % os.getpid())
        os.close(marker)
        os.kill(os.getpid(), signal.SIGSTOP)
    return data


class _Stopping(io.FileIO):
    def read(self, size=-1):
        return _counted(super().read(size))


def _stopping_open(file, mode="r", buffering=-1, *more, closefd=True, **others):
    if mode == "rb" and buffering == 0 and file in (0, os.environ["STOP_FILE"]):
        return _Stopping(file, "rb", closefd=closefd)
    return _open(file, mode, buffering, *more, closefd=closefd, **others)


_pread = os.pread
os.pread = lambda *arguments: _counted(_pread(*arguments))
builtins.open = _stopping_open
"""

NEVER = 10**9

EARLIER = b"earlier results\n"


def outcome_in(output: Path) -> tuple[object, object]:
    results = json.loads(output.read_bytes())
    return results["events"], results["top"]


class Run:
    """A run over `log` in a directory, which stops at a read of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "log"
        self.output = directory / "out.json"
        self.output.write_bytes(EARLIER)
        (directory / "stop").mkdir(exist_ok=True)
        (directory / "stop/sitecustomize.py").write_text(STOPPER, "utf-8")
        self.marker = directory / "marker"

    def __call__(
        self,
        *arguments: object,
        at: int,
        change: Callable[[], object],
        least: int = 5000,
        from_standard_input: bool = False,
    ) -> tuple[int, str, bool]:
        """The status, what was said, and whether it was stopped and the file changed.

        It is stopped at the `at`-th read that gives `least` bytes: what looks at the ends of the
        file alone gives fewer than the default.
        """
        self.marker.unlink(missing_ok=True)
        settings: dict[str, str | None] = {
            "PYTHONPATH": str(self.directory / "stop"),
            "STOP_AT": str(at),
            "STOP_BYTES": str(least),
            "STOP_FILE": "log",
            "STOP_MARKER": str(self.marker),
        }
        name = "-" if from_standard_input else "log"
        command = [sys.executable, str(SOURCES / "Main_Calculation.py"), "1000", name]
        with (
            open(self.log if from_standard_input else os.devnull, "rb") as given,
            subprocess.Popen(
                [*command, "-o", "out.json", "-q", *map(str, arguments)],
                cwd=self.directory,
                env=environment_with(UNMEASURED | settings),
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            ) as process,
        ):
            try:
                stopped = self._wait_until_stopped(process)
                if stopped is not None:
                    change()
                    with suppress(ProcessLookupError):  # one that found the change ended it
                        os.kill(stopped, signal.SIGCONT)
                _, error = process.communicate(timeout=PATIENCE)
            finally:
                process.kill()
        return process.returncode, error.decode(), stopped is not None

    def _wait_until_stopped(self, process: "subprocess.Popen[bytes]") -> int | None:
        """The process that is stopped; None when the run has ended."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.marker.exists() and (text := self.marker.read_text()).endswith("\n"):
                state = Path(f"/proc/{text.strip()}/stat").read_text().rpartition(")")[2].split()[0]
                if state == "T":
                    return int(text)
            elif process.poll() is not None:
                return None
            time.sleep(0.002)
        raise AssertionError("it neither ended nor stopped")

    def outcome(self) -> tuple[object, object]:
        """How many events were read, accepted and rejected, and the rows."""
        return outcome_in(self.output)


@pytest.fixture
def run_of_log(tmp_path: Path) -> Run:
    return Run(tmp_path)


class Rows:
    """The rows of the first lines of logs, by running the program over just these."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[bytes, tuple[object, object]] = {}

    def of(self, content: bytes) -> tuple[object, object]:
        """`outcome` for a log that nobody changes."""
        if content not in self._known:
            (self._directory / "log").write_bytes(content)
            command = [sys.executable, str(SOURCES / "Main_Calculation.py"), "1000", "log"]
            subprocess.run(
                [*command, "-q", "-o", "out.json"],
                cwd=self._directory,
                env=environment_with(UNMEASURED),
                check=True,
            )
            self._known[content] = outcome_in(self._directory / "out.json")
        return self._known[content]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return Rows(tmp_path_factory.mktemp("rows"))


class Size(NamedTuple):
    """A log, how it is written, and the read at which to stop: in the middle of it."""

    events: int
    at: int
    pack: Callable[[bytes], bytes] = bytes


RUN_SIZES = {
    "small": Size(600, 1),
    "middle": Size(6000, 3),  # more than is read at once, one process
    "parts": Size(20_000, 4),
    "gzip": Size(60_000, 2, lambda text: gzip.compress(text, 1)),
}


def check_run(run: Run, rows: Rows, name: str, size: Size, *arguments: object) -> None:
    change = CHANGES[name]
    text, other = orders(0, size.events), orders(0, size.events, cents=75)
    old, new = size.pack(text), size.pack(other)
    if size.pack is not bytes:  # zeros may stand behind what is compressed
        old, new = (one.ljust(max(len(old), len(new)), b"\0") for one in (old, new))
    run.log.write_bytes(old)
    status, error, is_stopped = run(
        *arguments, at=size.at, change=lambda: change.apply(run.log, old, new)
    )
    assert is_stopped
    if change.said is None:
        assert (status, error) == (0, "")
        assert run.outcome() == rows.of(text)
        return
    assert status == 1
    expected = {said(change.said)}
    if change.said == GONE:  # it may be another process that sees it first
        expected.add(said("it cannot be opened any more (No such file or directory)"))
    assert error.removeprefix("Main_Calculation.py: ").rstrip("\n") in expected
    assert run.output.read_bytes() == EARLIER
    assert sorted(path.name for path in run.directory.glob(".ltv-*")) == []


@pytest.mark.parametrize(("size", "workers"), [("small", 2), ("parts", 2)], ids=["small", "parts"])
@EACH_CHANGE
def test_a_run(name: str, size: str, workers: int, run_of_log: Run, rows: Rows):
    check_run(run_of_log, rows, name, RUN_SIZES[size], "--workers", workers)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("size", RUN_SIZES)
@EACH_CHANGE
def test_a_run_of_any_size(name: str, size: str, workers: int, run_of_log: Run, rows: Rows):
    check_run(run_of_log, rows, name, RUN_SIZES[size], "--workers", workers)


@pytest.mark.parametrize("name", ["truncated", "a longer copy", "half a line appended"])
def test_a_compressed_file_in_a_run(name: str, run_of_log: Run, rows: Rows):
    check_run(run_of_log, rows, name, RUN_SIZES["gzip"], "--workers", 2)


@pytest.mark.parametrize("size", ["small", "parts"])
def test_half_a_line_that_is_completed_is_not_counted(size: str, run_of_log: Run, rows: Rows):
    events = RUN_SIZES[size].events
    text = orders(0, events)
    run_of_log.log.write_bytes(text + order(events)[:70])
    done = run_of_log(
        "--strict",
        at=RUN_SIZES[size].at,
        change=lambda: append(run_of_log.log, order(events)[70:]),
    )
    assert done == (0, "", True)
    assert run_of_log.outcome() == rows.of(text)


@pytest.mark.parametrize("size", ["small", "parts"])
@pytest.mark.parametrize("name", ["renamed over", "halved", "a longer copy", "appended to"])
def test_a_store_stays_as_it_was(name: str, size: str, run_of_log: Run, rows: Rows):
    run = run_of_log
    known = orders(0, 50)
    run.log.write_bytes(known)
    stored = ("--store", "shop.store")
    assert run(*stored, at=NEVER, change=lambda: None) == (0, "", False)
    assert run.outcome() == rows.of(known)
    store = (run.directory / "shop.store").read_bytes()
    change = CHANGES[name]
    text, other = orders(0, RUN_SIZES[size].events), orders(0, RUN_SIZES[size].events, cents=75)
    run.log.write_bytes(text)
    status, _, is_stopped = run(
        *stored, at=RUN_SIZES[size].at, change=lambda: change.apply(run.log, text, other)
    )
    assert is_stopped
    if change.said is None:
        assert status == 0
        assert run.outcome() == rows.of(text)
        return
    assert status == 1
    assert (run.directory / "shop.store").read_bytes() == store


@pytest.mark.parametrize("size", ["small", "parts"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("halved", SHORTER),
        ("a longer copy", LONGER),
        ("touched", WRITTEN),
        ("appended to", None),
        ("renamed over", None),  # what is open is still all there
        ("removed", None),
    ],
)
def test_standard_input_from_a_file(
    name: str, expected: str | None, size: str, run_of_log: Run, rows: Rows
):
    run = run_of_log
    text, other = orders(0, RUN_SIZES[size].events), orders(0, RUN_SIZES[size].events, cents=75)
    run.log.write_bytes(text)
    status, error, is_stopped = run(
        at=1,
        change=lambda: CHANGES[name].apply(run.log, text, other),
        from_standard_input=True,
    )
    assert is_stopped
    if expected is None:
        assert (status, error) == (0, "")
        assert run.outcome() == rows.of(text)
    else:
        assert (status, error) == (1, f"Main_Calculation.py: {said(expected, 'standard input')}\n")
        assert run.output.read_bytes() == EARLIER


def check_outcome(run: Run, rows: Rows, done: tuple[int, str], states: list[bytes]) -> None:
    """It failed, or its rows are those of the first lines of one of these states."""
    status, error = done
    if status:
        expected = ["changed while it was read", "nothing to rank", "No such file or directory"]
        if any(state and b"\n" not in state for state in states):  # not one whole line
            expected.append("not an event log")
        assert any(one in error for one in expected)
        assert run.output.read_bytes() == EARLIER
        return
    read = json.loads(run.output.read_bytes())["events"]["read"]
    prefixes = [b"".join(state.splitlines(keepends=True)[:read]) for state in states]
    assert run.outcome() in [rows.of(prefix) for prefix in prefixes if prefix.count(b"\n")]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "parts"])
@EACH_CHANGE
def test_a_change_at_any_read(name: str, size: str, run_of_log: Run, rows: Rows):
    """Also before the reading begins: then the rows are those of what is there by then."""
    run = run_of_log
    text, other = orders(0, RUN_SIZES[size].events), orders(0, RUN_SIZES[size].events, cents=75)
    is_stopped = True
    at = 0
    while is_stopped:
        at += 1
        run.output.write_bytes(EARLIER)
        for path in run.directory.glob("l*"):
            path.unlink()
        run.log.write_bytes(text)
        status, error, is_stopped = run(
            "--workers", 1, at=at, least=1, change=lambda: CHANGES[name].apply(run.log, text, other)
        )
        now = run.log.read_bytes() if run.log.exists() else text
        check_outcome(run, rows, (status, error), [text, now])
        if status and name in {"appended to", "linked"}:
            pytest.fail(error)
    assert at > (4 if size == "small" else 20)


@pytest.mark.slow
@pytest.mark.parametrize("is_stopped", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_many_changes_at_random_moments(seed: int, is_stopped: bool, run_of_log: Run, rows: Rows):
    """All while it is stopped at a read, or one after the other while it runs."""
    source = random.Random(seed)
    run = run_of_log
    events = source.choice([600, 6000, 20_000])
    text = orders(0, events) + order(events)[: source.choice([0, 70])]
    other = orders(0, events, cents=75)
    run.log.write_bytes(text)
    names = source.choices([name for name in CHANGES if name != "linked"], k=3)
    states = [text]

    def change() -> None:
        for name in names:
            if not run.log.exists():
                return
            if not is_stopped:
                time.sleep(source.uniform(0.05, 0.2))  # more than a tick of the system's clock
            CHANGES[name].apply(run.log, run.log.read_bytes(), source.choice([text, other]))
            if run.log.exists():
                states.append(run.log.read_bytes())

    workers = source.choice([1, 2])
    if is_stopped:
        at = source.randrange(1, 25)
        status, error, _ = run("--workers", workers, at=at, least=1, change=change)
    else:
        changing = threading.Thread(target=change)
        changing.start()
        status, error, _ = run("--workers", workers, at=NEVER, change=change)
        changing.join()
    check_outcome(run, rows, (status, error), states)
