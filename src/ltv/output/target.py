"""Files that are replaced whole or not at all, and a place for what does not fit in memory.

| target | written |
|---|---|
| a regular file, or none yet | beside it, then put in its place; behind a link, what it leads to |
| standard output (`-`), a device, a pipe | kept until the end, then written |
| what is open already (`/dev/stderr`, `/dev/fd/63`) | the same, whatever it leads to |

What is temporary is locked as long as its run lives; what nobody holds was left by a run that was
killed, and the next run that uses the same directory removes it. Where locks keep nobody out,
nothing is removed.
"""

import contextlib
import io
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import IO, NamedTuple, Self, TextIO

from ltv.errors import FileError, reason_of, shortage_of
from ltv.reading.state import device_and_inode
from ltv.signals import held_back

STANDARD_OUTPUT = "-"

_IN_MEMORY_BYTES = 1024 * 1024

#: Of addresses, not of memory, which is not touched: what Python takes at once when it needs more.
_RESERVED_BYTES = 2 * 1024 * 1024

_SEPARATORS = tuple(separator for separator in (os.sep, os.altsep) if separator)

#: In the name of everything temporary that this run makes, also in the processes that it forks.
_RUN = os.urandom(4).hex()

_TEMPORARY_NAME = re.compile(r"\.ltv-(?P<run>[0-9a-f]{8})[0-9a-f]{8}\.tmp", re.ASCII)

_ENTRY_OF_DESCRIPTOR = re.compile(
    r"(?: /dev | /proc/(?P<process>[0-9]+) (?:/task/[0-9]+)? ) /fd/ (?P<number>[0-9]+)",
    re.ASCII | re.VERBOSE,
)

_STANDARD_ERROR = 2

_MOST_LINKS = 40  # that Linux follows in one path

fcntl: ModuleType | None  # None on Windows: a file that is open cannot be removed there anyway
try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None


def _identity(path: str, standard_stream: TextIO | None) -> object:
    """What is equal for two paths that lead to one file, which need not be there."""
    try:
        if path != STANDARD_OUTPUT:
            status = os.stat(path)
        else:
            status = os.fstat(standard_stream.fileno())  # type: ignore[union-attr] # caught below
    except (OSError, ValueError, AttributeError):  # not there; the stream is closed
        return os.path.realpath(path)
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISFIFO(status.st_mode):
        return object()  # a device or socket can be read and written at once
    return device_and_inode(status)


class _Descriptor(NamedTuple):
    """What a process has open already, as a path that leads to it names it."""

    entry: str  # such as /proc/1234/fd/63; what it leads to need not have a path
    number: int | None  # None when it is another process's


def _descriptor_at(path: str) -> _Descriptor | None:
    """Return the open descriptor that `path` leads to, as `/dev/stderr` does; None if to none.

    The file that standard error is, by whatever name, is written to as it is open, too: else it
    would be taken away from under what is said.
    """
    if _is_standard_error(path):
        return _Descriptor(path, _STANDARD_ERROR)
    try:
        for _ in range(_MOST_LINKS):
            directory, name = os.path.split(path)
            entry = os.path.join(os.path.realpath(directory), name)
            match = _ENTRY_OF_DESCRIPTOR.fullmatch(entry)
            if match:
                own = match["process"] in (None, os.path.basename(os.path.realpath("/proc/self")))
                return _Descriptor(entry, int(match["number"]) if own else None)
            path = os.path.join(os.path.dirname(entry), os.readlink(entry))
    except OSError:  # it is no link; the working directory is gone
        pass
    return None


def _is_standard_error(path: str) -> bool:
    try:
        status = os.fstat(_STANDARD_ERROR)
        return stat.S_ISREG(status.st_mode) and os.path.samestat(os.stat(path), status)
    except (OSError, ValueError):  # there is no such file; standard error is closed
        return False


def is_standard_output(path: str) -> bool:
    """Whether `path` is `-` or another name of what standard output is, such as `/dev/stdout`."""
    if path == STANDARD_OUTPUT:
        return True
    try:
        return os.path.samestat(os.stat(path), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # no such file; standard output is closed
        return False


def is_replaced(path: str) -> bool:
    """Whether what is written to `path` takes the place of a regular file, or makes one."""
    if is_standard_output(path) or _descriptor_at(path):
        return False
    return os.path.isfile(path) or not os.path.exists(path)


def check_distinct(
    output: str, rejects: str | None, inputs: list[str], store: Sequence[str] = ()
) -> None:
    """Raises FileError unless output, rejects, input files and `store` are all different files.

    `store` are the paths of the files that a store may have.
    """
    written = {_identity(output, sys.stdout): (output, "output")}
    others = [(rejects, "rejects")] if rejects is not None else []
    for path, role in [*others, *((path, "store") for path in store)]:
        identity = _identity(path, None)
        if identity in written:
            earlier, earlier_role = written[identity]
            raise FileError(
                earlier, f"cannot be the {earlier_role} and the {role} ({path}) at once"
            )
        written[identity] = path, role
    for file in inputs:
        path, role = written.get(_identity(file, sys.stdin), ("", ""))
        if role:
            raise FileError(path, f"cannot be the {role} and an input ({file}) at once")


def files_of_store(path: str) -> list[str]:
    """The files that a store at `path` may have while it is in use: SQLite makes some beside it."""
    real = os.path.realpath(path)
    return [path, *(real + ending for ending in ("-wal", "-shm", "-journal"))]


class Target:
    """What is written to `path` between `write` and `commit`; without `commit`, nothing.

    To be used in a `with` statement, which raises FileError when `path` cannot be written; it
    names the `option` that says where else to write.
    """

    option = ""

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_file = True  # once it is there, and replaced whole; known when it is opened
        self._descriptor = None if path == STANDARD_OUTPUT else _descriptor_at(path)
        self._real = self._descriptor.entry if self._descriptor else os.path.realpath(path)
        self._is_there = False
        self._file: IO[bytes] = io.BytesIO()  # until it is opened
        self._temporary: str | None = None

    def __enter__(self) -> Self:
        try:
            with _writing(self.path):
                self._open()
        except FileError as error:
            self._discard()
            if not self.option or shortage_of(error):  # of which another file takes as much
                raise
            remedy = f"{error.cause}; name another with {self.option}"
            raise FileError(error.path, remedy) from None
        except BaseException:  # also a signal while it was being made
            self._discard()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._discard()

    @property
    def _is_printed(self) -> bool:
        """Whether it goes where `print` does, after what was printed before."""
        if self._descriptor:
            return self._descriptor.number == 1
        return is_standard_output(self.path)

    def _open(self) -> None:
        mode = self._mode_of_existing()
        if (mode is not None and stat.S_ISDIR(mode)) or self.path.endswith(_SEPARATORS):
            raise FileError(self.path, "expected a file to write, got a directory")
        # Another process's is tried when it is time.
        if fcntl and self._descriptor and self._descriptor.number is not None:
            flags = fcntl.fcntl(self._descriptor.number, fcntl.F_GETFL)
            if flags & os.O_ACCMODE == os.O_RDONLY:
                raise FileError(self.path, "cannot be written: it is open for reading alone")
        is_stream = self._is_printed or self._descriptor is not None
        self.is_file = not is_stream and (mode is None or stat.S_ISREG(mode))
        if not self.is_file:
            self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - as below
            return
        self.check_place()
        self._is_there = mode is not None
        if self._is_there and not os.access(self._real, os.W_OK):
            raise FileError(self.path, "cannot be written: Permission denied")
        self._open_beside(os.path.dirname(self._real))

    def _mode_of_existing(self) -> int | None:
        if self._is_printed and sys.stdout is None:
            raise FileError("standard output", "cannot be written: it is closed")
        if self.path == STANDARD_OUTPUT:
            return None
        if self._descriptor and self._descriptor.number is not None:
            # What this process opened itself, to read from or in place of a stream that was closed,
            # is never inheritable; what it was handed always is.
            with contextlib.suppress(OSError):
                if os.get_inheritable(self._descriptor.number):
                    return os.fstat(self._descriptor.number).st_mode
            raise FileError(self.path, "cannot be written: it is not open")
        try:
            return os.stat(self._real).st_mode
        except FileNotFoundError:
            if self._descriptor:
                raise
            return None

    def check_place(self) -> None:
        """Raise FileError when a regular file's place has what must not be replaced or removed."""
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.lstat(self._real).st_mode):
                raise FileError(self.path, "is no regular file any more: left as it is")

    def _open_beside(self, directory: str) -> None:
        """Open a new file in `directory` that is locked until it is closed."""
        while True:
            self._temporary = _new_name(directory)
            self._file = open(self._temporary, "xb")  # noqa: SIM115 - closed with the target
            if _try_to_lock(self._file) is not False and os.path.exists(self._temporary):
                break
            self._file.close()  # another run took it for a dead one's before it was locked
        _sweep(directory, self._temporary)

    def write(self, pieces: Iterable[bytes]) -> None:
        """Add `pieces` to what is to be put in place."""
        with _writing(self.path):
            self._file.writelines(pieces)

    def seal(self) -> None:
        """Have all that was written safe on disk, where it can be put in place at once."""
        if self._temporary is None:
            return
        with _writing(self.path):
            self._file.flush()
            if self._is_there:
                _keep_permissions(self._real, self._temporary)
            os.fsync(self._file.fileno())

    def commit(self) -> None:
        """Put it in place; a regular file after `seal`."""
        # No failure of standard output: whoever read it has seen enough.
        passed_on = (BrokenPipeError,) if is_standard_output(self.path) else ()
        with _writing(self.path, passed_on):
            if self._temporary is None:
                self._copy_to_stream()
                return
            self.check_place()
            if fcntl is None:  # pragma: no cover - Windows
                self._file.close()  # Windows moves no file that is open
            os.replace(self._temporary, self._real)
            self._temporary = None
            self._file.close()
            _sync_directory(os.path.dirname(self._real))

    def _copy_to_stream(self) -> None:
        self._file.seek(0)
        if self._is_printed:
            sys.stdout.flush()
            shutil.copyfileobj(self._file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with self._opened_stream() as stream:
                shutil.copyfileobj(self._file, stream)

    def _opened_stream(self) -> IO[bytes]:
        """The stream as it is open already, at its place in the file; else opened anew."""
        if self._descriptor and self._descriptor.number is not None:
            return open(self._descriptor.number, "wb", closefd=False)
        # Nobody knows where another process is in its file: what is written is added.
        flags = os.O_WRONLY | (os.O_APPEND if self._descriptor else 0)
        stream = os.fdopen(os.open(self._real, flags), "wb")
        if not self._descriptor and stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            stream.close()
            raise FileError(self.path, "became a regular file: left as it is")
        return stream

    def _discard(self) -> None:
        """Forget what was not committed."""
        with contextlib.suppress(OSError):  # what could not be written cannot be flushed either
            self._file.close()
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.remove(self._temporary)


class OutputTarget(Target):
    """A Target for the results."""

    option = "-o"


class TemporaryDirectory:
    """A directory for what a run does not hold in memory; gone when the run is.

    It is in `parent`, by default in the system's place for such. Its `path` is there in a `with`
    statement, which raises FileError when it cannot be made. Locked like a file of Target, so that
    another run removes it when this one was killed.
    """

    def __init__(self, parent: str | None) -> None:
        self._parent = parent
        self._lock: int | None = None
        self._reserve = bytearray(_RESERVED_BYTES)  # for what it takes to remove it
        self.path = ""

    def __enter__(self) -> "TemporaryDirectory":
        try:
            parent = self._parent or tempfile.gettempdir()
        except OSError as error:
            raise FileError("--temp", reason_of(error)) from None
        try:
            with _writing(parent):
                self._make(parent)
                _sweep(parent, self.path)
        except BaseException:  # also a signal while it was being made
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._reserve = bytearray()
        try:
            with held_back():  # in the middle of rmtree, a file would be closed twice
                self._remove()
        except BaseException:  # a signal just before, or held back
            self._remove()
            raise

    def _make(self, parent: str) -> None:
        while True:
            self.path = _new_name(parent)
            os.mkdir(self.path, 0o700)
            if fcntl is None:  # pragma: no cover - Windows
                return
            with contextlib.suppress(FileNotFoundError):
                self._lock = os.open(self.path, os.O_RDONLY)
                if _try_to_lock(self._lock) is not False and os.path.exists(self.path):
                    return
                self._unlock()
            # Another run took it for one that was left behind.

    def _remove(self) -> None:
        self._unlock()  # first: to list the directory takes a descriptor, and it may be the last
        with contextlib.suppress(OSError):
            for name in os.listdir(self.path):  # rmtree holds more than one, for directories below
                with contextlib.suppress(OSError):
                    os.remove(os.path.join(self.path, name))
            os.rmdir(self.path)
        shutil.rmtree(self.path, ignore_errors=True)

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def writing_in(directory: str) -> contextlib.AbstractContextManager[None]:
    """Raise FileError, of its parent, for what keeps from writing in a TemporaryDirectory."""
    return _writing(os.path.dirname(directory))


@contextlib.contextmanager
def _writing(path: str, passed_on: tuple[type[OSError], ...] = ()) -> Iterator[None]:
    """Raise FileError for what keeps from writing, but for what is `passed_on`."""
    try:
        yield
    except passed_on:
        raise
    except OSError as error:
        raise FileError(path, f"cannot be written: {reason_of(error)}") from None


def _new_name(directory: str) -> str:
    """Return the path of something temporary in `directory` that is not there yet."""
    return os.path.join(directory, f".ltv-{_RUN}{os.urandom(4).hex()}.tmp")


def _try_to_lock(file: IO[bytes] | int) -> bool | None:
    """Whether `file` is now locked by us; None when this file system knows no locks."""
    if fcntl is None:  # pragma: no cover - Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _sweep(directory: str, own: str) -> None:
    """Remove what runs that were killed left in `directory`.

    `own` is something of this run in there, which it holds locked: unless that keeps others out,
    nobody can say there who is dead.
    """
    with contextlib.suppress(OSError):  # what cannot be listed cannot be swept
        if not _keeps_others_out(own):
            return
        for match in filter(None, map(_TEMPORARY_NAME.fullmatch, os.listdir(directory))):
            if match["run"] != _RUN:
                with contextlib.suppress(OSError):  # another user's, or already gone
                    _remove_if_dead(os.path.join(directory, match[0]))


def _keeps_others_out(own: str) -> bool:
    """Whether a lock on `own`, which is locked already, is refused.

    Some file systems of networks grant every lock, and so does Python in a browser.
    """
    if fcntl is None:  # pragma: no cover - Windows, where a file that is open cannot be removed
        return os.name == "nt"
    descriptor = os.open(own, os.O_RDONLY)
    try:
        return _try_to_lock(descriptor) is False
    finally:
        os.close(descriptor)


def _remove_if_dead(path: str) -> None:
    if fcntl is None:  # pragma: no cover - Windows
        os.remove(path)  # fails for a file that is open, and for a directory
        return
    mode = os.lstat(path).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            if _try_to_lock(descriptor):  # and remove it locked, so that its run sees it go
                remove = shutil.rmtree if stat.S_ISDIR(mode) else os.remove
                with held_back():
                    remove(path)
        finally:
            os.close(descriptor)


def _keep_permissions(existing: str, replacement: str) -> None:
    """Give `replacement` the mode of `existing`, and its owner where the system lets us."""
    status = os.stat(existing)
    if hasattr(os, "chown"):  # pragma: no branch - Windows has none
        with contextlib.suppress(OSError):
            os.chown(replacement, status.st_uid, status.st_gid)
    os.chmod(replacement, stat.S_IMODE(status.st_mode))


def _sync_directory(directory: str) -> None:
    """Have a rename in `directory` survive a power cut, where the system can be asked for that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
