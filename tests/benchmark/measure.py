"""What commands cost: times of runs in turn; memory and disk in a run of its own (on Linux)."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PAUSE = 0.01  # seconds between two samples of memory and disk
MB = 1_000_000


class Contender(NamedTuple):
    """A command, and whether what it prints says the same as what the first one of all prints."""

    name: str
    command: list[str]
    agrees: Callable[[str, str], bool]
    prepare: Callable[[], object] = lambda: None  # before every run, not measured


class Cost(NamedTuple):
    """Of a command with all its descendants: seconds, and the bytes held at once."""

    wall: float
    processor: float
    memory: float
    disk: float


def started(command: list[str], directory: str | None = None) -> subprocess.Popen[str]:
    """Start it, with temporary files in `directory`."""
    environment = os.environ | {"TMPDIR": directory} if directory else None
    return subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=environment)


def printed_by(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    with process.stdout:
        return process.stdout.read()


def checked(command: list[str], status: int) -> None:
    if status:
        raise SystemExit(f"{command} ended with status {status}")


def timed(command: list[str]) -> tuple[float, float, str]:
    """Wall time, processor time of it and of all it waited for, and what it prints."""
    begin = time.perf_counter()
    process = started(command)
    printed = printed_by(process)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    checked(command, process.returncode)
    return wall, usage.ru_utime + usage.ru_stime, printed


def family(pid: int) -> list[int]:
    """The process and all its descendants that live."""
    found = [pid]
    for parent in found:  # which grows
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # it, or one of its threads, has just ended
    return found


def proportional_bytes(pid: int) -> int:
    """What a process holds in memory; of pages that n processes share, an n-th."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def bytes_in(directory: str) -> int:
    """Return how much disk the files take that are there now."""
    found = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):  # it has just been removed
                found += os.stat(os.path.join(parent, name)).st_blocks * 512
    return found


def peak(command: list[str]) -> tuple[int, int, str]:
    """The most memory and disk that the command and its descendants held, and what it prints."""
    memory = disk = 0
    with tempfile.TemporaryDirectory() as directory:
        process = started(command, directory)  # it prints less than a pipe holds
        while process.poll() is None:
            memory = max(memory, sum(map(proportional_bytes, family(process.pid))))
            disk = max(disk, bytes_in(directory))
            time.sleep(PAUSE)
    checked(command, process.returncode)
    return memory, disk, printed_by(process)


def median(rounds: list[tuple[float, float]], memory: int, disk: int) -> Cost:
    wall, processor = map(statistics.median, zip(*rounds, strict=True))
    return Cost(wall, processor, memory, disk)


def in_turn(contenders: list[Contender], runs: int) -> dict[str, Cost]:
    """Medians of so many rounds; each contender gives the same answer in every run."""
    held, answers = {}, {}
    times: dict[str, list[tuple[float, float]]] = {one.name: [] for one in contenders}
    for one in contenders:  # this also brings its files into the cache
        one.prepare()
        memory, disk, answers[one.name] = peak(one.command)
        held[one.name] = memory, disk
    for _ in range(runs):
        for one in contenders:
            one.prepare()
            wall, processor, printed = timed(one.command)
            times[one.name].append((wall, processor))
            if printed != answers[one.name]:
                raise SystemExit(f"{one.name} prints something else in another run")
    first = contenders[0]
    for one in contenders[1:]:
        if not one.agrees(answers[one.name], answers[first.name]):
            raise SystemExit(f"{one.name} gives another answer than {first.name}")
    return {name: median(rounds, *held[name]) for name, rounds in times.items()}
