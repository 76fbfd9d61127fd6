"""Files as Spark has them: listed, read and written by Hadoop's file systems, in the driver's JVM.

| path | |
|---|---|
| `logs/a.jsonl` | a file, on the file system that Spark takes unless another is named |
| `hdfs://host/logs`, `s3a://bucket/logs` | a directory: the files of a local run (reading.files) |
| `logs/2017-*/*.gz` | what matches, but for what would be passed over in a directory |
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ltv.errors import FileError
from ltv.reading.files import files_in, is_hidden

_CHUNK_BYTES = 64 * 1024


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
        """The files that a path, which may be a pattern, stands for, in order."""
        with _told_of(given):
            path, system = self._place(given)
            found = [*(system.globStatus(path) or ())]
            if _is_pattern(given):
                found = [one for one in found if not is_hidden(one.getPath().getName())]
            if not found:
                raise FileError(given, "No such file or directory")
            files: list[HadoopFile] = []
            for status in found:
                name = given if len(found) == 1 and not _is_pattern(given) else self._name(status)
                files += self._files_at(status, name, system)
        for file in files:
            if file.local_path is None and is_hidden(os.path.basename(file.path)):
                raise FileError(file.name, "Spark passes over a file with such a name; rename it")
        return files

    def _place(self, text: str) -> tuple[Any, Any]:
        path = self._jvm.org.apache.hadoop.fs.Path(text)
        return path, path.getFileSystem(self._configuration)

    def _name(self, status: Any) -> str:
        """What is found by a pattern, as its URI, or without a scheme where that is `file`."""
        path = status.getPath().toUri()
        return str(path.getPath() if path.getScheme() == "file" else status.getPath().toString())

    def _files_at(self, status: Any, name: str, system: Any) -> Iterable[HadoopFile]:
        if not status.isDirectory():
            return [self._file(status, name)]
        directory = _local_path(status)
        if directory is None:
            return sorted(
                self._below(status, name, system), key=lambda file: os.fsencode(file.name)
            )
        paths = files_in(directory)
        statuses = (system.getFileStatus(self._place(path)[0]) for path in paths)
        names = (os.path.join(name, os.path.relpath(path, directory)) for path in paths)
        return map(self._file, statuses, names)

    def _below(self, status: Any, name: str, system: Any) -> Iterator[HadoopFile]:
        """The files at any depth in a directory of another file system than the local one."""
        directories = [(status, name)]
        while directories:
            directory, its_name = directories.pop()
            for child in system.listStatus(directory.getPath()):
                child_name = str(child.getPath().getName())
                path = os.path.join(its_name, child_name)
                if is_hidden(child_name):
                    continue
                if child.isDirectory():
                    directories.append((child, path))
                else:
                    yield self._file(child, path)

    def _file(self, status: Any, name: str) -> HadoopFile:
        path = status.getPath()
        has_codec = self._codecs.getCodec(path) is not None
        return HadoopFile(
            name,
            path.toString(),
            path.toUri().toString(),
            _local_path(status),
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

    def make_directory(self, path_text: str) -> None:
        """Make a directory, with those that it needs."""
        with _told_of(path_text):
            path, system = self._place(path_text)
            if not system.mkdirs(path):
                raise FileError(path_text, "no directory can be made there")

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


def _local_path(status: Any) -> str | None:
    """The path of what is on the local file system."""
    uri = status.getPath().toUri()
    return str(uri.getPath()) if uri.getScheme() == "file" else None


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
