"""What a file was like when its reading began, and whether it still is (SPEC, section 6).

| the file is now | |
|---|---|
| of the same size and modification time | as it was |
| larger, its first and what were its last 4 KiB as they were | grown: a log that is being written |
| another one, gone, shorter, or written to | changed: the run fails |

Only regular files have a state: nothing can be compared of a pipe. A change that keeps the size and
comes within the same tick of the file system's clock (some ms) as the one before it is not seen.
"""

import os
import stat
import zlib
from typing import BinaryIO, NamedTuple

from ltv.errors import FileError, reason_of

#: How much of each end of a file is compared when it has grown.
_EDGE_BYTES = 4096

#: How many of a file's first bytes are kept, to recognise what kind of file it is.
_SIGNATURE_BYTES = 16

#: What to say of a file that is incomplete, and has grown.
STILL_WRITTEN = "it is still being written: run again when it is complete"

_UNREADABLE = (b"?", -1, -1)  # which no file has

LONGER = "it is longer now, and not only by what was appended"


class FileState(NamedTuple):
    """A regular file as it was at one moment."""

    device_and_inode: tuple[int, int] | None  # None where this is for another machine
    size: int  # bytes
    mtime_ns: int | None  # None where this is for another machine
    signature: bytes  # the first few bytes
    head: int  # the CRC-32 of the first 4 KiB
    tail: int  # the CRC-32 of the last 4 KiB

    def elsewhere(self) -> "FileState":
        """Return what is the same on every machine that has this file."""
        return self._replace(device_and_inode=None, mtime_ns=None)

    def seen_as(self, status: os.stat_result) -> "FileState":
        """Return the state with what only this machine can know of the file."""
        if self.device_and_inode is not None:
            return self
        return self._replace(device_and_inode=device_and_inode(status), mtime_ns=status.st_mtime_ns)


def state_of(stream: BinaryIO) -> FileState | None:
    """Return the state of the file that `stream` reads; None where there is nothing to compare.

    That is a pipe or a device, or a file whose size nobody knows (as below /proc: there it is 0).
    """
    while True:  # again where a file that was empty a moment ago is written to
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            return None
        size = status.st_size
        try:
            signature, head, tail = _edges(stream, size)
        except OSError:  # to be told, with its place, when it is read
            signature, head, tail = _UNREADABLE
        if size or not signature:
            mtime_ns = status.st_mtime_ns
            return FileState(device_and_inode(status), size, mtime_ns, signature, head, tail)
        if not os.fstat(stream.fileno()).st_size:
            return None


def has_grown(file: str, stream: BinaryIO, state: FileState, status: os.stat_result) -> bool:
    """Return whether the file has grown since it had this `state`.

    `status` is what the system says of it now, and `stream` reads it. Raises FileError, with `file`
    as its name, when it changed.
    """
    if state.device_and_inode not in (None, device_and_inode(status)):
        raise changed(file, "another file is there now")
    if not is_larger(file, state.size, state.mtime_ns, (status.st_size, status.st_mtime_ns)):
        return False
    try:
        _, head, tail = _edges(stream, state.size)
    except OSError as error:
        raise FileError(file, reason_of(error)) from None
    if (head, tail) != (state.head, state.tail):
        raise changed(file, LONGER)
    return True


def is_larger(file: str, size: int, mtime: int | None, now: tuple[int, int]) -> bool:
    """Return whether a file that had this size and modification time is larger `now`.

    `now` is a size and a time, too; a time that is None is not compared. Raises FileError when that
    tells already that the file changed.
    """
    if now[0] < size:
        raise changed(file, "it is shorter now")
    if now[0] == size and mtime not in (None, now[1]):
        raise changed(file, "it was written to")
    return now[0] > size


def changed(file: str, how: str) -> FileError:
    """Return the failure of a run for which `file` changed too early; `how` is a main clause."""
    remedy = "run again, with a copy of it if it is written to all the time"
    name = "standard input" if file == "-" else file
    return FileError(name, f"changed while it was read: {how}; {remedy}")


def device_and_inode(status: os.stat_result) -> tuple[int, int]:
    """Return what no two files have at once."""
    return status.st_dev, status.st_ino


def _edges(stream: BinaryIO, size: int) -> tuple[bytes, int, int]:
    """The first few bytes, and the checksums of both ends, of what are the first `size` bytes.

    The stream stays where it stands. Of a file of no size, a byte is asked for all the same.
    """
    head = _read_at(stream, 0, min(size, _EDGE_BYTES) or 1)
    checksum = zlib.crc32(head)
    if size <= _EDGE_BYTES:
        return head[:_SIGNATURE_BYTES], checksum, checksum
    tail = _read_at(stream, size - _EDGE_BYTES, _EDGE_BYTES)
    return head[:_SIGNATURE_BYTES], checksum, zlib.crc32(tail)


def _read_at(stream: BinaryIO, place: int, size: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(stream.fileno(), size, place)
    before = stream.tell()  # pragma: no cover - Windows
    stream.seek(place)
    data = stream.read(size)
    stream.seek(before)
    return data
