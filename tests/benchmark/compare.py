"""This program and a plain load-everything script in turn, on the same seeded log.

python tests/benchmark/compare.py [--events N] [--runs N]

Prints medians of wall time, processor time and peak memory, and their ratios to the script's.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parent.parent.parent
X = 10


class Cost(NamedTuple):
    wall_seconds: float
    processor_seconds: float
    peak_megabytes: float


def measured(command: list[str]) -> tuple[Cost, bytes]:
    """What the command costs, and what it prints; it must succeed."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with status {process.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024), printed


def ids(csv_text: bytes) -> list[bytes]:
    return [line.split(b",")[1] for line in csv_text.split(b"\r\n")[1:-1]]


def median(costs: list[Cost]) -> Cost:
    return Cost(*map(statistics.median, zip(*costs, strict=True)))


def show(name: str, cost: Cost, peer: Cost) -> None:
    wall, processor, peak = (mine / its for mine, its in zip(cost, peer, strict=True))
    print(
        f"{name:8} {cost.wall_seconds:7.1f} s wall ({wall:.2f}) "
        f"{cost.processor_seconds:7.1f} s processor ({processor:.2f}) "
        f"{cost.peak_megabytes:7.0f} MB ({peak:.2f})"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        log = os.path.join(directory, "log.jsonl")
        make = [sys.executable, str(TOP / "tests/make_log.py"), "--format", "jsonl", "-o", log]
        subprocess.run([*make, "--events", str(options.events)], check=True)
        program = [sys.executable, str(TOP / "src/Main_Calculation.py"), str(X), log]
        program += ["-q", "-f", "csv", "-o", "-"]
        plain = [sys.executable, str(Path(__file__).with_name("plain.py")), str(X), log]
        ours, peers = [], []
        for _ in range(options.runs):
            cost, printed = measured(program)
            peer, peer_printed = measured(plain)
            if ids(printed) != peer_printed.split():
                raise SystemExit("their answers differ")
            ours.append(cost)
            peers.append(peer)
    print(f"{options.events:,} events, medians of {options.runs} runs in turn")
    show("program", median(ours), median(peers))
    show("script", median(peers), median(peers))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
