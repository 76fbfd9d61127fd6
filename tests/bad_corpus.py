"""Small files, good, bad and damaged, and what must become of each.

Every case is one file, with the exit status, how many events are accepted, the rejects that are put
in place as (line, offset, reason, member), and of a run that fails the one line, `{file}` standing
for the name of the file. What is expected follows from SPEC.md; only the words of the messages are
the program's.
"""

import bz2
import gzip
import json
import lzma
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import permutations
from typing import Any, NamedTuple

MAX_EVENT_BYTES = 16 * 1024 * 1024

Event = dict[str, Any] | bytes  # as bytes: its text, in one line
Reject = tuple[int, str, str | None]  # the number of the event, reason, member
Placed = tuple[int, int, str, str | None]  # line, offset, reason, member
Framing = Callable[[Sequence[Event]], tuple[bytes, list[tuple[int, int]]]]


class Case(NamedTuple):
    """What must become of one file. Without a message the run succeeds."""

    data: bytes
    accepted: int
    rejects: list[Placed]
    message: str | None

    @property
    def status(self) -> int:
        """The exit status."""
        return 0 if self.message is None else 1


CASES: dict[str, Case] = {}

AS_JSON = ", expected events as JSON"


def add(
    name: str,
    data: bytes,
    accepted: int,
    *rejects: Placed,
) -> None:
    """A file that gives results."""
    assert name not in CASES, name
    CASES[name] = Case(data, accepted, list(rejects), None)


def fail(name: str, data: bytes, cause: str = "", place: str = "line 1, byte offset 0") -> None:
    """A file that is damaged, at `place`; without a cause see MESSAGES."""
    assert name not in CASES, name
    if not cause:
        line, offset, cause = MESSAGES[name]
        place = f"line {line:,}, byte offset {offset:,}"
    CASES[name] = Case(data, 0, [], f"{{file}}: {place}: {cause}")


def no_log(
    name: str,
    data: bytes,
    problem: str,
    place: tuple[int, int] | None = None,
    rejects: Sequence[Placed] = (),
) -> None:
    """A file that is no event log, for a problem, at a place if any; its rejects are written."""
    assert name not in CASES, name
    where = "line {:,}, byte offset {:,}: ".format(*place) if place else ""
    see = "; see out.csv.rejects.jsonl" if rejects else ""
    message = f"{{file}}: {where}not an event log{problem}{see}"
    CASES[name] = Case(data, 0, list(rejects), message)


def no_type(name: str, data: bytes, fault: str, *rejects: Placed) -> None:
    """A file that is no event log: among its first units, all rejected, there is no `type`."""
    count = len(rejects)
    read = "the one read" if count == 1 else f"the first {count} read; the first"
    no_log(name, data, f"{NO_TYPE}{read}: {fault}", rejects[0][:2], rejects)


def nothing(name: str, data: bytes, *rejects: Placed) -> None:
    """A file that leaves nothing to rank; its rejects are written."""
    assert name not in CASES, name
    why = ": ..." if rejects else ""
    CASES[name] = Case(data, 0, list(rejects), f"nothing to rank in 1 file{why}")


# --- Events, and the framings of section 6 ----------------------------------------------------


def order(number: int, **changes: Any) -> dict[str, Any]:
    """A good order, but for the changes; `...` for a member that is left out."""
    members = {
        "type": "ORDER",
        "verb": "NEW",
        "key": f"o{number}",
        "customer_id": f"c{number % 3}",
        "event_time": f"2017-01-{number % 28 + 1:02}T10:00:00Z",
        "total_amount": f"{number}.00 USD",
    }
    return {name: value for name, value in (members | changes).items() if value is not ...}


def customer(identity: str, name: str) -> dict[str, Any]:
    return {
        "type": "CUSTOMER",
        "verb": "NEW",
        "key": identity,
        "event_time": "2017-01-01",
        "last_name": name,
    }


def text_of(event: Event) -> bytes:
    """An event in one line, ASCII only."""
    return event if isinstance(event, bytes) else json.dumps(event, separators=(",", ":")).encode()


def raw_text_of(event: dict[str, Any]) -> bytes:
    """An event in one line, its characters as they are."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def pretty_text_of(event: Event) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event, indent=2).encode()


GOOD = text_of(order(1))
GOOD_2 = text_of(order(2))


def placed(pieces: Iterable[tuple[bytes, bool]]) -> tuple[bytes, list[tuple[int, int]]]:
    """The pieces put together, and line and offset of those that are events."""
    data = b""
    places = []
    for piece, is_event in pieces:
        if is_event:
            places.append((data.count(b"\n") + 1, len(data)))
        data += piece
    return data, places


def framed(
    events: Sequence[Event],
    begin: bytes,
    between: bytes,
    end: bytes,
    text: Callable[[Event], bytes] = text_of,
) -> tuple[bytes, list[tuple[int, int]]]:
    pieces = [(begin, False)]
    for i, event in enumerate(events):
        pieces += [(between, False)] * bool(i) + [(text(event), True)]
    return placed([*pieces, (end, False)])


def json_lines(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"", b"\n", b"\n")


def array(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"[\n", b",\n", b"\n]\n")


def pretty_array(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"[\n  ", b",\n  ", b"\n]\n", pretty_text_of)


def one_line_array(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"[", b",", b"]\n")


def comma_lines(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"", b",\n", b",\n")


def glued_line(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    """JSON Lines of one line: nothing between objects, but a space where something must be."""
    return placed([*glued(map(text_of, events)), (b"\n", False)])


def glued(texts: Iterable[bytes]) -> list[tuple[bytes, bool]]:
    pieces: list[tuple[bytes, bool]] = []
    before = b"{"
    for text in texts:
        if not text.startswith(b"{") or not before.startswith(b"{"):
            pieces.append((b" ", False))
        pieces.append((text, True))
        before = text
    return pieces


def run(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    """One a line, but for the first, which makes it a run."""
    first, others = events[0], events[1:]
    pieces = [piece for event in others for piece in ((b",\n", False), (text_of(event), True))]
    return placed([(pretty_text_of(first), True), *pieces, (b",\n", False)])


def glued_run(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    """The same with nothing between objects."""
    texts = [pretty_text_of(events[0]), *map(text_of, events[1:])]
    return placed([*glued(texts), (b"\n", False)])


def pretty_run(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"", b"\n", b"\n", pretty_text_of)


FRAMINGS: dict[str, Framing] = {
    "json-lines": json_lines,
    "array": array,
    "pretty-array": pretty_array,
    "one-line-array": one_line_array,
    "comma-lines": comma_lines,
    "glued-line": glued_line,
    "run": run,
    "glued-run": glued_run,
    "pretty-run": pretty_run,
}
ON_LINES = {"json-lines": json_lines, "array": array}


def add_framed(
    name: str,
    framing: Framing,
    events: Sequence[Event],
    *rejects: Reject,
    packed: Callable[[bytes], bytes] = bytes,
) -> None:
    """A file in which every bad event costs itself alone."""
    data, places = framing(events)
    bad = [(*places[number], reason, member) for number, reason, member in rejects]
    add(name, packed(data), len(events) - len(bad), *bad)


def add_bad(framing_name: str, name: str, bad: Event, reason: str, member: str | None) -> None:
    """Good, bad, good."""
    framing = FRAMINGS[framing_name]
    add_framed(f"{framing_name}-{name}", framing, [order(1), bad, order(2)], (1, reason, member))


# --- Compression, the same bytes with any library ---------------------------------------------


def gzipped(data: bytes, crc: int = 0, length: int = 0) -> bytes:
    """A gzip member that stores `data`; `crc` and `length` are errors to add."""
    assert len(data) < 2**16
    trailer = struct.pack("<II", (zlib.crc32(data) + crc) % 2**32, (len(data) + length) % 2**32)
    stored = struct.pack("<BHH", 1, len(data), len(data) ^ 0xFFFF) + data
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stored + trailer


def packed_small(data: bytes) -> bytes:
    """`data`, which is long and all alike, so that it takes little room; bzip2 takes far longer."""
    return gzip.compress(data, mtime=0)


def changed(data: bytes, place: int) -> bytes:
    """`data` with another byte at `place`."""
    place %= len(data)
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


# --- Reasons ----------------------------------------------------------------------------------

#: Whatever is JSON costs itself alone in any framing.
BAD_EVENTS: list[tuple[str, Event, str, str | None]] = [
    ("not-an-object", b"42", "not-an-object", None),
    ("missing", order(3, customer_id=...), "missing", "customer_id"),
    ("unknown-type", order(3, type="order"), "unknown-type", "type"),
    ("unknown-verb", order(3, verb="DELETE"), "unknown-verb", "verb"),
    ("bad-id", order(3, customer_id=""), "bad-id", "customer_id"),
    ("bad-time", order(3, event_time="2017-02-29"), "bad-time", "event_time"),
    ("bad-amount", order(3, total_amount="1e3"), "bad-amount", "total_amount"),
    ("other-currency", order(3, total_amount="3 EUR"), "other-currency", "total_amount"),
]
NOT_JSON = GOOD.replace(b'"verb":', b'"verb"')
NOT_UTF8 = GOOD.replace(b"o1", b"o\xe9")
NO_EVENT_AFTER = "and no event begins on the next line, so what is lost is unknown"
TOO_LONG = "expected an event of at most 16 MiB (16,777,216 bytes)"


def of_size(length: int) -> bytes:
    """A good event of that many bytes."""
    event = text_of(order(3, note=""))
    return event[:-2] + b"x" * (length - len(event)) + b'"}'


def reasons_in_every_framing() -> None:
    for framing_name, framing in FRAMINGS.items():
        for name, event, reason, member in BAD_EVENTS:
            add_bad(framing_name, name, event, reason, member)
        constants = [order(3, note=float(text)) for text in ("nan", "inf", "-inf")]
        add_framed(f"{framing_name}-constants", framing, [order(1), *constants, order(2)])
        add_bad(framing_name, "constant-alone", b"-Infinity", "not-an-object", None)
        # Text that is not JSON costs the rest of its line.
        for name, bad in (
            ("not-json", NOT_JSON),
            ("not-utf8", NOT_UTF8),
            ("too-long", of_size(MAX_EVENT_BYTES + 1)),
        ):
            data, places = framing([order(1), bad, order(2)])
            packed = packed_small(data) if name == "too-long" else data
            case = f"{framing_name}-{name}"
            line, offset = places[1]
            if framing is one_line_array:
                found = {"not-json": NOT_JSON.index(b'"verb"') + 6, "not-utf8": bad.find(b"\xe9")}
                words = {
                    "not-json": f"expected JSON, got something else at character "
                    f"{found['not-json'] + 1}",
                    "not-utf8": f"expected UTF-8, got something else at character "
                    f"{found['not-utf8'] + 1}",
                    "too-long": TOO_LONG,
                }
                at = offset + found.get(name, 0)
                place = f"line 1, byte offset {at:,}"
                fail(case, packed, f"{words[name]}, {NO_EVENT_AFTER}", place)
            elif framing in (glued_line, glued_run):
                add(case, packed, 1, (line, offset, name, None))
            else:
                add(case, packed, 2, (line, offset, name, None))
        if framing in (json_lines, pretty_array):
            longest = packed_small(framing([order(1), of_size(MAX_EVENT_BYTES), order(2)])[0])
            add(f"{framing_name}-longest", longest, 3)


MEMBERS = ("type", "verb", "key", "event_time", "customer_id", "total_amount")


def rules_of_events() -> None:
    for member in MEMBERS:
        add_bad("json-lines", f"missing-{member}", order(3, **{member: ...}), "missing", member)
        add_bad("json-lines", f"null-{member}", order(3, **{member: None}), "missing", member)
    for name, event in (
        ("null", b"null"),
        ("string", b'"{}"'),
        ("array", b"[" + GOOD + b"]"),
        ("true", b"true"),
        ("number", b"-1.5e3"),
    ):
        add_bad("json-lines", f"value-{name}", event, "not-an-object", None)
    for name, identity in (
        ("empty", ""),
        ("257-characters", "x" * 257),
        ("true", True),
        ("array", ["c1"]),
        ("fraction", 1.5),
        ("lone-surrogate", "\ud800"),
        ("257-digits", 10**256),
    ):
        add_bad("json-lines", f"key-{name}", order(3, key=identity), "bad-id", "key")
    add_framed(
        "json-lines-ids-at-their-limits",
        json_lines,
        [
            order(1, key="x" * 256),
            order(1, key="\U0001f600" * 256),
            order(1, key=10**255),
            order(1, key=1 - 10**255),
            order(1, key=1.0),
            text_of(order(1, key="?")).replace(b'"?"', b"-0"),
        ],
    )
    for name, time in (
        ("number", 1483707355),
        ("february-30", "2017-02-30T10:00:00Z"),
        ("hour-24", "2017-01-01T24:00:00Z"),
        ("leap-second", "2017-01-01T23:59:60Z"),
        ("1969", "1969-12-31T23:59:59Z"),
        ("1969-by-offset", "1970-01-01T00:30:00+01:00"),
        ("2200-by-offset", "2199-12-31T23:30:00-01:00"),
        ("space-after", "2017-01-01 "),
        ("other-digits", "\uff12\uff10\uff11\uff17-01-01"),
        ("newline-after", "2017-01-01\n"),
        ("escape", "\x1b[2J"),
    ):
        add_bad("json-lines", f"time-{name}", order(3, event_time=time), "bad-time", "event_time")
    for name, amount in (
        ("empty", ""),
        ("exponent", "1e3"),
        ("comma", "1,23"),
        ("13-digits", "1234567890123"),
        ("31-decimals", "1." + "1" * 31),
        ("two-signs", "-$-1"),
        ("other-digits", "١٢"),
        ("nan", "NaN"),
        ("newline-after", "1.00\n"),
        ("lone-surrogate", "1.00\udfff"),
        ("object", {"amount": 1}),
    ):
        bad = order(3, total_amount=amount)
        add_bad("json-lines", f"amount-{name}", bad, "bad-amount", "total_amount")
    for name, digits, reason in (
        ("exponent", b"1e3", "bad-amount"),
        ("5000-digits", b"1" * 5000, "bad-amount"),
        ("5000-decimals", b"1." + b"1" * 5000, "bad-amount"),
        ("exponent-of-5000-digits", b"1e" + b"9" * 5000, "bad-amount"),
    ):
        event_text = text_of(order(3, total_amount="?")).replace(b'"?"', digits)
        add_bad("json-lines", f"number-as-amount-{name}", event_text, reason, "total_amount")
        add_bad("one-line-array", f"number-as-amount-{name}", event_text, reason, "total_amount")
        key_text = text_of(order(3, key="?")).replace(b'"?"', digits)
        add_bad("json-lines", f"number-as-key-{name}", key_text, "bad-id", "key")
        ignored = text_of(order(3, note="?")).replace(b'"?"', digits)
        add_framed(f"json-lines-number-ignored-{name}", json_lines, [order(1), ignored])


def members_that_occur_twice() -> None:
    def twice(member: str, first: bytes, last: bytes) -> bytes:
        text = text_of(order(3, **{member: ...}))
        return b'{"%b":%b,%b,"%b":%b}' % (member.encode(), first, text[1:-1], member.encode(), last)

    for name, event, reject in (
        ("key", twice("key", b'""', b'"o3"'), None),
        ("type", twice("type", b'"WISH"', b'"ORDER"'), None),
        ("escaped-name", twice("key", b'""', b'"o3"').replace(b'"key"', b'"\\u006bey"', 1), None),
        ("null-last", twice("key", b'"o3"', b"null"), ("missing", "key")),
        ("bad-last", twice("total_amount", b"1", b"true"), ("bad-amount", "total_amount")),
    ):
        if reject is None:
            add_framed(f"json-lines-twice-{name}", json_lines, [order(1), event, order(2)])
        else:
            add_bad("json-lines", f"twice-{name}", event, *reject)


# --- Encodings and texts ----------------------------------------------------------------------

ILL_FORMED = {
    "latin-1": b"M\xfcller",
    "windows-quotes": b"\x93M\x94",
    "overlong-slash": b"\xc0\xaf",
    "overlong-quote": b"\xe0\x80\xa2",
    "overlong-nul": b"\xc0\x80",
    "encoded-surrogate": b"\xed\xa0\x80",
    "encoded-surrogate-pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond-unicode": b"\xf4\x90\x80\x80",
    "truncated-2": b"\xc3",
    "truncated-3": b"\xe2\x82",
    "truncated-4": b"\xf0\x9f\x98",
    "continuation-alone": b"\x80",
    "never-in-utf-8": b"\xff",
}
MARK = b"\xef\xbb\xbf"


def encodings() -> None:
    for name, text in ILL_FORMED.items():
        event = text_of(order(3, note="?")).replace(b"?", text)
        for framing_name in ON_LINES:
            add_bad(framing_name, f"ill-formed-{name}", event, "not-utf8", None)
    both = NOT_JSON.replace(b"o1", b"o\xff")
    add_bad("json-lines", "ill-formed-and-not-json", both, "not-utf8", None)
    add_bad("json-lines", "ill-formed-name", b'{"\xff":1}', "not-utf8", None)
    add_bad("json-lines", "ill-formed-outside-strings", b"{\xa0}", "not-utf8", None)
    lines = GOOD + b"\n" + GOOD_2[:-20] + b"\xe2\x82"
    add("json-lines-ill-formed-at-the-end", lines, 1, (2, len(GOOD) + 1, "not-utf8", None))
    add("array-ill-formed-blank", b"[\n" + GOOD + b",\n\xff\n" + GOOD_2 + b"\n]", 2, (
        3, len(GOOD) + 4, "not-utf8", None
    ))  # fmt: skip

    for name, framing in FRAMINGS.items():
        add(f"{name}-mark", MARK + framing([order(1), order(2)])[0], 2)
    add_framed("json-lines-mark-in-a-name", json_lines, [order(1), order(2, note="\ufeff")])
    nothing("mark-alone", MARK)
    lines = json_lines([order(1), order(2)])[0]
    other = "expected UTF-8, got UTF-16 or UTF-32"
    for name, encoding, mark in (
        ("utf-16-le", "utf-16-le", b"\xff\xfe"),
        ("utf-16-be", "utf-16-be", b"\xfe\xff"),
        ("utf-32-le", "utf-32-le", b"\xff\xfe\0\0"),
        ("utf-32-be", "utf-32-be", b"\0\0\xfe\xff"),
    ):
        for framing_name, framing in ON_LINES.items():
            text = framing([order(1), order(2)])[0].decode().encode(encoding)
            fail(f"{framing_name}-{name}-with-mark", mark + text, other)
            if encoding.startswith("utf-16"):
                fail(f"{framing_name}-{name}", text, other)
    for encoding, offset in (("utf-32-le", 1), ("utf-32-be", 0)):
        problem = SO_FAR + GOT_ELSE.format(offset + 1)
        no_log(f"json-lines-{encoding}", lines.decode().encode(encoding), problem, (1, offset))


BITING = {
    "nul": "a\0b",
    "terminal-escape": "\x1b[2J\x1b]0;title\x07",
    "c1": "a\x9b2J",
    "backspaces": "abc\b\b\b\x7f",
    "line-breaks": "a\r\nb\x0b\x0c\x85c",
    "separators": "a\u2028b\u2029c",
    "bidi": "\u202ecba\u202c\u2066x\u2069\u200f",
    "zero-width": "a\u200b\u200d\ufeffb",
    "equals": '=HYPERLINK("http://example.com")',
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "tab": "\t=1",
    "full-width": "\uff1d1",
    "spaces": "  =1",
    "carriage-return": "\r=1",
    "quotes": '"a","b"\'',
    "combining": "a" + "\u0301" * 200,
    "wide": "王" * 100,
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "braces": '}{][\\",:\\u0000',
    "blank": "   ",
}


def texts_that_bite() -> None:
    for name, text in BITING.items():
        identities = [text, "1" + text]
        events: list[Event] = [
            *(order(number, customer_id=text) for number, text in enumerate(identities, 1)),
            *(customer(text, text) for text in identities),
        ]
        add_framed(f"json-lines-text-{name}", json_lines, events)
        add_framed(f"pretty-array-text-{name}", pretty_array, events)
        bad = order(3, type=text, customer_id=text)
        add_bad("json-lines", f"text-as-type-{name}", bad, "unknown-type", "type")
        if min(text) >= " ":
            raw = [raw_text_of(event) for event in events if isinstance(event, dict)]
            add_framed(f"one-line-array-text-raw-{name}", one_line_array, raw)
            add_framed(f"glued-run-text-raw-{name}", glued_run, raw)
        else:
            raw_bad = text_of(order(3, note="?")).replace(b"?", text.encode())
            if "\n" not in text:
                add_bad("json-lines", f"text-raw-{name}", raw_bad, "not-json", None)
    surrogate = "\ud83d"
    add_bad("json-lines", "surrogate-id", order(3, customer_id=surrogate), "bad-id", "customer_id")
    add_bad("json-lines", "surrogate-type", order(3, type=surrogate), "unknown-type", "type")
    add_bad("json-lines", "surrogate-verb", order(3, verb=surrogate), "unknown-verb", "verb")
    add_bad(
        "json-lines", "surrogate-time", order(3, event_time=surrogate), "bad-time", "event_time"
    )
    add_framed(
        "json-lines-surrogates-that-do-no-harm",
        json_lines,
        [
            order(1, note=surrogate),
            order(2, **{surrogate: 1}),
            customer("c1", surrogate),
            customer("c2", surrogate + "\ude00"),
        ],
    )
    colliding = ["plumless", "buckeroo"]
    assert len({zlib.crc32(text.encode()) for text in colliding}) == 1
    add_framed(
        "json-lines-ids-of-one-crc32",
        json_lines,
        [order(number, customer_id=text) for number, text in enumerate(colliding, 1)],
    )
    alike = ["e\u0301", "\u00e9", "E\u0301", "é ", "0", "00", "0.0", "ß", "ss"]
    add_framed(
        "json-lines-ids-that-look-alike",
        json_lines,
        [order(number, customer_id=text) for number, text in enumerate(alike, 1)],
    )


# --- What is not JSON -------------------------------------------------------------------------

#: What stands for the value of a member that nobody reads.
BAD_VALUES = {
    "single-quotes": b"'a'",
    "hex": b"0x1F",
    "leading-zero": b"01",
    "plus": b"+1",
    "no-leading-digit": b".5",
    "no-decimals": b"1.",
    "no-exponent": b"1e",
    "minus-alone": b"-",
    "python-true": b"True",
    "undefined": b"undefined",
    "lower-nan": b"nan",
    "nothing": b"",
    "comment": b"1 /* one */",
    "comma-in-array": b"[1,]",
    "comma-first": b"[,1]",
    "wrong-bracket": b"[1}",
    "hex-escape": b'"\\x41"',
    "short-escape": b'"\\u12"',
    "python-escape": b'"\\u+123"',
    "tab": b'"a\tb"',
    "underscores": b"1_000",
    "other-digits": "\u0661".encode(),
    "form-feed": b"1\f",
    "no-break-space": b"1\xc2\xa0",
}
BAD_TEXTS = {
    "unquoted-name": GOOD.replace(b'"type"', b"type"),
    "comma-last": GOOD[:-1] + b",}",
    "commas-doubled": GOOD.replace(b",", b",,", 1),
    "comma-missing": GOOD.replace(b",", b" ", 1),
    "colon-doubled": GOOD.replace(b":", b"::", 1),
    "quote-missing": GOOD.replace(b'"', b"", 1),
    "bracket-missing": GOOD[:-1],
    "bracket-doubled": GOOD + b"}",
    "cut-in-a-string": GOOD[:30],
    "cut-in-a-literal": b'{"note":tru',
    "cut-after-a-backslash": b'{"note":"\\',
    "half": GOOD[20:],
    "trailing-garbage-glued": GOOD + b"x",
    "comment": b"# " + GOOD,
    "json-c": b"/* good */" + GOOD,
    "log-prefix": b"2017-01-01 INFO " + GOOD,
    "two-in-quotes": b'"' + GOOD + b'"',
    "html": b"<p>502 Bad Gateway</p>",
    "nul": b"\0" * 512,
    "form-feed": b"\f",
    "no-break-space": b"\xc2\xa0",
    "ideographic-space": b"\xe3\x80\x80",
}


def not_json() -> None:
    for framing_name in (*ON_LINES, "run"):
        for name, text in BAD_VALUES.items():
            event = text_of(order(3, note="?")).replace(b'"?"', text)
            add_bad(framing_name, f"value-{name}", event, "not-json", None)
    for framing_name in ON_LINES:
        for name, event in BAD_TEXTS.items():
            add_bad(framing_name, f"line-{name}", event, "not-json", None)
    for name, text in (("garbage", b"x"), ("comment", b"// good"), ("colon", b":")):
        lines = GOOD + b"\n" + GOOD_2 + b" " + text + b"\n" + GOOD
        after = len(GOOD + GOOD_2) + 2
        add(f"json-lines-trailing-{name}", lines, 3, (2, after, "not-json", None))
        lines = b"[\n" + GOOD + b" " + text + b",\n" + GOOD_2 + b"\n]"
        add(f"array-trailing-{name}", lines, 2, (2, len(GOOD) + 3, "not-json", None))
    add_framed("array-two-on-a-line", array, [order(1), order(2)])
    glued = GOOD + b"\n" + GOOD_2 + b"\n" + GOOD + b"x" + GOOD_2 + b"\n" + GOOD
    at = len(GOOD) + len(GOOD_2) + 2
    add("json-lines-garbage-between", glued, 3, (3, at, "not-json", None))
    add("array-garbage-between", b"[\n" + glued + b"]", 3, (4, at + 2, "not-json", None))


def nested(depth: int) -> bytes:
    """A good event in which that many brackets are open at once."""
    return text_of(order(3, note="?")).replace(b'"?"', b"[" * (depth - 1) + b"]" * (depth - 1))


def depths() -> None:
    for framing_name, framing in FRAMINGS.items():
        add_framed(f"{framing_name}-depth-256", framing, [order(1), nested(256), order(2)])
    for depth in (257, 2_000, 100_000):
        for framing_name, framing in FRAMINGS.items():
            data, places = framing([order(1), nested(depth), order(2)])
            packed = packed_small(data) if depth > 1000 else data
            name = f"{framing_name}-depth-{depth}"
            if framing is one_line_array:
                fail(name, packed, DEPTH, f"line 1, byte offset {places[1][1]:,}")
            else:
                add(name, packed, 1 if framing in (glued_line, glued_run) else 2, (
                    *places[1], "not-json", None
                ))  # fmt: skip
    for framing_name in ON_LINES:
        for bracket in (b"[", b"{", b'{"a":', b"]"):
            deep = packed_small(FRAMINGS[framing_name]([order(1), bracket * 50_000, order(2)])[0])
            line, offset = FRAMINGS[framing_name]([order(1), b""])[1][1]
            place = {b"[": "array", b"{": "object", b'{"a":': "member", b"]": "closed"}[bracket]
            name = f"{framing_name}-depth-open-{place}"
            if bracket == b"]" and framing_name == "array":
                fail(name, deep, AFTER, f"line 3, byte offset {offset + 1:,}")
            else:
                add(name, deep, 2, (line, offset, "not-json", None))
    in_string = order(3, note="[{" * 1000, **{"}" * 300: '\\"['})
    for framing_name, framing in FRAMINGS.items():
        add_framed(f"{framing_name}-brackets-in-strings", framing, [order(1), in_string])


# --- Framing ----------------------------------------------------------------------------------

CUT = "the array is cut off, its closing ] is missing"
AFTER = "expected nothing but another array after the closing ] of an array"
DEPTH = f"expected at most 256 brackets open at once, {NO_EVENT_AFTER}"
GOT_ELSE = "expected JSON, got something else at character {}"
NO_TYPE = ': no JSON object with a "type" in '
WITHOUT_TYPE = 'expected a member "type"'
SO_FAR = " as far as it was read: "
MARKUP = "HTML or XML"
CSV = ": it looks like CSV, expected each event as a JSON object, or --csv"

#: What is said of damaged files: line, offset and cause, each read and found right. Behind `...`
#: stand the words of a library, which differ between its versions.
MESSAGES = {
    "array-cut-in-an-event": (
        4,
        166,
        "in the event that begins on line 3: expected more JSON, got the end at character 42, "
        + NO_EVENT_AFTER,
    ),
    "array-text-before-its-end": (3, 125, f"{GOT_ELSE.format(1)}, {NO_EVENT_AFTER}"),
    "bzip2-changed-at-the-end": (1, 0, "the bzip2 stream is broken: ..."),
    "bzip2-changed-in-the-middle": (1, 0, "the bzip2 stream is broken: ..."),
    "bzip2-cut-by-1": (3, 244, "the bzip2 stream is cut off"),
    "bzip2-cut-in-half": (1, 0, "the bzip2 stream is cut off"),
    "bzip2-cut-in-its-header": (1, 0, "the bzip2 stream is cut off"),
    "bzip2-cut-in-the-second": (3, 244, "the bzip2 stream is cut off"),
    "bzip2-event-after": (3, 244, "expected bzip2 streams alone, got more after them"),
    "bzip2-header-alone": (1, 0, "the bzip2 stream is cut off"),
    "bzip2-header-after": (3, 244, "the bzip2 stream is cut off"),
    "bzip2-newline-after": (3, 244, "expected bzip2 streams alone, got more after them"),
    "bzip2-of-an-array-cut": (3, 124, CUT),
    "bzip2-text-after": (3, 244, "expected bzip2 streams alone, got more after them"),
    "bzip2-text-after-zeros": (3, 244, "expected bzip2 streams alone, got more after them"),
    "gzip-changed-at-the-end": (1, 0, "the gzip stream is broken: ..."),
    "gzip-changed-in-the-middle": (1, 0, "the gzip stream is broken: ..."),
    "gzip-cut-by-1": (3, 244, "the gzip stream is cut off"),
    "gzip-cut-in-half": (1, 118, "the gzip stream is cut off"),
    "gzip-cut-in-its-header": (1, 0, "the gzip stream is cut off"),
    "gzip-cut-in-the-second": (3, 244, "the gzip stream is cut off"),
    "gzip-event-after": (3, 244, "expected gzip streams alone, got more after them"),
    "gzip-first-bytes": (1, 0, "the gzip stream is cut off"),
    "gzip-header-alone": (1, 0, "the gzip stream is cut off"),
    "gzip-header-after": (3, 244, "the gzip stream is cut off"),
    "gzip-newline-after": (3, 244, "expected gzip streams alone, got more after them"),
    "gzip-of-an-array-cut": (3, 124, CUT),
    "gzip-text-after": (3, 244, "expected gzip streams alone, got more after them"),
    "gzip-text-after-zeros": (3, 244, "expected gzip streams alone, got more after them"),
    "gzip-then-bzip2": (2, 122, "expected gzip streams alone, got more after them"),
    "gzip-unknown-method": (1, 0, "the gzip stream is broken: ..."),
    "gzip-wrong-checksum": (1, 0, "the gzip stream is broken: ..."),
    "gzip-wrong-checksum-of-nothing": (1, 0, "the gzip stream is broken: ..."),
    "gzip-wrong-length": (1, 0, "the gzip stream is broken: ..."),
    "pretty-run-half-last": (
        14,
        262,
        "in the event that begins on line 9: expected more JSON, got the end at character 116, "
        + NO_EVENT_AFTER,
    ),
    "xz-changed-at-the-end": (1, 0, "the xz stream is broken: ..."),
    "xz-changed-in-the-middle": (1, 0, "the xz stream is broken: ..."),
    "xz-cut-by-1": (3, 244, "the xz stream is cut off"),
    "xz-cut-in-half": (1, 67, "the xz stream is cut off"),
    "xz-cut-in-its-header": (1, 0, "the xz stream is cut off"),
    "xz-cut-in-the-second": (3, 244, "the xz stream is cut off"),
    "xz-event-after": (3, 244, "expected xz streams alone, got more after them"),
    "xz-header-alone": (1, 0, "the xz stream is cut off"),
    "xz-header-after": (3, 244, "the xz stream is cut off"),
    "xz-newline-after": (3, 244, "expected xz streams alone, got more after them"),
    "xz-of-an-array-cut": (3, 124, CUT),
    "xz-text-after": (3, 244, "expected xz streams alone, got more after them"),
    "xz-text-after-zeros": (3, 244, "expected xz streams alone, got more after them"),
}


def commas() -> None:
    for name, begin, between, end in (
        ("missing", b"[", b" ", b"]"),
        ("missing-glued", b"[", b"", b"]"),
        ("doubled", b"[", b",,", b"]"),
        ("leading", b"[,", b",", b"]"),
        ("trailing", b"[", b",", b",]"),
        ("everywhere", b"[ ,\n, ", b"\n,,\r\n,", b",,\n]\n"),
        ("on-the-next-line", b"[\n  ", b"\n, ", b"\n]"),
    ):
        events = [order(number) for number in range(1, 5)]
        add(f"array-commas-{name}", framed(events, begin, between, end)[0], 4)
        opening, closing = begin.replace(b"[", b""), end.replace(b"]", b"")
        add(f"json-lines-commas-{name}", framed(events, opening, between, closing)[0], 4)
        pretty, rest = pretty_text_of(order(5)), framed(events, b"", between, closing)[0]
        add(f"run-commas-{name}", opening + pretty + between + rest, 5)
    lines = b",\n" + b" , ".join([GOOD, GOOD_2]) + b",,\n,\n5,\n,null\n," + GOOD + b",x\n"
    at = 2 * len(GOOD) + 10
    add("json-lines-commas-and-bad", lines, 3, (4, at, "not-an-object", None), (
        5, at + 4, "not-an-object", None
    ), (6, at + 10 + len(GOOD) + 1, "not-json", None))  # fmt: skip


def white_space() -> None:
    events = [order(1), order(2), order(4)]
    for name, framing in FRAMINGS.items():
        data = framing(events)[0]
        add(f"{name}-crlf", data.replace(b"\n", b"\r\n"), 3)
        add(f"{name}-cr-only", data.replace(b"\n", b"\r"), 3)
        add(f"{name}-blank-lines", b"\n \t\r\n" + data.replace(b"\n", b"\n\n \n") + b"\n \n", 3)
        add(f"{name}-no-newline-at-the-end", data.rstrip(b"\n"), 3)
    for name, space in (("form-feed", b"\f"), ("no-break-space", b"\xc2\xa0"), ("nul", b"\0")):
        first = space + b"\n"
        lines = GOOD + b"\n" + GOOD_2 + b"\n"
        add(f"json-lines-{name}-first", first + lines, 2, (1, 0, "not-json", None))
        add(f"json-lines-{name}-last", lines + space, 2, (3, len(lines), "not-json", None))
    add("json-lines-crlf-and-bad", GOOD + b"\r\n\r\nx\r\n" + GOOD_2 + b"\r\n", 2, (
        3, len(GOOD) + 4, "not-json", None
    ))  # fmt: skip
    add("json-lines-indented", b"  " + GOOD + b"\n\t x\n " + GOOD_2, 2, (
        2, len(GOOD) + 5, "not-json", None
    ))  # fmt: skip


def halves() -> None:
    half = GOOD[20:] + b"\n"
    lines = GOOD + b"\n" + GOOD_2 + b"\n"
    add("json-lines-half-first", half + lines, 2, (1, 0, "not-json", None))
    add("json-lines-half-first-after-blank-lines", b"\n\n" + half + lines, 2, (
        3, 2, "not-json", None
    ))  # fmt: skip
    add("json-lines-half-first-of-two", half + GOOD, 1, (1, 0, "not-json", None))
    add("json-lines-half-first-a-digit", b"1}\n" + lines, 2, (1, 0, "not-json", None))
    add("json-lines-half-last", lines + GOOD[:50], 2, (3, len(lines), "not-json", None))
    add("json-lines-half-first-and-last", half + lines + GOOD[:50], 2, (
        1, 0, "not-json", None
    ), (4, len(half + lines), "not-json", None))  # fmt: skip
    add("json-lines-two-halves-first", half * 2 + lines, 2, (1, 0, "not-json", None), (
        2, len(half), "not-json", None
    ))  # fmt: skip
    cut = GOOD[:40] + b"\n"
    add("json-lines-two-cut-first", cut * 2 + lines, 2, (1, 0, "not-json", None), (
        2, len(cut), "not-json", None
    ))  # fmt: skip
    add("json-lines-half-before-each", (half + GOOD + b"\n") * 2, 2, (1, 0, "not-json", None), (
        3, len(half + GOOD) + 1, "not-json", None
    ))  # fmt: skip
    pretty = pretty_run([order(1), order(2)])[0]
    half = pretty[30:]
    no_log("pretty-run-half-first", half, CSV, None, [(1, 1, "not-an-object", None)])
    fail("pretty-run-half-last", pretty[: pretty.rindex(b"\n  ")])


def place_of(data: bytes, offset: int) -> str:
    line = data.count(b"\n", 0, offset) + 1
    return f"line {line:,}, byte offset {offset:,}"


def arrays() -> None:
    for name, framing in (("array", array), ("pretty-array", pretty_array)):
        whole = framing([order(1), order(2)])[0]
        body = whole.rstrip(b"\n]")
        for what, data in (
            ("not-closed", body + b"\n"),
            ("not-closed-after-a-comma", body + b",\n"),
            ("not-closed-at-all", body),
        ):
            fail(f"{name}-{what}", data, CUT, place_of(data, len(data)))
        for what, after in (
            ("closed-twice", b"]"),
            ("text-after", b"the end"),
            ("event-after", GOOD),
            ("comma-after", b","),
            ("comma-and-array-after", b"," + whole),
            ("number-after", b"5"),
            ("nul-after", b"\0"),
            ("half-a-mark-after", MARK[:2]),
        ):
            fail(f"{name}-{what}", whole + after, AFTER, place_of(whole + after, len(whole)))
        add(f"{name}-white-space-after", whole + b" \r\n\t\n" + MARK, 2)
    fail("array-cut-in-an-event", b"[\n" + GOOD + b",\n" + GOOD_2[:40] + b"\n")
    cut = b"[\n" + GOOD[:40]
    problem = f"{SO_FAR}expected more JSON, got the end at character 41"
    no_log("array-cut-in-its-first", cut, problem, (2, 42))
    problem = SO_FAR + GOT_ELSE.format(42)
    no_log("array-cut-in-its-first-before-a-line", cut + b"\nx\n" + GOOD + b"]", problem, (3, 43))
    fail("array-alone-opened", b"[", CUT, place_of(b"[", 1))
    no_type("array-alone-closed", b"]", GOT_ELSE.format(1), (1, 0, "not-json", None))
    fail("array-of-commas-not-closed", b"[,,", CUT, place_of(b"[,,", 3))
    nothing("array-empty", b"[]")
    nothing("array-empty-on-lines", b"\n[\n\n]\n")
    nothing("array-of-commas", b"[ , , ]")
    fail("array-empty-closed-twice", b"[]]", AFTER, place_of(b"[]]", 2))
    fault = "expected a JSON object, got an array"
    no_type("array-in-an-array", b"[[" + GOOD + b"]]", fault, (1, 1, "not-an-object", None))
    add_bad("array", "array-in-it", b"[" + GOOD + b"]", "not-an-object", None)
    add_bad("one-line-array", "array-in-it", b"[" + GOOD + b"]", "not-an-object", None)
    bracket = b"[\n" + GOOD + b"\n]\n" + GOOD_2 + b"\n]\n"
    fail("array-closed-in-the-middle", bracket, AFTER, place_of(bracket, len(GOOD) + 5))
    text = b"[\n" + GOOD + b",\nx\n\n\n]\n"
    add("array-text-last", text, 1, (3, len(GOOD) + 4, "not-json", None))
    text = b"[\n" + GOOD + b",\nx\ny\n" + GOOD_2 + b"\n]\n"
    cause = f"{GOT_ELSE.format(1)}, {NO_EVENT_AFTER}"
    fail("array-two-lines-of-text", text, cause, place_of(text, len(GOOD) + 4))
    text = b"[\n" + GOOD + b",\nx]\n"
    fail("array-text-before-its-end", text)
    data, places = run([order(1), b"x", order(2)])
    data += b"y"
    add("run-text-last", data, 2, (*places[1], "not-json", None), (
        places[2][0] + 1, len(data) - 1, "not-json", None
    ))  # fmt: skip
    data, places = run([order(1), order(2)])
    add("run-closed", data + b"]", 2, (places[1][0] + 1, len(data), "not-json", None))
    data, places = pretty_run([order(1), b"]", order(2)])
    add("pretty-run-closed-in-the-middle", data, 2, (*places[1], "not-json", None))


def several_arrays() -> None:
    first, second, third = (framed(numbered, b"[", b",\n", b"]")[0] for numbered in (
        [order(1), order(2)], [order(3)], [order(4), order(5)]
    ))  # fmt: skip
    for name, between in (
        ("nothing", b""),
        ("white-space", b" \t\r\n\n "),
        ("mark", MARK),
        ("marks-and-white-space", b"\n" + MARK + b" " + MARK + b"\n"),
        ("empty-array", b"[]\n[ ]"),
        ("array-of-commas", b"[,\n,]"),
    ):
        add(f"arrays-{name}-between", between.join([first, second, third]), 5)
    add("arrays-pretty", pretty_array([order(1)])[0] * 3, 3)
    add("arrays-after-an-empty-one", b"[]" + first, 2)
    for name, between in (
        ("comma", b","),
        ("text", b"x"),
        ("number", b"\n5\n"),
        ("event", b"\n" + GOOD + b"\n"),
        ("bracket", b"]"),
        ("half-a-mark", MARK[1:]),
    ):
        data = first + between + second
        after = len(first) + len(between) - len(between.lstrip())
        fail(f"arrays-{name}-between", data, AFTER, place_of(data, after))
    data = first + b"\n" + second[:-1]
    fail("arrays-second-not-closed", data, CUT, place_of(data, len(data)))
    data = first + b"\n["
    fail("arrays-second-only-opened", data, CUT, place_of(data, len(data)))
    data, places = array([order(1), b"x", order(2)])
    line, offset = 2 + places[1][0], len(first) + 1 + places[1][1]
    add("arrays-text-in-the-second", first + b"\n" + data, 4, (line, offset, "not-json", None))
    data = b"[\n" + GOOD + b",\nx\n] [\n" + GOOD_2 + b"\n]"
    add("arrays-text-before-the-end-of-the-first", data, 2, (3, len(GOOD) + 4, "not-json", None))
    data = b"[\n" + GOOD + b",\nx\n[\n" + GOOD_2 + b"\n]"
    cause = f"{GOT_ELSE.format(1)}, {NO_EVENT_AFTER}"
    fail("arrays-first-not-closed", data, cause, place_of(data, len(GOOD) + 4))


# --- Compression ------------------------------------------------------------------------------


def compression() -> None:
    text = json_lines([order(1), order(2)])[0]
    first, second = GOOD + b"\n", GOOD_2 + b"\n"
    for name, pack in PACKERS.items():
        whole = pack(text)
        add(f"{name}-whole", whole, 2)
        add(f"{name}-several", pack(first) + pack(second), 2)
        add(f"{name}-split-in-an-event", pack(text[:50]) + pack(text[50:]), 2)
        add(f"{name}-zeros-after", whole + b"\0" * 512, 2)
        add(f"{name}-zeros-between", pack(first) + b"\0" * 512 + pack(second), 2)
        add(f"{name}-empty-members", pack(b"") + whole + pack(b""), 2)
        nothing(f"{name}-of-nothing", pack(b""))
        nothing(f"{name}-of-blanks", pack(b" \n\n"))
        add(f"{name}-of-an-array", pack(array([order(1), order(2)])[0]), 2)
        for what, data in (
            ("cut-by-1", whole[:-1]),
            ("cut-in-half", whole[: len(whole) // 2]),
            ("cut-in-its-header", whole[:8]),
            ("header-alone", whole[:6]),
            ("cut-in-the-second", pack(first) + pack(second)[:-1]),
            ("text-after", whole + b"garbage"),
            ("newline-after", whole + b"\n"),
            ("text-after-zeros", whole + b"\0\0\0\0" + b"garbage"),
            ("event-after", whole + GOOD),
            ("header-after", whole + whole[:3]),
            ("changed-at-the-end", changed(whole, -2)),
            ("changed-in-the-middle", changed(whole, len(whole) // 2)),
            ("of-an-array-cut", pack(array([order(1)])[0][:-2])),
        ):
            fail(f"{name}-{what}", data)
    fail("gzip-wrong-checksum", gzipped(text, crc=1))
    fail("gzip-wrong-length", gzipped(text, length=1))
    fail("gzip-wrong-checksum-of-nothing", gzipped(b"", crc=1))
    fail("gzip-unknown-method", b"\x1f\x8b\x07" + gzipped(text)[3:])
    fail("gzip-first-bytes", b"\x1f\x8b")
    head = b"\x1f\x8b\x08\x0c\0\0\0\0\0\xff" + b"\x04\0abcd" + b"events.jsonl\0"
    add("gzip-named", head + gzipped(text)[10:], 2)
    add("gzip-then-gzip-of-another-kind", gzipped(first) + head + gzipped(second)[10:], 2)
    fail("gzip-then-bzip2", gzipped(first) + bz2.compress(second))
    add("lies-about-itself.gz", text, 2)
    add("lies-about-itself.xz", gzipped(text), 2)
    add("lies-about-itself.csv", array([order(1), order(2)])[0], 2)
    for name, before, where in (("zeros", b"\0\0", (1, 0)), ("newline", b"\n", (2, 1))):
        fault = f"expected UTF-8, got something else at character {4 if name == 'zeros' else 2}"
        no_type(f"{name}-before-gzip", before + gzipped(GOOD), fault, (*where, "not-utf8", None))


def padded(name: str, data: bytes) -> bytes:
    return PACKERS[name](data) + bytes(512)


def nested_compression() -> None:
    text = json_lines([order(1), order(2)])[0]
    place = "line 3, byte offset 244"
    for names in [
        *permutations(PACKERS),
        *((name,) * depth for name in PACKERS for depth in (2, 3)),
    ]:
        add("-in-".join(names), reduce(lambda data, name: PACKERS[name](data), names, text), 2)
        add(
            f"{'-in-'.join(names)}-padded",
            reduce(lambda data, name: padded(name, data), names, text),
            2,
        )
    for names in permutations(PACKERS):
        for bad in range(3):
            for what, spoilt, problem in (
                ("cut", lambda data: data[:-1], "the {} stream is cut off"),
                (
                    "text-after",
                    lambda data: data + b"x",
                    "expected {} streams alone, got more after them",
                ),
            ):
                data = text
                for level, name in enumerate(names):
                    data = PACKERS[name](data)
                    data = spoilt(data) if level == bad else data
                fail(f"{'-in-'.join(names)}-{what}-{bad}", data, problem.format(names[bad]), place)
    for name, pack in PACKERS.items():
        for what, content in (("text", text), ("nothing", b"")):
            four = reduce(
                lambda data, name: padded(name, data), [name, "gzip", "xz", "bzip2"], content
            )
            no_log(
                f"{name}-of-{what}-four-times",
                four,
                f": it is compressed more than three times{AS_JSON}",
            )
        three = pack(pack(pack(b"")))
        nothing(f"{name}-of-nothing-three-times", three)


# --- Framings of section 6, row by row --------------------------------------------------------


def kinds_of_files() -> None:
    """What is found by the first bytes, whatever stands after them."""
    log = GOOD + b"\n" + GOOD_2 + b"\n"
    posix = b"events.jsonl".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0")
    gnu = posix.replace(b"ustar\x0000", b"ustar  \0")
    for name, data, what, command in (
        ("zip", b"PK\x03\x04\x14\0\0\0\x08\0" + log, "a zip archive", "unzip -p"),
        ("zip-empty", b"PK\x05\x06" + bytes(18), "a zip archive", "unzip -p"),
        ("zip-spanned", b"PK\x07\x08" + log, "a zip archive", "unzip -p"),
        ("tar", posix + log, "a tar archive", "tar -xOf"),
        ("tar-gnu", gnu + log, "a tar archive", "tar -xOf"),
        ("parquet", b"PAR1" + log + b"PAR1", "a Parquet file", ""),
        ("avro", b"Obj\x01" + log, "an Avro file", ""),
        ("orc", b"ORC" + log, "an ORC file", ""),
        ("sqlite", b"SQLite format 3\0" + bytes(84) + log, "an SQLite database", ""),
        ("pdf", b"%PDF-1.7\n" + log, "a PDF document", ""),
        ("html", b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n", MARKUP, ""),
        ("html-before-a-log", b"<p>\n" + log, MARKUP, ""),
        ("xml", b'<?xml version="1.0"?><type>ORDER</type>', MARKUP, ""),
        ("xml-after-a-mark", MARK + b"<log/>", MARKUP, ""),
        ("xml-after-blanks", b" \r\n" * 2000 + MARK + b"<log/>", MARKUP, ""),
    ):
        remedy = f": {command} {{file}} | python Main_Calculation.py X -" if command else AS_JSON
        no_log(f"kind-{name}", data, f": it is {what}{remedy}")
    if sys.version_info < (3, 14):
        frame = b"\x28\xb5\x2f\xfd\x04\x00" + b"\x41\0\0" + b"\x99\xe9\xd8\x51"
        what = "compressed by zstd, which Python reads from 3.14 on"
        remedy = "zstd -dc {file} | python Main_Calculation.py X -"
        no_log("kind-zstd", frame, f": it is {what}: {remedy}")
    # No kinds: what only begins like one, or has its mark elsewhere.
    for name, first in (("zip", b"PK\x01\x02"), ("avro", b"Obj"), ("sqlite", b"SQLite format 3")):
        add(f"kind-not-{name}", first + b"\n" + log, 2, (1, 0, "not-json", None))
    add("kind-not-html", b"x<p>\n" + log, 2, (1, 0, "not-json", None))
    noted = text_of(order(1, note="x" * 300))
    at = noted.index(b"x" * 300)
    for name, magic in (("posix", b"ustar00"), ("gnu", b"ustar  ")):
        data = noted[:at] + b"x" * (257 - at) + magic + noted[at:]
        add(f"kind-not-tar-{name}", data + b"\n", 1)


def first_brackets() -> None:
    """Whether text that begins with [ is an array."""
    log = GOOD + b"\n"
    add("bracket-then-object", b" [ \n" + MARK + log + b"]", 1)
    add("bracket-then-array", b"[[], " + log + b"]", 1, (1, 1, "not-an-object", None))
    add("bracket-then-comma", b"[\n,," + log + b"]", 1)
    add("bracket-then-text", b'["[", ' + log + b"]", 1, (1, 1, "not-an-object", None))
    add("bracket-then-null", b"[null, " + log + b"]", 1, (1, 1, "not-an-object", None))
    nothing("bracket-closed", b"[ \n ]")
    for name, data in (("end", b"["), ("blanks", b" [ \n "), ("mark", b"[" + MARK)):
        fail(f"bracket-then-{name}", data, CUT, place_of(data, len(data)))
    data = b'["x"]\n' + log
    fail("bracket-of-texts-then-lines", data, AFTER, place_of(data, 6))
    data = b"[notice] begun\n" + log
    fail("bracket-then-n", data, CUT, place_of(data, len(data)))
    for name, first, reason in (
        ("number", b"[1, 2]", "not-an-object"),
        ("true", b"[true]", "not-an-object"),
        ("minus", b"[-1]", "not-an-object"),
        ("constant", b"[NaN]", "not-an-object"),
        ("date", b"[2017-01-01] begun", "not-json"),
        ("word", b"[INFO] begun", "not-json"),
        ("brace", b"[}", "not-json"),
    ):
        add(f"bracket-then-{name}", first + b"\n" + log, 1, (1, 0, reason, None))
    data = b"[1,\n" + log + b"]\n"
    add("bracket-of-an-array-of-others", data, 1, (1, 0, "not-json", None), (
        3, len(data) - 2, "not-json", None
    ))  # fmt: skip


def first_braces() -> None:
    """Whether text that begins with { is a run or JSON Lines."""
    pretty, lines = pretty_text_of(order(1)), GOOD + b"\n" + GOOD_2 + b"\n"
    add("brace-pretty-then-lines", pretty + b"\n" + lines, 3)
    data = pretty + b"\n" + GOOD + b"\n{bad}\n" + pretty + b"\n"
    at = len(pretty) + len(GOOD) + 2
    add("brace-pretty-then-bad", data, 3, (10, at, "not-json", None))
    typeless = b'{\n"n":1}\n'
    add("brace-typeless-pretty-then-lines", typeless + lines, 2, (1, 0, "missing", "type"))
    # In JSON Lines an event of several lines is a reject a line, and in a run it is an event.
    add("brace-lines-then-pretty", GOOD + b'\n{\n"type":\n1}\n', 1, *(
        (line, len(GOOD) + 1 + offset, "not-json", None)
        for line, offset in ((2, 0), (3, 2), (4, 10))
    ))  # fmt: skip
    add("brace-one-typed-line-later", b'{"n":1}\n{}{}\n5\n{}' + GOOD + b"\n", 1, (
        1, 0, "missing", "type"
    ), (2, 8, "missing", "type"), (2, 10, "missing", "type"), (3, 13, "not-an-object", None), (
        4, 15, "missing", "type"
    ))  # fmt: skip
    half = b'{\n"type":\n'
    add("brace-cut-then-lines", half + lines, 2, (1, 0, "not-json", None), (
        2, 2, "not-json", None
    ))  # fmt: skip
    add("brace-faulty-then-lines", b'{"a":1,\n}\n' + lines, 2, (1, 0, "not-json", None), (
        2, 8, "not-json", None
    ))  # fmt: skip
    cut = pretty[:-2].replace(b",", b",\n1,\n2,") + b"\n"
    no_log("brace-cut-after-ten-lines", cut + lines, SO_FAR + GOT_ELSE.format(22), (3, 21))
    # What stands before the line that tells may not be the begin of an array.
    for name, first, problem in (
        ("alone", b"x\n[\n", (1, 0)),
        ("with-blanks", b"x\n [ \r\n", (1, 0)),
        ("with-an-object", b'x\n[{"n":1},\n', (1, 0)),
    ):
        no_log(f"brace-after-a-bracket-{name}", first + lines, SO_FAR + GOT_ELSE.format(1), problem)
    for name, first in (("with-a-number", b"x\n[1\n"), ("spaced-out", b"x\n[ {\n")):
        add(f"brace-after-a-bracket-{name}", first + lines, 2, (1, 0, "not-json", None), (
            2, 2, "not-json", None
        ))  # fmt: skip
    add("brace-before-a-bracket", lines + b"[\n" + GOOD + b"\n]\n", 3, (
        3, len(lines), "not-json", None
    ), (5, len(lines) + len(GOOD) + 3, "not-json", None))  # fmt: skip


def in_member(name: str) -> str:
    """What is said of a wrapper."""
    alone = "expected them alone: an array of them, or one a line"
    return f': its events stand in the member "{name}" of an object, {alone}'


def wrappers() -> None:
    events = b"[" + GOOD + b",\n" + GOOD_2 + b"]"
    for name, data in (
        ("whole", b'{"events":' + events + b"}"),
        ("pretty", b'{\n  "count": 2,\n  "events": [\n    ' + pretty_text_of(order(1)) + b"\n]}\n"),
        ("after-others", b'{"a":[],"b":[{}],"c":{"type":[{"type":1}]},\n"events":' + events + b"}"),
        ("after-blanks", b"\n " + MARK + b'{\n"events":' + events + b"}"),
        ("of-a-type-of-null", b'{"events":[{"n":1,"type":null}],\n"n":2}'),
        ("cut-off", b'{"events":' + events),
        ("cut-off-in-the-first", b'{"events":[' + GOOD[:30]),
        ("cut-off-after-the-type", b'{"events":[{"n":1,"type":'),
        ("faulty", b'{"events":' + events + b",,}"),
        ("faulty-on-its-line", b'{"events":[' + GOOD + b"],}\n" + GOOD + b"\n"),
        ("faulty-in-the-second", b'{"events":[' + GOOD + b",\n" + NOT_JSON + b"]}"),
        ("not-utf8", b'{"events":' + events + b',"n":"\xff"}'),
        ("deep", b'{"events":' + events + b',"n":' + b"[" * 300),
        ("with-a-type-after", b'{"events":' + events + b',"type":"ORDER"}'),
        ("before-lines", b'{"events":' + events + b"}\n" + GOOD + b"\n"),
    ):
        no_log(f"wrapper-{name}", data, in_member("events"))
    no_log("wrapper-named-otherwise", b'{"\\u00e9 \'s":' + events + b"}", in_member("é 's"))
    long = b'{"events":[' + b",\n".join([GOOD] + [of_size(MAX_EVENT_BYTES // 4)] * 4) + b"]}"
    no_log("wrapper-too-long", packed_small(long), in_member("events"))
    # None: an event by itself, or nothing that has events.
    with_items = order(1, items=[{"type": "x"}])
    add("wrapper-not-an-event", pretty_text_of(with_items), 1)
    nothing("wrapper-not-typed-before", b'{"type":"X",\n"events":' + events + b"}", (
        1, 0, "unknown-type", "type"
    ))  # fmt: skip
    for name, data in (
        ("first-typeless", b'{"events":[{},\n' + GOOD + b"]}"),
        ("first-a-number", b'{"events":[1,\n' + GOOD + b"]}"),
        ("first-an-array", b'{"events":[' + events + b"]}"),
        ("object", b'{"events":\n' + GOOD + b"}"),
        ("further-in", b'{"data":{"events":' + events + b"}}"),
    ):
        no_type(f"wrapper-not-{name}", data, WITHOUT_TYPE, (1, 0, "missing", "type"))
    # Each line is one, or each element.
    one = b'{"n":1,"data":[' + GOOD + b"]}"
    for name, data, places in (
        ("line", one, [(1, 0)]),
        ("each-line", one + b"\n" + one + b"\n", [(1, 0), (2, len(one) + 1)]),
        ("second-line", b"{}\n" + one, [(1, 0), (2, 3)]),
    ):
        missing: list[Placed] = [(*place, "missing", "type") for place in places]
        no_log(f"wrapper-{name}", data, in_member("data"), None, missing)
    add("wrapper-among-lines", one + b"\n" + GOOD + b"\n", 1, (1, 0, "missing", "type"))


def marks() -> None:
    """Byte-order marks: white space between events, and nowhere else."""
    good = [GOOD, GOOD_2, text_of(order(4))]
    for name, between in (
        ("lines", b"\n" + MARK),
        ("ends-of-lines", MARK + b"\n"),
        ("lines-alone", b"\n" + MARK + b"\n"),
        ("commas", MARK + b"," + MARK),
        ("nothing", MARK),
        ("all", MARK * 2 + b" " + MARK + b"\r\n" + MARK + b",\n" + MARK + b" "),
    ):
        text = MARK + between.join(good) + MARK
        add(f"marks-{name}", text, 3)
        add(f"marks-{name}-array", MARK + b"[" + text + b"]" + MARK, 3)
        add(f"marks-{name}-run", MARK + pretty_text_of(order(5)) + between + text, 4)
    # The place of an event begins after it.
    bad = text_of(order(3, type=7))
    add_after = len(GOOD) + 1 + len(MARK)
    add("marks-before-a-bad-one", GOOD + b"\n" + MARK + bad + b"\n", 1, (
        2, add_after, "unknown-type", "type"
    ))  # fmt: skip
    add("marks-before-text", GOOD + b"\n" + MARK + b"x\n", 1, (2, add_after, "not-json", None))
    add("marks-before-a-bad-one-in-an-array", b"[" + GOOD + b"," + MARK + bad + b"]", 1, (
        1, add_after + 1, "unknown-type", "type"
    ))  # fmt: skip
    for cut in (1, 2):
        half = MARK[:cut]
        line = len(GOOD) + 1
        add(f"marks-{cut}-bytes-first", half + GOOD + b"\n" + GOOD_2 + b"\n", 1, (
            1, 0, "not-utf8", None
        ))  # fmt: skip
        add(f"marks-{cut}-bytes-before-one", GOOD + b"\n" + half + GOOD_2 + b"\n" + GOOD, 2, (
            2, line, "not-utf8", None
        ))  # fmt: skip
        add(f"marks-{cut}-bytes-after-one", GOOD + b"\n" + GOOD_2 + half + b"\n" + GOOD, 2, (
            2, line, "not-utf8", None
        ))  # fmt: skip
        add(f"marks-{cut}-bytes-alone", GOOD + b"\n" + half + b"\n" + GOOD, 2, (
            2, line, "not-utf8", None
        ))  # fmt: skip
        add(f"marks-{cut}-bytes-last", GOOD + b"\n" + half, 1, (2, line, "not-utf8", None))
        add(f"marks-{cut}-bytes-in-an-array", b"[\n" + GOOD + b",\n" + half + GOOD_2 + b"\n]", 1, (
            3, line + 3, "not-utf8", None
        ))  # fmt: skip
    in_an_event = GOOD.replace(b',"verb', b"," + MARK + b'"verb')
    add_bad("json-lines", "mark-in-an-event", in_an_event, "not-json", None)
    add_bad("array", "mark-in-an-event", in_an_event, "not-json", None)


FAULTS = {
    "object": b"{bad}",
    "event": NOT_JSON,
    "half": GOOD[:40],
    "followed": GOOD + b"x",
    "followed-by-a-bracket": GOOD + b"]",
    "followed-by-a-colon": GOOD + b":",
    "text": b"x",
    "number": b"5",
    "string": b'"x"',
    "null": b"null",
    "array": b"[" + GOOD + b"]",
    "not-utf8": NOT_UTF8,
    "text-not-utf8": b"\xff",
    "depth": b'{"a":' * 256 + b"[]" + b"}" * 256,
}


def objects_on_a_line() -> None:
    """Several objects on a line, with a fault at its begin, in its middle and at its end."""
    good = [GOOD, GOOD_2]
    for name, bad in FAULTS.items():
        data = GOOD + b"\n"
        accepted, rejects = 1, []
        for between in (b"", b" ", b",", b" , ", MARK, b",,\t\r"):
            for index in (0, 1, 2):
                line, places = framed([*good[:index], bad, *good[index:]], b"", between, b"\n")
                # What is no object is glued to the one before it, which is bad then.
                first = index - (index > 0 and not (between or bad.startswith(b"{")))
                reason = "not-utf8" if b"\xff" in bad or b"\xe9" in bad else "not-json"
                at = len(data) + places[first][1]
                rejects.append((data.count(b"\n") + 1, at, reason, None))
                data += line
                accepted += first
        add(f"objects-on-a-line-{name}", data, accepted, *rejects)
        data = b"".join([GOOD, b" ", bad]) + b"\n"
        add(f"objects-on-a-line-{name}-first", GOOD_2 + b"\n" + data, 2, (
            2, len(GOOD_2 + GOOD) + 2, reason, None
        ))  # fmt: skip
    # What is JSON but breaks a rule costs itself alone.
    line, places = framed([order(1), order(3, type=1), b"{}", order(2)], b"", b"", b"\n")
    add("objects-on-a-line-broken-rules", line, 2, (*places[1], "unknown-type", "type"), (
        *places[2], "missing", "type"
    ))  # fmt: skip
    joined = GOOD + b"\n" + GOOD_2
    add("objects-on-a-line-of-joined-files", joined * 3, 6)
    half = GOOD + b"\n" + GOOD_2[:40]
    at = len(GOOD) + 1
    add("objects-on-a-line-after-half-of-one", half + GOOD + b"\n" + GOOD_2, 2, (
        2, at, "not-json", None
    ))  # fmt: skip


def long_lines() -> None:
    """Lines of over 16 MiB of many objects, which may be far longer than an event."""
    many = [of_size(MAX_EVENT_BYTES // 8)] * 9 + [GOOD]
    line = b", ".join(many) + b"\n"
    after = GOOD_2 + b"\n"
    for name, data, accepted in (
        ("json-lines", GOOD + b"\n" + line + after, 12),
        ("run", line + after, 11),
        ("array", b"[" + line.replace(b"\n", b"]\n"), 10),
    ):
        add(f"{name}-long-line", packed_small(data), accepted)
    bad = b" , ".join([*many[:9], b"x", GOOD]) + b"\n"
    at = len(GOOD) + 1 + bad.index(b", x") + 2
    add("json-lines-long-line-with-text", packed_small(GOOD + b"\n" + bad + after), 11, (
        2, at, "not-json", None
    ))  # fmt: skip
    for name, rest in (("at-its-begin", many), ("not-utf8", [*many, b"\xff"])):
        bad = b"{bad}" + b",".join(rest) + b"\n"
        data = GOOD + b"\n" + GOOD_2 + bad + after
        add(f"json-lines-long-line-bad-{name}", packed_small(data), 3, (
            2, len(GOOD + GOOD_2) + 1, "too-long", None
        ))  # fmt: skip
    # The first 16 MiB tell the framing, in which the line ends within an object.
    accented = ",".join([of_size(MAX_EVENT_BYTES // 8).decode().replace("x", "é")] * 5).encode()
    text = b"x\ny\n" + GOOD
    cause = f"{GOT_ELSE.format(1)}, {NO_EVENT_AFTER}"
    for name, first in (("run", line), ("run-accented", accented + b"\n")):
        fail(
            f"{name}-long-line-then-text",
            packed_small(first + text),
            cause,
            place_of(first, len(first)),
        )
    blanks = b" \n" * (MAX_EVENT_BYTES // 2 - len(GOOD))
    first_line = MAX_EVENT_BYTES // 2 - len(GOOD) + 1
    lines = blanks + GOOD_2 + b"\n" + text
    rejects = [
        (first_line + number, len(blanks) + len(GOOD_2) + 2 * number - 1, "not-json", None)
        for number in (1, 2)
    ]
    add("json-lines-after-many-blanks", packed_small(lines), 2, *rejects)


# --- Not an event log -------------------------------------------------------------------------


def no_event_logs() -> None:
    nothing("empty", b"")
    nothing("blank", b" \t\r\n\n")
    nothing("newline", b"\n")
    nothing("commas", b",,,\n, ,")
    # The first fault is that of the first reject, also where reading stopped at another.
    text = b"Dear customer:\n{no JSON here}.\nYours\n"
    no_log("no-log-letter", text, SO_FAR + GOT_ELSE.format(1), (1, 0), [(1, 0, "not-json", None)])
    text = b'[\n{},\n"x",\n{bad}\n5]'
    no_log("no-log-array-then-text", text, SO_FAR + WITHOUT_TYPE, (2, 2), [
        (2, 2, "missing", "type"), (3, 6, "not-an-object", None)
    ])  # fmt: skip
    for name, data, fault, rejects in (
        ("one-line-config", b'{"name":"shop","types":["ORDER"]}\n', WITHOUT_TYPE, [(1, 0)]),
        ("empty-object", b"{}", WITHOUT_TYPE, [(1, 0)]),
        ("empty-objects", b"{}" * 150, WITHOUT_TYPE, [(1, 2 * number) for number in range(100)]),
        ("type-in-capitals", GOOD.replace(b'"type"', b'"Type"'), WITHOUT_TYPE, [(1, 0)]),
        ("type-further-in", b'{\n"event":' + GOOD + b"}", WITHOUT_TYPE, [(1, 0)]),
    ):
        missing = [(*place, "missing", "type") for place in rejects]
        no_type(f"no-log-{name}", data, fault, *missing)
    for name, data, fault in (
        ("null", b"null", "null"),
        ("number", b"42\n", "42"),
        ("string", b'"type"', '"type"'),
        ("array-of-numbers", b"[1,2,3]", "an array"),
        ("array-of-arrays-of-numbers", b"[1,[2,3]]", "an array"),
    ):
        expected = f"expected a JSON object, got {fault}"
        no_type(f"no-log-{name}", data, expected, (1, 0, "not-an-object", None))
    for name, data, fault in (
        ("one-line-of-prose", b"Not Found\n", GOT_ELSE.format(1)),
        ("zeros", b"\0" * 4096, GOT_ELSE.format(1)),
        ("quotation-mark", b'"', "expected more JSON, got the end at character 2"),
        ("open-bracket", b"{", "expected more JSON, got the end at character 2"),
        ("sql", b'INSERT INTO log VALUES (\'{"type":"ORDER"}\');\n', GOT_ELSE.format(1)),
        ("form", b"type=ORDER&verb=NEW", GOT_ELSE.format(1)),
    ):
        no_type(f"no-log-{name}", data, fault, (1, 0, "not-json", None))
    no_type("no-log-shell", b"#!/bin/sh\n{ echo; }\n", GOT_ELSE.format(1), (
        1, 0, "not-json", None
    ), (2, 10, "not-json", None))  # fmt: skip
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
    for name, data in (
        ("png", png),
        ("python", b"import json\n\nprint({})\n"),
        ("yaml", b"- type: ORDER\n  verb: NEW\n"),
    ):
        no_log(f"no-log-{name}", data, SO_FAR + GOT_ELSE.format(1), (1, 0))
    for name, data in (
        ("csv", b"customer_id,total_amount\nc1,12.34\nc2,5.00\n"),
        ("tabs", b"\n\r\ncustomer_id\ttotal_amount\nc1\t12.34\n"),
        ("csv-and-json", b"customer_id,event\nc1," + GOOD + b"\nc2,\n"),
        ("prose", b"Dear all,\n\nthe log is attached.\n"),
    ):
        no_log(f"no-log-{name}", data, CSV)
    for name, data in (("line", b"id,total\n"), ("mark", MARK + b"id,total")):
        no_log(f"no-log-csv-{name}", data, CSV, None, [(1, data.index(b"i"), "not-json", None)])
    data = b"id,[total]\nc1,5\n"
    no_log("no-log-csv-with-brackets", data, SO_FAR + GOT_ELSE.format(1), (1, 0))
    nothing("json-lines-typed-but-bad", b'{"type":1}\n{"type":"WISH"}\n', (
        1, 0, "unknown-type", "type"
    ), (2, 11, "unknown-type", "type"))  # fmt: skip
    nothing("json-lines-type-null", b'{"type":null}\n', (1, 0, "missing", "type"))


def first_units() -> None:
    """A type among the first hundred units, and the first ten lines."""
    for name, framing in FRAMINGS.items():
        for count in (99, 100, 101):
            events: list[Event] = [{"n": number} for number in range(count)]
            case = f"{name}-{count}-without-a-type"
            data, places = framing([*events, order(1)])
            bad: list[Placed] = [(*place, "missing", "type") for place in places[:count]]
            if count < 100:
                add(case, data, 1, *bad)
            else:
                no_type(case, data, WITHOUT_TYPE, *bad[:100])
    for count in (9, 10, 11):
        banner = b"".join(b"line %d\n" % number for number in range(count))
        for name, data in (("lines", GOOD), ("blanks", b"\n\n \n" + MARK + b"\n" + GOOD)):
            bad = [
                (number + 1, banner.index(b"line %d\n" % number), "not-json", None)
                for number in range(count)
            ]
            if count < 10:
                add(f"banner-of-{count}-{name}", banner + data, 1, *bad)
            else:
                problem = SO_FAR + GOT_ELSE.format(1)
                no_log(f"banner-of-{count}-{name}", banner + data, problem, (1, 0))
    for count in (98, 99, 100):
        # Of a line whose objects have no type, and so one of ten that do not tell the framing.
        data = b"{}" * count + b"\nx\n" + GOOD + b"\n"
        bad = [(1, 2 * number, "missing", "type") for number in range(count)]
        bad.append((2, 2 * count + 1, "not-json", None))
        if count < 99:
            add(f"json-lines-{count}-typeless-on-a-line", data, 1, *bad)
        else:
            no_type(f"json-lines-{count}-typeless-on-a-line", data, WITHOUT_TYPE, *bad[:100])


def all_cases() -> dict[str, Case]:
    """Every case by the name of its file."""
    if not CASES:
        for family in (
            reasons_in_every_framing,
            rules_of_events,
            members_that_occur_twice,
            encodings,
            texts_that_bite,
            not_json,
            depths,
            commas,
            white_space,
            halves,
            arrays,
            several_arrays,
            compression,
            nested_compression,
            kinds_of_files,
            first_brackets,
            first_braces,
            wrappers,
            marks,
            objects_on_a_line,
            long_lines,
            no_event_logs,
            first_units,
        ):
            family()
    return CASES
