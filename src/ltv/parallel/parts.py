"""Files cut into parts that can be read by themselves.

| file | its parts |
|---|---|
| of no more than two parts, or compressed in a way of its own | itself |
| large, JSON Lines | from line to line |
| large, an array or a run | from where an event seems to begin to the next such place: a guess |
| compressed or piped, JSON Lines | blocks of lines, decompressed here |
| piped, an array or a run | itself, to be read here |
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO, NamedTuple, TypeGuard, TypeVar

from ltv.errors import DamagedFileError, FileError
from ltv.reading.csv_columns import Table
from ltv.reading.csv_rows import CSV
from ltv.reading.decoding import raw_bytes
from ltv.reading.files import BrokenStreamError, CountBytes, Reading, begins_compressed, reading
from ltv.reading.framing import LINES, RUN, NotEventsError, framing_of_text
from ltv.reading.state import FileState
from ltv.reading.units import UNITS_TO_TELL_A_LOG, PartReader, Unit

_BLOCK_BYTES = 1024 * 1024
_LONGEST_BLOCK_BYTES = 32 * 1024 * 1024

#: How far the place to cut is looked for.
_CUT_BYTES = 64 * 1024

_FIRST_MEMBER = re.compile(r'\{[ \t\n\r]*("[^"\\]*+")[ \t\n\r]*:')
_NEXT_FILLED_LINE = re.compile(rb"\n(?:[ \t\r,]|\xef\xbb\xbf)*+[^\n]")

_AnyPart = TypeVar("_AnyPart")


class Part(NamedTuple):
    """What to give to PartReader, and where the bytes are: in the file unless here.

    `state` is that of the file when its reading began; by default it begins with this part.
    """

    file: str
    framing: str | None = None
    begin: int = 0
    end: int | None = None
    data: bytes | None = None
    chunks: Iterator[bytes] | None = None
    source: Reading | None = None  # of the chunks
    state: FileState | None = None
    table: Table | None = None  # of the rows of CSV, where the header is not in this part

    @property
    def is_local(self) -> bool:
        """Whether only the process that cut it can read it."""
        return self.chunks is not None


@contextmanager
def opened(part: Part, count: CountBytes | None = None) -> Iterator[Iterator[bytes]]:
    """The bytes of `part`, and of what comes after it. Raises FileError, also if it changed.

    Bytes that were read when it was cut are not counted again.
    """
    if part.chunks is not None:
        yield part.chunks
        if part.source:
            part.source.check()
    elif part.data is not None:
        yield iter([part.data])
    else:
        with reading(part.file, part.state) as source:
            if part.framing is None:
                yield source.text(count)
            else:
                source.stream.seek(part.begin)
                is_after_line = part.framing in (LINES, CSV)
                yield source.whole_lines(source.raw(count), follows_line_break=is_after_line)


def parts_of(
    file: str,
    part_bytes: int,
    *,
    is_alone: bool,
    state: FileState | None,
    count: CountBytes | None = None,
) -> Iterator[Part]:
    """All parts of `file`, of about `part_bytes` where they can be as long as wanted.

    `state` is what `state_of_file` gave. A compressed file that `is_alone` is decompressed here, to
    keep more than one worker busy. What is read of it for good, `count` is told. Raises FileError.
    """
    if is_cut(state):
        return _parts_of_plain(file, state, part_bytes)
    if is_alone or state is None:
        return _parts_of_stream(file, state, count)
    return iter([Part(file, state=state)])


def is_cut(state: FileState | None) -> TypeGuard[FileState]:
    """Return whether a file of this state is cut where it stands, without reading it."""
    return state is not None and not begins_compressed(state.signature)


def _parts_of_plain(file: str, state: FileState, part_bytes: int) -> Iterator[Part]:
    size = state.size
    framing, place_to_cut = _way_to_cut(file, state) if size > 2 * part_bytes else (None, None)
    begin = 0
    if place_to_cut:
        with reading(file, state) as source:
            most = _end_of_lines(source.stream, size) if framing == RUN else size
            for aim in range(part_bytes, size - part_bytes // 2, part_bytes):
                source.stream.seek(aim)
                try:
                    text = source.stream.read(min(_CUT_BYTES, size - aim))
                except OSError:  # to be told, with its place, when it is read
                    break
                match = place_to_cut.search(text)
                end = aim + match.end() if match else most + 1
                if end <= most:
                    yield Part(file, framing if begin else None, begin, end, state=state)
                    begin = end
    yield Part(file, framing if begin else None, begin, state=state)


def _end_of_lines(stream: BinaryIO, size: int) -> int:
    """Return where the last line break ends before `size`, or `size` if there is none near it.

    A part that began after that would have nothing to stop at, should the file grow.
    """
    end = size
    while end > max(size - _LONGEST_BLOCK_BYTES, 0):
        begin = max(end - _CUT_BYTES, 0)
        stream.seek(begin)
        try:
            found = stream.read(end - begin).rfind(b"\n")
        except OSError:  # to be told when it is read
            break
        if found >= 0:
            return begin + found + 1
        end = begin
    return size


def _way_to_cut(file: str, state: FileState) -> tuple[str | None, re.Pattern[bytes] | None]:
    """The framing of `file`, and what it can be cut after."""
    try:
        with reading(file, state) as source:
            reader = PartReader(file, source.raw())
            units = iter(reader)
            if reader.framing == LINES:
                return LINES, re.compile(rb"\n")
            unit = next(units, None)
    except (DamagedFileError, FileError):  # to be told when it is read
        return None, None
    assert unit is None or isinstance(unit, Unit), "there are no matches without a learner"
    member = _FIRST_MEMBER.match(unit.text) if unit else None
    if member is None:
        return None, None
    name = re.escape(raw_bytes(member[1]))
    return reader.framing, re.compile(rb"\}[ \t\n\r,]*(?=\{[ \t\n\r]*" + name + rb"[ \t\n\r]*:)")


def _parts_of_stream(
    file: str, state: FileState | None, count: CountBytes | None
) -> Iterator[Part]:
    with reading(file, state) as source:
        for part in _blocks(file, state, source.text(count)):
            if count and part.data is None and part.chunks is None:
                count(-source.stream.tell())  # it is read again, from its begin
            yield part if part.chunks is None else part._replace(source=source)


def whole_stream(file: str, count: CountBytes | None) -> Iterator[Part]:
    """Yield what only this process can read, as one part."""
    with reading(file) as source:
        yield Part(file, chunks=source.text(count), source=source)


def _blocks(file: str, state: FileState | None, chunks: Iterator[bytes]) -> Iterator[Part]:
    """Blocks of lines; what is of another framing, or cannot be cut, as one part."""
    sound = _SoundChunks(chunks)
    framing = None
    next_look = begin = counted = filled_lines = 0
    data = b""
    for chunk in sound:
        data += chunk
        if framing is None and len(data) >= next_look:
            framing = _framing_so_far(data)
            next_look = 2 * len(data)
        if framing not in (None, LINES) or len(data) > _LONGEST_BLOCK_BYTES:
            if begin == 0 and state is not None:
                yield Part(file, state=state)  # from its begin, by a worker
            else:
                yield Part(file, LINES if begin else None, begin, chunks=chain([data], chunks))
            return
        end = data.rfind(b"\n") + 1
        if framing and end and not begin:  # each line once: megabytes of them may be blank
            filled_lines += _filled_lines(data, counted, end)
            counted = end - 1
        is_log_told = begin or filled_lines >= UNITS_TO_TELL_A_LOG  # by the first block alone
        if len(data) >= _BLOCK_BYTES and end and framing and is_log_told:
            yield Part(file, LINES if begin else None, begin, begin + end, data[:end])
            begin, data = begin + end, data[end:]
    rest = Part(file, LINES if begin else None, begin, data=data)
    if sound.error:
        rest = rest._replace(data=None, chunks=chain(filter(None, [data]), sound.failing()))
    yield rest


def _framing_so_far(begin: bytes) -> str | None:
    """Return the framing of what begins so, None where more of it is needed.

    Of what is no event log it is that of a run: whoever reads it tells.
    """
    try:
        return framing_of_text(begin, is_all=False)
    except NotEventsError:
        return RUN


class _SoundChunks:
    """The chunks up to where no more can be had; `error` tells whether that was too early."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.error: BrokenStreamError | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except BrokenStreamError as error:
            self.error = error

    def failing(self) -> Iterator[bytes]:
        """No chunks, but the error."""
        if self.error:
            raise self.error
        yield from ()


def _filled_lines(data: bytes, begin: int, end: int) -> int:
    """Return how many lines there are between, that of the begin and blank ones aside."""
    return sum(1 for _ in _NEXT_FILLED_LINE.finditer(data, begin, end))


def put_together(
    files: Iterable[tuple[Iterable[_AnyPart], int]], most_bytes: int
) -> Iterator[list[_AnyPart]]:
    """Yield what each task is to read: one part, or small files that follow each other.

    `files` gives the parts of each file, and about how many bytes its text has; those that a task
    puts together have at most `most_bytes`. The parts of a larger file are asked for only after
    what stands before it was yielded.
    """
    small: list[_AnyPart] = []
    room = most_bytes
    for parts, size in files:
        if small and size > room:
            yield small
            small, room = [], most_bytes
        if size <= room:
            small += parts
            room -= size
        else:
            yield from ([part] for part in parts)
    if small:
        yield small
