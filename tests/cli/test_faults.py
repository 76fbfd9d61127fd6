"""What fails around a run: kills, full disks and signals lose nothing that was there before.

Every run here is a process of its own. It reads an earlier output's place, `out.csv` and
`out.csv.rejects.jsonl`, and replaces both by other, longer ones.
"""

import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conftest import SOURCES, UNMEASURED, environment_with

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and rename are those of POSIX")

PROGRAM = SOURCES / "Main_Calculation.py"
PATIENCE = 60  # seconds, for anything that is waited for

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
EACH_SIGNAL = pytest.mark.parametrize("number", SIGNALS, ids=[number.name for number in SIGNALS])


class Done(NamedTuple):
    """What a run came to."""

    status: int
    out: bytes
    err: str


def order(number: int, amount: str) -> str:
    return (
        f'{{"type":"ORDER","verb":"NEW","key":"o{number}","customer_id":"customer é {number}",'
        f'"event_time":"2017-01-01T10:00Z","total_amount":"{amount}"}}\n'
    )


class Place:
    """A directory with a log, what an earlier run left, and what is to be there after another."""

    def __init__(self, directory: Path, repeated: int = 1) -> None:
        self.directory = directory
        self.output = directory / "out.csv"
        self.rejects = directory / "out.csv.rejects.jsonl"
        self.log = directory / "log"
        self.log.write_text(
            "".join(
                order(number, "1.50" if number % 3 else "NONE " + "x" * 150)
                for number in range(300)
            )
            * repeated,
            encoding="utf-8",
        )
        small = directory / "small"
        small.write_text(order(1, "1") + order(2, "bad"), encoding="utf-8")
        self.old = self._results_of("small")
        self.new = self._results_of("log")
        self.without = directory / "without"
        self.without.write_text("".join(order(number, "1.50") for number in range(300)), "utf-8")
        self.reset()

    def _results_of(self, name: str) -> tuple[bytes, bytes]:
        done = self.run(name)
        assert done.status == 0, done.err
        assert self.left_behind() == []
        return self.output.read_bytes(), self.rejects.read_bytes()

    def reset(self) -> None:
        """As the earlier run left it."""
        for path in self.directory.glob(".ltv-*"):
            path.unlink()
        for path, content in zip((self.output, self.rejects), self.old, strict=True):
            path.unlink(missing_ok=True)  # some file systems take their time to write over one
            path.write_bytes(content)

    def start(
        self, *arguments: object, env: dict[str, str | None] | None = None, **more: Any
    ) -> "subprocess.Popen[bytes]":
        """The program on these arguments; -S: nothing measures, and it starts sooner."""
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        return subprocess.Popen(
            [sys.executable, "-S", str(PROGRAM), "1000", *map(str, arguments)],
            cwd=self.directory,
            env=environment_with(UNMEASURED | {"PYTHONDONTWRITEBYTECODE": None} | (env or {})),
            **settings | more,
        )

    def finish(self, process: "subprocess.Popen[bytes]") -> Done:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return Done(process.returncode, out, err.decode("utf-8"))

    def run(self, name: str, *more: object, env: dict[str, str | None] | None = None) -> Done:
        return self.finish(self.start(name, "-o", "out.csv", *more, env=env))

    def left_behind(self) -> list[str]:
        return [path.name for path in self.directory.glob(".ltv-*")]

    def what_is_there(self) -> tuple[str, str]:
        """Of the results and of the rejects, whether they are the old, the new, or other ones."""
        names = []
        for path, old, new in zip((self.output, self.rejects), self.old, self.new, strict=True):
            content = path.read_bytes() if path.exists() else None
            names.append({old: "old", new: "new"}.get(content or b"", "other"))
        return names[0], names[1]


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def place(shared_place: Place) -> Place:
    shared_place.reset()
    return shared_place


@pytest.fixture(scope="module")
def shared_busy_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("busy"), repeated=10)


@pytest.fixture
def busy_place(shared_busy_place: Place) -> Place:
    """With a log that is read for about as long as Python takes to start."""
    shared_busy_place.reset()
    return shared_busy_place


@pytest.fixture
def duration(busy_place: Place) -> float:
    """About how many seconds a run takes just now."""
    begin = time.monotonic()
    busy_place.run("log")
    busy_place.reset()
    return time.monotonic() - begin


#: The rejects are put in place first, so the results are never new while the rejects are old.
IN_ORDER = {("old", "old"), ("old", "new"), ("new", "new")}


# --- kill -9 ----------------------------------------------------------------------------------


def check_next_run(place: Place) -> None:
    """A run works, and sweeps up, whatever the one before it left."""
    done = place.run("log", "-q")
    assert done == (0, b"", "")
    assert place.what_is_there() == ("new", "new")
    assert place.left_behind() == []


def kill_at_random_moments(place: Place, duration: float, seed: int, count: int, pace: int) -> None:
    rng = random.Random(seed)
    killed = 0
    for number in range(count):
        place.reset()
        process = place.start("log", "-o", "out.csv")
        time.sleep(duration * (number + rng.random()) / count)
        process.kill()
        status = place.finish(process).status
        assert status in (0, -signal.SIGKILL)
        killed += status != 0
        assert place.what_is_there() in IN_ORDER
        if status == 0:
            assert place.what_is_there() == ("new", "new")
        if number % pace == 0:
            check_next_run(place)
    assert killed


def test_a_kill_at_any_moment_leaves_whole_files(busy_place: Place, duration: float):
    kill_at_random_moments(busy_place, duration, 1, 12, pace=4)


@pytest.mark.slow
def test_a_hundred_kills_leave_whole_files(busy_place: Place, duration: float):
    kill_at_random_moments(busy_place, duration, 2, 100, pace=1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
def test_a_run_does_not_sweep_what_a_living_one_writes(place: Place, tmp_path: Path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    living = place.start(fifo, "-o", "living.csv")
    try:
        with open(fifo, "wb", buffering=0) as stream:  # waits for the program to open it
            for _ in range(2):  # before it writes, and while it does
                waiting = sorted(place.left_behind())
                assert len(waiting) == 2
                assert place.run("log", "-q") == (0, b"", "")
                assert sorted(place.left_behind()) == waiting
                stream.write(place.log.read_bytes())
        done = place.finish(living)
        assert done.status == 0, done.err
        assert place.left_behind() == []
        assert place.what_is_there() == ("new", "new")
        assert (place.directory / "living.csv").read_bytes() == place.new[0]
        rejects = (place.directory / "living.csv.rejects.jsonl").read_bytes()
        assert rejects.count(b"\n") == 2 * place.new[1].count(b"\n")
    finally:
        living.kill()
        for path in place.directory.glob("living.*"):
            path.unlink()


# --- Calls of the system that fail ------------------------------------------------------------

FAULTS_C = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * LTV_FAULT_UNDER   the directory whose files count
 * LTV_FAULT_STREAM  the only descriptor that counts instead, 0 to 2
 * LTV_FAULT_AT      which call, from 1, has the fault; 0: every write, if it is a short one
 * LTV_FAULT_KIND    ENOSPC, EIO, EDQUOT: it fails; short: it writes less than asked;
 *                   kill, int, term, hup: the process gets that signal before the call,
 *                   -after: behind it
 * LTV_FAULT_STICKS  if set, all writes behind it fail, too
 * LTV_FAULT_TOLD    the file that is told which call it was
 */
static int calls = 0;

static const char *kind(void) {
    const char *text = getenv("LTV_FAULT_KIND");
    return text ? text : "";
}

static int is_under(const char *path) {
    const char *under = getenv("LTV_FAULT_UNDER");
    return under && strncmp(path, under, strlen(under)) == 0;
}

static int counts(int fd) {
    const char *stream = getenv("LTV_FAULT_STREAM");
    char link[64], path[4096];
    ssize_t length;
    if (stream)
        return fd == atoi(stream);
    if (fd <= 2)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_under(path);
}

static void tell(const char *call, int fd) {
    const char *told = getenv("LTV_FAULT_TOLD");
    struct stat status;
    char text[128];
    int file, is_directory = fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    if (!told)
        return;
    file = syscall(SYS_openat, AT_FDCWD, told, O_WRONLY | O_CREAT | O_APPEND, 0600);
    snprintf(text, sizeof text, "%s%s\n", call, is_directory ? " of a directory" : "");
    syscall(SYS_write, file, text, strlen(text));
    syscall(SYS_close, file);
}

static int signal_of(const char *name) {
    if (strncmp(name, "kill", 4) == 0) return SIGKILL;
    if (strncmp(name, "int", 3) == 0) return SIGINT;
    if (strncmp(name, "term", 4) == 0) return SIGTERM;
    if (strncmp(name, "hup", 3) == 0) return SIGHUP;
    return 0;
}

/* Whether this call is the one. */
static int is_due(const char *call, int fd) {
    const char *at = getenv("LTV_FAULT_AT");
    int due = at ? atoi(at) : -1;
    calls++;
    if (calls == due || (due == 0 && strcmp(kind(), "short") == 0)) {
        tell(call, fd);
        return 1;
    }
    return due > 0 && calls > due && getenv("LTV_FAULT_STICKS") && strstr(call, "write");
}

static int error_of_kind(void) {
    if (strcmp(kind(), "ENOSPC") == 0) return ENOSPC;
    if (strcmp(kind(), "EDQUOT") == 0) return EDQUOT;
    if (strcmp(kind(), "EIO") == 0) return EIO;
    return 0;
}

#define FAULT(call, fd, real)                                        \
    do {                                                             \
        if (is_due(call, fd)) {                                      \
            int number = signal_of(kind());                          \
            if (error_of_kind()) {                                   \
                errno = error_of_kind();                             \
                return -1;                                           \
            }                                                        \
            if (number && !strstr(kind(), "-after"))                 \
                syscall(SYS_kill, getpid(), number);                 \
            if (number && strstr(kind(), "-after")) {                \
                long result = (real);                                \
                int error = errno;                                   \
                syscall(SYS_kill, getpid(), number);                 \
                errno = error;                                       \
                return result;                                       \
            }                                                        \
        }                                                            \
    } while (0)

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static size_t less(size_t length) { return length > 1 ? (length + 1) / 3 : length; }

ssize_t write(int fd, const void *data, size_t length) {
    if (counts(fd)) {
        FAULT("write", fd, REAL(write)(fd, data, length));
        if (strcmp(kind(), "short") == 0 && atoi(getenv("LTV_FAULT_AT")) == 0)
            return REAL(write)(fd, data, less(length));
        if (strcmp(kind(), "short") == 0 && calls == atoi(getenv("LTV_FAULT_AT")))
            return REAL(write)(fd, data, less(length));
    }
    return REAL(write)(fd, data, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (counts(fd))
        FAULT("writev", fd, REAL(writev)(fd, parts, count));
    return REAL(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    if (counts(fd))
        FAULT("pwrite", fd, REAL(pwrite)(fd, data, length, at));
    return REAL(pwrite)(fd, data, length, at);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    if (counts(fd))
        FAULT("pwrite", fd, REAL(pwrite64)(fd, data, length, at));
    return REAL(pwrite64)(fd, data, length, at);
}

int fsync(int fd) {
    if (counts(fd))
        FAULT("fsync", fd, 0);
    return 0; /* nothing pulls the plug: the tests need not wait for the disk */
}

int fdatasync(int fd) {
    if (counts(fd))
        FAULT("fdatasync", fd, REAL(fdatasync)(fd));
    return REAL(fdatasync)(fd);
}

static const char *renaming(const char *to) {
    const char *end = strrchr(to, '.');
    return end && strcmp(end, ".jsonl") == 0 ? "rename rejects" : "rename results";
}

int rename(const char *from, const char *to) {
    if (is_under(to) && !getenv("LTV_FAULT_STREAM"))
        FAULT(renaming(to), -1, REAL(rename)(from, to));
    return REAL(rename)(from, to);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
    if (is_under(to) && !getenv("LTV_FAULT_STREAM"))
        FAULT(renaming(to), -1, REAL(renameat)(from_fd, from, to_fd, to));
    return REAL(renameat)(from_fd, from, to_fd, to);
}

/* Where a signal may come, but nothing fails. */
static int is_signal(void) { return signal_of(kind()) != 0; }

int unlink(const char *path) {
    if (is_signal() && is_under(path) && !getenv("LTV_FAULT_STREAM"))
        FAULT("unlink", -1, REAL(unlink)(path));
    return REAL(unlink)(path);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before) {
    if (getenv("LTV_FAULT_SIGACTION") && is_signal() && action
            && (number == SIGINT || number == SIGTERM || number == SIGHUP))
        FAULT("sigaction", -1, REAL(sigaction)(number, action, before));
    return REAL(sigaction)(number, action, before);
}
"""


class Faults:
    """The library between the program and the system, and what it is told."""

    def __init__(self, library: Path, place: Place) -> None:
        self.library = library
        self.place = place
        self.told = library.parent / "told"

    def run(self, kind: str, at: int, *arguments: object, **more: str) -> tuple[Done, list[str]]:
        """A run in which a call has a fault; and which call it was, none if it was not reached."""
        self.told.unlink(missing_ok=True)
        env: dict[str, str | None] = {
            "LD_PRELOAD": str(self.library),
            "LTV_FAULT_UNDER": str(self.place.directory),
            "LTV_FAULT_KIND": kind,
            "LTV_FAULT_AT": str(at),
            "LTV_FAULT_TOLD": str(self.told),
        }
        named: dict[str, str | None] = {
            f"LTV_FAULT_{name.upper()}": value for name, value in more.items()
        }
        call = arguments or ("log", "-o", "out.csv")
        done = self.place.finish(self.place.start(*call, env=env | named))
        return done, self.told.read_text().splitlines() if self.told.exists() else []


@pytest.fixture(scope="module")
def faults(shared_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Faults:
    if not sys.platform.startswith("linux"):
        pytest.skip("the library that makes calls fail is for Linux")
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler `cc` to make calls fail with")
    directory = tmp_path_factory.mktemp("preload")
    source, library = directory / "faults.c", directory / "faults.so"
    source.write_text(FAULTS_C)
    options = ["-shared", "-fPIC", "-O1", "-w"]
    command = [compiler, *options, "-o", str(library), str(source), "-ldl"]
    made = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
    if made.returncode:
        pytest.skip(f"the library that makes calls fail cannot be made: {made.stderr.decode()}")
    faults = Faults(library, shared_place)
    shared_place.reset()
    if faults.run("EIO", 1)[1] == []:
        pytest.skip("this Python does not call the system through a shared library")
    return faults


def each_call(
    place: Place, faults: Faults, kinds: list[str], *arguments: object, **more: str
) -> Iterator[tuple[str, str, Done]]:
    """Runs in which the first call has a fault, the second, and so on: call, fault, what came.

    The kinds of faults take turns.
    Ends when a run comes to its end without one.
    """
    for at in range(1, 1000):
        place.reset()
        kind = kinds[at % len(kinds)]
        done, calls = faults.run(kind, at, *arguments, **more)
        if not calls:
            assert done.status == 0, done.err
            return
        yield calls[0], kind, done
    raise AssertionError("a run makes no thousand calls")


def check_failure(place: Place, done: Done, name: str, reason: str) -> None:
    """It failed, said so in one line that names the file, and left nothing."""
    assert done.status == 1
    assert done.err == f"Main_Calculation.py: {name}: cannot be written: {reason}\n"
    assert place.left_behind() == []


REASONS = {
    "ENOSPC": "No space left on device",
    "EIO": "Input/output error",
    "EDQUOT": "Disk quota exceeded",
}


def turns_and_each(kinds: list[str]) -> pytest.MarkDecorator:
    """The kinds take turns at the calls in the quick tests; in the slow ones each call has each."""
    each = [pytest.param([kind], marks=pytest.mark.slow, id=kind) for kind in kinds]
    return pytest.mark.parametrize("kinds", [pytest.param(kinds, id="in-turn"), *each])


@turns_and_each([*REASONS])
def test_any_call_may_fail(kinds: list[str], place: Place, faults: Faults):
    seen = []
    for call, kind, done in each_call(place, faults, kinds):
        seen.append(call)
        if call == "fsync of a directory":  # the files are in place, and whole
            assert done.status == 0, done.err
            assert place.what_is_there() == ("new", "new")
            assert place.left_behind() == []
            continue
        named = "out.csv" if "out.csv: " in done.err else "out.csv.rejects.jsonl"
        check_failure(place, done, named, REASONS[kind])
        if call == "rename results":  # when the rejects are in place already
            assert named == "out.csv"
            assert place.what_is_there() == ("old", "new")
        else:
            assert place.what_is_there() == ("old", "old")
        if call == "rename rejects":
            assert named == "out.csv.rejects.jsonl"
    assert place.what_is_there() == ("new", "new")
    assert seen.count("fsync") == 2
    assert seen.count("write") > 3
    assert {"rename results", "rename rejects", "fsync of a directory"} <= set(seen)


def test_a_disk_that_is_full_from_some_moment_on(place: Place, faults: Faults):
    """Of what is written, the first are rejects, while the log is still being read."""
    names = []
    for call, _, done in each_call(place, faults, ["ENOSPC"], sticks="1"):
        if call == "write":
            names.append("out.csv" if "out.csv: " in done.err else "out.csv.rejects.jsonl")
            check_failure(place, done, names[-1], REASONS["ENOSPC"])
            assert place.what_is_there() == ("old", "old")
            assert done.out.count(b"\n") == 0 or names[-1] == "out.csv.rejects.jsonl"
    assert names[0] == "out.csv.rejects.jsonl"
    assert "out.csv" in names


def test_a_disk_that_is_full_when_the_rejects_say_why_it_fails(place: Place, faults: Faults):
    arguments = ("log", "-o", "out.csv", "--strict")
    seen = []
    for at in range(1, 1000):
        place.reset()
        done, calls = faults.run("ENOSPC", at, *arguments)
        if not calls:
            assert (done.status, place.what_is_there()) == (3, ("old", "new"))
            break
        seen += calls
        if calls != ["fsync of a directory"]:
            check_failure(place, done, "out.csv.rejects.jsonl", REASONS["ENOSPC"])
            assert place.what_is_there() == ("old", "old")
    assert {"write", "fsync", "rename rejects"} <= set(seen)


def test_writes_that_take_less_than_they_are_given(place: Place, faults: Faults):
    done, calls = faults.run("short", 0)
    assert done.status == 0, done.err
    assert calls.count("write") > 20
    assert place.what_is_there() == ("new", "new")


@pytest.mark.slow
def test_any_write_may_take_less_than_it_is_given(place: Place, faults: Faults):
    for _, _, done in each_call(place, faults, ["short"]):
        assert done.status == 0, done.err
        assert place.what_is_there() == ("new", "new")


def test_a_standard_output_that_takes_less_than_it_is_given(place: Place, faults: Faults):
    arguments = ("log", "-o", "-", "-f", "csv", "-q")
    done, calls = faults.run("short", 0, *arguments, stream="1")
    assert (done.status, done.out, done.err) == (0, place.new[0], "")
    assert len(calls) > 3


@turns_and_each([*REASONS])
@pytest.mark.parametrize("options", [["-o", "-", "-f", "csv"], ["-o", "out.csv"]])
def test_a_standard_output_that_fails(
    kinds: list[str], options: list[str], place: Place, faults: Faults
):
    count = 0
    for _, kind, done in each_call(place, faults, kinds, "log", *options, stream="1"):
        count += 1
        assert done.status == 1
        last = done.err.splitlines()[-1]
        assert re.fullmatch(rf"Main_Calculation\.py: (-|standard output): .*{REASONS[kind]}", last)
        assert "Traceback" not in done.err and "Exception ignored" not in done.err
        assert place.what_is_there() == ("old", "old")
        assert place.left_behind() == []
    assert count


def test_a_kill_behind_any_call_leaves_whole_files(place: Place, faults: Faults):
    seen = set()
    for call, _, done in each_call(place, faults, ["kill-after"]):
        assert done.status == -signal.SIGKILL
        there = place.what_is_there()
        assert there in IN_ORDER
        if call == "rename rejects":
            assert there == ("old", "new")
        if call == "rename results":
            assert there == ("new", "new")
        seen.add(there)
    assert seen == IN_ORDER
    check_next_run(place)


def test_a_kill_at_any_call_of_a_run_without_rejects(place: Place, faults: Faults):
    """The old rejects are removed before the results are put in place."""
    gone = 0
    for _, _, done in each_call(place, faults, ["kill"], "without", "-o", "out.csv"):
        assert done.status == -signal.SIGKILL
        if place.output.read_bytes() == place.old[0]:
            assert not place.rejects.exists() or place.what_is_there()[1] == "old"
        else:
            assert not place.rejects.exists()
            gone += 1
    assert gone
    check_next_run(place)


# --- Signals ----------------------------------------------------------------------------------


def check_interrupted(place: Place, done: Done, *numbers: signal.Signals) -> bool:
    """Whatever a signal may do to a run, it did that alone; whether the program listened.

    It listens a moment after it was started. Until then, a signal does what it does to any Python:
    it ends the process, and SIGINT may be told of as KeyboardInterrupt, in nothing of the program's
    but the first lines, or, while Python sets itself up, as whatever fails there for that reason.
    """
    there = place.what_is_there()
    assert there in {("old", "old"), ("new", "new")}
    listening = {128 + number: f"interrupted by {number.name}" for number in numbers}
    if done.status in listening:
        lines = done.err.splitlines()
        assert lines[-1] == f"Main_Calculation.py: {listening[done.status]}"
        assert "Traceback" not in done.err
        if there == ("old", "old"):
            assert len(lines) == 1
        assert place.left_behind() == []
        return True
    if done.status == 0:
        assert there == ("new", "new")
        assert place.left_behind() == []
        return True
    # Or no longer: when all is done, Python gives the signals back before it is gone.
    is_start_of_python = done.status == 1 and done.err.startswith("Fatal Python error: init_")
    assert -done.status in numbers or (is_start_of_python and signal.SIGINT in numbers), done
    assert place.left_behind() == []
    if is_start_of_python or "KeyboardInterrupt" in done.err:
        assert "LTV_" not in done.err and "in main" not in done.err
    elif there == ("old", "old"):
        assert done.err == ""
    else:
        assert done.err.endswith("out.csv.rejects.jsonl\n") and "Traceback" not in done.err
    return False


def signal_at_random_moments(
    place: Place, duration: float, seed: int, count: int, *numbers: signal.Signals
) -> None:
    rng = random.Random(seed)
    listened = 0
    moments = [duration * (moment + rng.random()) / count for moment in range(count)]
    moments += [duration * 1.5**times for times in range(20)]  # where the start takes longer today
    for moment, seconds in enumerate(moments):
        if moment >= count and listened:
            break
        place.reset()
        process = place.start("log", "-o", "out.csv")
        time.sleep(seconds)
        for number in numbers:
            process.send_signal(number)
            if len(numbers) > 1:
                time.sleep(rng.uniform(0.005, 0.02))  # the first has been taken note of
        listened += check_interrupted(place, place.finish(process), *numbers)
    assert listened


@EACH_SIGNAL
def test_a_signal_at_any_moment(number: signal.Signals, busy_place: Place, duration: float):
    signal_at_random_moments(busy_place, duration, 3, 6, number)


@pytest.mark.slow
@EACH_SIGNAL
def test_a_signal_at_many_moments(number: signal.Signals, busy_place: Place, duration: float):
    signal_at_random_moments(busy_place, duration, 4, 60, number)


@EACH_SIGNAL
def test_a_second_signal_changes_nothing(
    number: signal.Signals, busy_place: Place, duration: float
):
    others = [other for other in SIGNALS if other != number]
    signal_at_random_moments(busy_place, duration, 5, 3, number, number, others[0])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
def test_two_signals_at_once(place: Place, tmp_path: Path):
    """Both come before the handler of the first has run."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = place.start(fifo, "-o", "out.csv")
    with open(fifo, "wb", buffering=0):  # waits for the program to open it
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
            process.send_signal(number)
        done = place.finish(process)
    assert done.status in (130, 143)
    assert place.left_behind() == []
    assert place.what_is_there() == ("old", "old")
    assert done.err.startswith("Main_Calculation.py: interrupted by SIG"), done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("kind", ["term-after", "hup-after"])
def test_a_signal_just_when_the_program_begins_to_listen(kind: str, place: Place, faults: Faults):
    for at in itertools.count(1):
        place.reset()
        done, calls = faults.run(kind, at, sigaction="1")
        check_interrupted(place, done, *SIGNALS)
        if calls != ["sigaction"]:
            break
    assert at > len(SIGNALS), "each signal is listened to"


@turns_and_each(["int", "term-after", "hup", "int-after", "term", "hup-after"])
def test_a_signal_at_any_call(kinds: list[str], place: Place, faults: Faults):
    seen = set()
    for call, _, done in each_call(place, faults, kinds):
        seen.add(call)
        assert check_interrupted(place, done, *SIGNALS)
    assert {"write", "fsync", "rename results", "rename rejects"} <= seen
