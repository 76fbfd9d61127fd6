"""Files as Spark has them: listed, read and written by Hadoop's file systems, in the driver's JVM.

| path | |
|---|---|
| `logs/a.jsonl` | a file, on the file system that Spark takes unless another is named |
| `hdfs://host/logs`, `s3a://bucket/logs` | a directory: every file in it that is not hidden |
| `logs/2017-*/*.gz` | what matches |

As everywhere in Hadoop, what begins with `.` or `_` is hidden.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ltv.errors import FileError

_CHUNK_BYTES = 64 * 1024

_HIDDEN = (".", "_")


class HadoopFile(NamedTuple):
    """A file of events."""

    name: str  # as given, or as it follows from what was given
    path: str  # as Hadoop has it
    uri: str  # the same, encoded
    local_path: str | None  # where every process finds it without Hadoop, if it does
    size: int  # bytes
    mtime_ms: int
    has_codec: bool  # Hadoop takes it for a compressed one, by its name


class Hadoop:
    """The file systems of a Spark context. All methods raise FileError."""

    def __init__(self, context: Any) -> None:
        self._jvm = context._jvm
        self._configuration = context._jsc.hadoopConfiguration()
        codecs = self._jvm.org.apache.hadoop.io.compress.CompressionCodecFactory
        self._codecs = codecs(self._configuration)

    def files(self, given: str) -> list[HadoopFile]:
        """The files that a path, which may be a pattern, stands for, by name."""
        with _told_of(given):
            path, system = self._place(given)
            found = [*(system.globStatus(path) or ())]
            if not found:
                raise FileError(given, "No such file or directory")
            files: list[HadoopFile] = []
            for status in found:
                name = given if len(found) == 1 and not _is_pattern(given) else self._name(status)
                files += self._files_at(status, name, system)
        return files

    def _place(self, text: str) -> tuple[Any, Any]:
        path = self._jvm.org.apache.hadoop.fs.Path(text)
        return path, path.getFileSystem(self._configuration)

    def _name(self, status: Any) -> str:
        """What is found by a pattern, as its URI, or without a scheme where that is `file`."""
        path = status.getPath().toUri()
        return str(path.getPath() if path.getScheme() == "file" else status.getPath().toString())

    def _files_at(self, status: Any, name: str, system: Any) -> Iterator[HadoopFile]:
        if not status.isDirectory():
            yield self._file(status, name)
            return
        children = system.listStatus(status.getPath())
        named = {str(child.getPath().getName()): child for child in children}
        for child_name, child in sorted(named.items()):
            if not child.isDirectory() and not child_name.startswith(_HIDDEN):
                yield self._file(child, os.path.join(name, child_name))

    def _file(self, status: Any, name: str) -> HadoopFile:
        path = status.getPath()
        uri = path.toUri()
        local_path = str(uri.getPath()) if uri.getScheme() == "file" else None
        has_codec = self._codecs.getCodec(path) is not None
        return HadoopFile(
            name,
            path.toString(),
            uri.toString(),
            local_path,
            status.getLen(),
            status.getModificationTime(),
            has_codec,
        )

    def looked_at_again(self, file: HadoopFile) -> HadoopFile:
        """Return `file` with the size and the modification time that it has now."""
        with _told_of(file.name):
            path, system = self._place(file.path)
            return self._file(system.getFileStatus(path), file.name)

    def chunks(self, file: HadoopFile) -> Iterator[bytes]:
        """The bytes of a file as they are."""
        with _told_of(file.name):
            path, system = self._place(file.path)
            stream = system.open(path)
            try:
                while chunk := bytes(stream.readNBytes(_CHUNK_BYTES)):
                    yield chunk
            finally:
                stream.close()

    def exists(self, given: str) -> bool:
        with _told_of(given):
            path, system = self._place(given)
            return bool(system.exists(path))

    def write(self, path_text: str, pieces: Iterable[bytes]) -> None:
        """Write a new file, with the directories that it needs."""
        with _told_of(path_text):
            path, system = self._place(path_text)
            stream = system.create(path, False)
            try:
                for piece in pieces:
                    stream.write(bytearray(piece))
            finally:
                stream.close()

    def rename(self, path_text: str, new: str) -> None:
        """Have what is at a path stand at a `new` one, where there must be nothing."""
        with _told_of(new):
            path, system = self._place(path_text)
            if self.exists(new) or not system.rename(path, self._place(new)[0]):
                raise FileError(new, "cannot be written: there is something by now")

    def remove(self, path_text: str) -> None:
        """Remove what is at a path, if anything is."""
        with _told_of(path_text):
            path, system = self._place(path_text)
            system.delete(path, True)


def _is_pattern(given: str) -> bool:
    return re.search(r"[][{}*?]", given) is not None


@contextmanager
def _told_of(given: str) -> Iterator[None]:
    """Have what Java finds wrong be told of this path."""
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415 - comes with pyspark

    try:
        yield
    except Py4JJavaError as error:
        raise FileError(given, java_cause(error)) from None


def java_cause(error: Any) -> str:
    """The first line of what Java says of an error."""
    message = error.java_exception.getMessage() or error.java_exception.getClass().getName()
    return str(message).strip().partition("\n")[0]
