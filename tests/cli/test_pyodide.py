"""The program on CPython 3.14 without processes: pyodide, which is that as WebAssembly.

Here it reads zstd, too, whatever the Python is that runs the tests.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import Main_Calculation
from conftest import PROJECT, SOURCES, without_origin
from node_packages import node_with_packages

pytestmark = pytest.mark.slow

PYODIDE = Path(__file__).parent / "pyodide"
SAMPLE = PROJECT / "input/events.txt"
CDNOW = PROJECT.parent / "shared/data/cdnow.jsonl.gz"
ENDINGS = ("txt", "csv", "json", "jsonl", "md", "html")

#: Runs the program once for each of the command lines, in one process, as if it were on its own.
RUNS = """
import runpy
import sys

assert sys.version_info[:2] == (3, 14), sys.version
sys.path.insert(0, {sources!r})
for arguments in {command_lines!r}:
    sys.argv = [{sources!r} + "/Main_Calculation.py", *arguments]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        print("ended with", end.code, file=sys.stderr)
"""

COMPRESS = """
from compression import zstd
from pathlib import Path

Path({compressed!r}).write_bytes(zstd.compress(Path({plain!r}).read_bytes()))
"""


@pytest.fixture(scope="module")
def node() -> str:
    command: str = node_with_packages(PYODIDE)
    return command


@pytest.fixture
def there(node: str, tmp_path: Path) -> Callable[[str], list[str]]:
    """Has pyodide run a script of Python; gives the lines that it wrote to standard error."""

    def run_there(script: str) -> list[str]:
        mounted = {SOURCES, SAMPLE.parent, tmp_path, *([CDNOW.parent] if CDNOW.exists() else [])}
        command = [node, "run.mjs", json.dumps(sorted(map(str, mounted))), script]
        done = subprocess.run(command, cwd=PYODIDE, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr.splitlines()

    return run_there


def command_line(log: Path, output: Path, *options: str) -> list[str]:
    return ["50", str(log), "-q", "-o", str(output), *options]


def runs_of(*command_lines: list[str]) -> str:
    return RUNS.format(command_lines=command_lines, sources=str(SOURCES))


def check_all_formats(
    log: Path, log_here: Path, directory: Path, there: Callable[[str], list[str]]
) -> None:
    """Hold the results for `log` there, in all formats, to those for `log_here` here."""
    outputs = {ending: directory / f"there.{ending}" for ending in ENDINGS}
    said = there(runs_of(*(command_line(log, output) for output in outputs.values())))
    assert said == ["ended with 0"] * len(ENDINGS)
    for ending, output in outputs.items():
        here = directory / f"here.{ending}"
        assert Main_Calculation.main(command_line(log_here, here)) == 0
        written = without_origin(output.read_bytes()), without_origin(here.read_bytes())
        assert written[0] == written[1], ending


def test_the_sample(tmp_path: Path, there: Callable[[str], list[str]]):
    check_all_formats(SAMPLE, SAMPLE, tmp_path, there)
    rejects, rejects_here = sorted(tmp_path.glob("*.csv.rejects.jsonl"), reverse=True)
    assert rejects.read_bytes() == rejects_here.read_bytes() != b""


@pytest.mark.skipif(not CDNOW.exists(), reason="shared/data/ is not beside the project's root")
def test_a_large_log(tmp_path: Path, there: Callable[[str], list[str]]):
    check_all_formats(CDNOW, CDNOW, tmp_path, there)


def test_zstd(tmp_path: Path, there: Callable[[str], list[str]]):
    log = tmp_path / "events.zst"
    assert there(COMPRESS.format(compressed=str(log), plain=str(SAMPLE))) == []
    check_all_formats(log, SAMPLE, tmp_path, there)


def test_a_large_log_without_processes(tmp_path: Path, there: Callable[[str], list[str]]):
    log, output, here = (tmp_path / name for name in ("events", "there.csv", "here.csv"))
    event = (
        '{{"type": "SITE_VISIT", "verb": "NEW", "key": "p{0}", "customer_id": "c{1}", '
        '"event_time": "2017-01-01"}}\n'
    )
    log.write_text("".join(event.format(number, number % 999) for number in range(40_000)))
    assert there(runs_of(command_line(log, output, "--workers", "3"))) == ["ended with 0"]
    assert Main_Calculation.main(command_line(log, here)) == 0
    assert output.read_bytes() == here.read_bytes()


def test_a_store(tmp_path: Path, there: Callable[[str], list[str]]):
    store, output, here = (tmp_path / name for name in ("store", "there.json", "here.json"))
    first = command_line(SAMPLE, output, "--store", str(store))
    again = [argument for argument in first if argument != str(SAMPLE)]
    assert there(runs_of(first, again)) == ["ended with 0"] * 2
    again[again.index(str(output))] = str(here)
    assert Main_Calculation.main(again) == 0
    assert output.read_bytes() == here.read_bytes()


def test_a_failure_is_said_in_one_line(tmp_path: Path, there: Callable[[str], list[str]]):
    missing = tmp_path / "missing"
    assert there(runs_of(command_line(missing, tmp_path / "top.csv"))) == [
        f"Main_Calculation.py: {missing}: No such file or directory",
        "ended with 1",
    ]
