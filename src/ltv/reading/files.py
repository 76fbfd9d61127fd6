"""Event files: which there are, and their plain bytes in chunks.

| first bytes | read as |
|---|---|
| `1f 8b` | gzip |
| `BZh` | bzip2 |
| `fd 37 7a 58 5a 00` | xz |
| `28 b5 2f fd` | zstd, from Python 3.14 on |
| anything else | as it is |

Several compressed streams one after another, and zeros after them, are one text. What is compressed
may be compressed again, three times in all.

Of a regular file no more is read than was there when its reading began. Where it has grown since,
what stands after the last line break of that is left alone: it may be half of a line.
"""

import os
import select
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from ltv.errors import DamagedFileError, FileError, reason_of, shortage_of
from ltv.reading.state import STILL_WRITTEN, FileState, changed, has_grown, state_of

STANDARD_INPUT = "-"

CHUNK_BYTES = 256 * 1024

#: What one process does in about 0.1 s; more than this is worth starting others.
_SMALL_BYTES = 1024 * 1024

#: So many compressions may be inside one another.
_MOST_COMPRESSIONS = 3

#: A compressed file has about so many times as many bytes of text.
LIKELY_COMPRESSION = 12
_LIKELY_BYTES_OF_PIPE = 256 * 1024 * 1024

#: More than any preset of xz asks for (65 MiB), far less than a hostile header may.
_XZ_MEMORY_BYTES = 256 * 1024 * 1024


#: What may be the begin of a line is held back until it is known whether the file has grown.
_MOST_BYTES_HELD = 16 * 1024 * 1024


class BrokenStreamError(ValueError):
    """The bytes of a file cannot be had to their end: a read error, or bad compression."""


class StillWrittenError(BrokenStreamError):
    """The text ends here, after a line break, but not the file: it is still being written."""

    def __init__(self) -> None:
        super().__init__(STILL_WRITTEN)


def list_files(paths: list[str], passed_over: set[str]) -> list[str]:
    """The event files that `paths` (files, directories, `-`) stand for, in order.

    A directory stands for its `files_in`, but for those whose real path is in `passed_over`. Raises
    FileError for what is not there or is no file.
    """
    files: list[str] = []
    for path in paths:
        if path != STANDARD_INPUT and os.path.isdir(path):
            files += (file for file in files_in(path) if os.path.realpath(file) not in passed_over)
        else:
            files.append(path)
    for file in files:
        _check_readable(file)
    return files


def files_in(directory: str) -> list[str]:
    """Return the regular files in `directory` at any depth, in the order of their paths' bytes.

    Links are followed to files, not to directories. Raises FileError for a directory that cannot be
    listed.
    """
    files: list[str] = []
    directories = [directory]
    while directories:
        path = directories.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if is_hidden(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        directories.append(entry.path)
                    elif _is_event_file(entry.path):
                        files.append(entry.path)
        except OSError as error:
            raise FileError(path, reason_of(error)) from None
    return sorted(files, key=os.fsencode)


def is_hidden(name: str) -> bool:
    """Return whether what has this name in a directory is passed over, as Spark and Hive do it."""
    return (
        name.startswith(".")
        or (name.startswith("_") and "=" not in name)
        or name.endswith("._COPYING_")
    )


def _is_event_file(path: str) -> bool:
    """A regular file, or a link that leads nowhere: that one is for `_check_readable` to tell."""
    return os.path.isfile(path) or not os.path.exists(path)


def _check_readable(file: str) -> None:
    if file == STANDARD_INPUT:
        return
    try:
        mode = os.stat(file).st_mode
    except OSError as error:
        raise FileError(file, reason_of(error)) from None
    if stat.S_ISREG(mode) and not os.access(file, os.R_OK):
        raise FileError(file, "Permission denied")


def open_file(file: str) -> BinaryIO:
    """`file` (`-` for standard input) for reading bytes. Raises FileError."""
    if file == STANDARD_INPUT and sys.stdin is None:
        raise FileError(file, "standard input is closed")
    try:
        if file == STANDARD_INPUT:
            return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
        return open(file, "rb", buffering=0)
    except OSError as error:
        raise FileError(file, reason_of(error)) from None


#: Told how many bytes of a file were read, as they are stored.
CountBytes = Callable[[int], object]


def state_of_file(file: str) -> FileState | None:
    """Return the state of `file`; None where only the one opening that reads it can know it.

    Raises FileError.
    """
    if file == STANDARD_INPUT or not os.path.isfile(file):
        return None
    with open_file(file) as stream:
        return state_of(stream)


def reading(file: str, state: FileState | None = None) -> "Reading":
    """Open `file` to read what was there at its `state`, by default at this moment.

    For a `with` statement. Raises FileError when it cannot be opened, or if it changed, now or when
    it has been read.
    """
    try:
        stream = open_file(file)
    except FileError as error:
        if state is None or shortage_of(error):
            raise
        raise changed(file, f"it cannot be opened any more ({error.cause})") from None
    try:
        return Reading(file, stream, state)
    except BaseException:
        stream.close()
        raise


class Reading:
    """One opening of a file: the bytes that were there when its reading began."""

    def __init__(self, file: str, stream: BinaryIO, state: FileState | None) -> None:
        self._file = file
        self._is_nameless = file == STANDARD_INPUT
        self.stream = stream
        self._has_grown = False
        self._is_checked = False  # after the last byte was read
        if state is None:
            self._state = state_of(stream)
        else:
            status = os.fstat(stream.fileno())
            has_grown(file, stream, state, status)
            self._state = state.seen_as(status)

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, exception_type: type[BaseException] | None, *exception: object) -> None:
        with self.stream:
            if exception_type is None or issubclass(exception_type, DamagedFileError):
                self.check()  # which explains the damage

    def check(self) -> None:
        """Raise FileError if the file changed before it was read as far as wanted."""
        if self._state is None or self._is_checked:
            return
        try:
            status = os.fstat(self.stream.fileno()) if self._is_nameless else os.stat(self._file)
        except OSError as error:
            raise changed(self._file, f"it is gone ({reason_of(error)})") from None
        self._has_grown = has_grown(self._file, self.stream, self._state, status)

    def raw(self, count: CountBytes | None = None) -> Iterator[bytes]:
        """Yield the bytes as they are stored, from where the stream stands.

        Raises BrokenStreamError when they cannot be had to the end, FileError if the file changed.
        """
        if self._state is None:
            yield from read_raw(self.stream, count)
            return
        left = max(self._state.size - self.stream.tell(), 0)
        for chunk in read_raw(self.stream, count, left):
            left -= len(chunk)
            yield chunk
        self.check()
        if left:
            raise changed(self._file, "it was shorter for a while")
        self._is_checked = True

    def text(self, count: CountBytes | None = None) -> Iterator[bytes]:
        """Yield the bytes decompressed, as `raw` does; for the rest as `whole_lines`."""
        return self.whole_lines(decompressed(self.raw(count)), follows_line_break=False)

    def whole_lines(self, chunks: Iterator[bytes], *, follows_line_break: bool) -> Iterator[bytes]:
        """Yield `chunks` that come of `raw`, less the begin of a line where the file has grown.

        Raises StillWrittenError then, after the last line break; FileError if there is none in
        them or, as `follows_line_break` says, in front of them.
        """
        if self._state is None:
            yield from chunks
            return
        held: list[bytes] = []  # since the last line break
        held_bytes = 0
        is_line_begun = False  # what stands after the last line break was given in part
        try:
            for chunk in chunks:
                has_break = b"\n" in chunk
                left = self._state.size - self.stream.tell()  # far from the end, no need to hold
                if has_break or max(held_bytes, left) > _MOST_BYTES_HELD:
                    yield from held
                    held, held_bytes, is_line_begun = [], 0, not has_break
                held.append(chunk)
                held_bytes += len(chunk)
        except BrokenStreamError as error:
            yield from held
            self.check()  # which explains what is broken
            if self._has_grown:
                raise BrokenStreamError(f"{error}; {STILL_WRITTEN}") from None
            raise
        if not self._has_grown:
            yield from held
            return
        text = b"".join(held)
        end = text.rfind(b"\n") + 1
        if end:
            yield text[:end]
        elif text and (is_line_begun or not follows_line_break):
            raise changed(self._file, "it is longer now, and there was no end of a line to stop at")
        raise StillWrittenError


def read_chunks(stream: BinaryIO, count: CountBytes | None = None) -> Iterator[bytes]:
    """The bytes of `stream`, decompressed, in chunks of at most CHUNK_BYTES.

    Raises BrokenStreamError when they cannot be had to the end.
    """
    return decompressed(read_raw(stream, count))


def decompressed(raw: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what `raw` holds, decompressed if it is compressed, in chunks of at most CHUNK_BYTES.

    Raises BrokenStreamError when they cannot be had to the end.
    """
    chunks = raw
    for _ in range(_MOST_COMPRESSIONS):
        head = b""
        for chunk in chunks:
            head += chunk
            if len(head) >= _LONGEST_SIGNATURE:
                break
        chunks = chain([head] if head else [], chunks)
        compression = _compression_of(head)
        if compression is None:
            break
        chunks = _decompress(chunks, compression)
    yield from chunks


def read_raw(
    stream: BinaryIO, count: CountBytes | None = None, most: int = sys.maxsize
) -> Iterator[bytes]:
    """The bytes of `stream` as they are, from where it stands, in chunks of CHUNK_BYTES at most.

    At `most` so many bytes. Raises BrokenStreamError when they cannot be had to the end.
    """
    left = most
    while left > 0:
        try:
            chunk: bytes | None = stream.read(min(CHUNK_BYTES, left))
        except OSError as error:
            raise BrokenStreamError(reason_of(error)) from None
        if chunk is None:  # a non-blocking stream that has nothing yet
            select.select([stream], [], [])
        elif chunk:
            left -= len(chunk)
            if count:
                count(len(chunk))
            yield chunk
        else:
            return


class TextSize(NamedTuple):
    """About how many bytes the text of a file has; exactly, where `is_plain`."""

    bytes: int
    is_plain: bool


def text_size(file: str) -> TextSize:
    """Return how large the text of `file` is, as far as that is known without reading it."""
    size = raw_size(file)
    if size is None:
        return TextSize(_LIKELY_BYTES_OF_PIPE, is_plain=False)
    try:
        is_plain = not is_compressed(file)
    except (OSError, FileError):
        is_plain = False  # to be told when it is read
    return TextSize(size if is_plain else size * LIKELY_COMPRESSION, is_plain)


def raw_size(file: str) -> int | None:
    """How many bytes `file` has as it is stored; None where only reading it tells."""
    try:
        status = os.stat(file)
    except OSError:
        return None  # to be told when it is read
    return status.st_size if file != STANDARD_INPUT and stat.S_ISREG(status.st_mode) else None


def is_large(files: list[str]) -> bool:
    """Return whether there is, or is likely to be, more in `files` than is done in one go."""
    return sum(text_size(file).bytes for file in files) > _SMALL_BYTES


def is_compressed(file: str) -> bool:
    """Whether `file` begins as compressed ones do. Raises FileError, OSError."""
    with open_file(file) as stream:
        return begins_compressed(stream.read(_LONGEST_SIGNATURE))


def begins_compressed(head: bytes) -> bool:
    """Return whether a file that begins with `head` is compressed."""
    return _compression_of(head) is not None


class _GzipDecompressor:
    """The decompressor of zlib with the interface of those of bz2 and lzma."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _new_bzip2() -> Any:
    import bz2  # noqa: PLC0415 - some builds of Python are without it

    return bz2.BZ2Decompressor()


def _new_xz() -> Any:
    import lzma  # noqa: PLC0415 - some builds of Python are without it

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)


def _new_zstd() -> Any:
    from compression import zstd  # type: ignore[import-not-found] # noqa: PLC0415 - from 3.14 on

    return zstd.ZstdDecompressor()


class _Compression(NamedTuple):
    signature: bytes
    name: str
    new_decompressor: Callable[[], Any]


_COMPRESSIONS = (
    _Compression(b"\x1f\x8b", "gzip", _GzipDecompressor),
    _Compression(b"BZh", "bzip2", _new_bzip2),
    _Compression(b"\xfd7zXZ\x00", "xz", _new_xz),
    _Compression(b"\x28\xb5\x2f\xfd", "zstd", _new_zstd),
)[: None if sys.version_info >= (3, 14) else -1]
_LONGEST_SIGNATURE = max(len(compression.signature) for compression in _COMPRESSIONS)


def _compression_of(head: bytes) -> _Compression | None:
    return next((one for one in _COMPRESSIONS if head.startswith(one.signature)), None)


def _decompress(chunks: Iterator[bytes], compression: _Compression) -> Iterator[bytes]:
    """The text of all compressed streams that `chunks` hold one after another."""
    signature, name, new_decompressor = compression
    decompressor = None
    streams = 0
    for chunk in chunks:
        data = chunk
        while True:
            if decompressor is None:
                data = data.lstrip(b"\0")
                if not data:
                    break
                if data[: len(signature)] != signature[: len(data)]:
                    raise BrokenStreamError(f"expected {name} streams alone, got more after them")
                decompressor = _checked(new_decompressor, name, streams)
                streams += 1
            plain = _checked(partial(decompressor.decompress, data, CHUNK_BYTES), name, streams)
            if plain:
                yield plain
            if decompressor.eof:
                data, decompressor = decompressor.unused_data, None
            elif decompressor.needs_input:
                break
            else:
                data = b""
    if decompressor is not None:
        raise BrokenStreamError(f"the {name} stream is cut off")


def _checked(action: Callable[[], Any], name: str, streams: int) -> Any:
    """The result of `action`; whatever it finds wrong with the data as BrokenStreamError."""
    try:
        return action()
    except ImportError:
        raise BrokenStreamError(f"this Python was built without what reads {name}") from None
    except MemoryError:  # pragma: no cover - not to be had at will
        raise
    except Exception as error:  # zlib.error, lzma.LZMAError, OSError, EOFError, ValueError
        where = f"the {name} stream" if streams == 1 else f"the {name} stream or what follows it"
        raise BrokenStreamError(f"{where} is broken: {error}") from None
