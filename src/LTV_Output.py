"""Files that are replaced whole or not at all.

| target | written |
|---|---|
| a regular file, or none yet | beside it, then put in its place; behind a link, what it leads to |
| standard output (`-`), a device, a pipe | kept until the end, then written |
"""

import contextlib
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable
from typing import IO

from LTV_Errors import FileError
from LTV_Input import STANDARD_INPUT, reason_of

__all__ = ["STANDARD_OUTPUT", "Target", "check_distinct", "is_replaced", "is_standard_output"]

STANDARD_OUTPUT = "-"

_IN_MEMORY_BYTES = 1024 * 1024


def _is_same_file(a: str, b: str) -> bool:
    """Whether two paths lead to one file, which need not be there."""
    if os.path.realpath(a) == os.path.realpath(b):
        return True
    try:
        return os.path.samefile(a, b)
    except OSError:
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
    if is_standard_output(path):
        return False
    return os.path.isfile(path) or not os.path.exists(path)


def check_distinct(output: str, rejects: str | None, inputs: list[str]) -> None:
    """Raises FileError unless output, rejects and input files are all different files."""
    if rejects is not None and _is_same_file(output, rejects):
        raise FileError(output, f"cannot be the output and the rejects ({rejects}) at once")
    for role, path in (("output", output), ("rejects", rejects)):
        same = next((file for file in inputs if path and _is_same_input(path, file)), None)
        if same is not None:
            raise FileError(str(path), f"cannot be the {role} and an input ({same}) at once")


def _is_same_input(path: str, file: str) -> bool:
    if file != STANDARD_INPUT:
        return _is_same_file(path, file)
    try:
        status = os.fstat(sys.stdin.fileno())
        return stat.S_ISREG(status.st_mode) and os.path.samestat(status, os.stat(path))
    except (OSError, ValueError, AttributeError):  # no such file; standard input is closed
        return False


class Target:
    """What is written to `path` between `write` and `commit`; without `commit`, nothing.

    Raises FileError as soon as it is made when `path` cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._temporary: str | None = None
        self._real = os.path.realpath(path)
        try:
            self._mode = self._mode_of_existing()
            self._file: IO[bytes] = self._open()
        except OSError as error:
            raise FileError(path, f"cannot be written: {reason_of(error)}") from None

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

    def _open(self) -> IO[bytes]:
        if self._mode is not None and stat.S_ISDIR(self._mode):
            raise FileError(self.path, "expected a file to write, got a directory")
        if not self.is_file:
            return tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)
        if self._mode is not None and not os.access(self._real, os.W_OK):
            raise FileError(self.path, "cannot be written: Permission denied")
        name = f".ltv-{secrets.token_hex(8)}.tmp"
        temporary = os.path.join(os.path.dirname(self._real), name)
        file = open(temporary, "xb")  # noqa: SIM115 - it stays open until `seal`
        self._temporary = temporary
        return file

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
            self._file.close()
        except OSError as error:
            raise self._failure(error) from None

    def commit(self) -> None:
        """Put it in place; a regular file after `seal`."""
        try:
            if self._temporary is None:
                self._copy_to_stream()
            else:
                os.replace(self._temporary, self._real)
                self._temporary = None
                _sync_directory(os.path.dirname(self._real))
        except BrokenPipeError:
            raise
        except OSError as error:
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

    def discard(self) -> None:
        """Forget what was not committed; harmless after `commit`."""
        with contextlib.suppress(OSError):  # what could not be written cannot be flushed either
            self._file.close()
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.remove(self._temporary)

    def _failure(self, error: OSError) -> FileError:
        return FileError(self.path, f"cannot be written: {reason_of(error)}")


def _keep_permissions(existing: str, replacement: str) -> None:
    """Give `replacement` the mode of `existing`, and its owner where the system lets us."""
    status = os.stat(existing)
    if hasattr(os, "chown"):
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
