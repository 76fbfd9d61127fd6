"""Files to units: framings, places, bad events that cost themselves alone, and damage."""

import functools
import gc
import gzip
import json
import pickle
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_layouts import VARIETIES, fact_of_bytes, fact_of_event, facts_of_match

import ltv.reading.files
import ltv.reading.layouts
import ltv.reading.window
from ltv.errors import DamagedFileError, LTVError, NotAnEventLogError
from ltv.reading.files import BrokenStreamError
from ltv.reading.framing import ARRAY, LINES, RUN
from ltv.reading.general import GeneralMatcher
from ltv.reading.layouts import Layout, Learner, Match, layout_of
from ltv.reading.units import PartReader, Unit, read_units
from ltv.values import compact
from LTV_Classes import without_collecting
from LTV_Ingest import Fact
from random_logs import FRAMINGS, ONE_LINE_FRAMINGS, random_events, survives_on_one_line

MIB = 1024 * 1024
MAX_EVENT_BYTES = 16 * MIB

A = '{"type":"A"}'
B = '{"type":"B"}'
C = '{"type":"C"}'
NAN = '{"type":"N","x":NaN}'
INFINITE = '{"x":[Infinity,-Infinity]}'
ACCENTED = '{"type":"é","name":"佐藤 😀"}'
PRETTY = '{\n  "type": "P",\n  "tags": [\n    {"é": "ü"}\n  ]\n}'
WINDOWS = PRETTY.replace("\n", "\r\n")
TRICKY = r'{"type":"}{][,\"\\","x":["]","\\"]}'

PRETTY_LINE = '{ "type": "P", "tags": [ {"x": 1} ] }'
PRETTY_NESTED = (
    '{\n  "x": [1, {"type": "A"}],\n  "type": "P",\n  "tags": [\n    {"type": "A"}\n  ]\n}'
)

Place = tuple[int, int]
Seen = tuple[int, int, str, str | None]


def seen(unit: Unit) -> Seen:
    """A unit as (line, offset, text, reason), its value being checked to be that of its text."""
    if unit.error is None:
        value = json.loads(unit.text.rstrip(","))
        plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert compact(unit.value) == plain
        return unit.line, unit.offset, unit.text, None
    assert unit.value is None
    return unit.line, unit.offset, unit.text, unit.error.reason


def read(file: str) -> list[Seen]:
    return [seen(unit) for unit in read_units(file)]


def outcome(file: str) -> tuple[list[Seen], str]:
    """What is read, and the damage, if there is any."""
    units: list[Seen] = []
    try:
        units.extend(map(seen, read_units(file)))
    except DamagedFileError as error:
        return units, str(error)
    return units, ""


def placed(content: bytes | str, texts: Iterable[bytes | str]) -> list[tuple[int, int, str]]:
    """These texts, which follow one another in `content`, with the line and offset of each."""
    content = bytes_of(content)
    found, behind = [], 0
    for text in texts:
        raw = bytes_of(text)
        offset = content.index(raw, behind)
        behind = offset + len(raw)
        line = content.count(b"\n", 0, offset) + 1
        found.append((line, offset, raw.decode("utf-8", "surrogateescape")))
    return found


def bytes_of(content: bytes | str) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8")


# --- Framings ---------------------------------------------------------------------------------

GOOD: dict[str, tuple[str, list[str]]] = {
    "array": (f"[{A},{B},{C}]", [A, B, C]),
    "array-of-one": (f"[{A}]", [A]),
    "array-spaced": (f"[ {A} , {B} ]\n", [A, B]),
    "array-by-line": (f"[\n{A},\n{B},\n{C}\n]\n", [A, B, C]),
    "array-crlf": (f"[\r\n{A},\r\n{WINDOWS},\r\n{C}\r\n]\r\n", [A, WINDOWS, C]),
    "array-pretty": (f"[\n{PRETTY},\n{TRICKY},\n{ACCENTED}\n]", [PRETTY, TRICKY, ACCENTED]),
    "array-behind-space": (f" \t\r\n [{A}]", [A]),
    "array-behind-mark": (f"\ufeff[{A},{ACCENTED},{B}]", [A, ACCENTED, B]),
    "array-behind-mark-and-space": (f"\ufeff \n[{A}]", [A]),
    "array-blank-lines-behind": (f"[{A}]\n\n \t\r\n", [A]),
    "array-comma-missing": (f"[{A} {B}\n{C}]", [A, B, C]),
    "array-glued": (f"[{A}{B}{C}]", [A, B, C]),
    "array-comma-doubled": (f"[{A},,{B} , , {C}]", [A, B, C]),
    "array-comma-trailing": (f"[{A},{B},]", [A, B]),
    "array-commas-trailing": (f"[{A},{B},\n,\n]", [A, B]),
    "array-comma-leading": (f"[,{A},{B}]", [A, B]),
    "array-nan": (f"[{A},{NAN},NaN,{INFINITE},{B}]", [A, NAN, "NaN", INFINITE, B]),
    "array-nan-glued": (f"[{NAN}{A}]", [NAN, A]),
    "arrays": (f"[{A}][{B},{C}]", [A, B, C]),
    "arrays-spaced": (f"[{A}]\n \ufeff[\n{B}\n]\r\n[]\n[{C}]\n", [A, B, C]),
    "arrays-after-an-empty-one": (f"[]\n[{A},{PRETTY}]", [A, PRETTY]),
    "array-with-marks": (f"[\ufeff{A}\ufeff,\ufeff{B}\n\ufeff]\ufeff", [A, B]),
    "array-of-other-values": (f'["x",{A},17,true,null,[{B}],-15,""]',
                              ['"x"', A, "17", "true", "null", f"[{B}]", "-15", '""']),
    "lines": (f"{A}\n{B}\n{C}\n", [A, B, C]),
    "lines-one": (f"{A}\n", [A]),
    "lines-one-unended": (A, [A]),
    "lines-unended": (f"{A}\n{B}", [A, B]),
    "lines-crlf": (f"{A}\r\n{ACCENTED}\r\n{C}\r\n", [A, ACCENTED, C]),
    "lines-blank-between": (f"\n \n{A}\n\n\t\r\n\n{B}\n\n", [A, B]),
    "lines-indented": (f"  {A}  \n\t{ACCENTED}\t\r\n {B}", [A, ACCENTED, B]),
    "lines-behind-mark": (f"\ufeff{A}\n{ACCENTED}\n{B}\n", [A, ACCENTED, B]),
    "lines-behind-mark-and-space": (f"\ufeff\n {A}\n{B}\n", [A, B]),
    "lines-tricky": (f"{TRICKY}\n{ACCENTED}\n{TRICKY}\n", [TRICKY, ACCENTED, TRICKY]),
    "lines-nan": (f"{NAN}\n{A}\nNaN\n{INFINITE}\n", [NAN, A, "NaN", INFINITE]),
    "lines-with-marks": (f"\ufeff{A}\n\ufeff{B}\n\ufeff\n{C}\ufeff\n", [A, B, C]),
    "lines-glued": (f"{A}{B}\n{ACCENTED} {C}\n{A}\ufeff{B}\n", [A, B, ACCENTED, C, A, B]),
    "lines-glued-first": (f"{A}{B}\n{C}\n", [A, B, C]),
    "lines-with-commas": (f",{A},\n{B},,{C}\n,\n , {A} ,\n5,\n", [A, B, C, A, "5,"]),
    "lines-typeless-first": (f"{{}}\n{A}\n{PRETTY_LINE}\n", ["{}", A, PRETTY_LINE]),
    "lines-one-with-lines-in-an-array": (f'{{"type":"A","x":[{A}]}}\n{B}\n',
                                         [f'{{"type":"A","x":[{A}]}}', B]),
    "run-nan": (f"{PRETTY}{NAN}{PRETTY}", [PRETTY, NAN, PRETTY]),
    "run-of-an-event-with-an-array": (PRETTY_NESTED, [PRETTY_NESTED]),
    "run-of-texts": (f"5\n{PRETTY}\n{PRETTY}", ["5", PRETTY, PRETTY]),
    "run-with-marks": (f"\ufeff{PRETTY}\ufeff\n\ufeff{PRETTY}\ufeff", [PRETTY, PRETTY]),
    "run-pretty": (f"{PRETTY}\n{WINDOWS}\n{PRETTY}\n", [PRETTY, WINDOWS, PRETTY]),
    "run-pretty-glued": (f"{PRETTY}{PRETTY}{A}", [PRETTY, PRETTY, A]),
    "run-pretty-commas": (f"{PRETTY},\n{ACCENTED},\n{PRETTY},\n", [PRETTY, ACCENTED, PRETTY]),
    "run-pretty-unended": (PRETTY, [PRETTY]),
    "run-glued": (f"{A}{ACCENTED}{TRICKY}{C}", [A, ACCENTED, TRICKY, C]),
    "run-glued-lines": (f"{A}{B}\n{ACCENTED}{C}\n{A}{B}\n", [A, B, ACCENTED, C, A, B]),
    "run-spaced": (f"{A} {B}\t{C}", [A, B, C]),
    "run-commas": (f"{A},{B} ,, {C}", [A, B, C]),
    "run-comma-lines": (f"{A},\n{B},\n{C},\n", [A, B, C]),
    "run-comma-trailing": (f"{A},{B},", [A, B]),
    "run-comma-leading": (f",{A},{B}", [A, B]),
    "run-behind-mark": (f"\ufeff{PRETTY}\n{A}", [PRETTY, A]),
    "run-behind-space": (f"\r\n\t {PRETTY}\n{A}", [PRETTY, A]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "texts"), GOOD.values(), ids=GOOD.keys())
def test_framing_is_found_and_every_unit_is_placed(
    content: str, texts: list[str], make_file: Callable[..., str]
):
    expected = [(*place, None) for place in placed(content, texts)]
    assert read(make_file(content)) == expected


def test_places_are_counted_in_lines_and_bytes(make_file: Callable[..., str]):
    content = f"\ufeff\r\n[\r\n{ACCENTED},\n{PRETTY} , {A}\n]"
    assert [unit[:2] for unit in read(make_file(content))] == [(3, 8), (4, 44), (9, 98)]


def test_a_name_says_nothing_about_the_framing(make_file: Callable[..., str]):
    assert read(make_file(f"[{A}]", "events.jsonl.gz")) == [(1, 1, A, None)]
    assert read(make_file(f"{A}\n{B}", "events.json")) == [(1, 0, A, None), (2, 13, B, None)]


def test_the_spelling_of_numbers_is_kept(make_file: Callable[..., str]):
    digits = "1" * 5000
    spellings = ["10.00", "1e3", "-0.10", "0", digits]
    for content in ("[%s]", "%s", "%s\n{}"):
        file = make_file(content % f'{{"type":[{",".join(spellings)}]}}')
        value = next(read_units(file)).value
        assert isinstance(value, dict)
        assert [number.text for number in value["type"]] == spellings


def test_of_a_member_that_occurs_twice_the_last_counts(make_file: Callable[..., str]):
    (unit,) = read_units(make_file('{"type":"A","type":"B"}'))
    assert unit.value == {"type": "B"}


EMPTY = {
    "empty": b"",
    "blank": b" \r\n\t\n",
    "mark": b"\xef\xbb\xbf",
    "mark-and-blank": b"\xef\xbb\xbf \n",
    "array": b"[]",
    "array-spaced": b"\xef\xbb\xbf \n[ \r\n\t]\n",
    "array-of-commas": b"[,,]",
    "commas": b",\n,",
}


@pytest.mark.parametrize("content", EMPTY.values(), ids=EMPTY.keys())
def test_a_file_without_events_is_fine(content: bytes, make_file: Callable[..., str]):
    assert read(make_file(content)) == []


# --- Bad events -------------------------------------------------------------------------------

DEEP = '{"type":' + "[" * 256 + "]" * 256 + "}"
NOT_UTF8 = b'{"type":"\xff"}'
SURROGATE = b'{"type":"\xed\xa0\x80"}'
OVERLONG = b'{"type":"\xc0\xae"}'
CUT_SHORT = b'{"type":"\xe2\x82"}'
HALF = 'ype":"A"}'

BAD: dict[str, tuple[bytes | str, list[tuple[str | bytes, str | None]]]] = {
    # In JSON Lines every bad line costs itself alone, wherever it stands.
    "lines-half-first": (f"{HALF}\n{A}\n{B}\n", [(HALF, "not-json"), (A, None), (B, None)]),
    "lines-half-first-crlf": (f"\r\n{HALF}\r\n{A}\r\n", [(HALF, "not-json"), (A, None)]),
    "lines-half-last": (f"{A}\n{A[:-1]}", [(A, None), (A[:-1], "not-json")]),
    "lines-garbage": (
        f"{A}\n--- rotated ---\nand more\n]\n{B}\n",
        [(A, None), ("--- rotated ---", "not-json"), ("and more", "not-json"), ("]", "not-json"),
         (B, None)],
    ),
    "lines-two-values": (f"{A}\n5 6\n{B} 5\n{C},[{A}]\n{A}x{B}\n", [
        (A, None), ("5 6", "not-json"), (B, None), ("5", "not-json"), (C, None),
        (f"[{A}]", "not-json"), (f"{A}x{B}", "not-json")]),
    "lines-banner": (f"shop log\nhost\n{A}\n{B}\n", [
        ("shop log", "not-json"), ("host", "not-json"), (A, None), (B, None)]),
    "lines-banner-of-brackets": (f"[2024-03-01] begun\n{A}\n", [
        ("[2024-03-01] begun", "not-json"), (A, None)]),
    "lines-banner-of-nine": ("x\n" * 9 + f"{A}\n", [("x", "not-json")] * 9 + [(A, None)]),
    "lines-after-half-an-object": (f'{{"type":"A","x"\n{A}\n', [
        ('{"type":"A","x"', "not-json"), (A, None)]),
    "lines-bad-object-among-others": (f"{A},{B}\n{A}{{bad}}{B}\n{B} {{}}x,{A}\n{C}\n", [
        (A, None), (B, None), (A, None), (f"{{bad}}{B}", "not-json"), (B, None),
        (f"{{}}x,{A}", "not-json"), (C, None)]),
    "lines-not-utf8-among-others": (A.encode() * 2 + NOT_UTF8 + b"\n" + A.encode(), [
        (A, None), (A, None), (NOT_UTF8, "not-utf8"), (A, None)]),
    "lines-not-utf8-after-a-bad-one": (A.encode() + b"\n{bad}" + NOT_UTF8 + b"\n", [
        (A, None), (b"{bad}" + NOT_UTF8, "not-utf8")]),
    "lines-deep-among-others": (f"{A}\n{B}{DEEP}\n{C}\n", [
        (A, None), (B, None), (DEEP, "not-json"), (C, None)]),
    "lines-follower": (f"{A}\n{B}]\n{B}\x0b\n{C}\n", [
        (A, None), (f"{B}]", "not-json"), (f"{B}\x0b", "not-json"), (C, None)]),
    "lines-other-values": (f'{A}\n"x"\n[{A}]\ntrue\n', [
        (A, None), ('"x"', None), (f"[{A}]", None), ("true", None)]),
    "lines-pretty": (f'{A}\n{{\n"type":"B"\n}}\n{C}', [
        (A, None), ("{", "not-json"), ('"type":"B"', "not-json"), ("}", "not-json"), (C, None)]),
    "lines-not-utf8": (b"\n".join([A.encode(), NOT_UTF8, SURROGATE, OVERLONG, CUT_SHORT, b"{}"]), [
        (A, None), (NOT_UTF8, "not-utf8"), (SURROGATE, "not-utf8"), (OVERLONG, "not-utf8"),
        (CUT_SHORT, "not-utf8"), ("{}", None)]),
    "lines-not-utf8-first": (NOT_UTF8 + b"\n" + A.encode(), [(NOT_UTF8, "not-utf8"), (A, None)]),
    "lines-deep": (f"{A}\n{DEEP}\n{B}\n", [(A, None), (DEEP, "not-json"), (B, None)]),
    "lines-deep-first": (f"{DEEP}\n{B}\n", [(DEEP, "not-json"), (B, None)]),
    "lines-control-character": (f'{A}\n{{"type":"\t"}}\n{B}', [
        (A, None), ('{"type":"\t"}', "not-json"), (B, None)]),
    "lines-no-white-space": (f"{A}\n\f\n{A}\x00\n\xa0{A}", [
        (A, None), ("\f", "not-json"), (f"{A}\x00", "not-json"), (f"\xa0{A}", "not-json")]),
    # Text that is not JSON costs its line, when an event, a ] or the end of a run is next.
    "array-bad-then-event": (f"[\n{A},\n{{bad}},\n{B}\n]", [
        (A, None), ("{bad},", "not-json"), (B, None)]),
    "array-bad-takes-its-line": (f"[\n{A}, {{bad}}, {B},\n{C}\n]", [
        (A, None), (f"{{bad}}, {B},", "not-json"), (C, None)]),
    "array-bad-then-blank-lines": (f"[\n{A},\n{{bad}},\r\n\n \t\n  {B}\n]", [
        (A, None), ("{bad},", "not-json"), (B, None)]),
    "array-bad-then-end": (f"[\n{A},\n{{bad}}\n ]", [(A, None), ("{bad}", "not-json")]),
    "array-bad-twice": (f"[\n{A},\n{{bad}},\n{{worse,\n{B}\n]", [
        (A, None), ("{bad},", "not-json"), ("{worse,", "not-json"), (B, None)]),
    "array-bad-first": (f"[{{bad}},\n{A}]", [("{bad},", "not-json"), (A, None)]),
    "array-cut-off-event": (f"[\n{A[:-3]}\n{A},\n{B}\n]", [
        (A[:-3], "not-json"), (A, None), (B, None)]),
    "array-garbage-between": (f"[\n{A},\n--- rotated ---\n{B}\n]", [
        (A, None), ("--- rotated ---", "not-json"), (B, None)]),
    "array-garbage-glued": (f"[\n{A}x,\n{B}\n]", [(f"{A}x,", "not-json"), (B, None)]),
    "array-in-pretty-event": (f'[\n{{ "type" 1\n{A}\n]', [('{ "type" 1', "not-json"), (A, None)]),
    "array-not-utf8": (b"[\n" + NOT_UTF8 + b",\n" + SURROGATE + b",\n" + A.encode() + b"\n]", [
        (NOT_UTF8 + b",", "not-utf8"), (SURROGATE + b",", "not-utf8"), (A, None)]),
    "array-deep": (f"[\n{A},\n{DEEP},\n{B}\n]", [(A, None), (f"{DEEP},", "not-json"), (B, None)]),
    "run-bad-then-event": (f"{PRETTY}\n{{bad}}\n{A}\n{B}", [
        (PRETTY, None), ("{bad}", "not-json"), (A, None), (B, None)]),
    "run-bad-then-end": (f"{PRETTY}\n{{bad}}\n \n", [(PRETTY, None), ("{bad}", "not-json")]),
    "run-bad-unended": (f"{A}{{bad", [(A, None), ("{bad", "not-json")]),
    "run-bad-then-bracket": (f"{PRETTY}\n{{bad}}\n]\n{A}", [
        (PRETTY, None), ("{bad}", "not-json"), ("]", "not-json"), (A, None)]),
    "run-garbage-between": (f"{PRETTY}\n--- rotated ---\n{PRETTY}", [
        (PRETTY, None), ("--- rotated ---", "not-json"), (PRETTY, None)]),
    "run-not-utf8": (PRETTY.encode() + b"\n" + CUT_SHORT + b"\n" + A.encode(), [
        (PRETTY, None), (CUT_SHORT, "not-utf8"), (A, None)]),
    "run-cut-off": (f"{PRETTY}\n{A[:-2]}", [(PRETTY, None), (A[:-2], "not-json")]),
    "run-deep": (f"{PRETTY}\n{DEEP}\n{A}", [(PRETTY, None), (DEEP, "not-json"), (A, None)]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "units"), BAD.values(), ids=BAD.keys())
def test_a_bad_event_costs_itself_alone(
    content: bytes | str,
    units: list[tuple[str | bytes, str | None]],
    make_file: Callable[..., str],
):
    places = placed(content, [text for text, _ in units])
    expected = [(*place, reason) for place, (_, reason) in zip(places, units, strict=True)]
    assert read(make_file(content)) == expected


FOLLOWERS_IN_ARRAY = {",": True, " ": True, "\t": True, "\r": True, "\n": True, "{": True,
                      "]": True, "[": False, "}": False, '"': False, "x": False, ":": False,
                      "1": False, "-": False, "\f": False, "\xa0": False, "\x00": False,
                      "\ufeff": True, "\u200b": False}  # fmt: skip


@pytest.mark.parametrize("content", [content for content, _ in BAD.values()], ids=BAD.keys())
def test_a_bad_event_leaves_no_cycle(content: bytes | str, make_file: Callable[..., str]):
    """Or they would pile up where no cycles are looked for."""
    file = make_file(content)
    gc.collect()
    with without_collecting():
        for unit in read_units(file):
            del unit
        assert gc.collect() == 0


@pytest.mark.parametrize(
    ("follower", "is_fine"), FOLLOWERS_IN_ARRAY.items(), ids=map(ascii, FOLLOWERS_IN_ARRAY)
)
def test_what_may_follow_an_event_in_an_array(
    follower: str, is_fine: bool, make_file: Callable[..., str]
):
    rest = {"{": '"x":1}', "]": ""}.get(follower, "")
    end = "" if follower == "]" else "\n]"
    units, damage = outcome(make_file(f"[{A},\n{A}{follower}{rest}{end}"))
    assert damage == ""
    assert units[1][3] == (None if is_fine else "not-json")
    assert units[1][2] == (A if is_fine else f"{A}{follower}{rest}")


@pytest.mark.parametrize(
    ("follower", "is_fine"), FOLLOWERS_IN_ARRAY.items(), ids=map(ascii, FOLLOWERS_IN_ARRAY)
)
def test_what_may_follow_an_event_in_a_run(
    follower: str, is_fine: bool, make_file: Callable[..., str]
):
    is_fine = is_fine and follower != "]"  # nothing to close there
    rest = '"x":1}' if follower == "{" else ""
    units, damage = outcome(make_file(f"{PRETTY}\n{A}{follower}{rest}\n{B}"))
    assert damage == ""
    assert units[1][3] == (None if is_fine else "not-json")
    assert units[1][2] == (A if is_fine else f"{A}{follower}{rest}")
    assert units[-1][2:] == (B, None)


MESSAGES = {
    f"{A}\nx\n": "expected JSON, got something else at character 1",
    f'{A}\n{{"type" 1}}\n': "expected JSON, got something else at character 9",
    f"{A}\n5 6\n": "expected one JSON value alone, got more after it at character 2",
    f"{A} 5\n{A}": "expected { or the end of the line after an event",
    f"{A}\n{B}:{C}, and so on\n": "expected a comma, white space or { after the event, "
    'got ":{"type":"C"" at character 13',
    f"{A}\n{DEEP}\n": "expected at most 256 brackets open at once",
    f"[{A},\n{B}x\n]": "expected a comma, white space or { after the event, "
    'got "x" at character 13',
}


@pytest.mark.parametrize(("content", "message"), MESSAGES.items(), ids=range(len(MESSAGES)))
def test_message_of_a_bad_event(content: str, message: str, make_file: Callable[..., str]):
    good, bad, *_ = read_units(make_file(content))
    assert good.error is None
    assert bad.error is not None
    assert (bad.error.reason, bad.error.member) == ("not-json", None)
    assert bad.error.message == message


def test_message_of_an_event_that_is_not_utf8(make_file: Callable[..., str]):
    _, bad = read_units(make_file(A.encode() + b'\n{"type":"\xc3\xa9\xff"}'))
    assert bad.error is not None
    assert str(bad.error) == "not-utf8: expected UTF-8, got something else at character 11"
    assert bad.preview == '{"type":"é\ufffd"}'


PREVIEWS: dict[str, tuple[bytes, str]] = {
    "short": (b"x", "x"),
    "exactly": (b"x" * 1000, "x" * 1000),
    "long": (b"x" * 1001, "x" * 1000),
    "characters": ("é".encode() * 1001, "é" * 1000),
    "wide": ("😀".encode() * 1001, "😀" * 1000),
    "undecodable": (b"\xff" * 1001, "\ufffd" * 1000),
    "cut-short": (b"\xf0\x9f\x98" * 1001, "\ufffd" * 1000),
    "cut-off": (b"\xf0\x9f\x98", "\ufffd"),
    "surrogate": (b"\xed\xa0\x80", "\ufffd" * 3),
}


@pytest.mark.parametrize(("raw", "preview"), PREVIEWS.values(), ids=PREVIEWS.keys())
def test_preview(raw: bytes, preview: str, make_file: Callable[..., str]):
    _, bad = read_units(make_file(A.encode() + b"\n" + raw))
    assert bad.preview == preview


# --- Depth and length -------------------------------------------------------------------------


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    """An event with that many brackets open at once."""
    return '{"type":' + opening * (depth - 1) + "1" + closing * (depth - 1) + "}"


def framed(framing: str, event: str) -> str:
    """The event between two others in that framing, each on its own lines."""
    if framing == "array":
        return f"[\n{A},\n{event},\n{B}\n]"
    return f"{A}\n{event}\n{B}\n" if framing == "lines" else f"{PRETTY}\n{event}\n{B}\n"


EACH_FRAMING = pytest.mark.parametrize("framing", ["array", "lines", "run"])


@EACH_FRAMING
@pytest.mark.parametrize(
    ("event", "is_fine"),
    [
        (nested(256), True),
        (nested(257), False),
        (nested(256, '{"a":', "}"), True),
        (nested(257, '{"a":', "}"), False),
        ('{"type":"' + "[" * 300 + '"}', True),
        ('{"type":"\\"' + "{" * 300 + '"}', True),
        ('{"type":[' + "[]," * 300 + "[]]}", True),
        (nested(100_000), False),
        (nested(100_000, '{"a":', "}"), False),
        ('{"type":' + "[" * 100_000, False),
        ("[" * 100_000, False),
    ],
    ids=["256", "257", "256-objects", "257-objects", "in-text", "in-escaped-text", "in-a-row",
         "100000", "100000-objects", "100000-open", "100000-brackets"],
)  # fmt: skip
def test_brackets_open_at_once(
    framing: str, event: str, is_fine: bool, make_file: Callable[..., str]
):
    first, middle, last = read_units(make_file(framed(framing, event)))
    assert (first.error, last.error) == (None, None)
    assert (middle.error is None) is is_fine
    assert middle.error is None or middle.error.reason == "not-json"


def event_of_length(length: int, filling: str = "x") -> str:
    """An event of so many bytes of UTF-8."""
    head, foot = '{"type":"', '"}'
    many, rest = divmod(length - len(head) - len(foot), len(filling.encode("utf-8")))
    return head + filling * many + "x" * rest + foot


SPACE_AROUND = " \t" * 1000


@EACH_FRAMING
@pytest.mark.parametrize(
    ("filling", "space"),
    [("x", ""), ("é😀", SPACE_AROUND)],
    ids=["ascii", "multi-byte-in-white-space"],
)
def test_an_event_of_16_mib_and_one_byte_more(
    framing: str, filling: str, space: str, make_file: Callable[..., str]
):
    for length, reason in ((MAX_EVENT_BYTES, None), (MAX_EVENT_BYTES + 1, "too-long")):
        event = event_of_length(length, filling)
        assert len(event.encode("utf-8")) == length
        file = make_file(framed(framing, space + event + space))
        first, middle, last = read_units(file)
        assert (middle.error and middle.error.reason) == reason
        assert (first.error, last.error) == (None, None)
        assert last.value == {"type": "B"}
        assert last.offset == len(framed(framing, space + event + space).encode()) - len(
            {"array": f"{B}\n]"}.get(framing, f"{B}\n")
        )


@pytest.mark.parametrize("opening", ["", "["], ids=["lines", "array"])
def test_an_event_of_16_mib_alone_in_its_file(opening: str, make_file: Callable[..., str]):
    event = event_of_length(MAX_EVENT_BYTES)
    (unit,) = read_units(make_file(opening + event + ("]" if opening else "")))
    assert unit.error is None
    assert event.startswith(unit.text)
    assert isinstance(unit.value, dict)


def test_white_space_over_16_mib_is_no_event(make_file: Callable[..., str]):
    blank = " " * (MAX_EVENT_BYTES + 1)
    assert read(make_file(f"{A}\n{B}{blank}\n{C}\n")) == [
        (1, 0, A, None),
        (2, 13, B, None),
        (3, 13 + len(B) + len(blank) + 1, C, None),
    ]


def test_white_space_over_16_mib_is_no_event_behind_the_first_lines(make_file: Callable[..., str]):
    blank = " " * (MAX_EVENT_BYTES + MIB)
    file = make_file(f"{A}\n{A}\n{B}{blank}\n{C}\n")
    assert [(unit.line, unit.text, unit.error) for unit in read_units(file)] == [
        (1, A, None),
        (2, A, None),
        (3, B, None),
        (4, C, None),
    ]


def test_message_of_an_event_that_is_too_long(make_file: Callable[..., str]):
    _, bad, good = read_units(make_file(framed("lines", event_of_length(MAX_EVENT_BYTES + MIB))))
    assert bad.error is not None
    assert (bad.error.reason, bad.error.member) == ("too-long", None)
    assert bad.error.message == "expected an event of at most 16 MiB (16,777,216 bytes)"
    assert bad.preview == event_of_length(2000)[:1000]
    assert good.value == {"type": "B"}


@pytest.mark.parametrize(
    ("framing", "filling"),
    [
        ("array", "x"),
        ("lines", "x"),
        ("run", "x"),
        ("lines", " "),
        ("array", " "),
        ("run", " "),
        ("array", ","),
    ],
)
def test_whatever_fills_an_event_it_can_be_too_long(
    framing: str,
    filling: str,
    make_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(
        ltv.reading.files, "CHUNK_BYTES", 17 * MIB
    )  # too long as soon as it is seen
    event = event_of_length(18 * MIB, filling)
    _, bad, good = read_units(make_file(framed(framing, event)))
    assert good.value == {"type": "B"}
    assert bad.error is not None
    assert bad.error.reason == "too-long"


def test_the_first_16_mib_tell_the_framing(make_file: Callable[..., str]):
    too_long, event = "x" * 20 * MIB, event_of_length(15 * MIB)
    run = read_units(make_file(f"{too_long}\n{PRETTY}\n{event}\n"))
    assert [unit.error and unit.error.reason for unit in run] == ["too-long", None, None]
    lines = read_units(make_file(f"{event}\nx\n{too_long}\n{A}\n"))
    expected = [None, "not-json", "too-long", None]
    assert [unit.error and unit.error.reason for unit in lines] == expected


def test_a_line_may_be_longer_than_an_event(make_file: Callable[..., str]):
    line = ", ".join([event_of_length(9 * MIB)] * 2 + [event_of_length(17 * MIB), A])
    found = list(read_units(make_file(f"{A}\n{line}\n{B}\n")))
    expected = [None, None, None, "too-long", None]
    assert [unit.error and unit.error.reason for unit in found] == expected
    assert [unit.line for unit in found] == [1, 2, 2, 2, 3]


def test_a_first_line_of_many_events_that_is_too_long_to_be_held_is_a_run(
    make_file: Callable[..., str],
):
    first = event_of_length(12 * MIB) * 2
    units = read_units(make_file(f"{first}\n{B}\n"))
    assert [unit.error for unit in units] == [None] * 3


# --- Damage -----------------------------------------------------------------------------------

LOST = ", and no event begins on the next line, so what is lost is unknown"
NO_JSON = "expected JSON, got something else at character "
TOO_DEEP = "expected at most 256 brackets open at once"
NO_UTF_8 = "expected UTF-8, got something else at character "
CUT_OFF = "the array is cut off, its closing ] is missing"
BEHIND = "expected nothing but another array after the closing ] of an array"

DAMAGED: dict[str, tuple[bytes | str, int, Place, str]] = {
    # content, units before the damage, its place, its cause
    "array-bad-then-text": (f"[\n{A},\n{{bad}}\nx\n{B}]", 1, (3, 17), f"{NO_JSON}2{LOST}"),
    "array-bad-then-string": (f'[\n{A},\n{{"é" 1\n"x":2}}]', 1, (3, 22), f"{NO_JSON}6{LOST}"),
    "array-bad-then-array": (f"[\n{A},\n{{bad}}\n[{A}]]", 1, (3, 17), f"{NO_JSON}2{LOST}"),
    "array-bad-then-brace": (f"[\n{A},\n{{bad\n}}]", 1, (3, 17), f"{NO_JSON}2{LOST}"),
    "array-bad-then-comma": (f"[\n{A},\n{{bad}}\n,{A}]", 1, (3, 17), f"{NO_JSON}2{LOST}"),
    "array-two-bad-lines": (f"[\n{A},\nx\ny\n{A}]", 1, (3, 16), f"{NO_JSON}1{LOST}"),
    "array-one-line-bad": (f"[{A},{{bad}},{B}]", 1, (1, 15), f"{NO_JSON}2{LOST}"),
    "array-one-line-not-utf8": (f"[{A},".encode() + SURROGATE + b"]", 1, (1, 23),
                                f"{NO_UTF_8}10{LOST}"),
    "array-one-line-deep": (f"[{A},{DEEP},{B}]", 1, (1, 14), f"{TOO_DEEP}{LOST}"),
    "array-one-line-garbage": (f"[{A} x {B}]\n", 1, (1, 14), f"{NO_JSON}1{LOST}"),
    "array-never-opened-event": (f"[{A},", 1, (1, 14), CUT_OFF),
    "array-unclosed": (f"[\n{A},\n{B}\n", 2, (4, 29), CUT_OFF),
    "array-only-opened": ("\ufeff \n[ ", 0, (2, 7), CUT_OFF),
    "array-then-text": (f"[{A}] x", 1, (1, 15), BEHIND),
    "array-then-bracket": (f"[{A}]]", 1, (1, 14), BEHIND),
    "array-then-comma": (f"[{A}],\n", 1, (1, 14), BEHIND),
    "array-then-event": (f"[{A}]\n\n{B}\n", 1, (3, 16), BEHIND),
    "array-then-array-unclosed": (f"[{A}]\n[{B}", 2, (2, 28), CUT_OFF),
    "array-then-number": (f"[{A}] 5", 1, (1, 15), BEHIND),
    "array-then-zero": (f"[{A}]\x00", 1, (1, 14), BEHIND),
    "empty-array-then-text": ("[]x", 0, (1, 2), BEHIND),
    "run-bad-then-text": (f"{PRETTY}\n{{bad\nx\n{A}", 1, (7, 53), f"{NO_JSON}2{LOST}"),
    "half-an-array-element": ('["x"]}\n{"type":"A"}\n', 1, (1, 5), BEHIND),
}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "count", "place", "cause"), DAMAGED.values(), ids=DAMAGED.keys()
)
def test_damage(
    content: bytes | str, count: int, place: Place, cause: str, make_file: Callable[..., str]
):
    file = make_file(content)
    units = read_units(file)
    found = list(islice(units, count))
    with pytest.raises(DamagedFileError) as caught:
        found.extend(units)
    assert len(found) == count
    damage = caught.value
    assert (damage.file, damage.line, damage.offset, damage.cause) == (file, *place, cause)
    assert str(damage) == f"{file}: line {place[0]}, byte offset {place[1]}: {cause}"


CSV = ": it looks like CSV, expected each event as a JSON object, or --csv"
NO_TYPE = ': no JSON object with a "type" in '
EXPECTED_TYPE = 'expected a member "type"'
SO_FAR = " as far as it was read: "
AS_JSON = ", expected events as JSON"
PIPE = " | python Main_Calculation.py X -"
TAR = b"log.json".ljust(257, b"\0") + b"ustar\x0000" + bytes(1000)


def in_member(name: str) -> str:
    """What is said of a wrapper."""
    stand = f': its events stand in the member "{name}" of an object'
    return f"{stand}, expected them alone: an array of them, or one a line"


OTHERS: dict[str, tuple[bytes | str, int, Place | None, str]] = {
    # content, units before that, the place, what is said
    "zip": (b"PK\x03\x04" + A.encode(), 0, None, ": it is a zip archive: unzip -p {file}" + PIPE),
    "zip-empty": (b"PK\x05\x06" + bytes(18), 0, None,
                  ": it is a zip archive: unzip -p {file}" + PIPE),
    "xlsx": (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", 0, None,
             f': it is a spreadsheet, which has to be saved as "CSV UTF-8"{AS_JSON}'),
    "tar": (TAR, 0, None, ": it is a tar archive: tar -xOf {file}" + PIPE),
    "gzip-four-times": (functools.reduce(lambda text, _: gzip.compress(text), range(4), A.encode()),
                        0, None, f": it is compressed more than three times{AS_JSON}"),
    "parquet": (b"PAR1" + A.encode(), 0, None, f": it is a Parquet file{AS_JSON}"),
    "avro": (b"Obj\x01\x04\x14avro.codec", 0, None, f": it is an Avro file{AS_JSON}"),
    "orc": (b"ORC\x00\x01", 0, None, f": it is an ORC file{AS_JSON}"),
    "sqlite": (b"SQLite format 3\0" + bytes(100), 0, None, f": it is an SQLite database{AS_JSON}"),
    "pdf": (b"%PDF-1.7\n" + A.encode(), 0, None, f": it is a PDF document{AS_JSON}"),
    "html": (f"\ufeff\n <!doctype html>\n{A}\n", 0, None, f": it is HTML or XML{AS_JSON}"),
    "wrapper": (f'{{\n"count": 2, "events": [\n{A},\n{B}\n]}}', 0, None,
                in_member("events")),
    "wrapper-cut-off": (f'{{"x y": [ {A},{B}', 0, None,
                        in_member("x y")),
    "wrapper-odd-name": (f'{{\n"a\\nb\\"": [{A}]}}', 0, None,
                         in_member('a\\nb\\"')),
    "wrapper-faulty": (f'{{"data": [{A}], bad }}\n{B}\n', 0, None,
                       in_member("data")),
    "wrapper-with-a-type-later": (f'{{\n"data": [{A}],\n"type": "A"}}', 0, None,
                       in_member("data")),
    "wrapper-each-line": (f'{{"a":1,"b":[{A}]}}\n' * 3, 3, None,
                          in_member("b")),
    "csv": ("rank,customer_id\r\n1,c1\r\n", 0, None, CSV),
    "tsv": ("\n rank\tcustomer_id\n" * 2, 0, None, CSV),
    "csv-one-line": ("rank,customer_id\n", 1, None, CSV),
    "text": ("Dear customer:\n{no JSON here}.\nYours\n", 1, (1, 0), f"{SO_FAR}{NO_JSON}1"),
    "text-one-line": ("Dear customer\n", 1, (1, 0), f"{NO_TYPE}the one read: {NO_JSON}1"),
    "one-number": ("1", 1, (1, 0), f"{NO_TYPE}the one read: expected a JSON object, got 1"),
    "one-text": (r'"a\nb"', 1, (1, 0),
                 rf'{NO_TYPE}the one read: expected a JSON object, got "a\nb"'),
    "one-object": ('{"typ":"A"}\n', 1, (1, 0), f"{NO_TYPE}the one read: {EXPECTED_TYPE}"),
    "two-objects": ('\n{"x":{"type":"A"}}\n{"typ":"A"}\n', 2, (2, 1),
                    f"{NO_TYPE}the first 2 read; the first: {EXPECTED_TYPE}"),
    "three-in-array": ('[{"typ":"A"},"type",[{"type":1}]]', 3, (1, 1),
                       f"{NO_TYPE}the first 3 read; the first: {EXPECTED_TYPE}"),
    "backslash-n": (rf"{A}\n{B}", 1, (1, 0), f"{NO_TYPE}the one read: expected a comma, "
                    r'white space or { after the event, got "\n{"type":"B" at character 13'),
    "ten-lines-of-banner": ("x\n" * 10 + A, 0, (1, 0), f"{SO_FAR}{NO_JSON}1"),
    "array-after-a-banner": (f"x\n[\n{A}\n]\n", 0, (1, 0), f"{SO_FAR}{NO_JSON}1"),
    "array-cut-off-in-its-first": (f"[\n{A[:-1]}", 0, (2, 13),
                                   f"{SO_FAR}expected more JSON, got the end at character 12"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "count", "place", "cause"), OTHERS.values(), ids=OTHERS.keys())
def test_not_an_event_log(
    content: bytes | str,
    count: int,
    place: Place | None,
    cause: str,
    make_file: Callable[..., str],
):
    file = make_file(content)
    units = read_units(file)
    found = list(islice(units, count))
    with pytest.raises(NotAnEventLogError) as caught:
        found.extend(units)
    assert len(found) == count
    where = f"line {place[0]}, byte offset {place[1]}: " if place else ""
    expected = f"{file}: {where}not an event log{cause.replace('{file}', file)}"
    assert str(caught.value) == expected
    assert str(pickle.loads(pickle.dumps(caught.value))) == expected


def test_message_of_damage_groups_the_digits_of_places(make_file: Callable[..., str]):
    file = make_file("[\n" + f"{A},\n" * 1200)
    with pytest.raises(DamagedFileError) as caught:
        read(file)
    assert str(caught.value) == f"{file}: line 1,202, byte offset 16,802: {CUT_OFF}"
    assert isinstance(caught.value, LTVError | ValueError)


@pytest.mark.parametrize(
    "array",
    [f"[{A},{NAN},{B}]", f"[\n{PRETTY},\n{ACCENTED},\n\n{A}\n]", '["a",{"type":-1.5e+3},true]'],
    ids=["one-line", "pretty", "values"],
)
def test_an_array_cut_off_anywhere_is_never_taken_for_whole(
    array: str, make_file: Callable[..., str]
):
    content = bytes_of(array)
    for length in range(1, len(content)):
        with pytest.raises(DamagedFileError):
            list(read_units(make_file(content[:length])))


ENCODINGS = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
ENCODED_TEXTS = {
    "array": f"[\n{A},\n{B}\n]",
    "array-one-line": f"[{A}]",
    "lines": f"{A}\n{B}\n{C}\n",
    "line": A,
    "run": f"{PRETTY}\n{PRETTY}",
}


@pytest.mark.parametrize("mark", ["\ufeff", ""], ids=["mark", "no-mark"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", ENCODED_TEXTS.values(), ids=ENCODED_TEXTS.keys())
def test_other_encodings_are_damage(
    text: str, encoding: str, mark: str, make_file: Callable[..., str]
):
    file = make_file((mark + text).encode(encoding))
    with pytest.raises(DamagedFileError) as caught:
        read(file)
    if mark or "16" in encoding:
        cause = "expected UTF-8, got UTF-16 or UTF-32"
        assert str(caught.value) == f"{file}: line 1, byte offset 0: {cause}"


def numbered(count: int, member: str) -> list[str]:
    return [f'{{"{member}":{number}}}' for number in range(count)]


@pytest.mark.parametrize("between", ["\n", ",", ""], ids=["lines", "commas", "glued"])
@pytest.mark.parametrize("brackets", ["", "[]"], ids=["run", "array"])
@pytest.mark.parametrize(
    "others", ['{"x":1}', '"x"', INFINITE], ids=["typeless", "texts", "typeless-nan"]
)
def test_an_event_log_has_a_type_among_its_first_100_units(
    between: str, brackets: str, others: str, make_file: Callable[..., str]
):
    if (between, others) == ("", '"x"'):
        between = " "
    opening, closing = brackets[:1], brackets[1:]
    content = opening + between.join([others] * 99 + [A, B]) + closing
    assert [unit[2] for unit in read(make_file(content))[-2:]] == [A, B]
    file = make_file(opening + between.join([others] * 100 + [A, B]) + closing)
    units = read_units(file)
    assert len(list(islice(units, 100))) == 100
    with pytest.raises(NotAnEventLogError) as caught:
        next(units)
    assert caught.value.cause.startswith(
        f"not an event log{NO_TYPE}the first 100 read; the first: "
    )


def test_a_type_that_is_null_tells_an_event_log(make_file: Callable[..., str]):
    assert len(read(make_file('{"type":null}\n{}\n'))) == 2


# --- Chunks -----------------------------------------------------------------------------------

CORPUS: dict[str, bytes] = {
    **{f"good-{name}": bytes_of(content) for name, (content, _) in GOOD.items()},
    **{f"bad-{name}": bytes_of(content) for name, (content, _) in BAD.items()},
    **{f"damaged-{name}": bytes_of(content) for name, (content, *_) in DAMAGED.items()},
    **{f"empty-{name}": content for name, content in EMPTY.items()},
    "escapes": rb'{"type":"\ud83d\ude00\u0041\\"}{"type":"\ud83d"}{"type":"\"\u00e9"}',
    "literals": b"[true,false,null,-1,0,153,NaN,Infinity,-Infinity,{}," + A.encode() + b"]",
    "numbers": b"[1.5," + A.encode() + b",-0.25e+10]",
    "long-white-space": b'[{"type"' + b" " * 30 + b":" + b"\n" * 30 + b"1" + b" " * 30 + b"}]",
    "bad-escapes": (
        b'{"type":"\\u12"}\n{"type":1}' + b'\n{"type":"\\x"}\n{"type":1}' * 2 + b'\n{"type":"\\'
    ),
}


EACH_OF_CORPUS = pytest.mark.parametrize("content", CORPUS.values(), ids=CORPUS.keys())


def plain_outcome(file: str) -> tuple[list[tuple[int, int, str, str]], str]:
    units: list[tuple[int, int, str, str]] = []
    try:
        for unit in read_units(file):
            units.append((unit.line, unit.offset, unit.text, str(unit.error)))
    except DamagedFileError as error:
        return units, str(error)
    return units, ""


@EACH_OF_CORPUS
def test_chunks_make_no_difference(
    content: bytes, make_file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    file = make_file(content)
    whole = plain_outcome(file)
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(ltv.reading.files, "CHUNK_BYTES", size)
        assert plain_outcome(file) == whole, f"chunks of {size}"


@EACH_OF_CORPUS
def test_a_chunk_may_end_at_any_byte(
    content: bytes, make_file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    file = make_file(content)
    whole = plain_outcome(file)
    step = max(1, len(content) // 300)
    for border in range(0, len(content), step):

        def in_two(raw: Iterator[bytes], border: int = border) -> Iterator[bytes]:
            return iter([piece for piece in (content[:border], content[border:]) if piece])

        monkeypatch.setattr(ltv.reading.files, "decompressed", in_two)
        assert plain_outcome(file) == whole, f"a border at {border}"


# --- Many events at once ----------------------------------------------------------------------

Accepted = list[Fact]
Rejected = list[tuple[int, int, str, str]]


class Outcome(NamedTuple):
    """What a reader made of a file, however many events it took at once."""

    accepted: Accepted
    rejected: Rejected
    damage: str
    first: tuple[int, ...]  # offset, line
    last: tuple[int, ...]


class Reading(NamedTuple):
    """An outcome, and how many events of it were matched."""

    outcome: Outcome
    matched: int


def reading(chunks: Iterable[bytes], learner: Learner | None, **part: Any) -> Reading:
    """Read all, as a worker does: what is accepted teaches the learner."""
    reader = PartReader("log", iter(chunks), learner, **part)
    accepted: Accepted = []
    rejected: Rejected = []
    matched, damage = 0, ""
    try:
        for found in reader:
            if isinstance(found, Match):
                facts = facts_of_match(found)
                assert len(facts) == found.events > 0
                accepted += facts
                matched += found.events
                continue
            fact = None if found.error else fact_of_event(found.value)
            if fact is None:
                error = str(found.error)
                rejected.append((found.line, found.offset, found.text, error))
                continue
            accepted.append(fact)
            if learner:
                learner.learn(found.text)
    except DamagedFileError as error:
        damage = str(error)
    accepted.sort(key=repr)
    last = (0, 0) if damage else tuple(reader.last)
    return Reading(Outcome(accepted, rejected, damage, tuple(reader.first), last), matched)


def in_chunks(content: bytes, size: int) -> list[bytes]:
    return [content[begin : begin + size] for begin in range(0, len(content), size)]


def taught(events: Iterable[bytes], separator: str | None = None) -> Learner:
    """A learner of the layouts of these events, as many as there can be."""
    layouts: dict[Layout | None, None] = {}
    for event in events:
        if len(event) < 4000 and fact_of_bytes(event) is not None:  # what a Unit holds of a text
            layouts[layout_of(event.decode())] = None
    return Learner(tuple(filter(None, layouts))[:16], "USD", separator)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the fast path begin after two events, look at little, and not wait for long."""
    monkeypatch.setattr(ltv.reading.layouts, "_FIRST_SAMPLE", 2)
    monkeypatch.setattr(ltv.reading.window, "_SHORTEST_REACH", 256)
    monkeypatch.setattr(ltv.reading.window, "_LONGEST_REACH", 1024)
    monkeypatch.setattr(ltv.reading.window, "_MOST_UNITS_TO_WAIT", 1)


EAGER = pytest.mark.usefixtures("eager")

VISIT = (
    '{"type":"SITE_VISIT","verb":"NEW","key":"p%d","customer_id":"c","event_time":"2017-01-01"%s}'
)
IMAGE = (
    '{ "type": "IMAGE", "verb": "UPLOAD", "key": %d,\n "customer_id": "c",'
    ' "event_time": "2017-01-01T10:00:00.5Z" %s}'
)
V1, V2, V3, V4 = (VISIT % (number, "") for number in range(1, 5))
T1, T2 = (VISIT % (number, ',"tags":[1]') for number in (1, 2))
SPREAD = VISIT % (5, ',"tags":[\n1]')
P1, P2 = (IMAGE % (number, "") for number in (1, 2))

#: What a learner that knows the layouts of V1, T1 and P1 is to see as without it.
MIXED: dict[str, str] = {
    "lines": f"{V1}\n{V2}\n{T1}\n{V3}\n",
    "lines-two-on-one": f"{V1}\n{V2}\n{V3}{V4}\n{V1}\n",
    "lines-comma-behind": f"{V1}\n{V2}\n{V3},\n{V1}\n",
    "lines-space-between": f"{V1}\n{V2}\n{V3} {V4}\n{V1}  \n{V2}\n",
    "lines-text-behind": f"{V1}\n{V2}\n{V3} x\n{V1}\nx{V2}\n",
    "lines-spread-member": f"{V1}\n{T1}\n{SPREAD}\n{T2}\n",
    "lines-spread-event": f"{V1}\n{V2}\n{P1}\n{V3}\n",
    "lines-spread-events": f"{V1}\n{V2}\n{P1}\n{P2}\n{V3}\n",
    "lines-blank-between": f"{V1}\n\n{V2}\n\n{V3}\n{V4}\n \n",
    "lines-crlf": f"{V1}\r\n{V2}\r\n{V3}\n{V4}\r\n",
    "lines-bad-first": f"x\n{V1}\n{V2}\n{V3}{V4}\n",
    "lines-unended": f"{V1}\n{V2}\n{V3}",
    "array": f"[{V1},{V2},{V3},{V4}]",
    "array-by-line": f"[\n{V1},\n{P1},\n{SPREAD},\n{V4}\n]",
    "array-glued": f"[{V1}{V2}{V3}{V4}]",
    "array-glued-text-behind": f"[{V1}{V2}{V3}x\n{V4}]",
    "array-glued-number-behind": f"[{V1}{V2}{V3}1\n{V4}\n]",
    "array-glued-string-behind": f'[{V1}{V2}{V3}""\n]',
    "array-glued-cut-off": f"[{V1}{V2}{V3}",
    "array-glued-twice-closed": f"[{V1}{V2}{V3}]]",
    "array-bad-first": f"[\n{{bad\n{V1},\n{V2}x,\n{V3}\n]",
    "array-bad-between": f"[\n{V1},\n{V2},\n{{bad\n{V3}x,\n{V4},\n{V1}x,\n{V2}\n]",
    "array-damaged": f"[{V1},{V2},{V3} x {V4}]",
    "array-then-text": f"[{V1},{V2},{V3},]{V4}",
    "array-cut-off": f"[{V1},{V2},{V3},",
    "run-glued": f"{P1}{P2}{V1}{V2}{V3}",
    "run-glued-text-behind": f"{P1}{P2}{V1}{V2}x\n{V3}",
    "run-glued-bracket-behind": f"{P1}{P2}{V1}{V2}]\n{V3}",
    "run-glued-damaged": f"{P1}{P2}{V1}{V2}x\ny",
    "run-commas": f"{P1},{P2},{V1},,{V2},{V3}x",
    "run-by-line": f"{P1}\n{P2}\n{V1}\n{V2}\n{{bad\n{V3}x\n{V4}\n",
}


@EAGER
@pytest.mark.parametrize("content", MIXED.values(), ids=MIXED.keys())
def test_a_learner_makes_no_difference(content: str):
    raw = content.encode()
    expected = reading([raw], None).outcome
    for size in (len(raw), 64, 17, 7, 1):
        for known in ([], [V1], [V1, T1, P1]):
            learner = taught(event.encode() for event in known)
            assert reading(in_chunks(raw, size), learner).outcome == expected, f"chunks of {size}"


@EAGER
@pytest.mark.parametrize("name", [name for name in MIXED if name.startswith("lines")])
def test_a_chunk_may_end_behind_any_line(name: str):
    lines = MIXED[name].encode().splitlines(keepends=True)
    expected = reading(lines, None, framing=LINES).outcome
    learner = taught([V1.encode(), T1.encode(), P1.encode()])
    assert reading(lines, learner, framing=LINES).outcome == expected


@EAGER
@EACH_OF_CORPUS
def test_a_learner_makes_no_difference_where_there_is_little_to_learn(content: bytes):
    for size in (len(content) or 1, 5):
        expected = reading(in_chunks(content, size), None).outcome
        learner = taught([V1.encode()], "\n")
        assert reading(in_chunks(content, size), learner).outcome == expected


def test_events_come_many_at_once():
    events = [VISIT % (number, "") for number in range(2000)]
    for content, separator in (
        ("\n".join(events) + "\n", "\n"),
        ("[" + ", ".join(events) + "]", ", "),
        (",\n".join(events), ",\n"),
    ):
        learner = Learner((), "USD", None)
        done = reading(in_chunks(content.encode(), 4096), learner)
        assert done.outcome == reading([content.encode()], None).outcome
        assert done.matched > 1900
        assert learner.separator == separator


@EAGER
@pytest.mark.parametrize("between", ["", "\n{bad\n"], ids=["glued", "behind-a-bad-line"])
def test_events_without_a_common_separator_are_matched_at_last(between: str):
    """What was told first may have been no separator at all."""
    content = f"[\n{V1}{between}" + ",\n".join([V2] * 400) + "]"
    done = reading([content.encode()], taught([V1.encode()]))
    assert done.outcome == reading([content.encode()], None).outcome
    assert done.matched > 300


def test_another_separator_is_learnt_where_the_known_one_is_not_met():
    events = [VISIT % (number, "") for number in range(2000)]
    content = "[" + ",".join(events[:500]) + " ,\n" + " ,\n".join(events[500:]) + "]"
    learner = Learner((), "USD", None)
    done = reading([content.encode()], learner)
    assert learner.separator == " ,\n"
    assert done.matched > 1500
    assert done.outcome == reading([content.encode()], None).outcome


def test_a_separator_is_kept_while_it_is_met_now_and_then():
    events = [VISIT % (number, "") for number in range(1000)]
    odd = '{"type":1}\n' * 2
    content = "".join(event + "\n" + odd * (number % 7 == 0) for number, event in enumerate(events))
    learner = Learner((), "USD", None)
    done = reading([content.encode()], learner)
    assert learner.separator == "\n"
    assert done.matched > 500
    assert done.outcome == reading([content.encode()], None).outcome


def test_events_of_layouts_that_nobody_knows_are_matched_all_the_same():
    content = "".join(VISIT % (number, f',"x{number}":1') + "\n" for number in range(5000))
    for learner in (taught([V1.encode()]), Learner((), "USD", None)):
        done = reading([content.encode()], learner)
        assert done.matched > 4900
        assert done.outcome == reading([content.encode()], None).outcome


def test_what_cannot_be_matched_is_tried_ever_more_rarely(monkeypatch: pytest.MonkeyPatch):
    tries = []
    match = GeneralMatcher.match

    def counted(self: GeneralMatcher, text: bytes, **framing: bool) -> Match:
        tries.append(len(text))
        return match(self, text, **framing)

    monkeypatch.setattr(GeneralMatcher, "match", counted)
    content = ",".join(VISIT % (number, f',"\\u0078{number}":1') for number in range(5000))
    done = reading([f"[{content}]".encode()], taught([V1.encode()]))
    assert done.matched == 0
    assert 5000 / 64 <= len(tries) < 5000 / 64 + 10
    assert sum(tries) < 20 * len(content)


def test_a_learner_does_not_hide_that_a_stream_breaks():
    def broken() -> Iterator[bytes]:
        yield "".join(VISIT % (number, "") + "\n" for number in range(1500)).encode()
        yield V1.encode()[:20]
        raise BrokenStreamError("no more")

    expected = reading(broken(), None).outcome
    done = reading(broken(), taught([V1.encode()]))
    assert done.outcome.damage == expected.damage
    assert "no more" in expected.damage
    assert done.matched > 1400


@EAGER
@pytest.mark.parametrize("framing", [LINES, ARRAY, RUN])
def test_parts_are_read_alike(framing: str):
    """From any event to any byte behind it."""
    separator = "\n" if framing == LINES else ","
    events = [VISIT % (number, "") for number in range(8)]
    events[5] = VISIT % (5, ',"x":[[[1]]]')
    content = (separator.join(events) + {ARRAY: "]"}.get(framing, "\n")).encode()
    begins = [content.index(event.encode()) for event in events]
    matched = 0
    for begin in begins[:5]:
        for end in (*range(begin + 1, len(content), 41), *begins[5:], None):
            part = {"framing": framing, "begin": begin, "end": end}
            expected = reading([content[begin:]], None, **part).outcome
            for size in (len(content), 30):
                learner = taught([V1.encode()])
                done = reading(in_chunks(content[begin:], size), learner, **part)
                assert done.outcome == expected
                matched += done.matched
    assert matched > 200


def common_events(rng: random.Random, count: int) -> list[bytes]:
    """Random events, among them many of a few layouts."""
    few = [event.replace("\n", " ") for event in rng.sample(list(VARIETIES.values()), 4)]
    events: list[bytes] = random_events(rng, count // 3)
    while len(events) < count:
        place = rng.randint(0, len(events))
        event = rng.choice(few)
        alike = [event.replace("@", str(digit)).encode() for digit in range(1, 10)]
        events[place:place] = alike[: rng.choice([1, 2, 9])]
    return events


@EAGER
@pytest.mark.parametrize("framing", FRAMINGS, ids=[framing.__name__ for framing in FRAMINGS])
@pytest.mark.parametrize(
    "seeds", [range(4), pytest.param(range(4, 20), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_random_logs_are_read_alike(framing: Callable[..., bytes], seeds: range):
    matched = 0
    for seed in seeds:
        rng = random.Random(f"{framing.__name__}-{seed}")
        events = common_events(rng, 60)
        if framing in ONE_LINE_FRAMINGS:
            events = list(filter(survives_on_one_line, events))
        content = framing(rng, events)
        expected = reading([content], None).outcome
        size = rng.choice([rng.randint(1, 64), 1000, len(content)])
        for learner in (Learner((), "USD", None), taught(rng.sample(events, len(events)))):
            done = reading(in_chunks(content, size), learner)
            assert done.outcome == expected, f"seed {seed}, chunks of {size}"
            matched += done.matched
    assert matched > 3 * len(seeds)  # of 60 events each, few in a framing of one line


PIECES = [
    *[V1, V2, V3] * 2, T1, SPREAD, P1, P2, *["\n", ",", ",\n", "\r\n"] * 2, " ", "", "[", "]", "x",
    "{bad", "1", '""', '{"type":1}', V1[:40], V1.replace("p1", "\\u0031"), V1.replace("p1", "é"),
]  # fmt: skip


@settings(deadline=None, derandomize=True, database=None, max_examples=250)
@given(
    st.lists(st.sampled_from(PIECES), max_size=14),
    st.integers(1, 64),
    st.sampled_from([[V1], [V1, T1, P1], []]),
    st.sampled_from([None, LINES, ARRAY, RUN]),
)
def test_any_pieces_are_read_alike(
    pieces: list[str], size: int, known: list[str], framing: str | None
):
    content = "".join(pieces).encode()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(ltv.reading.layouts, "_FIRST_SAMPLE", 2)
        monkeypatch.setattr(ltv.reading.window, "_MOST_UNITS_TO_WAIT", 0)
        monkeypatch.setattr(ltv.reading.window, "_MISSES_TO_FORGET", 1)
        expected = reading(in_chunks(content, size), None, framing=framing).outcome
        learner = taught(event.encode() for event in known)
        done = reading(in_chunks(content, size), learner, framing=framing)
        assert done.outcome == expected
