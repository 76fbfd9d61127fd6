"""Every file of `data/bad/`, good, bad or damaged: the run does just what `expected.json` says."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import make_bad_corpus
import oracle
from conftest import EARLIER_REJECTS, Done
from LTV_Text import UNSAFE

CORPUS = Path(__file__).parent / "data" / "bad"
EXPECTED: dict[str, Any] = json.loads((CORPUS / make_bad_corpus.EXPECTED).read_bytes())
NO_CASES = {make_bad_corpus.EXPECTED, make_bad_corpus.ATTRIBUTES}
FILES = sorted(path.name for path in CORPUS.iterdir() if path.name not in NO_CASES)

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

#: Bytes behind the stream that are fewer than its next header would have are called a stream that
#: is cut off. It is damage either way, but the words lead astray.


def test_the_files_are_what_the_script_makes():
    made = make_bad_corpus.all_files()
    there = {path.name: path.read_bytes() for path in CORPUS.iterdir()}
    assert sorted(there) == sorted(made)
    assert [name for name, data in made.items() if there[name] != data] == []


def test_there_are_enough_cases_and_every_reason_in_them():
    assert len(FILES) >= 100
    assert sorted(EXPECTED) == FILES
    reasons = {reject[2] for case in EXPECTED.values() for reject in case["rejects"]}
    assert len(reasons) == 11
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < 1_000_000


@pytest.fixture
def earlier(in_tmp: Path) -> None:
    for name, data in EARLIER.items():
        (in_tmp / name).write_bytes(data)


def left_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def rejects_in(data: bytes) -> list[list[Any]]:
    found = []
    for line in data.decode().splitlines():
        assert not UNSAFE.search(line)
        reject = json.loads(line)
        assert reject["message"]
        found.append([reject[name] for name in ("line", "offset", "reason", "member")])
    return found


def check(name: str, done: Done, directory: Path) -> None:
    """That a run over the case was as expected."""
    case = EXPECTED[name]
    accepted, rejects, message = case["accepted"], case["rejects"], case["message"]
    for stream in (done.out, done.err):
        assert not any(UNSAFE.search(line) for line in stream.split("\n"))
    assert "Traceback" not in done.err
    assert "a fault of this program" not in done.err
    left = left_in(directory)
    written = left.pop("out.csv.rejects.jsonl", b"")
    if message is not None:
        said = "Main_Calculation.py: " + message.replace("{file}", str(CORPUS / name))
        last = done.err.splitlines()[-1]
        assert last.startswith(said.removesuffix("...")) if said.endswith("...") else last == said
        assert len(done.err.splitlines()) == 1 or message.startswith("nothing to rank")
        assert done.out == ""
        assert left == {"out.csv": EARLIER["out.csv"]}
        if rejects:
            assert rejects_in(written) == rejects
        else:
            assert written == EARLIER["out.csv.rejects.jsonl"]
    else:
        counts = f"{accepted:,} accepted, {len(rejects):,} rejected."
        assert counts in done.err.splitlines()[0]
        assert left.keys() == {"out.csv"}
        assert rejects_in(written) == rejects
    assert done.status == case["status"]


def marked(name: str) -> Any:
    if name.endswith(("-longest", "-too-long")) and not name.startswith(("json-lines", "array")):
        return pytest.param(name, marks=pytest.mark.slow)
    return name


@pytest.mark.parametrize("name", [marked(name) for name in FILES])
def test_case(name: str, run: Callable[..., Done], in_tmp: Path, earlier: None):
    check(name, run(1000, CORPUS / name, "-o", "out.csv"), in_tmp)
    if EXPECTED[name]["status"] == 0:
        check_rows(name, in_tmp / "out.csv")


def check_rows(name: str, output: Path) -> None:
    """That the results are those of the oracle, and nothing in them is run by a spreadsheet."""
    with output.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    result = oracle.run([(name, (CORPUS / name).read_bytes())], 1000)
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


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith("-longest")])
def test_the_oracle_expects_the_same(name: str):
    case = EXPECTED[name]
    data = (CORPUS / name).read_bytes()
    try:
        result = oracle.run([(name, data)], 1)
        found, counts, is_damaged = result.rejects, result.counts, False
    except oracle.Failure as failure:
        found, counts, is_damaged = failure.rejects, failure.counts, bool(failure.damaged_file)
        assert case["status"] == 1
    rejects = [[reject[key] for key in ("line", "offset", "reason", "member")] for reject in found]
    assert rejects == case["rejects"]
    assert counts.get("accepted", 0) == case["accepted"]
    assert is_damaged == (case["status"] == 1 and not case["message"].startswith("nothing"))


@pytest.mark.parametrize("name", SAMPLE)
def test_in_a_process_of_its_own(
    name: str, finish: Callable[..., Done], in_tmp: Path, earlier: None
):
    check(name, finish(1000, CORPUS / name, "-o", "out.csv"), in_tmp)
