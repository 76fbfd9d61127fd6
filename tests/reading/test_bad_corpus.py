"""Every case of bad_corpus.py, good, bad or damaged: the run does just what it says."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bad_corpus
import oracle
from conftest import EARLIER_REJECTS, Done
from ltv.terminal import UNSAFE

CASES = bad_corpus.all_cases()

#: What an earlier run left.
EARLIER = {"out.csv": b"earlier results\n", "out.csv.rejects.jsonl": EARLIER_REJECTS.encode()}

FORMULA_BEGINS = "=+-@\t\r＝＋－＠"

#: A run each in a process of its own.
SAMPLE = [
    "json-lines-not-json",
    "array-constants",
    "pretty-array-not-closed",
    "gzip-cut-by-1",
    "json-lines-utf-16-le-with-mark",
    "json-lines-text-terminal-escape",
    "one-line-array-depth-100000",
    "empty",
]


def test_there_are_enough_cases_and_every_reason_in_them():
    assert len(CASES) >= 100
    assert set(FEW_LONG_ONES) | set(SAMPLE) <= CASES.keys()
    assert len({reject[2] for case in CASES.values() for reject in case.rejects}) == 11


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with every case as a file."""
    directory = tmp_path_factory.mktemp("corpus")
    for name, case in CASES.items():
        (directory / name).write_bytes(case.data)
    return directory


@pytest.fixture
def earlier(in_tmp: Path) -> None:
    for name, data in EARLIER.items():
        (in_tmp / name).write_bytes(data)


def left_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def rejects_in(data: bytes) -> list[tuple[Any, ...]]:
    found = []
    for line in data.decode().splitlines():
        assert not UNSAFE.search(line)
        reject = json.loads(line)
        assert reject["message"]
        found.append(place_and_reason(reject))
    return found


def place_and_reason(reject: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(reject[name] for name in ("line", "offset", "reason", "member"))


def check(file: Path, done: Done, directory: Path) -> None:
    """That a run over the case was as expected."""
    _, accepted, rejects, message = case = CASES[file.name]
    for stream in (done.out, done.err):
        assert not any(UNSAFE.search(line) for line in stream.split("\n"))
    assert "Traceback" not in done.err
    assert "a fault of this program" not in done.err
    left = left_in(directory)
    written = left.pop("out.csv.rejects.jsonl", b"")
    if message is not None:
        said = "Main_Calculation.py: " + message.replace("{file}", str(file))
        last = done.err.splitlines()[-1]
        assert last.startswith(said.removesuffix("...")) if said.endswith("...") else last == said
        assert len(done.err.splitlines()) == 1 or rejects or message.startswith("nothing to rank")
        assert done.out == ""
        assert left == {"out.csv": EARLIER["out.csv"]}
        if rejects:
            assert rejects_in(written) == rejects
        else:
            assert written == EARLIER["out.csv.rejects.jsonl"]
    else:
        counts = f"{accepted:,} accepted, {len(rejects):,} rejected."
        assert any(counts in line for line in done.err.splitlines())
        assert left.keys() == {"out.csv"}
        assert rejects_in(written) == rejects
    assert done.status == case.status


#: Of events and lines of 16 MiB and more, in every run of the tests.
FEW_LONG_ONES = [
    "json-lines-longest",
    "json-lines-too-long",
    "json-lines-long-line-with-text",
    "one-line-array-too-long",
    "run-long-line",
]


def marked(name: str) -> Any:
    is_long = "-long-line" in name or name.endswith(("-longest", "-too-long", "-many-blanks"))
    is_slow = is_long and name not in FEW_LONG_ONES
    return pytest.param(name, marks=pytest.mark.slow) if is_slow else name


@pytest.mark.parametrize("name", [marked(name) for name in sorted(CASES)])
def test_case(name: str, run: Callable[..., Done], in_tmp: Path, earlier: None, corpus: Path):
    check(corpus / name, run(1000, corpus / name, "-o", "out.csv"), in_tmp)
    if CASES[name].status == 0:
        check_rows(name, in_tmp / "out.csv")


def check_rows(name: str, output: Path) -> None:
    """That the results are those of the oracle, and nothing in them is run by a spreadsheet."""
    with output.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    result = oracle.run([(name, CASES[name].data)], 1000)
    assert len(rows) == len(result.rows)
    for row, expected in zip(rows, result.rows, strict=True):
        cells = {member: "" if cell is None else cell for member, cell in expected.items()}
        assert row == {member: inert(cell) for member, cell in cells.items()}


def inert(cell: Any) -> str:
    """A cell that a spreadsheet does not run; numbers are no text."""
    text = str(cell)
    is_formula = text.lstrip().startswith(tuple(FORMULA_BEGINS)) or text.startswith(("\t", "\r"))
    return "'" + text if is_formula and not is_number(text) else text


def is_number(text: str) -> bool:
    return (
        text.lstrip("-").replace(".", "").isascii() and text.lstrip("-").replace(".", "").isdigit()
    )


@pytest.mark.parametrize(
    "name", [marked(name) for name in sorted(CASES) if not name.endswith("-longest")]
)
def test_the_oracle_expects_the_same(name: str):
    case = CASES[name]
    try:
        result = oracle.run([(name, case.data)], 1)
        found, counts, is_damaged = result.rejects, result.counts, False
    except oracle.Failure as failure:
        found, counts, is_damaged = failure.rejects, failure.counts, bool(failure.damaged_file)
        assert case.status == 1
    assert list(map(place_and_reason, found)) == case.rejects
    assert counts.get("accepted", 0) == case.accepted
    assert is_damaged == (case.message is not None and not case.message.startswith("nothing"))


@pytest.mark.parametrize("name", SAMPLE)
def test_in_a_process_of_its_own(
    name: str, finish: Callable[..., Done], in_tmp: Path, earlier: None, corpus: Path
):
    check(corpus / name, finish(1000, corpus / name, "-o", "out.csv"), in_tmp)
