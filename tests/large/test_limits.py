"""Memory stays flat whatever comes: measured in a process of its own, against a tiny file."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import SOURCES, environment_with

pytestmark = pytest.mark.skipif(
    not hasattr(os, "wait4") or sys.platform == "darwin", reason="peaks in KiB, of one child"
)

MIB = 1024 * 1024

#: What a run may need beyond one on a tiny file: an event of 16 MiB as text, its bytes, and a copy
#: while it grows. About 1.5 times the most that was measured.
MAX_GROWTH = 150 * MIB

GOOD = (
    b'{"type":"ORDER","verb":"NEW","key":"o1","customer_id":"c1","event_time":"2017-01-01",'
    b'"total_amount":"1"}\n'
)
#: Coverage needs memory of its own.
NOT_MEASURED: dict[str, str | None] = {
    "COVERAGE_PROCESS_START": None,
    "COVERAGE_PROCESS_CONFIG": None,
}


class Measured(NamedTuple):
    status: int
    err: str
    peak: int


def measured(directory: Path, pieces: Iterable[bytes] = (), file: object = "-") -> Measured:
    """Runs the program over a file, or over what is fed to it piece by piece."""
    arguments = ["1", str(file), "-o", str(directory / "out.txt")]
    with (directory / "err").open("w+b") as err:
        process = subprocess.Popen(
            [sys.executable, str(SOURCES / "Main_Calculation.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=err,
            env=environment_with(NOT_MEASURED),
        )
        watch = threading.Timer(300, process.kill)  # rather a failure than a hang
        watch.start()
        assert process.stdin is not None
        try:
            for piece in pieces:
                process.stdin.write(piece)
            process.stdin.close()
        except BrokenPipeError:
            pass
        _, status, usage = os.wait4(process.pid, 0)
        watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        return Measured(process.returncode, err.read().decode(), usage.ru_maxrss * 1024)


@cache
def peak_of_a_tiny_run() -> int:
    with tempfile.TemporaryDirectory() as directory:
        done = measured(Path(directory), [GOOD])
    assert done.status == 0, done.err
    return done.peak


def check_growth(done: Measured) -> None:
    growth = done.peak - peak_of_a_tiny_run()
    assert growth <= MAX_GROWTH, f"{growth / MIB:.0f} MiB more than a tiny run"


def mebibytes(text: bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield text * (MIB // len(text))


def framed(framing: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces as one line between two good events."""
    is_array = framing == "array"
    yield b"[\n" * is_array + GOOD
    yield from pieces
    yield b"\n" + GOOD + b"]" * is_array


def zeros_compressed(mebibytes_of_zeros: int) -> Iterator[bytes]:
    compressor = zlib.compressobj(9, wbits=31)
    zeros = bytes(MIB)
    for _ in range(mebibytes_of_zeros):
        yield compressor.compress(zeros)
    yield compressor.flush()


def reasons_in(directory: Path) -> list[str]:
    lines = (directory / "out.txt.rejects.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["reason"] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("begin", [b"", zlib.compress(GOOD, wbits=31)], ids=["alone", "behind"])
def test_a_gibibyte_of_zeros_in_one_mebibyte(begin: bytes, tmp_path: Path):
    done = measured(tmp_path, [begin, *zeros_compressed(1024)])
    check_growth(done)
    assert done.status == (0 if begin else 1)
    if begin:
        assert reasons_in(tmp_path) == ["too-long"]
    else:
        assert "not an event log" in done.err


@pytest.mark.parametrize("framing", ["json-lines", "array"])
@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_an_event_of_just_over_16_mebibytes(character: str, framing: str, tmp_path: Path):
    event = [b'{"note":"', *mebibytes(character.encode(), 16), b'"}']
    done = measured(tmp_path, framed(framing, event))
    check_growth(done)
    assert done.status == 0, done.err
    assert reasons_in(tmp_path) == ["too-long"]


@pytest.mark.parametrize("framing", ["json-lines", "array"])
@pytest.mark.parametrize("text", ["x"])
def test_a_line_of_300_megabytes(text: str, framing: str, tmp_path: Path):
    done = measured(tmp_path, framed(framing, mebibytes(text.encode(), 286)))
    check_growth(done)
    assert done.status == 0, done.err
    assert reasons_in(tmp_path) == ["too-long"]


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["json-lines", "array"])
@pytest.mark.parametrize("text", ["1", '"', "{", "[", "\\", "\\u00"])
def test_more_lines_of_300_megabytes(text: str, framing: str, tmp_path: Path):
    test_a_line_of_300_megabytes(text, framing, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("space", [" ", "\n", "\r\n"], ids=["blanks", "lines", "crlf"])
@pytest.mark.parametrize("framing", ["json-lines", "array"])
def test_200_megabytes_of_white_space(space: str, framing: str, tmp_path: Path):
    done = measured(tmp_path, framed(framing, mebibytes(space.encode(), 191)))
    check_growth(done)
    assert done.status == 0, done.err
    assert "2 accepted, 0 rejected" in done.err


@pytest.mark.slow
def test_100_000_rejects(tmp_path: Path):
    bad = b'{"type":"WISH","note":"%s"}\n' % (b"x" * 500)
    done = measured(tmp_path, [GOOD, *[bad * 1000] * 100])
    check_growth(done)
    assert done.status == 0, done.err
    assert "1 accepted, 100,000 rejected" in done.err


@pytest.mark.slow
def test_a_directory_of_10_000_files(tmp_path: Path):
    directory = tmp_path / "many"
    directory.mkdir()
    for number in range(10_000):
        (directory / f"{number}.jsonl").write_bytes(GOOD)
    done = measured(tmp_path, file=directory)
    check_growth(done)
    assert done.status == 0, done.err
    assert "10,000 accepted, 0 rejected" in done.err


@pytest.mark.parametrize("framing", ["json-lines", "array"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [("1", "missing"), ("[", "not-json"), ('"', "not-json"), ("\\", "not-json")],
    ids=["digits", "brackets", "quotes", "backslashes"],
)
def test_16_mebibytes_of_one_character(text: str, reason: str, framing: str, tmp_path: Path):
    event = [b'{"note":', *mebibytes(text.encode(), 15), text.encode() * (MIB - 9), b"}"]
    done = measured(tmp_path, framed(framing, event))
    check_growth(done)
    assert done.status == 0, done.err
    assert reasons_in(tmp_path) == [reason]
