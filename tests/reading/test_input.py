"""Event files: which there are, compression, and streams that end too early."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ltv.reading.files
from conftest import PROJECT, Done
from ltv.errors import DamagedFileError, FileError
from ltv.reading.files import BrokenStreamError, list_files, open_file, read_chunks
from ltv.reading.units import read_units

EVENTS = [f'{{"type":"SITE_VISIT","key":"é{number}"}}' for number in range(5)]
LOG = ("\n".join(EVENTS) + "\n").encode("utf-8")
ARRAY = ("[" + ",\n".join(EVENTS) + "]").encode("utf-8")
RUN = "{}{}\n{}{}\n{}".format(*EVENTS).encode("utf-8")

NEEDS_FIFO = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
NEEDS_RIGHTS = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read and write everything"
)


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


COMPRESSIONS: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    # how it is made, and the length of its signature
    "gzip": (gzipped, 2),
    "bzip2": (bz2.compress, 3),
    "xz": (lzma.compress, 6),
}

EACH_COMPRESSION = pytest.mark.parametrize("name", COMPRESSIONS)


def compressed(name: str, *texts: bytes) -> bytes:
    """These texts, each in a compressed stream of its own."""
    return b"".join(COMPRESSIONS[name][0](text) for text in texts)


def text_of(file: str) -> bytes:
    with open_file(file) as stream:
        return b"".join(read_chunks(stream))


def texts_of(file: str) -> list[str]:
    return [unit.text for unit in read_units(file)]


def damage_of(file: str) -> str:
    with pytest.raises(DamagedFileError) as caught:
        texts_of(file)
    assert caught.value.file == file
    return caught.value.cause


# --- Compression ------------------------------------------------------------------------------

MEMBERS: dict[str, Callable[[str], bytes]] = {
    "one": lambda name: compressed(name, LOG),
    "two": lambda name: compressed(name, LOG[:30], LOG[30:]),
    "byte-by-byte": lambda name: compressed(name, *(LOG[i : i + 1] for i in range(len(LOG)))),
    "empty-ones": lambda name: compressed(name, b"", LOG[:7], b"", b"", LOG[7:], b""),
    "a-zero-behind": lambda name: compressed(name, LOG) + bytes(1),
    "zeros-behind": lambda name: compressed(name, LOG) + bytes(512),
    "zeros-between": lambda name: (
        compressed(name, LOG[:9]) + bytes(4) + compressed(name, LOG[9:40]) + bytes(3)
        + compressed(name, LOG[40:])
    ),
    "zeros-everywhere": lambda name: (
        compressed(name, LOG[:9]) + bytes(1000) + compressed(name, LOG[9:]) + bytes(1000)
    ),
}  # fmt: skip


@EACH_COMPRESSION
@pytest.mark.parametrize("made", MEMBERS.values(), ids=MEMBERS.keys())
def test_compressed_streams_are_one_text(
    name: str,
    made: Callable[[str], bytes],
    make_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
):
    file = make_file(made(name), "events.jsonl")
    assert text_of(file) == LOG
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(ltv.reading.files, "CHUNK_BYTES", size)
        assert text_of(file) == LOG, f"chunks of {size}"


@EACH_COMPRESSION
def test_places_are_those_of_the_uncompressed_text(name: str, make_file: Callable[..., str]):
    file = make_file(compressed(name, LOG[:60], LOG[60:]))
    width = len(EVENTS[0].encode("utf-8")) + 1
    assert [(unit.line, unit.offset, unit.text) for unit in read_units(file)] == [
        (number + 1, number * width, EVENTS[number]) for number in range(5)
    ]


@EACH_COMPRESSION
def test_far_more_text_than_compressed_bytes(name: str, make_file: Callable[..., str]):
    text = b" " * 3_000_000 + LOG
    with open_file(make_file(compressed(name, text))) as stream:
        pieces = list(read_chunks(stream))
    assert b"".join(pieces) == text
    assert max(map(len, pieces)) <= ltv.reading.files.CHUNK_BYTES


@EACH_COMPRESSION
@pytest.mark.parametrize("text", [b"", b" \n", b"[]"], ids=["empty", "blank", "array"])
def test_compressed_files_without_events_are_fine(
    name: str, text: bytes, make_file: Callable[..., str]
):
    assert texts_of(make_file(compressed(name, text) + bytes(5))) == []


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".jsonl", ""])
@pytest.mark.parametrize("name", [*COMPRESSIONS, "plain"])
def test_names_may_lie(name: str, ending: str, make_file: Callable[..., str]):
    content = LOG if name == "plain" else compressed(name, LOG)
    assert texts_of(make_file(content, "events" + ending)) == EVENTS
    assert texts_of(make_file(b"", "empty" + ending)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("gzip", LOG, id="gzip-lines"),
        pytest.param("gzip", ARRAY, id="gzip-array"),
        pytest.param("gzip", RUN, id="gzip-run"),
        pytest.param("bzip2", LOG, id="bzip2-lines"),
        pytest.param("bzip2", ARRAY, id="bzip2-array"),
        pytest.param("bzip2", RUN, id="bzip2-run"),
        pytest.param("xz", LOG, id="xz-lines"),
        pytest.param("xz", ARRAY, id="xz-array"),
        pytest.param("xz", RUN, id="xz-run"),
    ],
)
def test_a_stream_cut_off_anywhere_is_damage(name: str, text: bytes, make_file: Callable[..., str]):
    content = compressed(name, text)
    assert texts_of(make_file(content)) == EVENTS
    assert texts_of(make_file(content[:0])) == []
    signature_length = COMPRESSIONS[name][1]
    no_log = 'not an event log: no JSON object with a "type" in the one read: expected '
    for length in range(1, len(content)):
        is_known = length >= signature_length
        expected = f"the {name} stream is cut off" if is_known else no_log
        damage = damage_of(make_file(content[:length]))
        assert damage.startswith(expected), f"cut to {length} bytes"


@EACH_COMPRESSION
def test_a_further_stream_cut_off_anywhere_is_damage(name: str, make_file: Callable[..., str]):
    first, second = compressed(name, LOG), compressed(name, b"\n")
    for length in range(1, len(second)):
        cause = damage_of(make_file(first + bytes(4) + second[:length]))
        assert cause == f"the {name} stream is cut off", f"cut to {length} bytes"


@EACH_COMPRESSION
def test_a_broken_byte_never_goes_unseen(name: str, make_file: Callable[..., str]):
    content = compressed(name, LOG)
    unseen = []
    for place in range(len(content)):
        broken = bytearray(content)
        broken[place] ^= 0x10
        try:
            assert texts_of(make_file(bytes(broken))) == EVENTS
            unseen.append(place)
        except DamagedFileError:
            pass
    assert len(unseen) < 10  # padding, and what gzip says of time and system


def test_a_wrong_checksum_is_damage(make_file: Callable[..., str]):
    content = bytearray(gzipped(LOG))
    content[-8] ^= 1
    cause = damage_of(make_file(bytes(content)))
    assert cause.startswith("the gzip stream is broken: ")
    assert "incorrect data check" in cause
    content[-8] ^= 1
    content[-4] ^= 1  # of the length
    assert damage_of(make_file(bytes(content))).startswith("the gzip stream is broken: ")


@EACH_COMPRESSION
@pytest.mark.parametrize(
    "behind",
    [b"x", b"\n", b"{}", LOG, b"\0\0x", b"\x1f", b"B", b"\xfd7"],
    ids=["letter", "newline", "object", "log", "zeros", "half-gzip", "half-bzip2", "half-xz"],
)
def test_something_behind_a_stream_is_damage(
    name: str, behind: bytes, make_file: Callable[..., str]
):
    cause = damage_of(make_file(compressed(name, LOG) + behind))
    make, length = COMPRESSIONS[name]
    if make(b"")[:length].startswith(behind):
        assert cause == f"the {name} stream is cut off"  # as far as so few bytes can tell
    else:
        assert cause == f"expected {name} streams alone, got more after them"


@EACH_COMPRESSION
@pytest.mark.parametrize("other", COMPRESSIONS)
def test_a_stream_of_another_kind_behind_is_damage(
    name: str, other: str, make_file: Callable[..., str]
):
    file = make_file(compressed(name, LOG) + compressed(other, LOG))
    if name == other:
        assert texts_of(file) == EVENTS * 2
    else:
        assert damage_of(file) == f"expected {name} streams alone, got more after them"


@EACH_COMPRESSION
def test_an_array_that_is_whole_does_not_hide_a_stream_that_is_not(
    name: str, make_file: Callable[..., str]
):
    content = compressed(name, ARRAY)
    assert damage_of(make_file(content[:-1])) == f"the {name} stream is cut off"


@EACH_COMPRESSION
@pytest.mark.parametrize("other", COMPRESSIONS)
def test_compressions_may_be_inside_one_another(
    name: str, other: str, make_file: Callable[..., str]
):
    twice = compressed(other, compressed(name, LOG) + bytes(100)) + bytes(3)
    assert texts_of(make_file(twice)) == EVENTS
    thrice = compressed(name, twice)
    assert texts_of(make_file(thrice)) == EVENTS
    assert damage_of(make_file(twice[:-20])) == f"the {other} stream is cut off"
    short = compressed(other, compressed(name, LOG)[:-1])
    assert damage_of(make_file(short)) == f"the {name} stream is cut off"
    four = damage_of(make_file(compressed(other, thrice)))
    assert (
        four == "not an event log: it is compressed more than three times, expected events as JSON"
    )


@pytest.mark.parametrize(("module", "name"), [("bz2", "bzip2"), ("lzma", "xz")])
def test_a_python_without_a_compression_says_so(
    module: str, name: str, make_file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    cause = damage_of(make_file(compressed(name, LOG)))
    assert cause == f"this Python was built without what reads {name}"


# --- Streams ----------------------------------------------------------------------------------


class BrokenDevice(io.BytesIO):
    """Gives its data, then a read error."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._device = open(os.devnull, "rb")  # noqa: SIM115 - see close

    def fileno(self) -> int:
        return self._device.fileno()

    def close(self) -> None:
        self._device.close()
        super().close()

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise OSError(5, "Input/output error")
        return data


def test_a_read_error_breaks_the_stream():
    with BrokenDevice(LOG) as device, pytest.raises(BrokenStreamError) as caught:
        list(read_chunks(device))
    assert str(caught.value) == "Input/output error"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        pytest.param(LOG, "line 6, byte offset 170", id="lines"),
        pytest.param(LOG[:-2], "line 5, byte offset 168", id="half-a-line"),
        pytest.param(ARRAY, "line 5, byte offset 175", id="array"),
        pytest.param(ARRAY[:-9], "line 5, byte offset 166", id="half-an-array"),
        pytest.param(RUN[:-2], "line 3, byte offset 165", id="half-a-run"),
    ],
)
def test_a_read_error_is_damage(data: bytes, place: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ltv.reading.files, "open_file", lambda file: BrokenDevice(data))
    with pytest.raises(DamagedFileError) as caught:
        texts_of("tape")
    assert str(caught.value) == f"tape: {place}: Input/output error"


def feed(descriptor: int, data: bytes, size: int) -> threading.Thread:
    """Write the data piece by piece from a thread, then close."""

    def write() -> None:
        with open(descriptor, "wb", buffering=0) as pipe:
            for begin in range(0, len(data), size):
                pipe.write(data[begin : begin + size])

    thread = threading.Thread(target=write)
    thread.start()
    return thread


@pytest.mark.parametrize("content", [LOG, ARRAY, gzipped(LOG)], ids=["lines", "array", "gzip"])
@NEEDS_FIFO
def test_a_fifo_that_is_fed_slowly(content: bytes, tmp_path: Path):
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    assert list_files([fifo], set()) == [fifo]

    def write() -> None:
        with open(fifo, "wb", buffering=0) as pipe:
            for begin in range(0, len(content), 3):
                pipe.write(content[begin : begin + 3])

    thread = threading.Thread(target=write)
    thread.start()
    assert texts_of(fifo) == EVENTS
    thread.join()


def test_a_stream_that_does_not_block_is_waited_for():
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(reading, "rb", buffering=0) as stream:
        thread = feed(writing, LOG, 5)
        assert b"".join(read_chunks(stream)) == LOG
        thread.join()


@pytest.mark.parametrize("content", [LOG, gzipped(LOG), ARRAY], ids=["lines", "gzip", "array"])
def test_standard_input(content: bytes, finish: Callable[..., Done], tmp_path: Path):
    done = finish(1, "-", "-q", "-o", "out.txt", data=content)
    # The events are read; that they lack members is another matter.
    why = "5 events rejected, 5 for missing verb; see out.txt.rejects.jsonl"
    said = f"Main_Calculation.py: nothing to rank in 1 file: {why}\n"
    assert done == (1, "", said)
    rejects = (tmp_path / "out.txt.rejects.jsonl").read_text("utf-8").splitlines()
    assert len(rejects) == len(EVENTS)
    assert all(line.startswith('{"file": "-", "line": ') for line in rejects)


def test_standard_input_that_is_empty(finish: Callable[..., Done]):
    assert finish(1, "-", "-q").err == "Main_Calculation.py: nothing to rank in 1 file\n"


def test_standard_input_that_is_closed(finish: Callable[..., Done]):
    done = finish(1, "-", "-o", "out.txt", redirected="<&-")
    assert done == (1, "", "Main_Calculation.py: -: standard input is closed\n")


# --- Which files there are --------------------------------------------------------------------


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[str]:
    """A directory `logs` with some files, and more that does not count."""
    directory = tmp_path / "logs"
    directory.mkdir()
    for name in ("b.jsonl", "a.jsonl", "Z.gz", "é", "10", "9", ".hidden"):
        (directory / name).write_bytes(LOG)
    (directory / "empty").mkdir()
    (directory / ".deeper").mkdir()
    yield str(directory)


def names_in(directory: str, passed_over: set[str] | None = None) -> list[str]:
    files = list_files([directory], passed_over or set())
    assert all(file.startswith(os.path.join(directory, "")) for file in files)
    return [os.path.relpath(file, directory) for file in files]


IN_ORDER = ["10", "9", "Z.gz", "a.jsonl", "b.jsonl", "é"]


def test_a_directory_stands_for_its_files_by_name(logs: str):
    assert names_in(logs) == IN_ORDER


#: Files in a directory, in the order in which they are read, and others that are not.
DEEP = (
    "2024.jsonl", "2024/03/01/10/shop-1", "2024/03/01/9", "2024/a", "=_", "_x=1", "a-b",
    "a.COPYING_", "a/b.c", "a/b/c/_d=1/e", "a0", "dt=1/part-0", "é/1", "\uff5e", "\U0001f600",
)  # fmt: skip
NOT_READ = (
    ".x", ".y/y", "_SUCCESS", "_x/y", "_x/dt=1/y", "a/.x=1", "a/b/_x/y", "a/b/.x/c/d", "_",
    "x._COPYING_", "y._COPYING_/y", "_x=1._COPYING_", "dt=1/_temporary/0/part-1",
)  # fmt: skip


def write_all(directory: Path, names: Iterable[str]) -> None:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(LOG)


def test_a_directory_stands_for_its_files_at_any_depth(tmp_path: Path):
    write_all(tmp_path / "_logs", {*DEEP, *NOT_READ})  # whose own name does not matter
    assert names_in(str(tmp_path / "_logs")) == [*DEEP]


@pytest.mark.skipif(os.name != "posix", reason="names of files are text there")
def test_files_in_the_order_of_the_bytes_of_their_names(tmp_path: Path):
    names = [os.fsdecode(name) for name in (b"\xee\x80\x80", b"\xf0\x9f\x98\x80", b"\xff")]
    try:
        write_all(tmp_path / "logs", reversed(names))
    except OSError:
        pytest.skip("this file system has no names that are no text")
    assert names_in(str(tmp_path / "logs")) == names


@pytest.mark.skipif(os.name != "posix", reason="paths are short there")
def test_directories_deeper_than_python_nests_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    deep = os.path.join("logs", *sys.getrecursionlimit() * ["d"], "log")
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path / "logs")
    try:
        for name in deep.split(os.sep)[1:-1]:
            os.mkdir(name)
            os.chdir(name)
        Path("log").write_bytes(LOG)
        monkeypatch.chdir(tmp_path)
        assert list_files(["logs"], set()) == [deep]
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "logs"], check=True)


CASES = PROJECT.parent / "shared/cases"


@pytest.mark.skipif(not CASES.exists(), reason="shared/cases/ is not beside the project's root")
def test_folders_as_people_have_them():
    expected = {
        "18c-firehose": ["2024/03/01/10/shop-1-2024-03-01-10-00-00-x"],
        "18f-hive": ["dt=2024-03-01/part-0.json", "today.jsonl"],
    }
    assert {name: names_in(str(CASES / name)) for name in expected} == expected


def test_files_and_directories_in_the_order_given(logs: str, make_file: Callable[..., str]):
    first, last = make_file(LOG, "zz"), make_file(LOG, "aa")
    expected = [first, *(os.path.join(logs, name) for name in IN_ORDER), "-", last]
    assert list_files([first, logs, "-", last], set()) == expected
    assert list_files([first, first], set()) == [first, first]


def test_a_directory_as_it_is_given(logs: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(os.path.dirname(logs))
    assert list_files(["logs"], set())[0] == os.path.join("logs", "10")
    assert list_files([os.path.join("logs", "")], set())[0] == os.path.join("logs", "10")
    assert list_files([os.curdir], set())[0] == os.path.join(os.curdir, "logs", "10")


def test_a_hidden_file_is_taken_when_it_is_named(logs: str):
    hidden = os.path.join(logs, ".hidden")
    assert list_files([hidden], set()) == [hidden]


def test_links_in_a_directory(logs: str, make_file: Callable[..., str]):
    os.symlink(make_file(LOG, "elsewhere"), os.path.join(logs, "link"))
    os.mkdir(os.path.join(logs, "deeper"))
    os.symlink("elsewhere", os.path.join(logs, "deeper", "c"))
    make_file(LOG, "logs/deeper/elsewhere")
    os.symlink("deeper", os.path.join(logs, "link-to-directory"))
    os.symlink("..", os.path.join(logs, "deeper", "above"))
    deeper = ["deeper/c", "deeper/elsewhere", "link", "é"]
    assert names_in(logs) == [*IN_ORDER[:-1], *deeper]
    assert len(list_files([os.path.join(logs, "link-to-directory")], set())) == 2  # it is named


@pytest.mark.parametrize(
    ("leads_to", "cause"),
    [("nowhere", "No such file or directory"), ("link", "Too many levels of symbolic links")],
    ids=["nowhere", "itself"],
)
def test_a_link_that_leads_nowhere_fails(leads_to: str, cause: str, logs: str):
    link = os.path.join(logs, "link")
    os.symlink(leads_to, link)
    for paths in ([logs], [link]):
        with pytest.raises(FileError) as caught:
            list_files(paths, set())
        assert (caught.value.path, str(caught.value)) == (link, f"{link}: {cause}")


@NEEDS_FIFO
def test_a_fifo_in_a_directory_is_left_out(logs: str):
    os.mkfifo(os.path.join(logs, "fifo"))
    os.mkfifo(os.path.join(logs, "empty", "fifo"))
    assert names_in(logs) == IN_ORDER


def test_own_files_in_a_directory_are_passed_over(logs: str):
    own = os.path.realpath(os.path.join(logs, "a.jsonl"))
    os.symlink("a.jsonl", os.path.join(logs, "link"))
    assert names_in(logs, {own}) == [name for name in IN_ORDER if name != "a.jsonl"]
    assert list_files([own], {own}) == [own]  # to be refused as output and input at once
    assert names_in(os.path.dirname(logs), {own}) == [
        os.path.join("logs", name) for name in IN_ORDER if name != "a.jsonl"
    ]


def test_a_file_that_is_not_there(tmp_path: Path, make_file: Callable[..., str]):
    good = make_file(LOG)
    missing = str(tmp_path / "missing")
    with pytest.raises(FileError) as caught:
        list_files([good, missing], set())
    assert str(caught.value) == f"{missing}: No such file or directory"
    with pytest.raises(FileError) as caught:
        list_files([os.path.join(good, "x")], set())
    assert str(caught.value) == f"{os.path.join(good, 'x')}: Not a directory"
    with pytest.raises(FileError) as caught:
        open_file(missing)
    assert str(caught.value) == f"{missing}: No such file or directory"
    with pytest.raises(FileError) as caught:
        open_file(str(tmp_path))
    assert str(caught.value) == f"{tmp_path}: Is a directory"


@NEEDS_RIGHTS
def test_a_file_that_may_not_be_read(make_file: Callable[..., str], tmp_path: Path):
    file = make_file(LOG, "logs/secret")
    os.chmod(file, 0)
    for paths in ([file], [os.path.dirname(file)]):
        with pytest.raises(FileError) as caught:
            list_files(paths, set())
        assert str(caught.value) == f"{file}: Permission denied"
    os.chmod(os.path.dirname(file), 0)
    with pytest.raises(FileError) as caught:
        list_files([os.path.dirname(file)], set())
    assert str(caught.value) == f"{os.path.dirname(file)}: Permission denied"
    with pytest.raises(FileError) as caught:
        list_files([str(tmp_path)], set())
    os.chmod(os.path.dirname(file), 0o700)
    assert str(caught.value) == f"{os.path.dirname(file)}: Permission denied"


def test_a_directory_that_cannot_be_listed(logs: str, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: str) -> Any:
        if path == deeper:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    scandir, deeper = os.scandir, os.path.join(logs, "empty")
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(FileError) as caught:
        list_files([logs], set())
    assert str(caught.value) == f"{deeper}: Permission denied"


def test_a_file_that_access_denies(make_file: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    file = make_file(LOG)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(FileError) as caught:
        list_files([file], set())
    assert str(caught.value) == f"{file}: Permission denied"


def test_standard_input_needs_not_be_there_to_be_listed():
    assert list_files(["-"], set()) == ["-"]


def test_standard_input_that_was_closed_cannot_be_opened(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(FileError) as caught:
        open_file("-")
    assert str(caught.value) == "-: standard input is closed"


def test_a_file_named_like_standard_input_can_be_read(in_tmp: Path, make_file: Callable[..., str]):
    make_file(LOG, "-")
    assert texts_of(os.path.join(os.curdir, "-")) == EVENTS
