"""Files cut into parts: all of the file, each byte once, from one event to another."""

import bz2
import gzip
import json
import lzma
import os
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import ltv.parallel.parts
import ltv.reading.files
from ltv.errors import FileError
from ltv.parallel.parts import Part, opened, parts_of, put_together
from ltv.reading.files import BrokenStreamError, state_of_file
from ltv.reading.framing import ARRAY, LINES, RUN

Make = Callable[..., str]

PART_BYTES = 400


def event(number: int, **members: object) -> str:
    return json.dumps({"type": "WISH", "key": f"k{number}", "note": "é" * (number % 50)} | members)


EVENTS = [event(number) for number in range(200)]

PRETTY = [json.dumps(json.loads(text), indent=1) for text in EVENTS]

FILES = {
    "lines": (LINES, "\n".join(EVENTS) + "\n"),
    "crlf": (LINES, "\r\n".join(EVENTS)),
    "marked-lines": (LINES, "\ufeff" + "\n\n".join(EVENTS)),
    "array": (ARRAY, "[\n" + ",\n".join(EVENTS) + "\n]\n"),
    "one-line-array": (ARRAY, "[" + ", ".join(EVENTS) + "]"),
    "marked-array": (ARRAY, "\ufeff\n[" + ",".join(EVENTS) + "]"),
    "pretty-array": (ARRAY, "[" + ",\n".join(PRETTY) + "]"),
    "pretty-run": (RUN, "\n".join(PRETTY)),
    "glued-run": (RUN, "".join(PRETTY)),
}


def each_part(file: str, *, is_alone: bool = False, part_bytes: int = PART_BYTES) -> Iterator[Part]:
    return parts_of(file, part_bytes, is_alone=is_alone, state=state_of_file(file))


def cut(file: str, *, is_alone: bool = False, part_bytes: int = PART_BYTES) -> list[Part]:
    return list(each_part(file, is_alone=is_alone, part_bytes=part_bytes))


def whole(file: str) -> Part:
    """The file as one part, as it is now."""
    return Part(file, state=state_of_file(file))


def bytes_of(part: Part) -> bytes:
    with opened(part) as chunks:
        data = b"".join(chunks)
    return data if part.end is None else data[: part.end - part.begin]


def check_joined(parts: list[Part]) -> None:
    """Each begins where the one before it ends, the first at the begin, the last without an end."""
    assert parts[0].begin == 0
    assert parts[0].framing is None, "which its reader finds, with what stands before the events"
    assert [part.end for part in parts[:-1]] == [part.begin for part in parts[1:]]
    assert parts[-1].end is None
    assert all(first.begin < second.begin for first, second in pairwise(parts))


@pytest.mark.parametrize("name", FILES)
def test_a_large_file_is_cut_in_front_of_events(name: str, make_file: Make):
    framing, text = FILES[name]
    data = text.encode()
    parts = cut(make_file(data))
    check_joined(parts)
    assert len(parts) > len(data) // PART_BYTES // 2
    assert {part.framing for part in parts[1:]} == {framing}
    assert b"".join(map(bytes_of, parts)) == data
    for part in parts[1:]:
        begin = data[part.begin :]
        if framing == LINES:
            assert data[part.begin - 1 : part.begin] == b"\n"
        else:
            assert re.match(rb'\{\s*"type"', begin)
            assert re.search(rb"\}[\s,]*\Z", data[: part.begin])
    sizes = [second.begin - first.begin for first, second in pairwise(parts)]
    assert max(sizes) < PART_BYTES + max(len(text.encode()) for text in PRETTY) + 10
    assert not any(part.is_local or part.data is not None for part in parts)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_no_more_than_two_parts_is_one(name: str, make_file: Make):
    data = FILES[name][1].encode()
    file = make_file(data)
    assert cut(file, part_bytes=(len(data) + 1) // 2) == [whole(file)]
    assert len(cut(file, part_bytes=len(data) // 3)) > 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n" * 5000,
        b"[" + b"\n" * 5000 + b"]",
        b"[" + b"1," * 3000 + b"]",
        b"[" + b"{}," * 2000 + b"]",
        b"[" + b'{"\\u0041":1},' * 900 + b"]",
        "\n".join(EVENTS).encode("utf-16"),
        b"no event log\n" * 500,
        b"[" + b"\xff" * 5000,
        ("[" + ", ".join(["[1]", *EVENTS]) + "]").encode(),
    ],
    ids=[
        "empty", "blank", "no-events", "numbers", "empty-objects", "escaped-name", "utf-16",
        "garbage", "no-utf-8", "array-first",
    ],
)  # fmt: skip
def test_what_cannot_be_cut_is_one_part(data: bytes, make_file: Make):
    file = make_file(data)
    assert cut(file) == [whole(file)]


def test_a_line_longer_than_it_is_looked_through_is_not_cut(
    make_file: Make, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ltv.parallel.parts, "_CUT_BYTES", 300)
    texts = [*EVENTS[:20], event(1, note="x" * 5000), *EVENTS[:20]]
    data = "\n".join(texts).encode()
    parts = cut(make_file(data))
    check_joined(parts)
    begin = data.index(b"xxx")
    inside = [part for part in parts if begin < part.begin <= begin + 5000]
    assert inside == [] or [part.begin for part in inside] == [begin + 5003]
    assert b"".join(map(bytes_of, parts)) == data


def test_a_file_that_is_not_there(in_tmp: Path):
    with pytest.raises(FileError, match=r"^missing: No such file or directory$"):
        cut("missing")
    with pytest.raises(FileError), opened(Part("missing")):
        pass


# --- Streams ----------------------------------------------------------------------------------

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.fixture
def blocks_of_400(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ltv.parallel.parts, "_BLOCK_BYTES", PART_BYTES)
    monkeypatch.setattr(ltv.parallel.parts, "_LONGEST_BLOCK_BYTES", 30_000)
    monkeypatch.setattr(ltv.reading.files, "CHUNK_BYTES", 333)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", FILES)
def test_a_compressed_file_beside_others_is_one_part(
    name: str, compression: str, make_file: Make, blocks_of_400: None
):
    file = make_file(COMPRESSIONS[compression](FILES[name][1].encode()))
    assert cut(file) == [whole(file)]
    assert bytes_of(Part(file)) == FILES[name][1].encode()


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", FILES)
def test_a_compressed_file_that_is_alone_is_cut_if_it_is_json_lines(
    name: str, compression: str, make_file: Make, blocks_of_400: None
):
    framing, text = FILES[name]
    data = text.encode()
    file = make_file(COMPRESSIONS[compression](data))
    parts = cut(file, is_alone=True)
    if framing != LINES:
        assert parts == [whole(file)]
        return
    check_joined(parts)
    assert len(parts) > 5
    assert b"".join(map(bytes_of, parts)) == data
    assert {part.framing for part in parts[1:]} == {LINES}
    assert not any(part.is_local for part in parts)
    for part in parts[:-1]:
        assert part.data is not None and part.data.endswith(b"\n")
        assert part.end == part.begin + len(part.data)
    assert parts[0].data is not None
    assert len(parts[0].data.split()) > 100, "so that it tells by itself what kind of file it is"


def test_lines_with_nothing_but_marks_and_commas_tell_nothing(make_file: Make, blocks_of_400: None):
    log = gzip.compress(f"{EVENTS[0]}\n\ufeff ,\n\ufeff\n".encode() * 300)
    first, *_ = each_part(make_file(log), is_alone=True)
    assert first.data is not None
    assert first.data.count(EVENTS[0].encode()) >= 100


@pytest.fixture
def piped() -> Iterator[Callable[[bytes], str]]:
    """A path that the bytes can be read from once."""

    def path_of(data: bytes) -> str:
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
        descriptors.append(reading)
        return f"/dev/fd/{reading}"

    descriptors: list[int] = []
    yield path_of
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="the system has no /dev/fd")
@pytest.mark.parametrize("is_alone", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_a_pipe_is_read_here(
    name: str, is_alone: bool, piped: Callable[[bytes], str], blocks_of_400: None
):
    framing, text = FILES[name]
    data = text.encode()
    contents = []
    parts = []
    for part in each_part(piped(data), is_alone=is_alone):
        parts.append(part)
        contents.append(bytes_of(part))
    assert b"".join(contents) == data
    check_joined(parts)
    if framing == LINES:
        assert len(parts) > 5
        assert not any(part.is_local for part in parts)
    else:
        (part,) = parts
        assert part.is_local


@pytest.mark.parametrize("count", [3, 200])
def test_a_compressed_file_that_is_cut_off(count: int, make_file: Make, blocks_of_400: None):
    """Its blocks are good up to there, and the last part raises what was found."""
    data = "\n".join(EVENTS[:count]).encode()
    compressed = gzip.compress(data, compresslevel=0)
    file = make_file(compressed[:-40])
    *parts, last = each_part(file, is_alone=True)
    assert last.is_local
    found = b"".join(map(bytes_of, parts))
    assert data.startswith(found)
    assert (len(found) > len(data) // 2) == (count > 100)
    assert last.chunks is not None
    rest = []
    with pytest.raises(BrokenStreamError, match=r"^the gzip stream is cut off$"):
        for chunk in last.chunks:
            rest.append(chunk)
    assert data.startswith(found + b"".join(rest))
    assert len(found + b"".join(rest)) >= len(data) - 40


def test_a_line_too_long_to_be_held_goes_on_here(make_file: Make, blocks_of_400: None):
    data = "\n".join([*EVENTS[:120], event(1, note="x" * 40_000), *EVENTS[:20]]).encode()
    file = make_file(gzip.compress(data))
    parts, contents = [], []
    for part in each_part(file, is_alone=True):
        parts.append(part)
        contents.append(bytes_of(part))
    check_joined(parts)
    assert [part.is_local for part in parts] == [False] * (len(parts) - 1) + [True]
    assert b"".join(contents) == data
    assert parts[-1].framing == LINES
    first = make_file(gzip.compress(event(1, note="x" * 40_000).encode() + b"\n" + data), "first")
    assert cut(first, is_alone=True) == [whole(first)]


def test_blank_lines_are_not_looked_at_again_and_again(
    make_file: Make, blocks_of_400: None, monkeypatch: pytest.MonkeyPatch
):
    looked_at = []
    filled_lines = ltv.parallel.parts._filled_lines

    def noted(data: bytes, begin: int, end: int) -> int:
        looked_at.append(end - begin)
        return filled_lines(data, begin, end)

    monkeypatch.setattr(ltv.parallel.parts, "_filled_lines", noted)
    data = f"{EVENTS[0]}{chr(10) * 25_000}".encode() + "\n".join(EVENTS[1:3]).encode()
    parts = list(each_part(make_file(gzip.compress(data)), is_alone=True))
    assert b"".join(map(bytes_of, parts)) == data
    assert 0 < sum(looked_at) <= 2 * len(data)


def test_no_part_of_a_run_begins_behind_the_last_line_break(make_file: Make):
    """Should the file grow, it would have no line break to stop at."""
    file = make_file("\n".join(PRETTY[:100]) + "\n" + "".join(EVENTS[100:]))
    parts = cut(file)
    assert {part.framing for part in parts[1:]} == {RUN}
    assert len(parts) > 3
    lines_end = Path(file).read_bytes().rfind(b"\n") + 1
    assert max(part.begin for part in parts) <= lines_end


TOGETHER = {
    "nothing": ([], []),
    "small ones": ([("a", 4), ("b", 4), ("c", 4)], ["ab", "c"]),
    "just fitting": ([("a", 4), ("b", 6), ("c", 1)], ["ab", "c"]),
    "of no size": ([("a", 0), ("b", 10), ("c", 0)], ["abc"]),
    "large ones between": ([("a", 1), ("bcd", 11), ("e", 1), ("f", 1)], ["a", "b", "c", "d", "ef"]),
    "large ones alone": ([("ab", 20), ("c", 20)], ["a", "b", "c"]),
}


@pytest.mark.parametrize("files", TOGETHER)
def test_small_files_are_put_together(files: str):
    given, expected = TOGETHER[files]
    assert ["".join(parts) for parts in put_together(given, 10)] == expected


def test_no_file_is_opened_before_what_stands_before_it_is_given_out():
    given: list[str] = []

    def parts_of_third() -> Iterator[str]:
        given.append("begun")
        yield from "de"

    for some in put_together([("a", 1), ("b", 1), (parts_of_third(), 11), ("f", 1)], 10):
        given.append("".join(some))
    assert given == ["ab", "begun", "d", "e", "f"]
