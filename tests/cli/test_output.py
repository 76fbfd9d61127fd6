"""Files that are replaced whole or not at all, and never an input."""

import errno
import os
import stat
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from conftest import EARLIER_REJECTS, SOURCES, environment_with
from ltv.errors import FileError
from ltv.output.target import (
    Target,
    TemporaryDirectory,
    check_distinct,
    fcntl,
    is_replaced,
    is_standard_output,
)

NEEDS_FIFO = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
NEEDS_RIGHTS = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read and write everything"
)

NEEDS_LOCKS = pytest.mark.skipif(fcntl is None, reason="the system has no fcntl")

OLD, NEW = b"what was there before\n", b"new\n"


def opened(path: str) -> Target:
    """A target as it is within a `with` statement; the test leaves it with `__exit__`."""
    return Target(path).__enter__()


def write(path: Path | str, *pieces: bytes) -> None:
    """Write the pieces to the path, whole."""
    target = opened(str(path))
    target.write(pieces)
    target.seal()
    target.commit()
    target.__exit__()


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def refusal_of(path: Path | str) -> str:
    with pytest.raises(FileError) as caught:
        opened(str(path))
    assert caught.value.path == str(path)
    return caught.value.cause


@contextmanager
def mask(bits: int) -> Iterator[None]:
    """The process's umask, for a while."""
    before = os.umask(bits)
    try:
        yield
    finally:
        os.umask(before)


# --- Replaced whole ---------------------------------------------------------------------------


def test_a_new_file_is_written(tmp_path: Path):
    write(tmp_path / "new", b"one ", b"", b"two\n")
    assert (tmp_path / "new").read_bytes() == b"one two\n"
    assert names(tmp_path) == ["new"]


def test_a_file_is_written_when_there_is_nothing_to_write(tmp_path: Path):
    write(tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b""


def test_an_existing_file_is_replaced_whole(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    with open(path, "rb") as reader:
        write(path, NEW)
        assert reader.read() == OLD  # whoever reads the earlier file reads all of it
    assert path.read_bytes() == NEW
    assert names(tmp_path) == ["file"]


def test_nothing_is_in_place_before_commit(tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(OLD)
    targets = [opened(str(old)), opened(str(new))]
    for target in targets:
        target.write([NEW])
        target.seal()
    assert old.read_bytes() == OLD
    assert not new.exists()
    for target in targets:
        target.__exit__()
    assert names(tmp_path) == ["old"]
    assert old.read_bytes() == OLD


@pytest.mark.parametrize("steps", [0, 1, 2], ids=["nothing-done", "written", "sealed"])
def test_what_is_discarded_leaves_nothing(steps: int, tmp_path: Path):
    (tmp_path / "file").write_bytes(OLD)
    target = opened(str(tmp_path / "file"))
    assert len(names(tmp_path)) == 2
    if steps > 0:
        target.write([NEW])
    if steps > 1:
        target.seal()
    target.__exit__()
    target.__exit__()
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == OLD


def test_what_waits_for_its_place_is_hidden_and_beside_it(tmp_path: Path):
    target = opened(str(tmp_path / "file"))
    (waiting,) = names(tmp_path)
    assert waiting.startswith(".")
    target.__exit__()


def test_to_discard_after_commit_is_harmless(tmp_path: Path):
    write(tmp_path / "file", NEW)  # which discards
    assert (tmp_path / "file").read_bytes() == NEW


def test_two_at_once_do_not_disturb_each_other(tmp_path: Path):
    path = tmp_path / "file"
    first, second = opened(str(path)), opened(str(path))
    for target, content in ((first, b"first"), (second, b"second")):
        target.write([content])
        target.seal()
        target.commit()
        assert path.read_bytes() == content
    assert names(tmp_path) == ["file"]


# --- Permissions ------------------------------------------------------------------------------


@pytest.mark.parametrize(("bits", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_of_any_new_file(bits: int, mode: int, tmp_path: Path):
    with mask(bits):
        write(tmp_path / "file", NEW)
    assert stat.S_IMODE(os.stat(tmp_path / "file").st_mode) == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o755])
def test_an_existing_file_keeps_its_permissions(mode: int, tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(mode)
    with mask(0o027):
        write(path, NEW)
    assert stat.S_IMODE(os.stat(path).st_mode) == mode
    assert path.read_bytes() == NEW


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away"
)
def test_an_existing_file_keeps_its_owner(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    os.chown(path, 12345, 23456)
    write(path, NEW)
    assert (os.stat(path).st_uid, os.stat(path).st_gid) == (12345, 23456)


@NEEDS_RIGHTS
def test_a_file_that_may_not_be_written(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o444)
    assert refusal_of(path) == "cannot be written: Permission denied"
    assert names(tmp_path) == ["file"]


@NEEDS_RIGHTS
def test_a_directory_that_may_not_be_written(tmp_path: Path):
    directory = tmp_path / "directory"
    directory.mkdir()
    directory.chmod(0o555)
    assert refusal_of(directory / "file") == "cannot be written: Permission denied"
    directory.chmod(0o755)


def test_a_file_that_access_denies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert refusal_of(path) == "cannot be written: Permission denied"
    assert names(tmp_path) == ["file"]


# --- Links, directories, devices --------------------------------------------------------------


def test_what_a_link_leads_to_is_replaced(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(OLD)
    (tmp_path / "near").symlink_to("real/file")
    (tmp_path / "link").symlink_to("near")
    write(tmp_path / "link", NEW)
    assert os.readlink(tmp_path / "link") == "near"
    assert os.readlink(tmp_path / "near") == "real/file"
    assert not (tmp_path / "real" / "file").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() == NEW
    assert names(tmp_path / "real") == ["file"]


def test_a_link_to_a_file_that_is_not_there_yet(tmp_path: Path):
    (tmp_path / "link").symlink_to("file")
    write(tmp_path / "link", NEW)
    assert (tmp_path / "file").read_bytes() == NEW
    assert (tmp_path / "link").is_symlink()


def test_a_directory_is_no_file(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path)
    cause = "expected a file to write, got a directory"
    assert refusal_of(tmp_path) == cause
    assert refusal_of(tmp_path / "link") == cause
    assert names(tmp_path) == ["link"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/file", "No such file or directory"),
        ("file/below", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("n" * 300, "File name too long"),
    ],
    ids=["missing-directory", "below-a-file", "loop", "long-name"],
)
def test_a_path_that_cannot_be_written(name: str, reason: str, tmp_path: Path):
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "loop").symlink_to("loop")
    assert refusal_of(tmp_path / name) == f"cannot be written: {reason}"
    assert names(tmp_path) == ["file", "loop"]
    with pytest.raises(FileError) as caught:
        opened(str(tmp_path / name))
    assert str(caught.value) == f"{tmp_path / name}: cannot be written: {reason}"


def test_a_device_is_written_to_and_stays(device: Callable[[str], str]):
    null = device("null")
    target = opened(null)
    assert not target.is_file
    write(null, NEW)
    target.__exit__()
    assert stat.S_ISCHR(os.stat(null).st_mode)


def test_a_device_that_is_full(device: Callable[[str], str]):
    full = device("full")
    target = opened(full)
    target.write([NEW])
    target.seal()
    with pytest.raises(FileError) as caught:
        target.commit()
    target.__exit__()
    assert str(caught.value) == f"{full}: cannot be written: No space left on device"


@NEEDS_FIFO
def test_a_fifo_gets_everything_at_commit(tmp_path: Path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    thread.start()
    write(fifo, b"one ", b"two\n" * 1000)
    thread.join()
    assert got == [b"one " + b"two\n" * 1000]
    assert stat.S_ISFIFO(os.stat(fifo).st_mode)
    assert names(tmp_path) == ["fifo"]


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_standard_output_gets_everything_at_commit(
    name: str, capfdbinary: pytest.CaptureFixture[bytes]
):
    target = opened(name)
    target.write([b"\xff\r\n", b"two\n" * 500_000])
    target.seal()
    assert capfdbinary.readouterr().out == b""
    target.commit()
    target.__exit__()
    assert capfdbinary.readouterr().out == b"\xff\r\n" + b"two\n" * 500_000


def test_what_standard_output_is_redirected_to_is_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "file"
    with open(path, "w", encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        assert is_standard_output(str(path))
        assert not is_replaced(str(path))
        assert not is_standard_output(str(tmp_path / "other"))


def test_no_file_is_a_standard_output_that_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdout", None)
    assert is_standard_output("-")
    assert not is_standard_output(os.devnull)
    assert not is_standard_output(str(tmp_path / "missing"))


def test_what_is_replaced(tmp_path: Path):
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "link").symlink_to("file")
    paths = ["file", "link", "missing"]
    assert all(is_replaced(str(tmp_path / name)) for name in paths)
    assert not any(map(is_replaced, ["-", os.devnull, str(tmp_path)]))


@pytest.mark.parametrize("step", ["write", "seal", "commit"])
def test_a_failure_names_the_file_and_leaves_the_earlier_one(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    target = opened(str(path))

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    steps: list[Callable[[], None]] = [lambda: target.write([NEW]), target.seal, target.commit]
    before = steps[: ["write", "seal", "commit"].index(step)]
    for take in before:
        take()
    with monkeypatch.context() as patches:
        patches.setattr(os, "replace", fail)
        patches.setattr(os, "fsync", fail)
        if step == "write":
            patches.setattr(target, "_file", FullFile(target._file))
        with pytest.raises(FileError) as caught:
            steps[len(before)]()
    assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    target.__exit__()
    assert names(tmp_path) == ["file"]
    assert path.read_bytes() == OLD


class FullFile:
    """A file on a disk that is full: neither writing nor closing works."""

    def __init__(self, file: object) -> None:
        self.file = file

    def writelines(self, pieces: object) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self.file.close()  # type: ignore[attr-defined] # whatever it is, it was opened
        raise OSError(28, "No space left on device")


def test_a_directory_that_cannot_be_synchronised_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sync = os.fsync

    def sync_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync_files_only)
    write(tmp_path / "file", NEW)
    assert (tmp_path / "file").read_bytes() == NEW


# --- Different files --------------------------------------------------------------------------


@pytest.fixture
def here(in_tmp: Path) -> Path:
    """The working directory, with files `a` and `b`, a link and a hard link to `a`."""
    for name in "ab":
        (in_tmp / name).write_bytes(OLD)
    (in_tmp / "link").symlink_to("a")
    (in_tmp / "deeper").mkdir()
    (in_tmp / "above").symlink_to(in_tmp)
    os.link("a", "twin")
    return in_tmp


SPELLINGS = ["a", "./a", "deeper/../a", ".//a", "link", "twin", "above/a", "above/link"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_input_cannot_be_the_output_or_the_rejects(spelling: str, here: Path):
    for spelt in (spelling, str(here / spelling)):
        for output, rejects, role in ((spelt, None, "output"), ("new", spelt, "rejects")):
            with pytest.raises(FileError) as caught:
                check_distinct(output, rejects, ["b", "a"])
            cause = f"cannot be the {role} and an input (a) at once"
            assert str(caught.value) == f"{spelt}: {cause}"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_output_cannot_be_the_rejects(spelling: str, here: Path):
    with pytest.raises(FileError) as caught:
        check_distinct(spelling, "a", ["b"])
    assert str(caught.value) == f"{spelling}: cannot be the output and the rejects (a) at once"


def test_files_that_are_not_there_yet_can_be_the_same(here: Path):
    os.symlink("new", "link-to-new")
    for output, rejects in (("new", "./new"), ("new", "link-to-new"), ("above/new", "new")):
        with pytest.raises(FileError):
            check_distinct(output, rejects, ["a"])


def test_different_files_are_fine(here: Path):
    check_distinct("new", "new.rejects", ["a", "b", "a", "link"])
    check_distinct("new", None, ["a", "-"])
    check_distinct("-", "new", ["a", "-"])
    check_distinct("-", None, [])


def test_standard_input_can_be_the_output(here: Path, monkeypatch: pytest.MonkeyPatch):
    with open("a", encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        for spelling in SPELLINGS:
            with pytest.raises(FileError) as caught:
                check_distinct(spelling, None, ["-"])
            cause = "cannot be the output and an input (-) at once"
            assert str(caught.value) == f"{spelling}: {cause}"
        check_distinct("b", "new", ["-"])
    monkeypatch.setattr("sys.stdin", None)
    check_distinct("a", "b", ["-"])


@NEEDS_LOCKS
def test_a_file_that_another_run_took_for_a_dead_ones_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert fcntl is not None
    real_flock, taken = fcntl.flock, [True]

    def flock(file: object, operation: int) -> None:
        if taken:
            taken.pop()
            raise BlockingIOError
        real_flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    write(tmp_path / "file", NEW)
    assert (tmp_path / "file").read_bytes() == NEW


@NEEDS_LOCKS
def test_without_locks_files_are_written_and_nothing_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def flock(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    left = tmp_path / ".ltv-0123456789abcdef.tmp"
    left.write_bytes(OLD)
    write(tmp_path / "file", NEW)
    assert names(tmp_path) == [left.name, "file"]


@NEEDS_LOCKS
def test_only_files_that_a_run_can_have_left_are_swept(tmp_path: Path):
    (tmp_path / ".ltv-0123456789abcdef.tmp").write_bytes(OLD)
    (tmp_path / ".ltv-0123456789ABCDEF.tmp").write_bytes(OLD)
    (tmp_path / ".ltv-fedcba9876543210.tmp").mkdir()
    (tmp_path / ".ltv-fedcba9876543210.tmp" / "00000000.rows").write_bytes(OLD)
    (tmp_path / ".ltv-fedcba987654321f.tmp").symlink_to(tmp_path)
    (tmp_path / ".ltv-0123.tmp").write_bytes(OLD)
    write(tmp_path / "file", NEW)
    assert names(tmp_path) == [
        ".ltv-0123.tmp",
        ".ltv-0123456789ABCDEF.tmp",
        ".ltv-fedcba987654321f.tmp",
        "file",
    ]


@NEEDS_LOCKS
@pytest.mark.parametrize("is_locked", [True, False], ids=["locks", "locks-that-are-always-granted"])
def test_what_a_run_made_itself_is_never_swept(
    is_locked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Also where its first file could not be locked, as when locks come and go."""
    assert fcntl is not None
    real_flock, refused = fcntl.flock, [True]

    def flock(file: object, operation: int) -> None:
        if refused:
            refused.pop()
            raise OSError(errno.ENOLCK, "No locks available")
        if is_locked:
            real_flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    left = tmp_path / ".ltv-0123456789abcdef.tmp"
    left.write_bytes(OLD)
    with Target(str(tmp_path / "first")) as first:
        assert len(names(tmp_path)) == 2
        with Target(str(tmp_path / "second")) as second, TemporaryDirectory(str(tmp_path)):
            assert len(names(tmp_path)) == (3 if is_locked else 4)
            for target in (first, second):
                target.write([NEW])
                target.seal()
                target.commit()
    assert names(tmp_path) == [*([] if is_locked else [left.name]), "first", "second"]


#: The program where every lock is granted: no such file system is to be had for a test.
WITH_LOCKS_GRANTED = """
import fcntl, runpy, sys
fcntl.flock = lambda file, operation: None
del sys.argv[0]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@NEEDS_FIFO
@NEEDS_LOCKS
def test_runs_at_once_where_every_lock_is_granted(tmp_path: Path):
    """Neither removes what the other, or it itself, is writing; nor what a killed one left."""
    event = '{"type":"ORDER","verb":"NEW","key":"o","customer_id":"c","event_time":"2017-01-01"'
    log = event + ',"total_amount":"1"}\n{}\n'
    (tmp_path / "log").write_text(log)
    (tmp_path / "second.csv.rejects.jsonl").write_text(EARLIER_REJECTS)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / ".ltv-0123456789abcdef.tmp").write_bytes(OLD)
    program = [sys.executable, "-c", WITH_LOCKS_GRANTED, str(SOURCES / "Main_Calculation.py")]
    options = ["--temp", ".", "--workers", "1", "-o"]

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [*program, "9", *arguments]
        return subprocess.Popen(
            command, cwd=tmp_path, env=environment_with({}), stderr=subprocess.PIPE
        )

    first = start("fifo", "-q", *options, "first.csv")
    try:
        with open(tmp_path / "fifo", "wb", buffering=0) as fifo:  # waits for the program
            waiting = set(tmp_path.glob(".ltv-*"))
            assert len(waiting) >= 3  # output, rejects, what a killed one left; its directory
            for files in (["log"], ["log", "log", "--strict"], ["log"]):
                second = start(*files, "-q", *options, "second.csv")
                err = second.communicate(timeout=60)[1]
                assert second.returncode == (3 if "--strict" in files else 0), err
                assert waiting <= set(tmp_path.glob(".ltv-*"))
            fifo.write(log.encode())
        assert first.communicate(timeout=60)[1] == b""
        assert first.returncode == 0
    finally:
        first.kill()
        first.wait()
    results = [(tmp_path / f"{name}.csv").read_bytes() for name in ("first", "second")]
    assert results[0] == results[1]
    assert names(tmp_path) == [
        ".ltv-0123456789abcdef.tmp", "fifo", "first.csv", "first.csv.rejects.jsonl", "log",
        "second.csv", "second.csv.rejects.jsonl",
    ]  # fmt: skip


# --- A temporary directory --------------------------------------------------------------------


def refused_directory(parent: Path) -> str:
    with pytest.raises(FileError) as caught, TemporaryDirectory(str(parent)):
        pass
    assert caught.value.path == str(parent)
    return caught.value.cause


def test_a_temporary_directory_is_there_for_a_while(tmp_path: Path):
    with TemporaryDirectory(str(tmp_path)) as directory:
        path = Path(directory.path)
        assert path.parent == tmp_path
        assert names(tmp_path) == [path.name]
        assert path.name.startswith(".ltv-")
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, "nobody else's"
        (path / "below").mkdir()
        (path / "below" / "00000000.rows").write_bytes(OLD)
    assert names(tmp_path) == []


def test_a_temporary_directory_is_gone_however_it_is_left(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), TemporaryDirectory(str(tmp_path)) as directory:
        (Path(directory.path) / "00000000.rows").write_bytes(OLD)
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_temporary_directory_that_is_gone_already(tmp_path: Path):
    with TemporaryDirectory(str(tmp_path)) as directory:
        os.rmdir(directory.path)
    assert names(tmp_path) == []


def test_a_temporary_directory_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_bytes(OLD)
    assert refused_directory(tmp_path / "no") == "cannot be written: No such file or directory"
    assert refused_directory(tmp_path / "file") == "cannot be written: Not a directory"
    assert names(tmp_path) == ["file"]


@NEEDS_RIGHTS
def test_a_temporary_directory_where_nothing_may_be_written(tmp_path: Path):
    tmp_path.chmod(0o500)
    assert refused_directory(tmp_path) == "cannot be written: Permission denied"
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("call", ["mkdir", "open"])
def test_a_temporary_directory_that_fails_half_way(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = getattr(os, call)

    def fail_once(*arguments: object) -> None:
        monkeypatch.setattr(f"ltv.output.target.os.{call}", real)
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(f"ltv.output.target.os.{call}", fail_once)
    reason = "Too many open files; ulimit -n sets how many"
    assert refused_directory(tmp_path) == f"cannot be written: {reason}"
    assert names(tmp_path) == []


def test_a_signal_while_a_temporary_directory_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ltv.output.target._try_to_lock", interrupted)
    with pytest.raises(KeyboardInterrupt), TemporaryDirectory(str(tmp_path)):
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("parent", [".", "missing"])
def test_the_addresses_for_the_removal_are_let_go_for_it(tmp_path: Path, parent: str):
    tracemalloc.start()
    try:
        directory = TemporaryDirectory(str(tmp_path / parent))
        assert tracemalloc.get_traced_memory()[0] > 2_000_000
        with suppress(FileError), directory:
            pass
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


@NEEDS_LOCKS
def test_two_temporary_directories_do_not_disturb_each_other(tmp_path: Path):
    with TemporaryDirectory(str(tmp_path)) as first:
        with TemporaryDirectory(str(tmp_path)) as second:
            assert names(tmp_path) == sorted(Path(each.path).name for each in (first, second))
            write(tmp_path / "file", NEW)
        assert names(tmp_path) == [Path(first.path).name, "file"]
    assert names(tmp_path) == ["file"]


@NEEDS_LOCKS
def test_what_a_killed_run_left_is_swept_for_a_temporary_directory(tmp_path: Path):
    (tmp_path / ".ltv-0123456789abcdef.tmp").write_bytes(OLD)
    left = tmp_path / ".ltv-fedcba9876543210.tmp"
    left.mkdir()
    (left / "00000000.rows").write_bytes(OLD)
    (tmp_path / "another").mkdir()
    with TemporaryDirectory(str(tmp_path)) as directory:
        assert names(tmp_path) == sorted([Path(directory.path).name, "another"])
    assert names(tmp_path) == ["another"]


@NEEDS_LOCKS
@pytest.mark.parametrize("moment", ["lock", "locked", "open"])
def test_a_temporary_directory_that_another_run_took_for_a_dead_ones_is_made_anew(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It was swept before it was opened, or locked; or it is just being swept."""
    assert fcntl is not None
    real_flock, real_open, taken = fcntl.flock, os.open, [True]

    def sweep() -> bool:
        if not taken:
            return False
        taken.pop()
        for name in names(tmp_path):
            os.rmdir(tmp_path / name)
        return True

    def flock(file: int, operation: int) -> None:
        if moment != "open" and sweep() and moment == "locked":
            raise BlockingIOError
        real_flock(file, operation)

    def open_swept(*arguments: Any, **named: Any) -> int:
        if moment == "open":
            sweep()
        return real_open(*arguments, **named)

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr("ltv.output.target.os.open", open_swept)
    with TemporaryDirectory(str(tmp_path)) as directory:
        assert os.path.isdir(directory.path)
        assert names(tmp_path) == [Path(directory.path).name]
    assert taken == []
    assert names(tmp_path) == []


@NEEDS_LOCKS
def test_a_temporary_directory_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def flock(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    left = tmp_path / ".ltv-0123456789abcdef.tmp"
    left.mkdir()
    with TemporaryDirectory(str(tmp_path)) as directory:
        assert os.path.isdir(directory.path)
    assert names(tmp_path) == [left.name]
