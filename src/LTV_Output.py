"""Files that are replaced whole or not at all, and a place for what does not fit in memory.

| target | written |
|---|---|
| a regular file, or none yet | beside it, then put in its place; behind a link, what it leads to |
| standard output (`-`), a device, a pipe | kept until the end, then written |

What is temporary is locked as long as its run lives; what nobody holds was left by a run that was
killed, and the next run that uses the same directory removes it.
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
from typing import IO, TextIO

from LTV_Errors import FileError, reason_of
from LTV_Signals import held_back

__all__ = [
    "STANDARD_OUTPUT",
    "Target",
    "TemporaryDirectory",
    "check_distinct",
    "files_of_store",
    "is_replaced",
    "is_standard_output",
    "writing_in",
]

STANDARD_OUTPUT = "-"

_IN_MEMORY_BYTES = 1024 * 1024

_SEPARATORS = tuple(separator for separator in (os.sep, os.altsep) if separator)

_TEMPORARY_NAME = re.compile(r"\.ltv-[0-9a-f]{16}\.tmp", re.ASCII)

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
    return status.st_dev, status.st_ino


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
    if is_standard_output(path):
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

    To be used in a `with` statement, which raises FileError when `path` cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._real = os.path.realpath(path)
        self._mode: int | None = None
        self._file: IO[bytes] = io.BytesIO()  # until it is opened
        self._temporary: str | None = None

    def __enter__(self) -> "Target":
        try:
            self._mode = self._mode_of_existing()
            self._open()
        except OSError as error:
            raise self._failure(error) from None
        except BaseException:  # a signal while it was being made
            self._discard()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._discard()

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file once it is there."""
        return self._mode is None or stat.S_ISREG(self._mode)

    def _mode_of_existing(self) -> int | None:
        if is_standard_output(self.path):
            return stat.S_IFCHR
        try:
            return os.stat(self._real).st_mode
        except FileNotFoundError:
            return None

    def _open(self) -> None:
        if is_standard_output(self.path) and sys.stdout is None:
            raise FileError("standard output", "cannot be written: it is closed")
        is_directory = self._mode is not None and stat.S_ISDIR(self._mode)
        if is_directory or self.path.endswith(_SEPARATORS):
            raise FileError(self.path, "expected a file to write, got a directory")
        if not self.is_file:
            self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - as below
            return
        if self._mode is not None and not os.access(self._real, os.W_OK):
            raise FileError(self.path, "cannot be written: Permission denied")
        directory = os.path.dirname(self._real)
        _sweep(directory)
        self._open_beside(directory)

    def _open_beside(self, directory: str) -> None:
        """Open a new file in `directory` that is locked until it is closed."""
        while True:
            self._temporary = os.path.join(directory, f".ltv-{os.urandom(8).hex()}.tmp")
            self._file = open(self._temporary, "xb")  # noqa: SIM115 - closed with the target
            if _try_to_lock(self._file) is not False and os.path.exists(self._temporary):
                return
            self._file.close()  # another run took it for a dead one's before it was locked

    def write(self, pieces: Iterable[bytes]) -> None:
        """Add `pieces` to what is to be put in place."""
        try:
            self._file.writelines(pieces)
        except OSError as error:
            raise self._failure(error) from None

    def seal(self) -> None:
        """Have all that was written safe on disk, where it can be put in place at once."""
        if self._temporary is None:
            return
        try:
            self._file.flush()
            if self._mode is not None:
                _keep_permissions(self._real, self._temporary)
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failure(error) from None

    def commit(self) -> None:
        """Put it in place; a regular file after `seal`."""
        try:
            if self._temporary is None:
                self._copy_to_stream()
            else:
                if fcntl is None:  # pragma: no cover - Windows
                    self._file.close()  # Windows moves no file that is open
                os.replace(self._temporary, self._real)
                self._temporary = None
                self._file.close()
                _sync_directory(os.path.dirname(self._real))
        except OSError as error:
            if isinstance(error, BrokenPipeError) and is_standard_output(self.path):
                raise  # not a failure: whoever read it has seen enough
            raise self._failure(error) from None

    def _copy_to_stream(self) -> None:
        self._file.seek(0)
        if is_standard_output(self.path):
            sys.stdout.flush()
            shutil.copyfileobj(self._file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with open(self.path, "wb") as stream:
                shutil.copyfileobj(self._file, stream)

    def remove_earlier(self) -> None:
        """Remove what an earlier run left in the place, if it is a regular file."""
        if self._mode is not None and self.is_file:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._real)

    def _discard(self) -> None:
        """Forget what was not committed."""
        with contextlib.suppress(OSError):  # what could not be written cannot be flushed either
            self._file.close()
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.remove(self._temporary)

    def _failure(self, error: OSError) -> FileError:
        return FileError(self.path, f"cannot be written: {reason_of(error)}")


class TemporaryDirectory:
    """A directory for what a run does not hold in memory; gone when the run is.

    It is in `parent`, by default in the system's place for such. Its `path` is there in a `with`
    statement, which raises FileError when it cannot be made. Locked like a file of Target, so that
    another run removes it when this one was killed.
    """

    def __init__(self, parent: str | None) -> None:
        self._parent = parent
        self._lock: int | None = None
        self.path = ""

    def __enter__(self) -> "TemporaryDirectory":
        try:
            parent = self._parent or tempfile.gettempdir()
        except OSError as error:
            raise FileError("--temp", reason_of(error)) from None
        _sweep(parent)
        try:
            self._make(parent)
        except OSError as error:
            self._remove()
            raise FileError(parent, f"cannot be written: {reason_of(error)}") from None
        except BaseException:  # a signal while it was being made
            self._remove()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            with held_back():  # in the middle of rmtree, a file would be closed twice
                self._remove()
        except BaseException:  # a signal just before, or held back
            self._remove()
            raise

    def _make(self, parent: str) -> None:
        while True:
            self.path = os.path.join(parent, f".ltv-{os.urandom(8).hex()}.tmp")
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


@contextlib.contextmanager
def writing_in(directory: str) -> Iterator[None]:
    """Raise FileError, of its parent, for what keeps from writing in a TemporaryDirectory."""
    try:
        yield
    except OSError as error:
        parent = os.path.dirname(directory)
        raise FileError(parent, f"cannot be written: {reason_of(error)}") from None


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


def _sweep(directory: str) -> None:
    """Remove what runs that were killed left in `directory`."""
    with contextlib.suppress(OSError):  # what cannot be listed cannot be swept
        for name in filter(_TEMPORARY_NAME.fullmatch, os.listdir(directory)):
            with contextlib.suppress(OSError):  # another user's, or already gone
                _remove_if_dead(os.path.join(directory, name))


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
