"""A log cut off at every byte, and a log with one byte changed (SPEC, section 6)."""

import bz2
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import fuzz
import Main_Calculation
from conftest import EARLIER_REJECTS
from fuzz import Outcome, outcome_of
from ltv.errors import DamagedFileError
from ltv.reading.units import read_units
from random_logs import gzip_member, xz_member

Event = dict[str, Any]

OLD = b"what an earlier run left\n"
OLD_REJECTS = EARLIER_REJECTS.encode()


def event(number: int, kind: str = "ORDER", **members: object) -> Event:
    always = {"verb": "NEW", "key": f"k{number}", "event_time": "2017-01-02T10:00Z"}
    return {"type": kind, **always, "customer_id": "é", **members}


#: Texts that look like what stands between events, in one to four bytes a character.
GOOD = [
    event(1, "CUSTOMER", key="é", last_name='王 "}]'),
    event(2, total_amount="10.00 USD"),
    event(3, "SITE_VISIT", tags=[{"n": "},\\\n{"}, {}, [1]]),
    event(4, "IMAGE", verb="UPLOAD", camera_make="\U0001f600"),
    event(5, verb="UPDATE", total_amount=-2.50),
    event(6, total_amount="$1,234.5"),
]

# --- The framings: a file of these events, and where each of them begins and ends -------------


class Framed(NamedTuple):
    """A log: its bytes, and of each event the first and the one after its last."""

    data: bytes
    spans: list[tuple[int, int]]


def framed(before: str, texts: list[str], between: list[str], after: str) -> Framed:
    data = before.encode()
    spans = []
    for number, text in enumerate(texts):
        start = len(data)
        data += text.encode()
        spans.append((start, len(data)))
        if number < len(texts) - 1:
            data += between[number % len(between)].encode()
    return Framed(data + after.encode(), spans)


Framing = Callable[[list[str]], Framed]


def compact(text: str) -> str:
    """One event on one line; what is no JSON is on one already."""
    return text


def pretty(text: str) -> str:
    """One event over many lines, what is no JSON on one."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=1)
    except ValueError:
        return text


def pretty_first(texts: list[str]) -> list[str]:
    return [pretty(texts[0]), *texts[1:]]


ARRAYS: dict[str, Framing] = {
    "array": lambda texts: framed("[\n", texts, [",\n"], "\n]\n"),
    "pretty-array": lambda texts: framed("[\n", [*map(pretty, texts)], [",\n"], "\n]\n"),
    "one-line-array": lambda texts: framed("[", texts, [", ", ","], "]\n"),
}
BY_LINE: dict[str, Framing] = {
    "lines": lambda texts: framed("", texts, ["\n"], "\n"),
    "crlf-lines": lambda texts: framed("", texts, ["\r\n", "\n", "\r\n\r\n"], "\r\n"),
    "comma-lines": lambda texts: framed("", texts, [",\n"], ",\n"),
    "leading-comma-lines": lambda texts: framed(",", texts, ["\n,"], "\n"),
    "glued-line": lambda texts: framed("", texts, ["", "", ",", " "], "\n"),
}
#: Runs: the first event goes over many lines.
RUNS: dict[str, Framing] = {
    "run": lambda texts: framed("", pretty_first(texts), [",\n"], ",\n"),
    "glued-run": lambda texts: framed("", pretty_first(texts), ["", "", ",", " "], "\n"),
    "pretty-run": lambda texts: framed("", [*map(pretty, texts)], ["\n"], "\n"),
}
FRAMINGS = ARRAYS | BY_LINE | RUNS

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip_member,
    "bzip2": bz2.compress,
    "xz": xz_member,
}


def texts_of(events: list[Event]) -> list[str]:
    return [json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of the log; the name has nothing in it that is looked for in messages."""
    return tmp_path / "log"


@pytest.fixture
def run_in_place(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], tuple[int, str]]:
    """Runs the program over the log and over an earlier output; returns status and what was said.

    A run that fails must have left the earlier files, and one line; no run may leave others. Only
    of what is no event log are there rejects.
    """
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # thousands of them take their time
    output, rejects = tmp_path / "out.json", tmp_path / "out.json.rejects.jsonl"

    def run() -> tuple[int, str]:
        fuzz.put(output, OLD)
        fuzz.put(rejects, OLD_REJECTS)
        status = Main_Calculation.main(["9", str(path), "-q", "-o", str(output)])
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err and "a fault of this program" not in err
        if status:
            assert status == 1
            assert err.startswith("Main_Calculation.py: ") and err.count("\n") == 1
            assert output.read_bytes() == OLD
            has_rejects = err.endswith(f"; see {rejects}\n")  # of what is no event log
            assert rejects.read_bytes().startswith(
                b'{"file": "%b"' % bytes(path) if has_rejects else OLD_REJECTS
            )
        else:
            assert all(line.startswith("Warning: ") for line in err.splitlines())
            assert output.read_bytes().startswith(b"{")
            assert not rejects.exists() or rejects.read_bytes().startswith(b'{"file"')
        assert {entry.name for entry in tmp_path.iterdir()} <= {"log", output.name, rejects.name}
        return status, err

    return run


def whole_and_begun(log: Framed, cut: int) -> tuple[int, str]:
    """How many events stand whole before the cut, and what stands there of the next."""
    whole = sum(end <= cut for _, end in log.spans)
    begins = [start for start, end in log.spans if start < cut < end]
    return whole, log.data[begins[0] : cut].decode("utf-8", "replace") if begins else ""


def expected_of_cut(name: str, log: Framed, cut: int) -> tuple[int, int] | None:
    """Accepted and rejected of a log that is cut off, or None when the run must fail.

    Before the first whole event no file is a log: what is there, if anything, is no event.
    """
    whole, begun = whole_and_begun(log, cut)
    if name in ARRAYS:
        return (whole, 0) if cut > log.data.rindex(b"]") else None
    if not whole:
        return None
    if name == "pretty-run" and begun.rstrip() not in ("", "{"):
        return None  # between the lines of an event: what is there goes on after its first line
    return whole, int(bool(begun))


#: Every cut is read and ingested; so many are one whole run each in the quick tests.
EACH_PACE = pytest.mark.parametrize(
    "pace", [12, pytest.param(1, marks=pytest.mark.slow)], ids=["some-runs", "all-runs"]
)


@EACH_PACE
@pytest.mark.parametrize("name", FRAMINGS)
def test_a_log_cut_off_at_every_byte(
    name: str, pace: int, path: Path, run_in_place: Callable[[], tuple[int, str]]
):
    log = FRAMINGS[name](texts_of(GOOD))
    fates = set()
    for cut in range(len(log.data) + 1):
        data = log.data[:cut]
        fuzz.put(path, data)
        outcome = outcome_of(path)
        fuzz.check_place(outcome, data)
        if cut % pace == 0:
            fuzz.compare(outcome, data)
        expected = expected_of_cut(name, log, cut)
        is_blank = not data.strip(b"\n,")
        if expected is None:
            assert (outcome.damage is None) == is_blank, cut
        else:
            assert (outcome.damage, outcome.counts) == (None, expected), cut
            assert len(outcome.units) == sum(expected), cut
            starts = [start for start, end in log.spans if end <= cut]
            assert [unit[1] for unit in outcome.units[: expected[0]]] == starts, cut
        if cut % pace == 0:
            status, said = run_in_place()
            assert status == int(expected is None), cut
            if status:
                assert ("nothing to rank" if is_blank else f"{path}: line ") in said, cut
        fates.add(expected and expected[1])
    assert fates == ({None, 0} if name in ARRAYS else {None, 0, 1})


@EACH_PACE
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", FRAMINGS)
def test_a_compressed_log_cut_off_at_every_byte(
    name: str, compression: str, pace: int, path: Path, run_in_place: Callable[[], tuple[int, str]]
):
    log = FRAMINGS[name](texts_of(GOOD))
    data = COMPRESSIONS[compression](log.data)
    for cut in range(1, len(data)):
        fuzz.put(path, data[:cut])
        with pytest.raises(DamagedFileError) as damage:
            list(read_units(str(path)))
        assert cut < 6 or damage.value.cause == f"the {compression} stream is cut off", cut
        if cut % (5 * pace) == 0 or pace == 1:
            status, said = run_in_place()
            said = re.sub("; see .*", "", said)  # the rejects of too few bytes to be a stream
            assert (status, said) == (1, f"Main_Calculation.py: {damage.value}\n"), cut
    fuzz.put(path, data)
    assert run_in_place() == (0, "")
    assert outcome_of(path).counts == (len(GOOD), 0)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_second_compressed_member_cut_off_at_every_byte(
    compression: str, path: Path, run_in_place: Callable[[], tuple[int, str]]
):
    log = FRAMINGS["lines"](texts_of(GOOD))
    middle = log.spans[2][1] + 1
    first, second = map(COMPRESSIONS[compression], (log.data[:middle], log.data[middle:]))
    for cut in range(1, len(second)):
        fuzz.put(path, first + second[:cut])
        with pytest.raises(DamagedFileError):
            list(read_units(str(path)))
    for whole, counts in ((first, (3, 0)), (first + second, (6, 0))):
        fuzz.put(path, whole)
        assert run_in_place() == (0, "")
        assert outcome_of(path).counts == counts


# --- One byte changed -------------------------------------------------------------------------

#: Events whose fate is the same in every framing: each begins with `{` and goes to the rejects,
#: if it does, alone; the last one but one is accepted, since NaN is absent there.
MIXED = texts_of(
    [
        *GOOD[:3],
        event(7, total_amount="5 EUR"),
        event(8, total_amount="1e3"),
        event(9, "WISH"),
        *GOOD[3:],
        event(10, "SITE_VISIT", event_time="2017-02-30"),
        event(11, "SITE_VISIT", tags=float("nan")),
        event(12, "SITE_VISIT", tags="[{"),
    ]
)
#: With two that are no JSON at all, for framings in which an event has lines of its own.
BROKEN = ['{"type":"ORDER","key":', '{"type":"ORDER","key":"k"]}']

CHANGED_FRAMINGS: dict[str, Framing] = {
    **FRAMINGS,
    "array": lambda texts: ARRAYS["array"](texts[:6] + BROKEN + texts[6:]),
    "lines": lambda texts: BY_LINE["lines"](texts[:6] + BROKEN + texts[6:]),
    "crlf-lines": lambda texts: BY_LINE["crlf-lines"](texts[:6] + BROKEN + texts[6:]),
    "comma-lines": lambda texts: BY_LINE["comma-lines"](texts[:6] + BROKEN + texts[6:]),
    # Two on a line, so that not all is after every change.
    "glued-line": lambda texts: framed("", texts, ["", "\n", ",", ",\n"], "\n"),
    "glued-run": lambda texts: framed("", pretty_first(texts), ["\n", "", ",\n", ","], "\n"),
}


def fates(outcome: Outcome) -> dict[int, object]:
    """By offset, what became of the events: the reject, or None of an accepted one."""
    rejects = {reject["offset"]: reject for reject in outcome.rejects}
    return {offset: rejects.get(offset) for _, offset, _, _ in outcome.units}


def touched(log: Framed, changed: int, span: tuple[int, int]) -> bool:
    """Whether a changed byte may cost the event that stands there.

    - It may, if it is the event's own or next to it: what stands before or after an event is
      part of what makes it one (SPEC: what follows it; that the next line begins with `{`).
    - And if it stands before the event on the line on which that begins, the end of the line
      before included: text that is not JSON costs all to the end of its line, in JSON Lines a line
      is the unit, and a line end that is gone makes two lines one.
    """
    start, end = span
    line_start = log.data.rfind(b"\n", 0, start) + 1
    # In JSON Lines, the line goes on after the event: here at most with CR.
    line_end = end + 1 if log.data[end : end + 2] == b"\r\n" else end
    if log.data[start:end].decode() in BROKEN:  # its text is what stands there to the line's end
        line_end = log.data.find(b"\n", end)
    return line_start - 1 <= changed <= line_end


def changes_framing(name: str, log: Framed, changed: int) -> bool:
    """Whether a changed byte makes the file one of another framing: an array without its begin.

    A run whose first event is damaged is JSON Lines, where whatever has a line of its own has the
    same fate.
    """
    return name in ARRAYS and changed <= log.spans[0][0]


def check_change(name: str, path: Path, log: Framed, before: Outcome, rng: random.Random) -> str:
    """Change one byte; returns what came of it."""
    changed = rng.randrange(len(log.data))
    byte = rng.choice([b for b in range(256) if b != log.data[changed]])
    if rng.random() < 0.4:  # what means something
        byte = rng.choice([b for b in b'{}[],:"\\ \t\r\n0-x\xff' if b != log.data[changed]])
    data = log.data[:changed] + bytes([byte]) + log.data[changed + 1 :]
    fuzz.put(path, data)
    after = outcome_of(path)
    fuzz.compare(after, data)
    fuzz.check_place(after, data)
    where = f"byte {changed} of {name} is {byte:#x}"
    if after.damage is not None:
        assert after.place is not None, where
        return "failed"
    expected, found = fates(before), fates(after)
    untouched = {span[0] for span in log.spans if not touched(log, changed, span)}
    reframed = changes_framing(name, log, changed)
    if not reframed:
        lost = {offset for offset in untouched if offset not in found}
        assert not lost, where
    for offset in untouched & found.keys():
        if not (reframed and found[offset] != expected[offset]):
            assert without_line(found[offset]) == without_line(expected[offset]), where
    if not reframed:  # and nothing is found that was not there before, but where the change is
        for offset in found.keys() - untouched:
            spans = [span for span in log.spans if touched(log, changed, span)]
            near = any(start - 2 <= offset <= end + 2 for start, end in spans)
            assert near or abs(offset - changed) <= 2, where
    if reframed:
        return "reframed"
    return "as before" if fates(after).keys() == expected.keys() else "split or merged"


def without_line(fate: object) -> object:
    """A reject without its line: a line end may have come or gone before it."""
    return {**fate, "line": 0} if isinstance(fate, dict) else fate


def check_changes(name: str, path: Path, seed: int, count: int) -> None:
    log = CHANGED_FRAMINGS[name](MIXED)
    fuzz.put(path, log.data)
    before = outcome_of(path)
    fuzz.compare(before, log.data)
    assert list(fates(before)) == [start for start, _ in log.spans]
    assert before.counts[1] == len(log.spans) - 8
    rng = random.Random(f"{name} {seed}")
    seen = {check_change(name, path, log, before, rng) for _ in range(count)}
    assert {"as before", "failed"} <= seen or name in BY_LINE


@pytest.mark.parametrize("name", CHANGED_FRAMINGS)
def test_one_byte_changed_costs_what_it_touches_or_fails(name: str, path: Path):
    check_changes(name, path, 1, 100)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 4))
@pytest.mark.parametrize("name", CHANGED_FRAMINGS)
def test_one_of_many_bytes_changed_costs_what_it_touches_or_fails(name: str, seed: int, path: Path):
    check_changes(name, path, seed, 3000)


@pytest.mark.parametrize("name", CHANGED_FRAMINGS)
def test_a_failure_after_a_change_names_the_place_and_leaves_the_earlier_files(
    name: str, path: Path, run_in_place: Callable[[], tuple[int, str]]
):
    log = CHANGED_FRAMINGS[name](MIXED)
    rng = random.Random(f"whole runs of {name}")
    for _ in range(30):
        changed = rng.randrange(len(log.data))
        data = bytearray(log.data)
        data[changed] ^= 1 << rng.randrange(8)
        fuzz.put(path, data)
        status, said = run_in_place()
        if status:
            place = re.search(r"/log: line ([\d,]+), byte offset ([\d,]+): ", said)
            assert place, said
            line, offset = (int(number.replace(",", "")) for number in place.groups())
            assert line == 1 + data.count(b"\n", 0, offset)
